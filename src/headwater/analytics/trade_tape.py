"""The newest trades of one contract, merged of what a venue lists and what it streams. Pure.

What is kept is always a stretch of the truth without a hole. Trades that came live after a cut
(the start, or an interruption) wait beside it until they are known to continue it: where the venue
counts its trades the numbers tell, elsewhere a list of the venue that reaches them does. What
cannot be joined is let go, so the tape may be shorter than it could be, never wrong.

Trades are in order of their time; those of one millisecond in the order of their numbers, else in
the order in which the venue listed or sent them. Where a venue does not count, fewer trades than
the tape holds must share a millisecond: a list that is full of one instant tells nothing of what
it follows.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from headwater.core.records import Trade

LET_GO_MAX: Final = 10_000
"""Ids remembered of trades of one millisecond that were let go; beyond it all are forgotten."""

_time_of = attrgetter("timestamp_ms")


class TradeTape:
    """A bounded list of trades.

    Args:
        capacity: most trades kept, ≥ 1; the oldest go.

    Attributes:
        version: rises with every change of what `newest` gives.
    """

    def __init__(self, capacity: int) -> None:
        self.version = 0
        self._capacity = capacity
        self._kept: list[Trade] = []
        self._ids: set[int | str] = set()
        self._fresh: list[Trade] = []
        self._fresh_ids: set[int | str] = set()
        self._is_cut = True
        # What was let go last: a repeat of one of its trades must not come back as a new one.
        self._floor_ms = -1
        self._floor_ids: set[int | str] = set()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def is_cut(self) -> bool:
        """Whether the next live trade may not continue what is kept."""
        return self._is_cut

    @property
    def is_parted(self) -> bool:
        """Whether live trades wait for a list that joins them to what is kept."""
        return bool(self._fresh)

    @property
    def known(self) -> Mapping[int | str, Trade]:
        """Every trade that is kept or waits, by id."""
        return {one.trade_id: one for one in (*self._kept, *self._fresh)}

    def newest(self, limit: int) -> list[Trade]:
        """At most the newest `limit` (≥ 1) trades that are kept, newest first."""
        return self._kept[: -limit - 1 : -1]

    def cut(self) -> None:
        """The stream was interrupted: trades may be missing before the next one."""
        self._is_cut = True
        self._fresh, self._fresh_ids = [], set()

    def add(self, trade: Trade) -> bool:
        """Takes a live trade; whether it is a new one."""
        if trade.trade_id in self._ids or trade.trade_id in self._fresh_ids:
            return False
        if trade.sequence is not None:
            return self._add_counted(trade, trade.sequence)
        if not self._is_cut:
            return self._insert(trade)
        if self._kept and trade.timestamp_ms < self._kept[-1].timestamp_ms:
            return False  # what is kept has no hole: it was before the oldest one
        self._wait(trade)
        return True

    def join(self, listed: Sequence[Trade]) -> bool:
        """Takes the venue's newest trades, as it listed them.

        Args:
            listed: without a hole, oldest first.

        Returns:
            False when the list does not reach what is kept or waits: a newer one is needed.
        """
        listed = sorted(listed, key=_time_of)
        if not listed:
            return not self._fresh
        if self._fresh and not _reaches(listed, self._fresh[0]):
            return False
        if self._kept and not _connects(self._kept, listed):
            if not self._is_cut or listed[-1].timestamp_ms < self._kept[0].timestamp_ms:
                return False
            self._let_go(self._kept)
            self._kept = []
        whole = _woven(self._kept, listed)
        if self._fresh:
            whole = _woven(whole, self._fresh)
            self._fresh, self._fresh_ids = [], set()
            self._is_cut = False
        self._keep(whole)
        return True

    def settle(self) -> None:
        """Gives up joining: what waits is all that is kept; where nothing waits nothing changes."""
        if self._fresh:
            fresh, self._fresh, self._fresh_ids = self._fresh, [], set()
            self._is_cut = False
            self._let_go(self._kept)
            self._keep(fresh)

    def _add_counted(self, trade: Trade, sequence: int) -> bool:
        """Takes a new trade of a venue that counts them."""
        last = self._kept[-1].sequence if self._kept else None
        if last is not None and sequence == last + 1:
            self._insert(trade)
            if not self._fresh:
                self._is_cut = False
            elif self._fresh[0].sequence == sequence + 1:
                self._keep([*self._kept, *self._fresh])
                self._fresh, self._fresh_ids = [], set()
                self._is_cut = False
            return True
        if last is not None and sequence <= last:
            return self._insert(trade)
        self._is_cut = True
        if not self._fresh or sequence == (self._fresh[-1].sequence or 0) + 1:
            self._wait(trade)
        elif sequence > (self._fresh[-1].sequence or 0):
            self._fresh, self._fresh_ids = [trade], {trade.trade_id}
        else:
            return False  # one of those that the list will bring
        return True

    def _wait(self, trade: Trade) -> None:
        """Lets a live trade wait; so many that they fill the tape need no list any more."""
        at = bisect_right(self._fresh, trade.timestamp_ms, key=_time_of)
        self._fresh.insert(at, trade)
        self._fresh_ids.add(trade.trade_id)
        if len(self._fresh) >= self._capacity:
            self.settle()

    def _insert(self, trade: Trade) -> bool:
        """Puts a trade in its place among the kept ones."""
        if self._was_let_go(trade):
            return False
        at = bisect_right(self._kept, _place_of(trade), key=_place_of)
        if at == 0 and self._kept and (trade.sequence or 0) + 1 != self._kept[0].sequence:
            return False  # between it and the oldest one others may be missing
        self._kept.insert(at, trade)
        self._ids.add(trade.trade_id)
        if len(self._kept) > self._capacity:
            self._let_go(self._kept[:1])
            self._ids.discard(self._kept.pop(0).trade_id)
        self.version += 1
        return True

    def _keep(self, trades: list[Trade]) -> None:
        """Keeps the newest of these and nothing else."""
        self._let_go(trades[: -self._capacity])
        kept = trades[-self._capacity :]
        if kept != self._kept:
            self._kept = kept
            self._ids = {one.trade_id for one in kept}
            self.version += 1

    def _let_go(self, trades: Iterable[Trade]) -> None:
        """Remembers what went: the time before which, and the ids of that very millisecond."""
        for trade in trades:
            if trade.timestamp_ms > self._floor_ms or len(self._floor_ids) >= LET_GO_MAX:
                self._floor_ids = set()
            self._floor_ms = max(self._floor_ms, trade.timestamp_ms)
            self._floor_ids.add(trade.trade_id)

    def _was_let_go(self, trade: Trade) -> bool:
        if trade.timestamp_ms == self._floor_ms:
            return trade.trade_id in self._floor_ids
        return trade.timestamp_ms < self._floor_ms


def _place_of(trade: Trade) -> tuple[int, int]:
    return (trade.timestamp_ms, -1 if trade.sequence is None else trade.sequence)


def _reaches(listed: Sequence[Trade], first: Trade) -> bool:
    """Whether a list goes on to the first of the trades that wait."""
    if first.sequence is not None:
        return (listed[-1].sequence or 0) >= first.sequence - 1
    if listed[-1].timestamp_ms > first.timestamp_ms:
        return True
    return any(one.trade_id == first.trade_id for one in listed)


def _connects(kept: Sequence[Trade], listed: Sequence[Trade]) -> bool:
    """Whether no trade is missing between what is kept and a list."""
    first, last = listed[0].sequence, listed[-1].sequence
    before, after = kept[0].sequence, kept[-1].sequence
    if first is not None and last is not None and before is not None and after is not None:
        return first <= after + 1 and before <= last + 1
    ids = {one.trade_id for one in listed}
    return any(one.trade_id in ids for one in kept)


def _woven(known: Sequence[Trade], told: Sequence[Trade]) -> list[Trade]:
    """Two tellings as one, each trade once, in order.

    Of one millisecond, what both tell of keeps the two in step; where they share nothing, the
    later telling is the one that only begins there.
    """
    if not known or not told:
        return list(known or told)
    if known[0].sequence is not None:
        found = {one.sequence or 0: one for one in (*told, *known)}
        return [found[number] for number in sorted(found)]
    of_known = {at_ms: list(group) for at_ms, group in groupby(known, _time_of)}
    of_told = {at_ms: list(group) for at_ms, group in groupby(told, _time_of)}
    woven: list[Trade] = []
    for at_ms in sorted({*of_known, *of_told}):
        ours, theirs = of_known.get(at_ms, []), of_told.get(at_ms, [])
        begins_here = at_ms == told[0].timestamp_ms and len(of_told) > 1
        woven += _in_step(theirs, ours) if begins_here else _in_step(ours, theirs)
    return woven


def _in_step(later: Sequence[Trade], earlier: Sequence[Trade]) -> list[Trade]:
    """Trades of one millisecond: `earlier` first, except for what precedes a shared one."""
    places = {one.trade_id: at for at, one in enumerate(later)}
    found: list[Trade] = []
    done = 0
    for one in earlier:
        at = places.get(one.trade_id)
        if at is None:
            found.append(one)
        elif at >= done:
            found += later[done : at + 1]
            done = at + 1
    return [*found, *later[done:]]
