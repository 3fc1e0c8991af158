"""When a book message may be applied to a kept book.

The venue's rule, with what the recordings show:

1. Subscribe to `orderbook.200.{symbol}`; the first message is a snapshot.
2. A later snapshot at any time replaces the book. So does a message whose `u` is 1: the service
   was restarted (the stream turns it into a snapshot).
3. `u` of each delta is the one before plus 1 (50 recorded messages, no exception; the documents
   promise order only). A jump is a gap: subscribe again, which brings a snapshot.
4. A delta at or a little before the last `u` is a repetition and holds nothing new.
5. Quantities are absolute, 0 deletes, an unknown price inserts.

The REST book counts in another stream (1,000 levels): its `u` does not line up with these.

Source: https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook
"""

from typing import Final

from headwater.core.records import BookDelta, BookSnapshot
from headwater.venues.base import BookRule
from headwater.venues.messages import Verdict

REPEATED_MAX: Final = 1_000
"""How far back a repetition may lie; further back the count has begun anew, which is a gap."""

_ACCEPT: Final = Verdict.ACCEPT


class BybitBookRule(BookRule):
    """One symbol's sequence: a snapshot, then an unbroken count."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: int | None = None

    def on_snapshot(self, snapshot: BookSnapshot) -> None:
        """Starts again from `snapshot`."""
        self._last = snapshot.sequence

    def on_delta(self, delta: BookDelta) -> Verdict:
        """Says whether `delta` continues the book; on ACCEPT it becomes the last one applied."""
        last, sequence = self._last, delta.sequence
        if last is None or sequence is None:
            self._last = None
            return Verdict.GAP
        if sequence == last + 1:
            self._last = sequence
            return _ACCEPT
        if last - REPEATED_MAX <= sequence <= last:
            return Verdict.IGNORE
        self._last = None
        return Verdict.GAP
