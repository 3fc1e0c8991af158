"""When a book message may be applied to a kept book, and the old checksum.

The venue's rule:

1. Subscribe to `books`; the first message is a snapshot with `prevSeqId` −1.
2. Each update's `prevSeqId` must be the last `seqId`; otherwise subscribe again.
3. About a minute of quiet brings an empty update whose `seqId` is its `prevSeqId`.
4. After maintenance an update's `seqId` may be smaller than its `prevSeqId`, which still is the
   last one: go on from the new number.
5. Sizes are absolute, 0 deletes.

The checksum is dead since June 2026: the key stays and is always 0. It is not looked at on a live
connection. Recordings of 2022 carry one and no numbers; `checksum_of` verifies those.

Source: https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
"""

import zlib
from collections.abc import Sequence
from typing import Final

from headwater.core.records import BookDelta, BookSnapshot
from headwater.venues.base import BookRule
from headwater.venues.messages import Verdict

CHECKED_LEVELS: Final = 25
REPEATED_MAX: Final = 1_000_000
"""How far back a repetition may lie; further back the count has begun anew, which is a gap."""

_ACCEPT: Final = Verdict.ACCEPT
_SIGN_BIT: Final = 1 << 31


class OkxBookRule(BookRule):
    """One symbol's sequence: a snapshot, then a chain of numbers."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: int | None = None

    def on_snapshot(self, snapshot: BookSnapshot) -> None:
        """Starts again from `snapshot`."""
        self._last = snapshot.sequence

    def on_delta(self, delta: BookDelta) -> Verdict:
        """Says whether `delta` continues the book; on ACCEPT it becomes the last one applied."""
        last, sequence, previous = self._last, delta.sequence, delta.previous_sequence
        if last is None or sequence is None or previous is None:
            self._last = None
            return Verdict.GAP
        if previous == last:
            self._last = sequence
            return _ACCEPT
        if last - REPEATED_MAX <= previous < sequence <= last:
            return Verdict.IGNORE
        self._last = None
        return Verdict.GAP


def checksum_of(bids: Sequence[tuple[str, str]], asks: Sequence[tuple[str, str]]) -> int:
    """Signed CRC32 over the best 25 levels: `bid price:size:ask price:size:…`, alternating.

    Args:
        bids: prices and sizes as the venue wrote them, best first.
        asks: the same.
    """
    parts: list[str] = []
    for index in range(CHECKED_LEVELS):
        for side in (bids, asks):
            if index < len(side):
                parts += side[index]
    value = zlib.crc32(":".join(parts).encode())
    return value - (value & _SIGN_BIT) * 2
