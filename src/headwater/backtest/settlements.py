"""Funding settlements told apart in a stream of mark prices.

Venues tell the rate to come with their mark prices. A settlement has passed when the time of the
next one moves on; it was at the rate and the mark price told last before.
"""

import msgspec

from headwater.core.records import MarkPrice

__all__ = ["Settlement", "Settlements"]


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """One settlement.

    Attributes:
        at_ms: when it was due.
        rate: fraction per interval; positive: longs pay shorts.
        mark_price: quote currency.
    """

    at_ms: int
    rate: float
    mark_price: float


class Settlements:
    """The mark prices of one contract, in the order of their hearing.

    Attributes:
        newest: the last one heard; None before any.
    """

    __slots__ = ("newest",)

    def __init__(self) -> None:
        self.newest: MarkPrice | None = None

    def hear(self, record: MarkPrice) -> Settlement | None:
        """Takes a mark price; gives the settlement that it tells to have passed."""
        before, self.newest = self.newest, record
        if before is None or before.funding_rate is None:
            return None
        due_ms, next_ms = before.next_funding_ms, record.next_funding_ms
        if due_ms is None or next_ms is None or not due_ms < next_ms:
            return None
        if due_ms > record.timestamp_ms:
            return None
        return Settlement(at_ms=due_ms, rate=before.funding_rate, mark_price=before.mark)
