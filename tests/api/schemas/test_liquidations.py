"""Views of past liquidations say what the sums say."""

from headwater.analytics.liquidation_heatmap import HeatCell, HeatColumn, LateVolume
from headwater.analytics.liquidation_volume import LiquidationVolume
from headwater.analytics.price_buckets import PriceBuckets
from headwater.api.schemas.liquidations import (
    column_view,
    late_total,
    price_range_view,
    sum_views,
    volume_view,
)
from headwater.core.enums import Side

BUCKETS = PriceBuckets(units=5, places=1)


def volume(*, buy_count: int = 1, sell_count: int = 2) -> LiquidationVolume:
    return LiquidationVolume(
        opened_at_ms=1_731_000_000_000,
        buy_usd=100.0 * buy_count,
        sell_usd=50.0 * sell_count,
        buy_quantity=2.0 * buy_count,
        sell_quantity=1.0 * sell_count,
        buy_count=buy_count,
        sell_count=sell_count,
        is_floor=True,
    )


def column() -> HeatColumn:
    return HeatColumn(
        opened_at_ms=1_731_000_000_000,
        is_closed=True,
        cells=(
            HeatCell(bucket_index=200, long_usd=10.0, short_usd=0.0),
            HeatCell(bucket_index=203, long_usd=0.0, short_usd=5.0),
        ),
        long_usd=10.0,
        short_usd=5.0,
        bankruptcy_usd=5.0,
        is_floor=False,
    )


def test_a_bar_of_volume_has_both_sides_and_their_sum() -> None:
    view = volume_view(volume())
    assert (view.buy_volume, view.sell_volume, view.total_volume) == (100.0, 100.0, 200.0)
    assert (view.buy_count, view.sell_count, view.is_floor) == (1, 2, True)
    assert view.timestamp == "2024-11-07T17:20:00.000Z"


def test_sums_name_only_sides_on_which_something_happened() -> None:
    both = sum_views(volume())
    assert [(one.side, one.num_levels, one.avg_price) for one in both] == [
        (Side.BUY, 1, 50.0),
        (Side.SELL, 2, 50.0),
    ]
    assert [one.side for one in sum_views(volume(buy_count=0))] == [Side.SELL]
    assert sum_views(volume(buy_count=0, sell_count=0)) == []


def test_a_column_has_its_levels_by_their_lower_edge() -> None:
    view = column_view(column(), BUCKETS)
    assert [(one.price, one.long_density, one.short_density) for one in view.levels] == [
        (100.0, 10.0, 0.0),
        (101.5, 0.0, 5.0),
    ]
    assert (view.positions_created, view.positions_consumed) == (None, 15.0)


def test_the_range_of_prices_reaches_to_the_upper_edge() -> None:
    found = price_range_view([column()], BUCKETS)
    assert found is not None
    assert (found.min, found.max) == (100.0, 102.0)
    assert price_range_view([], BUCKETS) is None


def test_late_money_is_that_of_both_sides() -> None:
    assert late_total(LateVolume(long_usd=1.0, short_usd=2.5, count=2)) == 3.5
