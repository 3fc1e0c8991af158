"""The chart's series: averages by hand; any split into past and live events gives the same."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analytics.liquidation_samples import EVENTS, MINUTE, START, event

from headwater.analytics.liquidation_series import PERIODS, LiquidationSeries, SeriesBucket
from headwater.analytics.liquidation_volume import LiquidationVolumes
from headwater.core.enums import PositionSide
from headwater.core.external_liquidations import ExternalVolume
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
KEPT = 100


def series_of(events: list[Liquidation], kept: int = KEPT) -> LiquidationSeries:
    series = LiquidationSeries(Interval.M1, kept)
    series.add(events)
    return series


def averages(rows: list[SeriesBucket]) -> list[float | None]:
    return [row.average_usd for row in rows]


def test_o_d10_the_sides_and_zeros_between() -> None:
    """Minute 0: a long of 2 × 100 = 200, a short of 110; nothing in minute 1; a long of 90."""
    series = series_of(
        [
            event(0, 100.0, 2.0),
            event(MINUTE - 1, 110.0, side=SHORT, exchange="binance"),
            event(2 * MINUTE, 90.0),
        ]
    )
    first, second, third = series.settle(START + 3 * MINUTE)
    assert (first.buy_usd, first.sell_usd, first.count, first.is_floor) == (110.0, 200.0, 2, True)
    assert (second.opened_at_ms, second.buy_usd, second.count) == (START + MINUTE, 0.0, 0)
    assert (third.sell_usd, third.is_floor, third.is_external) == (90.0, False, False)
    assert series.buckets() == [first, second, third]
    assert series.settle(START + 3 * MINUTE) == [], "nothing changed"


def test_o_s16_the_average_is_of_closed_buckets_with_a_delta() -> None:
    """Deltas −200, none (10 − 10), +50; the last bucket (−30) runs until minute 4.

    Averages: 200; 200 still; (200 + 50) / 2 = 125; 125 while it runs, then (200 + 50 + 30) / 3.
    """
    series = series_of(
        [
            event(0, 200.0),
            event(MINUTE, 10.0),
            event(MINUTE, 10.0, side=SHORT),
            event(2 * MINUTE, 50.0, side=SHORT),
            event(3 * MINUTE, 30.0),
        ]
    )
    assert averages(series.settle(START + 3 * MINUTE)) == [200.0, 200.0, 125.0, 125.0]
    assert series.next_close_ms() == START + 4 * MINUTE
    (closed,) = series.settle(START + 4 * MINUTE)
    assert closed.average_usd == pytest.approx(280.0 / 3)
    assert series.next_close_ms() is None


def test_o_s16_there_is_none_before_the_first_closed_one() -> None:
    series = series_of([event(0, 200.0)])
    assert averages(series.settle(START)) == [None]
    assert averages(series.settle(START + MINUTE)) == [200.0]


def test_o_d9_the_running_bucket_enters_once() -> None:
    """It grows to 100, 200 and 300 while it runs, and enters as 300 when it closes."""
    series = series_of([event(0, 100.0)])
    series.settle(START + MINUTE)
    for _ in range(3):
        series.add([event(MINUTE + 5, 100.0)])
        (running,) = series.settle(START + MINUTE + 10)
        assert running.average_usd == 100.0
    assert running.sell_usd == 300.0
    assert averages(series.settle(START + 2 * MINUTE)) == [(100.0 + 300.0) / 2]


def test_o_s16_fifty_are_in_it() -> None:
    """60 buckets of 1 to 60: the last average is that of 11 to 60, (11 + 60) / 2."""
    series = series_of([event(minute * MINUTE, minute + 1.0) for minute in range(PERIODS + 10)])
    rows = series.settle(START + 3_600_000)
    assert rows[-1].average_usd == 35.5
    assert rows[PERIODS - 1].average_usd == 25.5


def test_o_d9_the_running_bucket_goes_on_from_its_past() -> None:
    """A past of 300 in the bucket that runs, then 70 live: 370, not 70."""
    past = LiquidationVolumes("BTCUSDT", Interval.M1)
    past.add([event(0, 100.0), event(MINUTE, 300.0)])
    series = LiquidationSeries(Interval.M1, KEPT)
    series.seed(past.buckets())
    series.add([event(MINUTE + 1, 70.0)])
    assert [row.sell_usd for row in series.settle(START + MINUTE + 2)] == [100.0, 370.0]


def test_a_late_event_changes_what_lies_after_it() -> None:
    """100, 0 and 300 in minutes 0, 1 and 2; then 200 for minute 1 and 50 for the minute before.

    Averages: 100, 100, 200; then 100, 150, 200; then 50, 75, (50+100+200)/3, (50+100+200+300)/4.
    """
    series = series_of([event(0, 100.0), event(2 * MINUTE, 300.0)])
    now_ms = START + 5 * MINUTE
    assert averages(series.settle(now_ms)) == [100.0, 100.0, 200.0]
    series.add([event(MINUTE, 200.0)])
    assert averages(series.settle(now_ms)) == [150.0], "the last average is the same"
    series.add([event(-MINUTE, 50.0)])
    assert averages(series.settle(now_ms)) == [50.0, 75.0, pytest.approx(350 / 3), 162.5]


def test_older_buckets_are_forgotten_and_counted_back_from_the_newest() -> None:
    series = series_of([event(minute * MINUTE, 1.0) for minute in range(5)], kept=3)
    assert [row.opened_at_ms for row in series.settle(START)] == [
        START + minute * MINUTE for minute in (2, 3, 4)
    ]
    series.add([event(MINUTE, 1.0)])
    assert series.dropped_count == 1
    series.add([event(400 * MINUTE, 1.0)])
    series.settle(START)
    assert len(series.buckets()) == 3
    assert [row.sell_usd for row in series.buckets()] == [0.0, 0.0, 1.0]


def test_no_bucket_is_made_of_both_sources() -> None:
    """What the service told of minute 0 goes when our own first event lies in it."""
    series = LiquidationSeries(Interval.M1, KEPT)
    told = [
        ExternalVolume(opened_at_ms=START + minute * MINUTE, buy_usd=5.0, sell_usd=0.0)
        for minute in range(2)
    ]
    series.seed([], told)
    rows = series.settle(START + 2 * MINUTE)
    assert [(row.buy_usd, row.count, row.is_floor, row.is_external) for row in rows] == [
        (5.0, None, True, True)
    ] * 2
    series.add([event(0, 7.0)])
    row = series.settle(START + 2 * MINUTE)[0]
    assert (row.buy_usd, row.sell_usd, row.count, row.is_external) == (0.0, 7.0, 1, False)


def test_time_that_goes_back_opens_nothing_again() -> None:
    series = series_of([event(0, 200.0)])
    series.settle(START + MINUTE)
    assert series.settle(START) == []
    series.add([event(10, 1.0)])
    assert averages(series.settle(START)) == [201.0]


def test_without_events_there_is_nothing() -> None:
    series = series_of([])
    assert series.settle(START) == []
    assert (series.buckets(), series.next_close_ms()) == ([], None)


def whole(one: Liquidation) -> Liquidation:
    """The same with a value whose sums are exact in any form."""
    return msgspec.structs.replace(one, value=float(round(min(one.value, 1e9))))


@given(EVENTS.map(lambda events: [whole(one) for one in events]), st.data())
def test_any_split_into_past_and_live_gives_the_same(
    events: list[Liquidation], data: st.DataObject
) -> None:
    """Some events as past buckets, some as past events, the others live, in portions and at times.

    What a client has that was given the first answer and every change is the same too.
    """
    now_ms = START + data.draw(st.integers(0, 45)) * MINUTE
    kinds = [data.draw(st.sampled_from(["summed", "past", "live"])) for _ in events]
    past = LiquidationVolumes("BTCUSDT", Interval.M1)
    past.add([one for one, kind in zip(events, kinds, strict=True) if kind == "summed"])
    series = LiquidationSeries(Interval.M1, KEPT)
    series.seed(past.buckets())
    series.add([one for one, kind in zip(events, kinds, strict=True) if kind == "past"])
    shown = {row.opened_at_ms: row for row in series.settle(START)}
    for one, kind in zip(events, kinds, strict=True):
        if kind != "live":
            continue
        series.add([one])
        if data.draw(st.booleans()):
            at_ms = data.draw(st.integers(START, now_ms))
            shown |= {row.opened_at_ms: row for row in series.settle(at_ms)}
    shown |= {row.opened_at_ms: row for row in series.settle(now_ms)}
    at_once = series_of(events)
    at_once.settle(now_ms)
    assert series.buckets() == at_once.buckets()
    assert [shown[opened_ms] for opened_ms in sorted(shown)] == at_once.buckets()


@given(EVENTS, st.data())
def test_events_alone_are_exact_in_any_order(
    events: list[Liquidation], data: st.DataObject
) -> None:
    """Any values: the sums are those of `LiquidationVolumes`, to the last digit."""
    shuffled = data.draw(st.permutations(events))
    series = series_of(shuffled)
    series.settle(START)
    volumes = LiquidationVolumes("BTCUSDT", Interval.M1)
    volumes.add(events)
    assert [(row.buy_usd, row.sell_usd, row.count) for row in series.buckets()] == [
        (row.buy_usd, row.sell_usd, row.buy_count + row.sell_count) for row in volumes.buckets()
    ]
