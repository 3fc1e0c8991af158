"""What an external service tells of past liquidations, as the platform passes it on.

Such a service names no venue, so its records stand under an id of their own, and of a bucket of
time it tells the value alone.
"""

from typing import Final

import msgspec

from headwater.core.records import Liquidation

EXTERNAL: Final = "external"
"""Stands in `exchange` of what the external service told."""


class ExternalVolume(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Liquidations of one bucket of time; how many and how much of the base is not told.

    Attributes:
        opened_at_ms: beginning of the bucket, ms since the epoch, UTC.
        buy_usd: shorts closed, USD.
        sell_usd: longs closed, USD.
    """

    opened_at_ms: int
    buy_usd: float
    sell_usd: float


class ExternalOrders(msgspec.Struct, frozen=True, kw_only=True):
    """Single liquidations of one symbol.

    Attributes:
        rows: newest first; none when the service failed.
        problem: what was wrong, in words that may be shown to anybody; empty when nothing was.
    """

    rows: tuple[Liquidation, ...] = ()
    problem: str = ""


class ExternalVolumes(msgspec.Struct, frozen=True, kw_only=True):
    """Liquidated volume of one symbol.

    Attributes:
        rows: oldest first, buckets with a liquidation only; none when the service failed.
        problem: what was wrong, in words that may be shown to anybody; empty when nothing was.
    """

    rows: tuple[ExternalVolume, ...] = ()
    problem: str = ""
