"""What followed a forecast: reached cells, realised USD, dropped windows."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.skill_observation import (
    MARK_SILENCE_MAX_MS,
    LiquidationEvents,
    MarkPath,
    at_marks,
    observe,
    reached_cells,
)
from headwater.analytics.skill_windows import Forecast
from headwater.core.enums import Channel, GapCause, GapState, PositionSide, PriceKind, Side
from headwater.core.records import Gap, Liquidation, MarkPrice

MINUTE_MS = 60_000


def forecast(issued_ms: int = 0, cells: int = 4) -> Forecast:
    return Forecast(
        model="e1",
        version="1",
        symbol="BTCUSDT",
        issued_ms=issued_ms,
        horizon_ms=5 * MINUTE_MS,
        price=100.0,
        mass_usd=np.ones((2, cells)),
        cell_width=0.01,
    )


def path(*rows: tuple[int, float, float]) -> MarkPath:
    return MarkPath(
        at_ms=np.array([row[0] for row in rows], dtype=np.int64),
        low=np.array([row[1] for row in rows], dtype=float),
        high=np.array([row[2] for row in rows], dtype=float),
    )


def liquidations(*rows: tuple[int, float, float, bool]) -> LiquidationEvents:
    return LiquidationEvents(
        at_ms=np.array([row[0] for row in rows], dtype=np.int64),
        price=np.array([row[1] for row in rows], dtype=float),
        usd=np.array([row[2] for row in rows], dtype=float),
        is_long=np.array([row[3] for row in rows], dtype=bool),
    )


def minutes(count: int, low: float = 99.9, high: float = 100.1) -> MarkPath:
    """Bars of a minute, the first ending at one minute."""
    return path(*[((index + 1) * MINUTE_MS, low, high) for index in range(count)])


def gap(
    start_ms: int,
    until_ms: int | None,
    channel: Channel = Channel.LIQUIDATIONS,
    state: GapState = GapState.UNRECOVERABLE,
) -> Gap:
    return Gap(
        exchange="bybit",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=start_ms,
        received_ns=0,
        gap_id=1,
        channel=channel,
        cause=GapCause.DISCONNECT,
        state=state,
        until_ms=until_ms,
        first_sequence=None,
        last_sequence=None,
        recovered=0,
        detail="",
    )


def test_the_path_reaches_cells_of_each_side_as_far_as_it_went() -> None:
    """P = 100, cells of 1 %: down to 98.5 are two cells of longs, up to 100.5 one of shorts."""
    reached = reached_cells(forecast(), low=98.5, high=100.5)
    assert reached.tolist() == [[True, True, False, False], [True, False, False, False]]


def test_a_path_that_only_rises_reaches_no_longs() -> None:
    reached = reached_cells(forecast(), low=100.2, high=110.0)
    assert reached.tolist() == [[False] * 4, [True] * 4]


@given(st.floats(50.0, 150.0), st.floats(50.0, 150.0), st.floats(0.0, 30.0))
def test_a_longer_path_reaches_no_less(one: float, two: float, more: float) -> None:
    low, high = min(one, two), max(one, two)
    short, long = (reached_cells(forecast(), low, high),
                   reached_cells(forecast(), low - more, high + more))  # fmt: skip
    assert not bool((short & ~long).any())


def test_a_window_holds_what_came_after_issue_up_to_the_horizon_in_reached_cells() -> None:
    """Issued at 0, horizon five minutes, path 98.5 to 100.5.

    Counted: the long at 98.7 (cell 1) at the last moment, two longs in cell 0, the short at 100.2.
    Not: at the moment of issue, after the horizon. Outside: a short at 101.5 (not reached), a long
    at 100.3 (wrong side), a long at 80 (beyond the map) = 32 + 64 + 128 USD.
    """
    events = liquidations(
        (0, 99.5, 1.0, True),
        (1, 99.5, 2.0, True),
        (2, 99.8, 4.0, True),
        (3, 100.2, 8.0, False),
        (4, 101.5, 32.0, False),
        (5, 100.3, 64.0, True),
        (6, 80.0, 128.0, True),
        (5 * MINUTE_MS, 98.7, 16.0, True),
        (5 * MINUTE_MS + 1, 98.7, 256.0, True),
    )
    (found,) = observe([forecast()], minutes(6, 98.5, 100.5), events).windows
    assert found.realised_usd.tolist() == [[6.0, 16.0, 0.0, 0.0], [8.0, 0.0, 0.0, 0.0]]
    assert found.events.tolist() == [[2, 1, 0, 0], [1, 0, 0, 0]]
    assert found.outside_usd == 224.0


@pytest.mark.parametrize(
    ("start_ms", "until_ms", "dropped"),
    [
        (-10, 0, 0),
        (-10, 1, 1),
        (10, 20, 1),
        (300_000, 400_000, 1),
        (300_001, None, 0),
        (-5, None, 1),
    ],
)
def test_a_window_with_a_gap_is_dropped_and_counted(
    start_ms: int, until_ms: int | None, dropped: int
) -> None:
    """The window is (0, 300,000]: a gap that ends at its issue does not touch it."""
    made = observe([forecast()], minutes(5), liquidations(), [gap(start_ms, until_ms)])
    assert (made.dropped_gap, len(made.windows)) == (dropped, 1 - dropped)


@given(
    holes=st.lists(
        st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 9))), max_size=6
    )
)
def test_many_holes_spoil_what_each_of_them_spoils(holes: list[tuple[int, int | None]]) -> None:
    """Windows of five minutes from each minute, beside holes asked one by one."""
    issued = [forecast(minute * MINUTE_MS) for minute in range(5)]
    ledger = [
        gap(first * MINUTE_MS, None if last is None else max(first, last) * MINUTE_MS)
        for first, last in holes
    ]
    spoilt = sum(
        any(
            hole.timestamp_ms <= one.issued_ms + one.horizon_ms
            and (hole.until_ms is None or hole.until_ms > one.issued_ms)
            for hole in ledger
        )
        for one in issued
    )
    assert observe(issued, minutes(10), liquidations(), ledger).dropped_gap == spoilt


def test_gaps_that_were_repaired_or_of_other_streams_do_not_matter() -> None:
    gaps = [gap(1, 2, state=GapState.REPAIRED), gap(1, 2, channel=Channel.TRADES)]
    made = observe([forecast()], minutes(5), liquidations(), gaps)
    assert (made.dropped_gap, len(made.windows)) == (0, 1)
    marks = observe([forecast()], minutes(5), liquidations(), [gap(1, 2, Channel.MARK_PRICES)])
    assert (marks.dropped_gap, len(marks.windows)) == (1, 0)


def test_a_window_whose_mark_price_was_silent_or_is_not_over_is_dropped() -> None:
    later = forecast(issued_ms=4 * MINUTE_MS)
    made = observe([forecast(), later], minutes(6), liquidations())
    assert (made.dropped_unmarked, len(made.windows)) == (1, 1)
    silent = path((1, 99.0, 99.0), (MARK_SILENCE_MAX_MS + 2, 99.0, 99.0), (299_000, 99.0, 99.0))
    assert observe([forecast()], silent, liquidations()).dropped_unmarked == 1
    short = msgspec.structs.replace(forecast(), horizon_ms=MINUTE_MS)
    assert observe([short], path(), liquidations()).dropped_unmarked == 1


def test_liquidations_move_to_the_mark_of_their_moment() -> None:
    """At 5 the bar that ends at 10 holds it: 98 for a long, 102 for a short; at 11 none does."""
    marks = path((3, 99.0, 101.0), (10, 98.0, 102.0))
    events = liquidations(
        (3, 95.0, 1.0, True), (5, 95.0, 1.0, True), (5, 105.0, 1.0, False), (11, 95.0, 1.0, True)
    )
    assert at_marks(events, marks).price.tolist() == [99.0, 98.0, 102.0, 95.0]
    assert events.price.tolist() == [95.0, 95.0, 105.0, 95.0]


def test_records_become_arrays() -> None:
    mark = MarkPrice(
        exchange="bybit",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=7,
        received_ns=0,
        mark=100.5,
        index=None,
        funding_rate=None,
        next_funding_ms=None,
    )
    close = Liquidation(
        exchange="bybit",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=8,
        received_ns=0,
        side=Side.SELL,
        position_side=PositionSide.LONG,
        price=99.0,
        quantity=2.0,
        value=198.0,
        price_kind=PriceKind.BANKRUPTCY,
        order_id=None,
        is_floor=False,
    )
    marks, events = MarkPath.of([mark]), LiquidationEvents.of([close])
    assert (marks.at_ms.tolist(), marks.low.tolist(), marks.high.tolist()) == (
        [7],
        [100.5],
        [100.5],
    )
    assert (events.at_ms.tolist(), events.price.tolist()) == ([8], [99.0])
    assert (events.usd.tolist(), events.is_long.tolist()) == ([198.0], [True])
    assert MarkPath.of([]).at_ms.shape == LiquidationEvents.of([]).is_long.shape == (0,)
