"""When a depth message may be applied to a kept book.

The venue's rule, "How to manage a local order book correctly":

1. Subscribe to `<symbol>@depth@100ms` and keep what arrives.
2. Get a snapshot from `/fapi/v1/depth?limit=1000`.
3. Drop every kept event whose `u` is below the snapshot's `lastUpdateId`.
4. The first event used must have `U` ≤ `lastUpdateId` ≤ `u`. Update ids have holes, so an event
   whose `pu` is the snapshot's `lastUpdateId` continues it as well.
5. From then on each event's `pu` must be the `u` of the one before; otherwise start again at 2.
6. Quantities are absolute, 0 deletes, and deleting what is absent is normal.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/How-to-manage-a-local-order-book-correctly
"""

from typing import Final

from headwater.core.records import BookDelta, BookSnapshot
from headwater.venues.base import BookRule
from headwater.venues.messages import Verdict

_ACCEPT: Final = Verdict.ACCEPT


class BinanceBookRule(BookRule):
    """One symbol's sequence: a snapshot, its first delta, then one unbroken chain.

    Before the first snapshot and after a gap every delta is a gap: the caller keeps the deltas
    and hands them in again after the next snapshot.
    """

    __slots__ = ("_chained", "_last")

    def __init__(self) -> None:
        self._last: int | None = None
        self._chained = False

    def on_snapshot(self, snapshot: BookSnapshot) -> None:
        """Starts again from `snapshot`; the next delta may overlap it."""
        self._last = snapshot.sequence
        self._chained = False

    def on_delta(self, delta: BookDelta) -> Verdict:
        """Says whether `delta` continues the book; on ACCEPT it becomes the last one applied."""
        last = self._last
        sequence = delta.sequence
        if last is None or sequence is None:
            return self._gap()
        if delta.previous_sequence == last:
            self._last = sequence
            self._chained = True
            return _ACCEPT
        if is_older(sequence, last, chained=self._chained):
            return Verdict.IGNORE
        if not self._chained and overlaps(delta, last):
            return self._accept(sequence)
        return self._gap()

    def _accept(self, sequence: int) -> Verdict:
        self._last = sequence
        self._chained = True
        return Verdict.ACCEPT

    def _gap(self) -> Verdict:
        self._last = None
        return Verdict.GAP


def is_older(sequence: int, last: int, *, chained: bool) -> bool:
    """Step 3, and duplicates later: whether a delta holds nothing that the book has not.

    A delta that ends on the snapshot's own number is not older: step 4 takes it.
    """
    return sequence <= last if chained else sequence < last


def overlaps(delta: BookDelta, snapshot_sequence: int) -> bool:
    """Step 4: whether `delta` contains the snapshot's number."""
    return (
        delta.first_sequence is not None
        and delta.sequence is not None
        and delta.first_sequence <= snapshot_sequence <= delta.sequence
    )
