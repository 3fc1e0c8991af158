"""Facts of the trades between two events, computed for many stretches at once.

While nobody hears the trades between two events, all that they leave behind in an account that
they do not touch is the last price, the best prices that they show and the time. Both best prices
follow from a stretch alone when both sides traded in it: the last run of trades of one side shows
its own side by its last trade; the other side stands where the trade before the run showed it,
or a tick beyond the run's extreme where the run came to it (`paper_tape.show`, one by one).
"""

from bisect import bisect_right
from collections.abc import Sequence
from math import nan
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from headwater.trading.paper_contract import Scale
from headwater.trading.paper_tape import Flags, Prices, Times

__all__ = ["Stretch", "Stretches", "stretches_of"]

Stretch: TypeAlias = tuple[float, float, float, float, float, int]
"""Lowest, highest and last price, bid and ask behind it, time; lowest is NaN, which lies above no
bound, where the trades have to be played one by one: no price among them, or bid or ask (NaN too)
that depend on more than the stretch."""

Columns: TypeAlias = tuple[
    list[float], list[float], list[float], list[float], list[float], list[int]
]
"""Likewise of many stretches, a list for each fact."""

Rows: TypeAlias = npt.NDArray[np.int64]

_EXACT_MAX = 2**53
_STRETCHES_MAX = 4_096
_ROWS_MAX = 262_144
_STEPS_MAX = 32
"""Rows gone back one by one for the extremes of short runs; longer ones are looked at each."""


class Stretches:
    """The stretches of one tape, computed some thousands ahead.

    Args:
        scale: of the contract.
        prices: of the whole tape.
        is_buys: taker's sides; None when unknown.
        times_ms: ascending.
        ends: ascending; stretch k goes from `ends[k - 1]` (of the first: 0) up to `ends[k]`.
    """

    def __init__(
        self,
        scale: Scale,
        prices: Prices,
        is_buys: Flags | None,
        times_ms: Times,
        ends: Sequence[int],
    ) -> None:
        self._tape = (scale, prices, is_buys, times_ms)
        self._ends = ends
        self._first = self._behind = 0
        self._known: Columns = ([], [], [], [], [], [])

    def at(self, place: int) -> Stretch:
        """The facts of a stretch; one of very many trades is to be played as such."""
        low, high, last, bid, ask, at_ms = self.known(place, place + 1)
        return low[0], high[0], last[0], bid[0], ask[0], at_ms[0]

    def known(self, place: int, behind: int) -> Columns:
        """The facts of stretches from one on, at least of it and at most up to `behind`."""
        if not self._first <= place < self._behind:
            self._load(place)
        part = slice(place - self._first, behind - self._first)
        low, high, last, bid, ask, at_ms = self._known
        return low[part], high[part], last[part], bid[part], ask[part], at_ms[part]

    def _load(self, place: int) -> None:
        ends = self._ends
        begin = ends[place - 1] if place else 0
        last = min(len(ends), place + _STRETCHES_MAX)
        behind = bisect_right(ends, begin + _ROWS_MAX, place, last)
        if behind == place:
            borders, behind = [begin, begin], place + 1
        else:
            borders = [begin, *ends[place:behind]]
        self._known = _facts(*self._tape, borders)
        self._first, self._behind = place, behind


def stretches_of(
    scale: Scale,
    prices: Prices,
    is_buys: Flags | None,
    times_ms: Times,
    borders: Sequence[int],
) -> list[Stretch]:
    """The facts of consecutive stretches of a tape.

    Args:
        scale: of the contract.
        prices: of the whole tape.
        is_buys: taker's sides; None when unknown.
        times_ms: ascending.
        borders: ascending rows; stretch k goes from `borders[k]` up to `borders[k + 1]`.

    Returns:
        One for each.
    """
    return list(zip(*_facts(scale, prices, is_buys, times_ms, borders), strict=True))


