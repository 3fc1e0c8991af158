"""The view of a model's map: stocks once, flows added, nothing that is not known."""

from tests.api.schemas.map_samples import small_map

from headwater.api.schemas.liquidation_maps import map_view


def test_stocks_are_those_of_the_last_column_and_flows_are_added() -> None:
    view = map_view(small_map())
    meta = view.meta
    assert (meta.total_long_volume, meta.total_short_volume) == (7.0, 5.0)
    assert (meta.total_created, meta.total_consumed) == (30.0, 2.0)
    assert meta.price_range is not None
    assert (meta.price_range.min, meta.price_range.max) == (80.0, 120.0)
    assert (meta.start_time, meta.end_time) == (
        "1970-01-01T00:00:00.000Z",
        "1970-01-01T00:30:00.000Z",
    )
    assert [one.price for one in view.data[1].levels] == [80.0, 90.0, 110.0]
    assert view.data[0].levels == ()
    assert view.data[1].positions_consumed == 2.0


def test_a_baseline_is_shares_without_flows() -> None:
    view = map_view(small_map(is_share=True))
    assert view.meta.unit == "share"
    assert view.data[1].positions_created is None
    assert view.data[1].positions_consumed is None
