"""The realised map from columns: digit by digit that of single events, late ones included."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analytics.liquidation_samples import EVENTS, MINUTE, SPAN_MS, START, event

from headwater.analytics.liquidation_columns import LiquidationColumns
from headwater.analytics.liquidation_heatmap import LateVolume, LiquidationHeatmap
from headwater.analytics.price_buckets import PriceBuckets
from headwater.analytics.realised_map import RealisedMap, RealisedTally
from headwater.analytics.volume_tally import VolumeTally
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation

GRACE_MS = 10_000
WIDTHS = st.sampled_from([Decimal("0.1"), Decimal("2.5"), Decimal(100), Decimal("0.000025")])
INTERVALS = st.sampled_from([Interval.M1, Interval.M5, Interval.H1])


def tally(
    interval: Interval, buckets: PriceBuckets, portions: list[list[Liquidation]], closed_ms: int
) -> RealisedMap:
    """The map of several portions."""
    made = RealisedTally(
        interval, buckets, START, START + SPAN_MS, closed_ms=closed_ms, grace_ms=GRACE_MS
    )
    for portion in portions:
        made.add(LiquidationColumns.of(portion))
    return made.finish()


def one_by_one(
    interval: Interval, buckets: PriceBuckets, events: list[Liquidation], closed_ms: int
) -> LiquidationHeatmap:
    """The live way: what came in time, then the bars freeze, then the rest."""
    made = LiquidationHeatmap("BTCUSDT", interval, buckets)
    late = []
    for one in events:
        ends_ms = interval.closes_at_ms(interval.opens_at_ms(one.timestamp_ms))
        if one.received_ns // 1_000_000 > ends_ms + GRACE_MS:
            late.append(one)
        else:
            made.add([one])
    made.close_until(closed_ms)
    made.add(late)
    return made


@given(INTERVALS, WIDTHS, EVENTS, EVENTS, st.integers(0, SPAN_MS))
def test_columns_give_what_single_events_give(
    interval: Interval,
    width: Decimal,
    first: list[Liquidation],
    second: list[Liquidation],
    closed: int,
) -> None:
    buckets = PriceBuckets.of_width(width)
    closed_ms = START + closed
    made = tally(interval, buckets, [first, second], closed_ms)
    wanted = one_by_one(interval, buckets, first + second, closed_ms)
    assert list(made.columns) == wanted.columns()
    assert made.late == wanted.late()


@given(EVENTS)
def test_the_sum_over_prices_and_the_late_ones_is_the_volume(events: list[Liquidation]) -> None:
    """In one bar that holds them all, so that every sum is rounded once."""
    columns = LiquidationColumns.of(events)
    volumes = VolumeTally(Interval.H1, START, START + SPAN_MS)
    volumes.add(columns)
    made = tally(Interval.H1, PriceBuckets.of_width(Decimal(10)), [events], START)
    assert made.late.count == 0, "an open bar takes everything"
    assert [(one.long_usd, one.short_usd) for one in made.columns] == [
        (one.sell_usd, one.buy_usd) for one in volumes.buckets()
    ]


def test_a_map_by_hand() -> None:
    """100 × 1 and 104 × 1 are in the bucket from 100, 90 × 2 would be in that from 90.

    It was received 11 s after the end of its minute, which is frozen: it is in no cell.
    """
    events = [event(0, 100.0), event(1, 104.0), event(2, 90.0, 2.0, delay_ms=MINUTE + 11_000)]
    made = tally(Interval.M1, PriceBuckets.of_width(Decimal(10)), [events], START + MINUTE)
    (column,) = made.columns
    assert [(one.bucket_index, one.long_usd) for one in column.cells] == [(10, 204.0)]
    assert (column.long_usd, column.is_closed) == (204.0, True)
    assert made.late == LateVolume(long_usd=180.0, short_usd=0.0, count=1)


def test_nothing_gives_an_empty_map() -> None:
    assert tally(Interval.M1, PriceBuckets.of_width(Decimal(1)), [[]], START).columns == ()


def test_buckets_too_fine_for_a_price_are_refused() -> None:
    with pytest.raises(ValueError, match="too far from zero"):
        tally(Interval.M1, PriceBuckets(units=1, places=13), [[event(0, 1e9)]], START)
