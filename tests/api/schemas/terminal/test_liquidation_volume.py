"""Buckets as a chart draws them: bounds are marked, texts mean their numbers."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.liquidation_series import SeriesBucket
from headwater.analytics.liquidation_volume import LiquidationVolume
from headwater.api.schemas.terminal.liquidation_volume import (
    AT_LEAST,
    VolumeBucketView,
    bucket_view,
    volumes_view,
)
from headwater.core.external_liquidations import ExternalVolume
from headwater.core.formatting import read_formatted
from headwater.core.intervals import Interval
from headwater.services.liquidation_history import Wanted
from headwater.services.past_liquidations import FoundVolumes

MINUTE_MS = 60_000
NUMBERS = ("buy_volume", "sell_volume", "total_volume", "delta_volume", "ma_value")


def bucket(**changes: object) -> SeriesBucket:
    """A bucket of 1,234,567 bought and 99.5 sold."""
    made = SeriesBucket(
        opened_at_ms=MINUTE_MS,
        buy_usd=1_234_567.0,
        sell_usd=99.5,
        count=3,
        is_floor=False,
        is_external=False,
        average_usd=None,
    )
    return msgspec.structs.replace(made, **changes)


def test_o_m2_every_number_has_its_text() -> None:
    view = bucket_view(bucket(average_usd=2_500.0))
    assert (view.time, view.timestamp) == (60, MINUTE_MS)
    assert (view.buy_volume_formatted, view.sell_volume_formatted) == ("1.23M", "99.50")
    assert (view.total_volume, view.total_volume_formatted) == (1_234_666.5, "1.23M")
    assert (view.delta_volume, view.delta_volume_formatted) == (1_234_467.5, "1.23M")
    assert (view.ma_value, view.ma_value_formatted) == (2_500.0, "2.50K")
    names = {name for name in VolumeBucketView.__struct_fields__ if name.endswith("_formatted")}
    assert names == {f"{name}_formatted" for name in NUMBERS}


def test_o_d15_a_lower_bound_is_marked_and_a_difference_of_two_is_none() -> None:
    view = bucket_view(bucket(is_floor=True, average_usd=1.0))
    assert (view.buy_volume_formatted, view.total_volume_formatted) == ("≥1.23M", "≥1.23M")
    assert (view.delta_volume_formatted, view.ma_value_formatted) == ("1.23M", "1.00")


def test_without_an_average_there_is_no_text_either() -> None:
    view = bucket_view(bucket(count=None, is_external=True))
    assert (view.ma_value, view.ma_value_formatted) == (None, None)
    assert (view.count, view.source) == (None, "external")


@given(st.floats(0.0, 1e13), st.floats(0.0, 1e13), st.none() | st.floats(0.0, 1e13), st.booleans())
def test_a_text_means_its_number_to_two_decimals(
    buy: float, sell: float, average: float | None, is_floor: bool
) -> None:
    made = bucket(buy_usd=buy, sell_usd=sell, average_usd=average, is_floor=is_floor)
    view = bucket_view(made)
    for name in NUMBERS:
        value, text = getattr(view, name), getattr(view, f"{name}_formatted")
        if value is None:
            continue
        shown = float(read_formatted(text.removeprefix(AT_LEAST)))
        assert abs(shown - value) <= max(0.0051, abs(value) * 0.0051)


def test_o_m3_the_answer_is_one_series_of_both_sources() -> None:
    """The service told of minute 1, we heard of minute 3; at minute 3.5 it runs."""
    own = LiquidationVolume(
        opened_at_ms=3 * MINUTE_MS,
        buy_usd=0.0,
        sell_usd=30.0,
        buy_quantity=0.0,
        sell_quantity=1.0,
        buy_count=0,
        sell_count=1,
        is_floor=False,
    )
    told = [
        ExternalVolume(opened_at_ms=minute * MINUTE_MS, buy_usd=usd, sell_usd=0.0)
        for minute, usd in ((1, 10.0), (2, 0.0))
    ]
    wanted = Wanted(symbol="BTCUSDT", start_ms=0, end_ms=4 * MINUTE_MS)
    found = FoundVolumes(own=[own], external=told)
    view = volumes_view(wanted, Interval.M1, found, ("binance", "okx"), 210_000)
    assert view.exchanges == ("binance", "okx", "external")
    assert (view.start_time, view.end_time) == (0, 4 * MINUTE_MS - 1)
    assert [(row.source, row.delta_volume, row.ma_value) for row in view.data] == [
        ("external", 10.0, 10.0),
        ("external", 0.0, 10.0),
        ("own", -30.0, 10.0),
    ]
