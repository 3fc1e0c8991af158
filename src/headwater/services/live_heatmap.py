"""The liquidation map of this moment, as it is sent to those who watch it.

Only the shape of it and where it comes from: how a map is made is the business of the maps
themselves. A map is an estimate; it says what would be liquidated if its model were right.
"""

from typing import Protocol

import msgspec


class HeatmapLevel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One bucket of the price.

    Attributes:
        price: lower edge of the bucket, quote currency.
        long_usd: longs that would be liquidated in it, USD.
        short_usd: shorts that would be liquidated in it, USD.
    """

    price: float
    long_usd: float
    short_usd: float


class HeatmapSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The map of one symbol at one moment.

    Attributes:
        symbol: canonical symbol.
        timestamp_ms: wall time of the moment it tells of.
        levels: buckets that are not empty, ascending by price.
        current_price: price at that moment, quote currency.
        positions_created_usd: opened in the map's newest bar, both sides.
        positions_consumed_usd: reached by the price in the map's newest bar, both sides.
    """

    symbol: str
    timestamp_ms: int
    levels: tuple[HeatmapLevel, ...]
    current_price: float
    positions_created_usd: float
    positions_consumed_usd: float


class HeatmapMaps(Protocol):
    """Where maps come from."""

    async def newest(self, symbol: str) -> HeatmapSnapshot:
        """The map of a symbol now. Work of more than some milliseconds is done off the event loop.

        Args:
            symbol: canonical symbol.

        Raises:
            PlatformError: there is none now; the words say why.
        """
        ...
