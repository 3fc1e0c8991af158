"""One symbol's trades in order: the count, what is held back, what is missing. Pure.

The line is told of trades and answers with those to publish, in order. Holes are runs of missing
sequence numbers; an overtaken hole is one whose newer trades were published first.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from headwater.core.enums import GapCause
from headwater.core.records import Trade

HOLDING: Final = -1
"""Value of `TradeLine.expected` while trades are held back: no trade has it."""

OVER: Final = 2**63
"""Venue time of `TradeLine.latest` when the line has ended: no trade is later."""


class Hole:
    """A run of missing trades under repair.

    Attributes:
        gap_id: its number in the ledger.
        first: first sequence still missing; rises as trades come back or are given up.
        last: last missing sequence.
        until_ms: venue time of the first trade after it.
        size: trades missing at first.
        lost: trades given up.
        first_lost: first sequence given up, None while there is none.
        last_lost: last sequence given up.
        overtaken: whether newer trades were published first.
    """

    __slots__ = (
        "first",
        "first_lost",
        "gap_id",
        "last",
        "last_lost",
        "lost",
        "overtaken",
        "size",
        "until_ms",
    )

    def __init__(self, gap_id: int, first: int, last: int, until_ms: int) -> None:
        assert first <= last, "a hole holds at least one trade"
        self.gap_id = gap_id
        self.first = first
        self.last = last
        self.until_ms = until_ms
        self.size = last - first + 1
        self.lost = 0
        self.first_lost: int | None = None
        self.last_lost: int | None = None
        self.overtaken = False

    @property
    def missing(self) -> int:
        """Trades still missing."""
        return self.last - self.first + 1

    @property
    def gone(self) -> tuple[int | None, int | None]:
        """First and last sequence that are given up or still missing; None for none."""
        first = self.first_lost if self.lost else self.first
        last = self.last if self.missing else self.last_lost
        return (first, last) if self.lost or self.missing else (None, None)

    def skip_to(self, sequence: int) -> None:
        """Gives up what is missing before `sequence` (at most the whole hole)."""
        stop = min(sequence, self.last + 1)
        if stop > self.first:
            self.first_lost = self.first if self.first_lost is None else self.first_lost
            self.last_lost = stop - 1
            self.lost += stop - self.first
            self.first = stop


class TradeLine:
    """State of one symbol.

    Attributes:
        expected: sequence of the next trade in order; `HOLDING` while trades are held back.
        latest: the first of the trades with the latest venue time, where the venue does not count:
            a trade after it cannot be a known one.
        recent: newest published trades.
        held: trades by sequence that wait for missing ones.
        held_since: monotonic time of the hold, or of its last progress.
        holes: all holes under repair, lowest first.
        counted: whether the venue counts the trades of the symbol.
        cause: cause that the next hole gets.
        suspect_since: monotonic time of the interruption under suspicion.
        suspect_at: `next` at that time.
        looked_to: highest sequence held when the line was last looked at.
        looked_at: monotonic time of that.

    Args:
        first: the first trade seen; the count starts with it.
        recent_max: bound of `recent`; the oldest goes.
    """

    __slots__ = (
        "_beside",
        "_beside_ids",
        "_ids",
        "_next",
        "_scanned",
        "_synced",
        "cause",
        "counted",
        "expected",
        "held",
        "held_since",
        "holes",
        "latest",
        "looked_at",
        "looked_to",
        "native_symbol",
        "recent",
        "suspect_at",
        "suspect_since",
        "symbol",
    )

    def __init__(self, first: Trade, recent_max: int) -> None:
        self.symbol = first.symbol
        self.native_symbol = first.native_symbol
        self.counted = first.sequence is not None
        self.expected = HOLDING if first.sequence is None else first.sequence + 1
        self._next = self.expected
        self._scanned = self._next - 1
        self._ids: set[int | str] = set()
        self._synced: Trade | None = None
        self._beside: Trade | None = None
        self._beside_ids: set[int | str] = set()
        self.latest = first
        self.recent: deque[Trade] = deque([first], maxlen=recent_max)
        self.held: dict[int, Trade] = {}
        self.held_since = 0.0
        self.looked_to = -1
        self.looked_at = 0.0
        self.holes: list[Hole] = []
        self.cause = GapCause.SEQUENCE_BREAK
        self.suspect_since = 0.0
        self.suspect_at = 0

    @property
    def is_holding(self) -> bool:
        """Whether live trades are held back."""
        return self.counted and self.expected == HOLDING

    @property
    def next(self) -> int:
        """Sequence of the next trade to publish in order."""
        return self._next if self.expected == HOLDING else self.expected

    @property
    def last_ms(self) -> int:
        """Venue time of the newest published trade."""
        return self.recent[-1].timestamp_ms

    def hold(self, now: float) -> None:
        """Starts to hold trades back."""
        if not self.is_holding:
            self._next = self.expected
            self._scanned = self._next - 1
            self.expected = HOLDING
            self.held_since = self.looked_at = now
            self.looked_to = -1

    def knows(self, sequence: int) -> bool:
        """Whether a trade was published, is held, or is being fetched behind newer ones."""
        return sequence < self.next or sequence in self.held

    def ready(self, now: float) -> list[Trade]:
        """Takes the held trades that continue the count; ends the hold when nothing is missing.

        Args:
            now: monotonic seconds; noted as progress when something was ready.

        Returns:
            Trades to publish, in order.
        """
        start = self._next
        trades: list[Trade] = []
        while (trade := self.held.pop(self._next, None)) is not None:
            trades.append(trade)
            self._next += 1
        if trades:
            self.held_since = now
            for hole in self.holes:
                if hole.last >= start:
                    hole.first = max(hole.first, min(self._next, hole.last + 1))
        if not self.held and not any(hole.last >= self._next for hole in self.holes):
            self.expected = self._next
        self.recent.extend(trades)
        return trades

    def find_holes(self, up_to: int) -> list[tuple[int, int, int]]:
        """Runs missing before held trades, each told once.

        Args:
            up_to: highest held sequence to look at.

        Returns:
            (first, last, venue time of the next trade) of each, lowest first.
        """
        found: list[tuple[int, int, int]] = []
        expected = max(self._next, self._scanned + 1)
        for sequence in sorted(s for s in self.held if expected <= s <= up_to):
            if sequence > expected:
                found.append((expected, sequence - 1, self.held[sequence].timestamp_ms))
            expected = sequence + 1
        self._scanned = max(self._scanned, expected - 1)
        return found

    def covers(self, first: int, last: int) -> None:
        """Notes that a hole up to `last` is known, so that it is not found again."""
        assert first >= self._next, "a hole lies ahead of what was published"
        self._scanned = max(self._scanned, last)

    def release(self) -> list[Trade]:
        """Gives the order up: takes all held trades, overtaking every hole."""
        trades = [self.held.pop(sequence) for sequence in sorted(self.held)]
        last = max((hole.last for hole in self.holes), default=self._next - 1)
        if trades:
            last = max(last, trades[-1].sequence or 0)
        self._next = max(self._next, last + 1)
        self.expected = self._next
        self.recent.extend(trades)
        return trades

    def take_fetched(self, trades: Iterable[Trade], now: float) -> list[Trade]:
        """Takes fetched trades: those of overtaken holes at once, others in order.

        Args:
            trades: ascending by sequence; what is in no hole is left out.
            now: monotonic seconds.

        Returns:
            Trades to publish.
        """
        late: list[Trade] = []
        for trade in trades:
            sequence = trade.sequence or 0
            for hole in self.holes:
                if not hole.first <= sequence <= hole.last:
                    continue
                if hole.last >= self.next:
                    self.held.setdefault(sequence, trade)
                elif sequence == hole.first:
                    hole.first += 1
                    late.append(trade)
        self.recent.extend(late)
        return late + self.ready(now) if self.is_holding else late

    def skip(self, hole: Hole, sequence: int, now: float) -> list[Trade]:
        """Gives up the missing trades of `hole` before `sequence`; returns what may go on."""
        in_order = self.is_holding and hole.last >= self._next
        hole.skip_to(sequence)
        if not in_order:
            return []
        self._next = max(self._next, hole.first)
        return self.ready(now)

    def take_new(self, trade: Trade, remembered_max: int) -> bool:
        """Takes an uncounted trade into `recent` if it is new; returns whether it was.

        One that is later than all before is. Of others the id tells: each trade's id is
        remembered, but only put into the set when one has to be looked up.

        Args:
            trade: the trade.
            remembered_max: ids remembered, at least those of `recent`.
        """
        if trade.timestamp_ms > self.latest.timestamp_ms:
            self.latest = trade
        elif trade.trade_id in self.known_ids(remembered_max):
            return False
        self.recent.append(trade)
        self._beside = None
        return True

    def joins_latest(self, trade: Trade) -> bool:
        """Whether an uncounted trade is a new one of the same instant as `latest`.

        Fills of one taker's order are: of them only those of that instant are looked through.
        True is said once of each; the caller puts it into `recent`.
        """
        latest = self.latest
        if trade.timestamp_ms != latest.timestamp_ms:
            return False
        if self._beside is not latest:
            self._beside = latest
            self._beside_ids = {latest.trade_id}
            if self.recent[-1] is not latest:
                self._beside_ids.update(self._ids_after(latest))
        ids = self._beside_ids
        if trade.trade_id in ids:
            return False
        if len(ids) >= 2 * (self.recent.maxlen or 1):
            # A clock that stands still must not fill the memory: as in `known_ids`.
            ids = self._beside_ids = {one.trade_id for one in self.recent}
        ids.add(trade.trade_id)
        return True

    def is_behind(self, trade: Trade) -> bool:
        """Whether an uncounted trade waited beside the stream and is older than all of `recent`.

        A new connection hands over what it kept beside the old one: of so many trades that their
        ids are forgotten by now, those the old one brought are told by their time.
        """
        recent = self.recent
        return (
            len(recent) == recent.maxlen
            and trade.timestamp_ms < recent[0].timestamp_ms
            and trade.received_ns < recent[-1].received_ns
        )

    def known_ids(self, remembered_max: int) -> AbstractSet[int | str]:
        """The newest ids of an uncounted symbol, those of `recent` among them.

        When there are more than `remembered_max`, all but those of `recent` are forgotten at once:
        forgetting the oldest one each time would walk over the places that earlier ones left.
        """
        self._ids.update(self._ids_after(self._synced))
        self._synced = self.recent[-1]
        if len(self._ids) > remembered_max:
            self._ids = {trade.trade_id for trade in self.recent}
        return self._ids

    def _ids_after(self, earlier: Trade | None) -> Iterator[int | str]:
        """Ids of `recent` from the end back to a trade; of all when it is not there."""
        for trade in reversed(self.recent):
            if trade is earlier:
                return
            yield trade.trade_id

    def end(self) -> None:
        """Nobody keeps the line any more: no further trade continues it."""
        self.expected = HOLDING
        self.latest = msgspec.structs.replace(self.latest, timestamp_ms=OVER)

    @property
    def is_over(self) -> bool:
        """Whether the line has ended."""
        return self.latest.timestamp_ms == OVER

    @property
    def first_ms(self) -> int:
        """Venue time of the oldest trade that is kept."""
        return self.recent[0].timestamp_ms

    def by_time(self) -> list[Trade]:
        """What is kept, oldest first; holes may be in it."""
        return sorted(self.recent, key=lambda trade: (trade.timestamp_ms, sequence_of(trade)))

    def newest(self, limit: int) -> list[Trade] | None:
        """The newest `limit` trades in order; None when so many are not known without a hole."""
        if not self.counted or self.is_holding or self.holes or len(self.recent) < limit:
            return None
        trades = sorted(self.recent, key=lambda trade: trade.sequence or 0)[-limit:]
        if (trades[-1].sequence or 0) - (trades[0].sequence or 0) != limit - 1:
            return None
        return trades


def sequence_of(trade: Trade) -> int:
    """A trade's number; -1 where the venue gives none."""
    return -1 if trade.sequence is None else trade.sequence
