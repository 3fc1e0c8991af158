"""Which wishes are done where wishes alone end a position: no stops, no margin, no funding.

What is asked for and what is done differ: somebody who is long has nothing to buy. Mostly a wish is
done where it differs from the one before, which is a comparison of columns; where a bar asks for
both, or each side has ends of its own, the wishes are walked through.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from headwater.analytics.arrays import BoolArray, IndexArray
from headwater.backtest.outcome import Pending
from headwater.strategies.signals import Signals

__all__ = ["PlainWishes"]

_YES: Final = 1


@dataclass(frozen=True, slots=True, eq=False)
class PlainWishes:
    """Where positions are entered and left, by wishes alone.

    Attributes:
        entries: shape (trades,): bars at whose close a position is wished for, and can be filled.
        exits: shape (closed trades,): likewise of their ends; one fewer while the last is open.
        is_long: shape (trades,): side of each trade.
        is_turn: shape (closed trades,): whether the end turned the position.
        pending: the decision that has no bar left.
    """

    entries: IndexArray
    exits: IndexArray
    is_long: BoolArray
    is_turn: BoolArray
    pending: Pending | None = None

    @classmethod
    def of(cls, signals: Signals, *, delay: int, reverses: bool) -> "PlainWishes":
        """The wishes that are done.

        Args:
            signals: all that are said.
            delay: by how many bars a fill is later than its decision, 0 or 1.
            reverses: whether an opposite entry turns the position at once.
        """
        long, short = signals.enter_long, signals.enter_short
        has_long, has_short = bool(long.any()), bool(short.any())
        leave_long = long_ends = signals.exit_long
        leave_short = short_ends = signals.exit_short
        last = len(long) - 1 - delay
        if reverses:
            if not leave_long.any() and not leave_short.any():
                return _turning(long, short, last)
            long_ends, short_ends = leave_long | short, leave_short | long
        if not has_short and not (long & leave_long).any():
            return _one_sided(long, leave_long, last, is_long=True)
        if not has_long and not (short & leave_short).any():
            return _one_sided(short, leave_short, last, is_long=False)
        return _walked(long, short, long_ends, short_ends, last, reverses=reverses)


def _turning(long: BoolArray, short: BoolArray, last: int) -> PlainWishes:
    """Wishes that only opposite ones end: each change of side is a fill."""
    places = np.flatnonzero(long | short)
    sides = long[places]
    changes = np.ones(len(places), dtype=np.bool_)
    np.not_equal(sides[1:], sides[:-1], out=changes[1:])
    places, sides = places[changes], sides[changes]
    pending = None
    if len(places) and places[-1] > last:
        way = "long" if sides[-1] else "short"
        action = f"reverse_{way}" if len(places) > 1 else f"enter_{way}"
        pending = Pending(bar=int(places[-1]), action=action)
        places, sides = places[:-1], sides[:-1]
    turns = np.ones(max(0, len(places) - 1), dtype=np.bool_)
    return PlainWishes(places, places[1:], sides, turns, pending)


def _one_sided(enter: BoolArray, leave: BoolArray, last: int, *, is_long: bool) -> PlainWishes:
    """Wishes of one side, of which no bar has both: each change from one to the other is a fill."""
    places = np.flatnonzero(enter | leave)
    entering = enter[places]
    changes = entering.copy()
    np.not_equal(entering[1:], entering[:-1], out=changes[1:])
    places = places[changes]
    pending = None
    if len(places) and places[-1] > last:
        side = "long" if is_long else "short"
        action = f"enter_{side}" if len(places) % 2 else "exit"
        pending = Pending(bar=int(places[-1]), action=action)
        places = places[:-1]
    entries, exits = places[::2], places[1::2]
    return PlainWishes(
        entries,
        exits,
        np.full(len(entries), is_long),
        np.zeros(len(exits), dtype=np.bool_),
        pending,
    )


def _walked(
    long: BoolArray,
    short: BoolArray,
    long_ends: BoolArray,
    short_ends: BoolArray,
    last: int,
    *,
    reverses: bool,
) -> PlainWishes:
    """Wishes of any kind, from one to the next.

    The next one is searched for in bytes, which the C library does at memory speed. A side that is
    known to come late is not searched again: one that never enters would be, to the end, at every
    trade.
    """
    enter = (short.tobytes(), long.tobytes())
    leave = (short_ends.tobytes(), long_ends.tobytes())
    end = len(long)
    entries: list[int] = []
    exits: list[int] = []
    sides: list[bool] = []
    turns: list[bool] = []
    pending: Pending | None = None
    next_at = [-1, -1]
    at, turned, is_long = 0, False, True
    while True:
        if not turned:
            for side in (False, True):
                if next_at[side] < at:
                    found = enter[side].find(_YES, at)
                    next_at[side] = found if found >= 0 else end
            is_long = next_at[True] <= next_at[False]
            at = next_at[is_long]
            if at > last:
                if at < end:
                    pending = Pending(bar=at, action=f"enter_{'long' if is_long else 'short'}")
                break
        entries.append(at)
        sides.append(is_long)
        at = leave[is_long].find(_YES, at + 1)
        if at < 0:
            break
        turned = reverses and enter[not is_long][at] == _YES
        if at > last:
            way = "short" if is_long else "long"
            pending = Pending(bar=at, action=f"reverse_{way}" if turned else "exit")
            break
        exits.append(at)
        turns.append(turned)
        if turned:
            is_long = not is_long
        else:
            at += 1
    return PlainWishes(
        np.array(entries, dtype=np.int64),
        np.array(exits, dtype=np.int64),
        np.array(sides, dtype=np.bool_),
        np.array(turns, dtype=np.bool_),
        pending,
    )
