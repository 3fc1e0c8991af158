"""Candles: sums of prints, longer ones sums of shorter ones, windows and bounds."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.core.intervals import Interval
from headwater.simulator import candles as module
from headwater.simulator.candles import (
    MINUTE_MS,
    CandleRow,
    CandleRows,
    CandleStore,
    merged,
)
from headwater.simulator.matching import Print

DAY_MS = 86_400_000
BASE_MS = 1_759_968_000_000  # a UTC midnight


def _flat(opened_at_ms: int, price: int) -> CandleRow:
    return CandleRow(opened_at_ms, price, price, price, price, 0, 0, 0, 0)


def _store(past: int = 30, older: Sequence[CandleRows] = ()) -> CandleStore:
    rows = CandleRows(MINUTE_MS)
    for index in range(past):
        rows.extend(_flat(BASE_MS + index * MINUTE_MS, 100 + index))
    return CandleStore(rows, BASE_MS + past * MINUTE_MS, 100 + past - 1, lambda: older)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 200_000), st.integers(90, 110), st.integers(1, 9), st.booleans()),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from([Interval.M3, Interval.M5, Interval.M30, Interval.H4, Interval.W1]),
    st.booleans(),
)
def test_longer_candles_are_exact_sums(
    prints: list[tuple[int, int, int, bool]], interval: Interval, ask_early: bool
) -> None:
    """Whether folded before or after the prints, a longer row is the merge of its minutes."""
    store = _store()
    if ask_early:
        store.rows(interval, 1)
    now, fill = BASE_MS + 30 * MINUTE_MS, 1
    for gap, price, lots, is_buy in prints:
        now += gap
        store.add_print(Print(now, price, lots, is_buy, fill, fill + 1))
        fill += 2
    minutes = store.rows(Interval.M1, 100_000)
    assert sum(row.lots for row in minutes) == sum(p[2] for p in prints)
    assert sum(row.fills for row in minutes) == 2 * len(prints)
    opened = [row.opened_at_ms for row in minutes]
    assert opened == list(range(opened[0], opened[-1] + 1, MINUTE_MS))
    expected: list[CandleRow] = []
    for row in minutes:
        at = interval.opens_at_ms(row.opened_at_ms)
        if expected and expected[-1].opened_at_ms == at:
            expected[-1] = merged(expected[-1], row)
        elif expected or row.opened_at_ms == at:
            expected.append(row)
    if interval is not Interval.W1:  # a week's start is not in the data: no row is made of a part
        assert store.rows(interval, 100_000) == expected


def test_an_empty_minute_stands_at_the_last_close() -> None:
    """Flat, without volume; the first print sets the open anew."""
    store = _store(1)
    store.add_print(Print(BASE_MS + MINUTE_MS + 5, 120, 2, True, 1, 1))
    store.roll(BASE_MS + 3 * MINUTE_MS)
    rows = store.rows(Interval.M1, 10)
    assert [(r.open, r.high, r.low, r.close, r.lots) for r in rows] == [
        (100, 100, 100, 100, 0),
        (120, 120, 120, 120, 2),
        (120, 120, 120, 120, 0),
        (120, 120, 120, 120, 0),
    ]


def test_windows() -> None:
    """Bounds are inclusive opening times; a start goes forward, none takes the newest."""
    store = _store(10)
    at = [BASE_MS + index * MINUTE_MS for index in range(11)]

    def opened(limit: int, start: int | None = None, end: int | None = None) -> list[int]:
        return [row.opened_at_ms for row in store.rows(Interval.M1, limit, start, end)]

    assert opened(3) == at[8:11]
    assert opened(3, at[2]) == at[2:5]
    assert opened(99, at[8]) == at[8:11]
    assert opened(2, None, at[5]) == at[4:6]
    assert opened(99, at[3], at[4]) == at[3:5]
    assert opened(1, at[10]) == at[10:]
    assert opened(1, at[10] + 1) == opened(0) == opened(5, None, at[0] - 1) == []


def test_the_day_is_1440_minutes() -> None:
    """1,439 closed minutes and the forming one, recomputed as minutes close."""
    store = _store(3_000)
    day = store.day()
    assert day.opened_at_ms == BASE_MS + (3_000 - 1_439) * MINUTE_MS
    assert (day.open, day.close) == (100 + 3_000 - 1_439, 3_099)
    store.add_print(Print(BASE_MS + 3_000 * MINUTE_MS, 9_000, 4, False, 1, 3))
    assert (store.day().high, store.day().lots, store.day().fills) == (9_000, 4, 3)
    store.roll(BASE_MS + 3_001 * MINUTE_MS)
    assert store.day().opened_at_ms == day.opened_at_ms + MINUTE_MS


def test_older_rows_continue_into_minutes() -> None:
    """Days before the minutes give the days; shorter intervals do not reach there."""
    days = CandleRows(DAY_MS)
    for index in range(10):
        days.extend(_flat(BASE_MS - (10 - index) * DAY_MS, 50 + index))
    store = _store(3, [days])
    assert [r.close for r in store.rows(Interval.D1, 99)] == [*range(50, 60), 102]
    assert len(store.rows(Interval.H1, 99)) == 1
    assert store.closes_before([0, BASE_MS + 2 * MINUTE_MS]) == [100, 101]


def test_rows_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Old minutes go; what they held stays in the longer rows."""
    for name, value in (
        ("MAX_MINUTES", 50),
        ("MAX_ROWS", 40),
        ("_TRIM_SLACK", 10),
        ("_FOLD_AHEAD", 30),
    ):
        monkeypatch.setattr(module, name, value)
    store, rng = _store(), random.Random(1)
    now, lots = BASE_MS + 30 * MINUTE_MS, 0
    for index in range(600):
        now += MINUTE_MS
        amount = rng.randint(1, 5)
        lots += amount
        store.add_print(Print(now, 100, amount, True, index + 1, index + 1))
    assert len(store.minutes) <= 62
    assert sum(row.lots for row in store.rows(Interval.H12, 99)) == lots
