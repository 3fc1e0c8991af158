"""Minutes of the mark price: exact where everything was heard, absent where something was not."""

import itertools
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics import mark_candles
from headwater.analytics.mark_candles import BACK_MAX_MS, SILENCE_MAX_MS, MarkMinutes
from headwater.core.records import MarkCandle, MarkPrice

MINUTE = 60_000
T0 = 1_790_000_040_000
"""A whole minute."""


def price(at_ms: int, mark: float, symbol: str = "BTCUSDT", exchange: str = "okx") -> MarkPrice:
    return MarkPrice(
        exchange=exchange,
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=at_ms,
        received_ns=at_ms * 1_000_000 + 5,
        mark=mark,
        index=None,
        funding_rate=None,
        next_funding_ms=None,
    )


def bars(minutes: MarkMinutes, marks: Sequence[MarkPrice]) -> list[MarkCandle]:
    return [bar for one in marks if (bar := minutes.take(one)) is not None]


def every(step_ms: int, from_ms: int, until_ms: int) -> list[MarkPrice]:
    return [price(at, 100.0 + (at // 1_000) % 7) for at in range(from_ms, until_ms, step_ms)]


def test_a_minute_by_hand() -> None:
    """101, 103, 99, 100 and 100 within the minute of T0; what is before and after is not in it.

    The minute before was begun in its middle and is not told; the mark price of T0 + 60 s ends
    the minute of T0.
    """
    minutes = MarkMinutes()
    told = [(-10_000, 500.0), (0, 101.0), (14_000, 103.0), (29_000, 99.0), (44_000, 100.0)]
    assert bars(minutes, [price(T0 + at, mark) for at, mark in told]) == []
    assert bars(minutes, [price(T0 + 59_000, 100.0)]) == []
    (bar,) = bars(minutes, [price(T0 + MINUTE, 700.0)])
    assert (bar.timestamp_ms, bar.open, bar.high, bar.low, bar.close) == (
        T0, 101.0, 103.0, 99.0, 100.0,
    )  # fmt: skip
    assert (bar.readings, bar.is_closed, bar.exchange, bar.symbol) == (5, True, "okx", "BTCUSDT")
    assert bar.received_ns == (T0 + 59_000) * 1_000_000 + 5


@given(
    steps=st.lists(st.integers(0, SILENCE_MAX_MS), min_size=1, max_size=60),
    marks=st.lists(st.floats(0.01, 1e6), min_size=61, max_size=61),
    start=st.integers(0, MINUTE - 1),
)
def test_each_whole_minute_once_and_exactly(
    steps: list[int], marks: list[float], start: int
) -> None:
    """The first minute was begun before us and the last one has not ended: all between are told."""
    times = list(itertools.accumulate(steps, initial=T0 + start))
    told = [price(at, mark) for at, mark in zip(times, marks, strict=False)]
    found = bars(MarkMinutes(), told)
    groups = [
        (opened, [one.mark for one in group])
        for opened, group in itertools.groupby(told, lambda one: one.timestamp_ms // MINUTE)
    ]
    assert [
        (one.timestamp_ms // MINUTE, one.open, one.high, one.low, one.close, one.readings)
        for one in found
    ] == [
        (opened, inside[0], max(inside), min(inside), inside[-1], len(inside))
        for opened, inside in groups[1:-1]
    ]


@given(
    cuts=st.lists(st.integers(0, 10 * 60 - 1), max_size=4),
    is_noticed=st.booleans(),
)
def test_a_minute_of_which_something_was_missed_is_not_told(
    cuts: list[int], is_noticed: bool
) -> None:
    """Ten minutes, one mark price a second: each minute that a loss touches is left out.

    Either one second of each cut is missing and the loss was noticed, or 15 are and it was not.
    """
    minutes = MarkMinutes()
    missing_s = {one for cut in cuts for one in range(cut, cut + (1 if is_noticed else 15))}
    found: list[MarkCandle] = []
    touched: set[int] = {0}
    heard_s = [second for second in range(10 * 60 + 1) if second not in missing_s]
    for before, second in zip([None, *heard_s], heard_s, strict=False):
        if before is not None and second != before + 1:
            if is_noticed:
                minutes.interrupted("okx")
            touched |= {before // 60, second // 60, *range(before // 60, second // 60)}
        found += bars(minutes, [price(T0 + second * 1_000, 100.0 + second)])
    last = heard_s[-1] // 60
    assert [(one.timestamp_ms - T0) // MINUTE for one in found] == [
        one for one in range(last) if one not in touched
    ]


def test_series_do_not_mix_and_an_interruption_concerns_whom_it_names() -> None:
    minutes = MarkMinutes()
    names = [("okx", "BTCUSDT"), ("okx", "ETHUSDT"), ("bybit", "BTCUSDT")]
    seconds = range(-2, 3 * 60 + 1)

    def heard(chosen: Sequence[int]) -> set[tuple[str, str, int]]:
        told = [
            price(T0 + second * 1_000, 100.0 + number, symbol, exchange)
            for second in chosen
            for number, (exchange, symbol) in enumerate(names)
        ]
        found = bars(minutes, told)
        assert all(one.low == one.high for one in found)
        return {(one.exchange, one.symbol, (one.timestamp_ms - T0) // MINUTE) for one in found}

    assert heard(seconds[:40]) == set()
    minutes.interrupted("okx", "ETHUSDT")
    assert heard(seconds[40:80]) == {("okx", "BTCUSDT", 0), ("bybit", "BTCUSDT", 0)}
    minutes.interrupted("okx")
    assert heard(seconds[80:]) == {
        ("bybit", "BTCUSDT", 1), ("okx", "BTCUSDT", 2), ("okx", "ETHUSDT", 2),
        ("bybit", "BTCUSDT", 2),
    }  # fmt: skip


def test_late_ones_are_left_out_and_a_wrong_time_costs_its_minutes_only() -> None:
    minutes = MarkMinutes()
    assert bars(minutes, every(1_000, T0 - 1_000, T0 + 30_000)) == []
    assert minutes.take(price(T0 + 20_000, 9_000.0)) is None
    (bar,) = bars(minutes, every(1_000, T0 + 30_000, T0 + MINUTE + 1))
    assert bar.high < 200
    far_ms = T0 + 10 * 24 * 60 * MINUTE
    assert minutes.take(price(far_ms, 1.0)) is None
    found = bars(minutes, every(1_000, T0 + MINUTE + 1_000, T0 + 3 * MINUTE + 1))
    assert [one.timestamp_ms for one in found] == [T0 + 2 * MINUTE]
    assert far_ms - T0 > BACK_MAX_MS


def test_series_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third series in the second minute makes all be forgotten: that minute is lost."""
    monkeypatch.setattr(mark_candles, "SERIES_MAX", 2)
    minutes = MarkMinutes()
    told = every(1_000, T0 - 1_000, T0 + 3 * MINUTE + 1)
    others = [msgspec.structs.replace(told[70], symbol=name) for name in ("A", "B")]
    found = bars(minutes, [*told[:70], *others, *told[70:]])
    assert [one.timestamp_ms for one in found] == [T0, T0 + 2 * MINUTE]
