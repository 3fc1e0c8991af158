"""Bars of the mark price: every mark price is in them, and their past runs into the start."""

from itertools import pairwise

import pytest

from headwater.core.intervals import Interval
from headwater.core.records import MarkCandle, MarkPrice
from headwater.simulator import mark_bars
from headwater.simulator.candles import CandleRow, CandleRows, CandleStore
from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.fair_price import STEP_MS
from headwater.simulator.mark_bars import MarkBars, MarkRow

MINUTE = 60_000
START_MS = 1_790_000_040_000 + 23_400
"""23.4 s into a minute."""


def _exchange() -> SimulatedExchange:
    return SimulatedExchange(seed=3, start_ms=START_MS, symbols=["BTCUSDT"])


def _stepped(exchange: SimulatedExchange, until_ms: int) -> list[tuple[int, float]]:
    """(end of the step, mark price) of every step, as the market itself has it."""
    told = []
    for end_ms in range(START_MS - START_MS % STEP_MS + STEP_MS, until_ms + 1, STEP_MS):
        exchange.advance_to(end_ms)
        market = exchange.markets["BTCUSDT"]
        told.append((end_ms, round(market.pricer.mark * market.grid.price(1), 8)))
    return told


def test_each_bar_is_first_highest_lowest_and_last_of_its_mark_prices() -> None:
    exchange = _exchange()
    first_ms = Interval.M1.opens_at_ms(START_MS)
    told = _stepped(exchange, first_ms + 4 * MINUTE + 31_000)
    bars = exchange.mark_candles("BTCUSDT", Interval.M1, limit=10, start_ms=first_ms + MINUTE)
    assert [one.timestamp_ms for one in bars] == [first_ms + n * MINUTE for n in range(1, 5)]
    assert [one.is_closed for one in bars] == [True, True, True, False]
    for bar in bars:
        marks = [mark for at_ms, mark in told if 0 <= at_ms - bar.timestamp_ms < MINUTE]
        assert (bar.open, bar.high, bar.low, bar.close) == (
            marks[0], max(marks), min(marks), marks[-1],
        )  # fmt: skip
        assert len(marks) >= 310


def test_mark_prices_that_are_told_lie_within_the_bars() -> None:
    """A second's mark price is one of ten: the bar reaches at least as far."""
    exchange = _exchange()
    first_ms = Interval.M1.opens_at_ms(START_MS) + MINUTE
    records = exchange.advance_to(first_ms + 2 * MINUTE)
    heard = [one for one in records if isinstance(one, MarkPrice)]
    wider = 0
    for bar in exchange.mark_candles(
        "BTCUSDT", Interval.M1, limit=2, start_ms=first_ms, end_ms=first_ms + MINUTE
    ):
        marks = [one.mark for one in heard if 0 <= one.timestamp_ms - bar.timestamp_ms < MINUTE]
        assert len(marks) == 60
        assert bar.open == marks[0]
        assert bar.low <= min(marks) <= max(marks) <= bar.high
        wider += (bar.high - bar.low) > (max(marks) - min(marks))
    assert wider


def test_the_first_minute_holds_what_was_traded_before_the_start() -> None:
    exchange = _exchange()
    first_ms = Interval.M1.opens_at_ms(START_MS)
    minute = exchange.candles("BTCUSDT", Interval.M1, limit=1)[0]
    mark = exchange.mark_price("BTCUSDT").mark
    (bar,) = exchange.mark_candles("BTCUSDT", Interval.M1, limit=1)
    assert minute.timestamp_ms == bar.timestamp_ms == first_ms
    assert (bar.open, bar.close) == (minute.open, mark)
    assert (bar.high, bar.low) == (max(minute.high, mark), min(minute.low, mark))


@pytest.fixture(scope="module")
def seven_minutes_old() -> SimulatedExchange:
    """A market that is only looked at."""
    exchange = _exchange()
    exchange.advance_to(START_MS + 7 * MINUTE)
    return exchange


