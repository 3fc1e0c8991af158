"""Volume from columns and from sums of steps: digit by digit that of single events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analytics.liquidation_samples import EVENTS, MINUTE, SPAN_MS, START, event

from headwater.analytics.liquidation_columns import LiquidationColumns
from headwater.analytics.liquidation_volume import LiquidationVolume, LiquidationVolumes
from headwater.analytics.volume_tally import STEPS_MS, StepSums, VolumeTally, step_of
from headwater.core.enums import PositionSide
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation

INTERVALS = st.sampled_from([Interval.M1, Interval.M3, Interval.M15, Interval.H4, Interval.W1])


def one_by_one(interval: Interval, events: list[Liquidation]) -> list[LiquidationVolume]:
    """As for live events."""
    volumes = LiquidationVolumes("BTCUSDT", interval)
    volumes.add(events)
    return volumes.buckets()


def tally(interval: Interval) -> VolumeTally:
    """An empty one of the samples' span."""
    return VolumeTally(interval, START, START + SPAN_MS)


@given(INTERVALS, EVENTS, EVENTS)
def test_columns_give_what_single_events_give(
    interval: Interval, first: list[Liquidation], second: list[Liquidation]
) -> None:
    volumes = tally(interval)
    for portion in (first, second):
        volumes.add(LiquidationColumns.of(portion))
    assert volumes.buckets() == one_by_one(interval, first + second)


@given(INTERVALS, EVENTS, EVENTS)
def test_sums_of_steps_give_what_single_events_give(
    interval: Interval, summed: list[Liquidation], single: list[Liquidation]
) -> None:
    volumes = tally(interval)
    sums = StepSums.of(LiquidationColumns.of(summed), step_of(interval))
    assert sums is not None
    volumes.add_sums(sums)
    volumes.add(LiquidationColumns.of(single))
    assert volumes.buckets() == one_by_one(interval, summed + single)


def test_sums_by_hand() -> None:
    """Longs of 100 × 1 and 200 × 0.5 in the first minute, a short of 50 × 2 in the third one.

    So 200 USD are sold, then nothing, then 100 USD bought.
    """
    columns = LiquidationColumns.of(
        [
            event(0, 100.0, 1.0),
            event(59_999, 200.0, 0.5, exchange="binance"),
            event(2 * MINUTE, 50.0, 2.0, side=PositionSide.SHORT),
        ]
    )
    sums = StepSums.of(columns, MINUTE)
    assert sums is not None
    assert sums.opened_at_ms.tolist() == [START, START + 2 * MINUTE]
    assert (sums.usd_whole.tolist(), sums.count.tolist()) == ([200, 100], [2, 1])
    volumes = tally(Interval.M1)
    volumes.add_sums(sums)
    assert [
        (one.sell_usd, one.buy_usd, one.sell_quantity, one.sell_count, one.is_floor)
        for one in volumes.buckets()
    ] == [(200.0, 0.0, 1.5, 2, True), (0.0, 0.0, 0.0, 0, False), (0.0, 100.0, 0.0, 0, False)]


def test_nothing_gives_nothing() -> None:
    empty = LiquidationColumns.of([])
    volumes = tally(Interval.M1)
    volumes.add(empty)
    for step in STEPS_MS:
        sums = StepSums.of(empty, step)
        assert sums is not None
        assert len(sums) == 0
        volumes.add_sums(sums)
    assert volumes.buckets() == []


def test_sums_of_numbers_too_large_for_a_word_are_not_made() -> None:
    assert StepSums.of(LiquidationColumns.of([event(0, 1.0, 1e16)]), MINUTE) is None


@pytest.mark.parametrize("interval", Interval)
def test_a_bar_is_a_whole_number_of_its_steps(interval: Interval) -> None:
    step = step_of(interval)
    opened = interval.opens_at_ms(START)
    assert opened % step == 0
    assert interval.closes_at_ms(opened) % step == 0
