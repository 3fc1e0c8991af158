"""The merged list of trades: equal to the truth for every split between list and stream."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.trade_tape import TradeTape
from headwater.core.enums import Side
from headwater.core.records import Trade

CAPACITY = 6


def trade(number: int, at_ms: int, *, counted: bool) -> Trade:
    """The `number`th trade of the truth."""
    return Trade(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=at_ms,
        received_ns=at_ms * 1_000_000,
        side=Side.BUY,
        price=100.0,
        quantity=1.0,
        value=100.0,
        trade_id=number if counted else f"t{(number * 7919) % 1009}",
        sequence=number if counted else None,
    )


def truth_of(steps_ms: Sequence[int], *, counted: bool) -> list[Trade]:
    """Trades in their true order; a step of 0 is the same millisecond.

    Of those that are not counted at most five share one: fewer than the tape holds.
    """
    at_ms, found = 1_000, []
    for number, step_ms in enumerate(steps_ms, start=1):
        at_ms += step_ms if counted or number % 5 else max(step_ms, 1)
        found.append(trade(number, at_ms, counted=counted))
    return found


def shown(tape: TradeTape, limit: int = CAPACITY) -> list[Any]:
    return [one.trade_id for one in tape.newest(limit)]


def ids(trades: Sequence[Trade]) -> list[Any]:
    """As a screen shows them: newest first, at most the capacity."""
    return [one.trade_id for one in trades][::-1][:CAPACITY]


STEPS = st.lists(st.sampled_from([0, 0, 0, 1, 5]), min_size=2, max_size=24)


@given(STEPS, st.booleans(), st.data())
def test_o_w2_any_split_between_history_and_live_gives_the_truth(
    steps_ms: list[int], counted: bool, data: st.DataObject
) -> None:
    """The list may be asked for at any moment, be behind or ahead, and everything may repeat.

    A list that does not reach the stream is asked for again, as the feed does.
    """
    truth = truth_of(steps_ms, counted=counted)
    count = len(truth)
    tape = TradeTape(CAPACITY)
    first_live = data.draw(st.integers(0, count - 1))
    asked_at = data.draw(st.integers(first_live, count))
    told_to = data.draw(st.integers(first_live, count))
    history = truth[max(0, told_to - CAPACITY) : told_to]
    for number in range(first_live, count):
        if number == asked_at:
            tape.join(history)
        tape.add(truth[number])
        repeated = data.draw(st.integers(first_live, number))
        assert not tape.add(truth[repeated])
    if asked_at == count:
        tape.join(history)
    if tape.is_cut:
        assert tape.join(truth[max(0, count - CAPACITY) :])
    assert not tape.is_parted
    assert shown(tape) == ids(truth)
    assert not tape.join(history) or shown(tape) == ids(truth)


@given(STEPS, st.booleans(), st.data())
def test_o_w2_an_interruption_leaves_neither_hole_nor_double(
    steps_ms: list[int], counted: bool, data: st.DataObject
) -> None:
    truth = truth_of(steps_ms, counted=counted)
    count = len(truth)
    tape = TradeTape(CAPACITY)
    cut_at = data.draw(st.integers(1, count - 1))
    back_at = data.draw(st.integers(cut_at, count - 1))
    tape.join(truth[max(0, cut_at - CAPACITY) : cut_at])
    tape.cut()
    for number in range(back_at, count):
        tape.add(truth[number])
        numbers = [truth.index(one) for one in tape.newest(CAPACITY)]
        assert numbers == list(range(numbers[0], numbers[0] - len(numbers), -1)), "a hole"
    assert tape.join(truth[max(0, count - CAPACITY) :])
    assert shown(tape) == ids(truth)


def test_a_trade_that_continues_the_count_needs_no_second_list() -> None:
    truth = truth_of([1] * 5, counted=True)
    tape = TradeTape(CAPACITY)
    assert tape.join(truth[:3])
    was_cut = tape.is_cut
    assert tape.add(truth[3])
    assert (was_cut, tape.is_cut) == (True, False)
    assert shown(tape, 2) == [4, 3]


def test_a_number_left_out_waits_for_a_list_that_brings_it() -> None:
    truth = truth_of([1] * 6, counted=True)
    tape = TradeTape(CAPACITY)
    tape.join(truth[:2])
    tape.add(truth[2])
    tape.add(truth[4])
    assert tape.is_parted
    assert shown(tape) == [3, 2, 1]
    assert not tape.join(truth[:3])
    tape.add(truth[5])
    assert tape.join(truth[1:5])
    assert shown(tape) == [6, 5, 4, 3, 2, 1]


def test_missing_trades_that_the_stream_brings_late_close_the_hole() -> None:
    truth = truth_of([1] * 5, counted=True)
    tape = TradeTape(CAPACITY)
    tape.join(truth[:1])
    for number in (1, 4, 2, 3):
        tape.add(truth[number])
    assert not tape.is_cut
    assert shown(tape) == [5, 4, 3, 2, 1]


def test_what_cannot_be_joined_is_let_go() -> None:
    """Trades 1-2, then 5 live, and the venue lists nothing: only what is whole to its end stays."""
    truth = truth_of([1] * 5, counted=False)
    tape = TradeTape(CAPACITY)
    tape.join(truth[:2])
    tape.add(truth[4])
    assert shown(tape) == ids(truth[:2])
    tape.settle()
    assert shown(tape) == ids(truth[4:])
    assert not tape.join(truth[:2]), "it does not reach what is kept"
    assert tape.join(truth)
    assert shown(tape) == ids(truth)


def test_a_list_that_begins_after_the_interruption_leaves_what_was_before() -> None:
    """Hyperliquid lists ten trades: with more missing, the tape begins anew with them."""
    truth = truth_of([1] * 9, counted=False)
    tape = TradeTape(CAPACITY)
    tape.join(truth[:3])
    tape.cut()
    tape.add(truth[8])
    assert tape.join(truth[6:9])
    assert shown(tape) == ids(truth[6:9])


def test_so_many_live_trades_that_they_fill_the_tape_need_no_list() -> None:
    truth = truth_of([1] * (CAPACITY + 2), counted=False)
    tape = TradeTape(CAPACITY)
    for one in truth:
        tape.add(one)
    assert not tape.is_cut
    assert shown(tape) == ids(truth)


@pytest.mark.parametrize("counted", [True, False])
def test_a_trade_of_before_the_oldest_one_stays_out(counted: bool) -> None:
    """Of one millisecond, too: 1 to 8 at once, the first two let go, and told again."""
    truth = [trade(number, 1_000, counted=counted) for number in range(1, 9)]
    tape = TradeTape(CAPACITY)
    for one in truth:
        tape.add(one)
    assert not tape.add(truth[0])
    assert not tape.add(truth[1])
    assert shown(tape) == ids(truth)


def test_the_version_tells_whether_anything_changed() -> None:
    truth = truth_of([1] * 4, counted=True)
    tape = TradeTape(CAPACITY)
    tape.join(truth[:3])
    before = tape.version
    tape.join(truth[:3])
    tape.add(truth[1])
    assert tape.version == before
    tape.add(truth[3])
    assert tape.version > before


def test_an_empty_list_joins_only_where_nothing_waits() -> None:
    tape = TradeTape(CAPACITY)
    assert tape.join([])
    assert tape.newest(3) == []
    tape.add(trade(1, 5, counted=False))
    assert not tape.join([])
    assert set(tape.known) == {"t856"}
