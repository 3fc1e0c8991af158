"""Larger candles from smaller ones: worked by hand, and as a law."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.candles import (
    PARTS_MAX,
    ROWS_MAX,
    divides,
    fold,
    fold_one,
    parts_per_candle,
    parts_question,
    same_values,
    source_interval,
)
from headwater.core.intervals import Interval
from headwater.core.records import Candle

MINUTE = 60_000
DAY = 86_400_000
EVER = 10**15


def at(*date: int) -> int:
    """Milliseconds of a moment in UTC."""
    return int(datetime(*date, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc,arg-type]


def part(
    opened_ms: int,
    interval: Interval = Interval.M1,
    *,
    prices: tuple[float, float, float, float] = (10.0, 12.0, 9.0, 11.0),
    volume: float = 1.0,
    closed: bool = True,
    revision: int = 0,
) -> Candle:
    """A candle of the venue's own."""
    return Candle(
        exchange="toy",
        symbol="AAAUSDT",
        native_symbol="AAA-USDT",
        timestamp_ms=opened_ms,
        received_ns=opened_ms,
        interval=interval,
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        volume=volume,
        quote_volume=volume * 10,
        trades_count=3,
        is_closed=closed,
        taker_buy_volume=volume / 2,
        revision=revision,
    )


def minutes(*numbers: int, closed: bool = True) -> list[Candle]:
    """Minutes counted from the epoch."""
    return [part(number * MINUTE, closed=closed) for number in numbers]


def test_a_candle_has_the_numbers_of_its_parts() -> None:
    parts = [
        part(0, prices=(10.0, 14.0, 9.0, 11.0), volume=1.5),
        part(MINUTE, prices=(11.0, 12.0, 7.0, 8.0), volume=0.25, revision=2),
        part(2 * MINUTE, prices=(8.0, 9.0, 8.0, 8.5), volume=4.0, closed=False),
    ]
    (built,) = fold(parts, Interval.M3, now_ms=3 * MINUTE - 1)
    assert built == Candle(
        exchange="toy",
        symbol="AAAUSDT",
        native_symbol="AAA-USDT",
        timestamp_ms=0,
        received_ns=2 * MINUTE,
        interval=Interval.M3,
        open=10.0,
        high=14.0,
        low=7.0,
        close=8.5,
        volume=5.75,
        quote_volume=57.5,
        trades_count=9,
        is_closed=False,
        taker_buy_volume=2.875,
        built_from=Interval.M1,
        revision=2,
    )
    parts[2] = msgspec.structs.replace(parts[2], is_closed=True, quote_volume=None)
    (built,) = fold(parts, Interval.M3, now_ms=3 * MINUTE)
    assert built.is_closed
    assert built.quote_volume is None, "one part does not tell"
    assert (built.trades_count, built.taker_buy_volume) == (9, 2.875)
    parts[0] = msgspec.structs.replace(parts[0], trades_count=None, taker_buy_volume=None)
    (built,) = fold(parts, Interval.M3, now_ms=3 * MINUTE)
    assert (built.trades_count, built.taker_buy_volume) == (None, None)


