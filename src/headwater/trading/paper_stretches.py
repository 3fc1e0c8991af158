"""Facts of the trades between two events, computed for many stretches at once.

While nobody hears the trades between two events, all that they leave behind in an account that
they do not touch is the last price, the best prices that they show and the time. Both best prices
follow from a stretch alone when both sides traded in it: the last run of trades of one side shows
its own side by its last trade; the other side stands where the trade before the run showed it,
or a tick beyond the run's extreme where the run came to it (`paper_tape.show`, one by one).
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import repeat
from math import nan
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from headwater.trading.paper_contract import Scale
from headwater.trading.paper_tape import Flags, Prices, Times

__all__ = ["Stretch", "Stretches", "stretches_of"]

Stretch: TypeAlias = tuple[float, float, float, float, float, int]
"""Lowest, highest and last price, bid and ask behind it (NaN: to be found trade by trade), time."""

EMPTY: Stretch = (nan, nan, nan, nan, nan, 0)
"""A stretch that has no facts: without trades, or too long."""

_EXACT_MAX = 2**53
_STRETCHES_MAX = 4_096
_ROWS_MAX = 262_144


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
        self._known: list[Stretch] = []

    def at(self, place: int) -> Stretch:
        """The facts of a stretch; one of very many trades is to be played as such."""
        if not self._first <= place < self._behind:
            self._load(place)
        return self._known[place - self._first]

    def _load(self, place: int) -> None:
        ends = self._ends
        begin = ends[place - 1] if place else 0
        last = min(len(ends), place + _STRETCHES_MAX)
        behind = bisect_right(ends, begin + _ROWS_MAX, place, last)
        if behind == place:
            self._known, behind = [EMPTY], place + 1
        else:
            self._known = stretches_of(*self._tape, [begin, *ends[place:behind]])
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
        One for each; prices that are no numbers stay such in lowest and highest.
    """
    base, end = borders[0], borders[-1]
    rows = np.asarray(borders, dtype=np.int64) - base
    filled = np.flatnonzero(rows[1:] > rows[:-1])
    if not filled.size:
        return [EMPTY] * (len(borders) - 1)
    part = prices[base:end]
    firsts, lasts = rows[:-1][filled], rows[1:][filled] - 1
    last = part[lasts]
    if is_buys is None:
        bid = ask = last
    else:
        bid, ask = _best(scale, part, is_buys[base:end], firsts, lasts)
    facts = zip(
        np.minimum.reduceat(part, firsts).tolist(),
        np.maximum.reduceat(part, firsts).tolist(),
        last.tolist(),
        bid.tolist(),
        ask.tolist(),
        times_ms[base:end][lasts].tolist(),
        strict=True,
    )
    if len(filled) == len(borders) - 1:
        return list(facts)
    found = list(repeat(EMPTY, len(borders) - 1))
    for place, fact in zip(filled.tolist(), facts, strict=True):
        found[place] = fact
    return found


def _best(
    scale: Scale,
    prices: Prices,
    is_buys: Flags,
    firsts: npt.NDArray[np.int64],
    lasts: npt.NDArray[np.int64],
) -> tuple[Prices, Prices]:
    """Bid and ask behind each stretch; NaN where they depend on more than the stretch."""
    turns = np.zeros(len(prices), dtype=np.int64)
    changed = np.flatnonzero(is_buys[1:] != is_buys[:-1]) + 1
    turns[changed] = changed
    turns[firsts] = 0
    # Where the last run of one side begins: at the last turn, else at the start of the stretch.
    run = np.maximum(np.maximum.reduceat(turns, firsts), firsts)
    has_turn = run > firsts
    bounds = np.column_stack((firsts, run)).ravel()
    low = np.minimum.reduceat(prices, bounds)[1::2]
    high = np.maximum.reduceat(prices, bounds)[1::2]
    last, shown = prices[lasts], prices[run - has_turn]
    is_buy = is_buys[lasts]
    below, above = _beyond(scale, low, -1), _beyond(scale, high, 1)
    if not _on_grid(scale, prices):
        # Off the grid the tick beyond depends on the way, not only on the extreme.
        below = above = np.full(len(firsts), nan)
    bid = np.where(is_buy, np.where(shown < low, shown, below), last)
    ask = np.where(is_buy, last, np.where(shown > high, shown, above))
    return np.where(has_turn, bid, nan), np.where(has_turn, ask, nan)


def _nearest(scale: Scale, prices: Prices) -> Prices:
    return np.rint(prices * float(scale.tick_d) / float(scale.tick_n))


def _beyond(scale: Scale, prices: Prices, ticks: int) -> Prices:
    found: Prices = (_nearest(scale, prices) + ticks) * float(scale.tick_n) / float(scale.tick_d)
    return found


def _on_grid(scale: Scale, prices: Prices) -> bool:
    """Whether every price is the very float of a number of ticks, small enough to compute in."""
    ticks = _nearest(scale, prices)
    largest = float(np.maximum.reduce(ticks)) + 1.0
    if not largest * scale.tick_n < _EXACT_MAX or scale.tick_d >= _EXACT_MAX:
        return False
    return bool((ticks * float(scale.tick_n) / float(scale.tick_d) == prices).all())