def _facts(
    scale: Scale,
    prices: Prices,
    is_buys: Flags | None,
    times_ms: Times,
    borders: Sequence[int],
) -> Columns:
    """The same as columns; what has no facts, as it is without trades, is NaN."""
    base, end = borders[0], borders[-1]
    rows = np.asarray(borders, dtype=np.int64) - base
    filled = np.flatnonzero(rows[1:] > rows[:-1])
    count = len(borders) - 1
    if not filled.size:
        none = [nan] * count
        return none, none, none, none, none, [0] * count
    part = prices[base:end]
    firsts, lasts = rows[:-1][filled], rows[1:][filled] - 1
    last = part[lasts]
    if is_buys is None:
        bid = ask = last
    else:
        bid, ask = _best(scale, part, is_buys[base:end], firsts, lasts)
    low, high = np.minimum.reduceat(part, firsts), np.maximum.reduceat(part, firsts)
    low = np.where((low > 0.0) & (bid <= ask), low, nan)
    floats = [low, high, last, bid, ask]
    at_ms = times_ms[base:end][lasts]
    if len(filled) < count:
        floats = [_laid(column, filled, np.full(count, nan)) for column in floats]
        at_ms = _laid(at_ms, filled, np.zeros(count, dtype=np.int64))
    low, high, last, bid, ask = floats
    return low.tolist(), high.tolist(), last.tolist(), bid.tolist(), ask.tolist(), at_ms.tolist()


def _laid(column: Any, places: Rows, whole: Any) -> Any:
    """The values of a column at their places in a longer one."""
    whole[places] = column
    return whole


def _best(
    scale: Scale,
    prices: Prices,
    is_buys: Flags,
    firsts: Rows,
    lasts: Rows,
) -> tuple[Prices, Prices]:
    """Bid and ask behind each stretch; NaN where they depend on more than the stretch."""
    changed = np.flatnonzero(is_buys[1:] != is_buys[:-1]) + 1
    # Where the last run of one side begins: at the last turn, else at the start of the stretch.
    turn = np.append(changed, 0)[np.searchsorted(changed, lasts, side="right") - 1]
    run = np.maximum(turn, firsts)
    has_turn = run > firsts
    low, high = _extremes(prices, np.where(has_turn, run, lasts), lasts)
    last, shown = prices[lasts], prices[run - has_turn]
    is_buy = is_buys[lasts]
    bid = np.where(is_buy, np.where(shown < low, shown, _beyond(scale, low, -1)), last)
    ask = np.where(is_buy, last, np.where(shown > high, shown, _beyond(scale, high, 1)))
    return np.where(has_turn, bid, nan), np.where(has_turn, ask, nan)


def _extremes(prices: Prices, firsts: Rows, lasts: Rows) -> tuple[Prices, Prices]:
    """Lowest and highest price from a row to a row, both included; most are few rows apart."""
    low, high = prices[lasts], prices[lasts]
    rest = np.flatnonzero(lasts > firsts)
    for back in range(1, _STEPS_MAX):
        if not rest.size:
            return low, high
        before = prices[lasts[rest] - back]
        low[rest] = np.minimum(low[rest], before)
        high[rest] = np.maximum(high[rest], before)
        rest = rest[lasts[rest] - back > firsts[rest]]
    for place in rest.tolist():
        part = prices[firsts[place] : lasts[place] + 1]
        low[place], high[place] = part.min(), part.max()
    return low, high


def _beyond(scale: Scale, prices: Prices, ticks: int) -> Prices:
    """The price so many ticks further; NaN for a price off the grid.

    Where the extreme of a run lies on the grid, no other price of it matters: what lies between two
    ticks shows the same tick beyond. Off the grid it depends on the way. On the grid is the very
    float of a number of ticks that is small enough to compute in floats without an error.
    """
    tick_n, tick_d = float(scale.tick_n), float(scale.tick_d)
    nearest = np.rint(prices * tick_d / tick_n)
    is_exact = (nearest + 1.0) * tick_n < _EXACT_MAX if scale.tick_d < _EXACT_MAX else False
    is_on_grid = is_exact & (nearest * tick_n / tick_d == prices)
    found: Prices = np.where(is_on_grid, (nearest + ticks) * tick_n / tick_d, nan)
    return found