@pytest.mark.parametrize("interval", list(Interval))
def test_longer_bars_are_the_sum_of_the_minutes_across_the_start(
    interval: Interval, seven_minutes_old: SimulatedExchange
) -> None:
    """The past of the sum is the traded one; the bar in which the start lies has both parts."""
    exchange = seven_minutes_old
    opened_ms = interval.opens_at_ms(START_MS)
    bars = exchange.mark_candles("BTCUSDT", interval, limit=3, end_ms=opened_ms)
    assert [one.timestamp_ms for one in bars][-1] == opened_ms
    assert all(
        interval.closes_at_ms(one.timestamp_ms) == other.timestamp_ms
        for one, other in pairwise(bars)
    )
    traded = exchange.candles("BTCUSDT", interval, limit=3, end_ms=opened_ms)
    for bar, candle in zip(bars[:-1], traded[:-1], strict=True):
        assert _prices(bar) == (candle.open, candle.high, candle.low, candle.close)
        assert bar.is_closed
    if interval.nominal_ms > 4 * Interval.D1.nominal_ms:
        assert bars[-1].open == traded[-1].open  # the minutes do not reach so far
        return
    minutes = [
        one
        for one in exchange.mark_candles("BTCUSDT", Interval.M1, limit=8_000, start_ms=opened_ms)
        if one.timestamp_ms < interval.closes_at_ms(opened_ms)
    ]
    assert minutes[0].timestamp_ms == opened_ms
    assert _prices(bars[-1]) == (
        minutes[0].open,
        max(one.high for one in minutes),
        min(one.low for one in minutes),
        minutes[-1].close,
    )


def _prices(bar: MarkCandle) -> tuple[float, float, float, float]:
    return bar.open, bar.high, bar.low, bar.close


def test_bounds_and_limits_choose_as_for_candles() -> None:
    exchange = _exchange()
    exchange.advance_to(START_MS + 4 * MINUTE)
    for start_ms, end_ms, limit in (
        (None, None, 5), (None, START_MS, 3), (START_MS - 3 * MINUTE, None, 4), (None, None, 900),
        (START_MS - 3 * MINUTE, START_MS + MINUTE, 9), (START_MS + 9 * MINUTE, None, 3),
        (None, START_MS - 90 * MINUTE, 4),
    ):  # fmt: skip
        for interval in (Interval.M1, Interval.M3, Interval.H1):
            bars = exchange.mark_candles(
                "BTCUSDT", interval, limit=limit, start_ms=start_ms, end_ms=end_ms
            )
            candles = exchange.candles(
                "BTCUSDT", interval, limit=limit, start_ms=start_ms, end_ms=end_ms
            )
            assert [one.timestamp_ms for one in bars] == [one.timestamp_ms for one in candles]
            assert [one.is_closed for one in bars] == [one.is_closed for one in candles]


def test_old_minutes_are_forgotten_and_no_bar_is_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten closed minutes are kept, and at most two more until they are cut off together."""
    monkeypatch.setattr(mark_bars, "MAX_MARK_MINUTES", 10)
    monkeypatch.setattr(mark_bars, "_TRIM_SLACK", 2)
    start_ms = Interval.H1.opens_at_ms(START_MS)
    flat = CandleRow(start_ms, 5, 5, 5, 5, 0, 0, 0, 0)
    candles = CandleStore(
        CandleRows(MINUTE, flat._replace(opened_at_ms=start_ms - MINUTE)), start_ms, 5, list
    )
    bars = MarkBars(start_ms, 100.0, flat)
    for minute in range(25):
        bars.take(start_ms + minute * MINUTE, 100.0 + minute)
    found = bars.rows(candles, Interval.M1, 100, start_ms)
    assert len(found) <= 13
    assert found[-1] == MarkRow(start_ms + 24 * MINUTE, 124.0, 124.0, 124.0, 124.0)
    fives = bars.rows(candles, Interval.M5, 100, start_ms)
    assert fives[0].opened_at_ms >= found[0].opened_at_ms
    for row in fives[:-1]:
        minute = (row.opened_at_ms - start_ms) // MINUTE
        assert (row.open, row.close) == (100.0 + minute, 104.0 + minute)
