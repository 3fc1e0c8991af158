"""Numbers stay with their entries, and no fill is ever dropped."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headwater.backtest.event_entries import Entries
from headwater.core.order_kinds import AccountEventKind, OrderEventKind, OrderReason


def _order(kind: OrderEventKind, at_ms: int = 0) -> Any:
    return (at_ms, kind, OrderReason.REQUESTED, None, 1, 0, None)


PLACED, FILLED = _order(OrderEventKind.ACCEPTED), _order(OrderEventKind.FILLED)
FUNDED = (0, AccountEventKind.FUNDING, None, 5, "text")


def test_numbers_follow_the_first_one() -> None:
    entries = Entries()
    entries.add(1, [PLACED, FILLED])
    entries.add(3, [])
    entries.add(7, [FUNDED])
    assert list(entries) == [(1, PLACED), (2, FILLED), (7, FUNDED)]
    assert len(entries) == 3
    assert entries[-1] == (7, FUNDED)
    assert entries[1:] == [(2, FILLED), (7, FUNDED)]


def test_a_copy_does_not_grow() -> None:
    entries = Entries()
    entries.add(1, [PLACED])
    copied = entries.copy()
    entries.add(2, [FILLED])
    assert list(copied) == [(1, PLACED)]
    entries.clear()
    assert list(entries) == []
    assert list(copied) == [(1, PLACED)]


def test_fills_stand_apart_and_what_is_known_to_be_none_is_not_looked_at() -> None:
    entries = Entries()
    entries.add(1, [PLACED, FILLED, FUNDED])
    entries.add(4, [PLACED, PLACED, FILLED], quiet=2)
    assert entries.fills == [(2, FILLED), (6, FILLED)]
    copied = entries.copy()
    entries.add(7, [FILLED, PLACED], quiet=2)
    assert copied.fills == entries.fills == [(2, FILLED), (6, FILLED)]
    entries.clear()
    assert entries.fills == []
    assert len(copied.fills) == 2


def test_the_oldest_that_are_no_fills_are_dropped() -> None:
    entries = Entries()
    entries.add(1, [PLACED, FILLED, FUNDED, PLACED, PLACED])
    # Two are to stay: three are too many, of which one is no fill and not the account's.
    assert entries.drop(2) == 1
    assert list(entries) == [(2, FILLED), (3, FUNDED), (4, PLACED), (5, PLACED)]


@given(st.lists(st.sampled_from([PLACED, FILLED, FUNDED]), max_size=60), st.integers(0, 60))
def test_dropping_keeps_order_fills_and_the_newest(given_: list[Any], most: int) -> None:
    entries = Entries()
    entries.add(1, given_)
    before = list(entries)
    dropped = entries.drop(most)
    after = list(entries)
    assert dropped + len(after) == len(before)
    assert [one for one in after if one[1] is not PLACED] == [
        one for one in before if one[1] is not PLACED
    ]
    assert [one for one in after if one[1] is FILLED] == entries.fills
    newest = min(most, len(before))
    assert after[len(after) - newest :] == before[len(before) - newest :]
    assert [number for number, _ in after] == sorted(number for number, _ in after)