def test_a_bar_with_a_hole_is_left_out() -> None:
    bars = fold(minutes(1, 2, 3, 5, 6, 7, 8, 9, 10), Interval.M3, now_ms=11 * MINUTE)
    assert [one.timestamp_ms // MINUTE for one in bars] == [6, 9], "0 lacks its front, 3 its middle"
    assert [one.is_closed for one in bars] == [True, False]
    assert fold(minutes(0, 1), Interval.M3, now_ms=3 * MINUTE) == [], "it ended without its end"
    (forming,) = fold(minutes(0, 1), Interval.M3, now_ms=3 * MINUTE - 1)
    assert not forming.is_closed
    assert fold([], Interval.M3, now_ms=0) == []
    assert fold_one([], Interval.M3, now_ms=0) is None


def test_a_bar_is_closed_when_every_part_is() -> None:
    parts = [*minutes(0), *minutes(1, closed=False), *minutes(2)]
    (bar,) = fold(parts, Interval.M3, now_ms=EVER)
    assert not bar.is_closed


def test_nothing_is_missing_before_an_instrument_was_listed() -> None:
    born_ms = 1 * MINUTE + 30_000
    (bar,) = fold(minutes(1, 2), Interval.M3, now_ms=EVER, born_ms=born_ms)
    assert (bar.timestamp_ms, bar.is_closed) == (0, True)
    assert fold(minutes(2), Interval.M3, now_ms=EVER, born_ms=born_ms) == []
    assert fold(minutes(4, 5), Interval.M3, now_ms=EVER, born_ms=born_ms) == []


def test_weeks_begin_on_monday_and_quarters_in_january() -> None:
    monday = at(2026, 3, 2)
    days = [part(monday + DAY * number, Interval.D1) for number in range(-3, 8)]
    weeks = fold(days, Interval.W1, now_ms=days[-1].timestamp_ms + 1)
    assert [(one.timestamp_ms, one.is_closed) for one in weeks] == [
        (monday, True),
        (monday + 7 * DAY, False),
    ]
    months = [part(at(2026, month, 1), Interval.MONTH1) for month in range(2, 8)]
    quarters = fold(months, Interval.MONTH3, now_ms=at(2026, 7, 2))
    assert [(one.timestamp_ms, one.is_closed) for one in quarters] == [
        (at(2026, 4, 1), True),
        (at(2026, 7, 1), False),
    ]
    february = [part(at(2024, 2, day), Interval.D1) for day in range(1, 30)]
    (month,) = fold(february, Interval.MONTH1, now_ms=at(2024, 3, 1))
    assert month.is_closed


NATIVE = {
    "binance": "1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M",
    "bybit": "1m 3m 5m 15m 30m 1h 2h 4h 6h 12h 1d 1w 1M",
    "okx": "1m 3m 5m 15m 30m 1h 2h 4h 6h 12h 1d 2d 3d 1w 1M 3M",
    "hyperliquid": "1m 3m 5m 15m 30m 1h 2h 4h 8h 12h 1d 3d 1w 1M",
}


@pytest.mark.parametrize(
    ("venue", "built"),
    [
        ("binance", "2d<1d 3M<1M"),
        ("bybit", "8h<4h 2d<1d 3d<1d 3M<1M"),
        ("okx", "8h<4h"),
        ("hyperliquid", "6h<2h 2d<1d 3M<1M"),
    ],
)
def test_the_source_is_the_largest_that_divides(venue: str, built: str) -> None:
    offered = [Interval(one) for one in NATIVE[venue].split()]
    lacking = [one for one in Interval if one not in offered]
    assert " ".join(f"{one}<{source_interval(one, offered)}" for one in lacking) == built


def test_what_cannot_be_built_has_no_source() -> None:
    assert source_interval(Interval.M1, [Interval.M3, Interval.M5]) is None
    assert source_interval(Interval.M5, [Interval.M3]) is None
    assert source_interval(Interval.W1, [Interval.D2, Interval.D3]) is None
    assert source_interval(Interval.MONTH1, [Interval.W1]) is None
    assert source_interval(Interval.MONTH3, [Interval.W1, Interval.D1]) is Interval.D1
    assert parts_per_candle(Interval.H1, Interval.MONTH1) > PARTS_MAX
    assert source_interval(Interval.MONTH1, [Interval.H1]) is None


@given(
    st.sampled_from([(p, w) for p in Interval for w in Interval if divides(p, w)]),
    st.integers(0, at(2100, 1, 1)),
)
def test_parts_fill_a_candle_exactly(pair: tuple[Interval, Interval], moment_ms: int) -> None:
    smaller, larger = pair
    opened_ms = larger.opens_at_ms(moment_ms)
    ends_ms = larger.closes_at_ms(opened_ms)
    assert smaller.opens_at_ms(opened_ms) == opened_ms
    assert smaller.opens_at_ms(ends_ms) == ends_ms
    if smaller.nominal_ms >= Interval.M15.nominal_ms:
        count, cursor_ms = 0, opened_ms
        while cursor_ms < ends_ms:
            cursor_ms = smaller.closes_at_ms(cursor_ms)
            count += 1
        assert cursor_ms == ends_ms
        assert count <= parts_per_candle(smaller, larger)


@st.composite
def _minutes(draw: st.DrawFn) -> list[Candle]:
    """An hour's minutes, some missing, the last one forming; quantities that add up exactly."""
    first = draw(st.integers(0, 30))
    last = first + draw(st.integers(0, 60))
    missing = draw(st.sets(st.integers(first, last), max_size=3))
    made = []
    for number in range(first, last + 1):
        if number in missing:
            continue
        prices = draw(st.tuples(*[st.integers(1, 100).map(float)] * 2))
        volume = draw(st.integers(0, 1000)) / 8
        opened, closed = prices
        made.append(
            part(
                number * MINUTE,
                prices=(opened, max(prices) + 1, min(prices) - 0.5, closed),
                volume=volume,
                closed=number != last,
                revision=draw(st.integers(0, 1)),
            )
        )
    return made


@given(_minutes())
def test_folding_in_two_steps_is_folding_in_one(rows: list[Candle]) -> None:
    now_ms = rows[-1].timestamp_ms + 1 if rows else 0
    fives = fold(rows, Interval.M5, now_ms=now_ms)
    in_two = fold(fives, Interval.M15, now_ms=now_ms)
    in_one = fold(rows, Interval.M15, now_ms=now_ms)
    newest_ms = Interval.M5.opens_at_ms(rows[-1].timestamp_ms) if rows else 0
    if [one.timestamp_ms for one in fives[-1:]] == [newest_ms]:
        assert [msgspec.structs.replace(one, built_from=Interval.M1) for one in in_two] == in_one
    else:  # the newest five were left out: what is built of fives does not reach so far
        closed = [msgspec.structs.replace(one, built_from=Interval.M1) for one in in_two]
        assert [one for one in closed if one.is_closed] == [one for one in in_one if one.is_closed]


HOUR = Interval.H1.nominal_ms
NOW = 23 * HOUR + HOUR // 2


@pytest.mark.parametrize(
    ("limit", "start_ms", "end_ms", "asked"),
    [
        (3, None, None, (6, None, None)),
        (3, None, 100 * HOUR, (6, None, None)),
        (3, None, 17 * HOUR, (6, None, None)),
        (3, None, 15 * HOUR, (6, None, 16 * HOUR - 1)),
        (2, 0, None, (4, 0, 16 * HOUR - 1)),
        (2, 1, None, (4, 8 * HOUR, NOW)),
        (9, 8 * HOUR, 17 * HOUR, (4, 8 * HOUR, 24 * HOUR - 1)),
        (9, 8 * HOUR, None, (4, 8 * HOUR, NOW)),
        (10**6, None, None, (ROWS_MAX, None, None)),
        (9, 9 * HOUR, 15 * HOUR, None),
        (9, 30 * HOUR, None, None),
        (9, 253_402_300_799_999, 253_402_300_799_999, None),
    ],
)
def test_the_parts_asked_for_cover_the_candles_asked_for(
    limit: int, start_ms: int | None, end_ms: int | None, asked: tuple[int, ...] | None
) -> None:
    """Eight hours of four; it is 23:30 on the first day."""
    question = parts_question(
        Interval.H4, Interval.H8, limit=limit, start_ms=start_ms, end_ms=end_ms, now_ms=NOW
    )
    assert (None if question is None else msgspec.structs.astuple(question)) == asked


def test_two_tellings_differ_in_what_both_tell() -> None:
    one = part(0)
    replace = msgspec.structs.replace
    assert same_values(one, replace(one, received_ns=9, revision=3, is_closed=False))
    assert same_values(one, replace(one, volume=1.0 + 1e-12))
    assert same_values(one, replace(one, trades_count=None, quote_volume=None))
    assert not same_values(one, replace(one, trades_count=4))
    assert not same_values(one, replace(one, high=12.5))
    assert not same_values(one, replace(one, volume=1.001))
    assert not same_values(one, replace(one, taker_buy_volume=0.6))
