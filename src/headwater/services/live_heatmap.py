"""The liquidation map of this moment, as it is sent to those who watch it.

The map is that of the newest closed bar: it never changes afterwards, so that what was shown can be
judged. Only the price beside it is of now.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from headwater.services.map_question import NewestMap


class NewestMaps(Protocol):
    """Where maps come from."""

    async def newest(self, symbol: str) -> NewestMap:
        """The newest map of a symbol. What takes more than milliseconds is done off the loop.

        Args:
            symbol: canonical symbol.

        Raises:
            PlatformError: there is none now; the words say why.
        """
        ...


class LiveHeatmap:
    """Maps with the price of now.

    Args:
        maps: where the maps come from.
        price_now: the newest price heard of a canonical symbol, quote currency; None when none is.
    """

    def __init__(self, maps: NewestMaps, price_now: Callable[[str], float | None]) -> None:
        self._maps = maps
        self._price_now = price_now

    async def newest(self, symbol: str) -> NewestMap:
        """The newest map; its price is that of the map's moment when no newer one was heard.

        Args:
            symbol: canonical symbol.

        Raises:
            PlatformError: there is none now; the words say why.
        """
        found = await self._maps.newest(symbol)
        price = self._price_now(symbol)
        return found if price is None else msgspec.structs.replace(found, current_price=price)
