"""When a book message may be applied to a kept book.

The venue's rule:

1. Subscribe to `l2Book`; each message is the whole book, up to 20 levels a side.
2. A message replaces the book before it. There are no changes and no numbers, so there is nothing
   to miss and a hole cannot be seen; silence is what tells of trouble.
3. A message whose `time` is before that of the one before it is dropped: the stream does that,
   before it becomes a record. The same time again is the same block.
4. A change, if one ever came, continues nothing: it is a gap.

Source: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions
"""

from headwater.core.records import BookDelta, BookSnapshot
from headwater.venues.base import BookRule
from headwater.venues.messages import Verdict


def is_older(taken_at_ms: int, newest_ms: int | None) -> bool:
    """Whether an image is from before the one that is held (step 3)."""
    return newest_ms is not None and taken_at_ms < newest_ms


class HyperliquidBookRule(BookRule):
    """One symbol's images."""

    __slots__ = ()

    def on_snapshot(self, snapshot: BookSnapshot) -> None:
        """Nothing to remember: an image stands for itself."""

    def on_delta(self, delta: BookDelta) -> Verdict:  # noqa: ARG002 - there are none
        """A gap: the venue sends no changes."""
        return Verdict.GAP
