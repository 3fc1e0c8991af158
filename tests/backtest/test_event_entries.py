"""Numbers stay with their entries, and no fill is ever dropped."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headwater.backtest.event_entries import Entries, is_fill
from headwater.core.order_kinds import AccountEventKind, OrderEventKind, OrderReason


def _order(kind: OrderEventKind, at_ms: int = 0) -> Any:
    return (at_ms, kind, OrderReason.REQUESTED, None, 1, 0, None)


PLACED, FILLED = _order(OrderEventKind.ACCEPTED), _order(OrderEventKind.FILLED)
FUNDED = (0, AccountEventKind.FUNDING, None, 5, "text")


def _add(entries: Entries, first: int, fresh: list[Any]) -> None:
    entries.add(first, fresh, [one for one in enumerate(fresh, first) if is_fill(one[1])])


def test_numbers_follow_the_first_one() -> None:
    entries = Entries()
    _add(entries, 1, [PLACED, FILLED])
    _add(entries, 3, [])
    _add(entries, 7, [FUNDED])
    assert list(entries) == [(1, PLACED), (2, FILLED), (7, FUNDED)]
    assert len(entries) == 3
    assert entries[-1] == (7, FUNDED)
    assert entries[1:] == [(2, FILLED), (7, FUNDED)]


def test_a_copy_does_not_grow() -> None:
    entries = Entries()
    _add(entries, 1, [PLACED])
    copied = entries.copy()
    _add(entries, 2, [FILLED])
    assert list(copied) == [(1, PLACED)]
    entries.clear()
    assert list(entries) == []
    assert list(copied) == [(1, PLACED)]


def test_fills_stand_apart_too() -> None:
    entries = Entries()
    _add(entries, 1, [PLACED, FILLED, FUNDED])
    _add(entries, 4, [PLACED, PLACED, FILLED])
    assert entries.fills == [(2, FILLED), (6, FILLED)]
    copied = entries.copy()
    _add(entries, 7, [FILLED, PLACED])
    assert entries.fills == [(2, FILLED), (6, FILLED), (7, FILLED)]
    assert copied.fills == [(2, FILLED), (6, FILLED)]
    entries.clear()
    assert entries.fills == []
    assert len(copied.fills) == 2


def test_the_oldest_that_are_no_fills_are_dropped() -> None:
    entries = Entries()
    _add(entries, 1, [PLACED, FILLED, FUNDED, PLACED, PLACED])
    # Two are to stay: three are too many, of which one is no fill and not the account's.
    assert entries.drop(2) == 1
    assert list(entries) == [(2, FILLED), (3, FUNDED), (4, PLACED), (5, PLACED)]


def test_more_fills_than_are_to_be_kept_are_not_looked_through_for_each_of_them() -> None:
    looks = []

    class Watched(Entries):
        def drop(self, most: int) -> int:
            looks.append(len(self))
            return super().drop(most)

    entries = Watched()
    dropped = 0
    for number in range(1, 101, 2):
        _add(entries, number, [PLACED, FILLED])
        dropped += entries.trim(10)
    # 45 of the 50 times there were more than 10 entries; it waited for some more each time.
    assert 0 < len(looks) < 25, looks
    assert len(entries.fills) == 50
    assert dropped + len(entries) == 100
    assert len(entries) <= 50 + 10
    entries.clear()
    _add(entries, 1, [PLACED] * 11)
    assert entries.trim(10) == 6


@given(st.lists(st.sampled_from([PLACED, FILLED, FUNDED]), max_size=60), st.integers(0, 60))
def test_dropping_keeps_order_fills_and_the_newest(given_: list[Any], most: int) -> None:
    entries = Entries()
    _add(entries, 1, given_)
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
