"""Margin tiers of the venues, kept for a while: they change a few times a year.

When a venue does not answer, what it told last is given on: a map without a whole venue would be
wrong by far more than one with tiers of yesterday.
"""

from collections.abc import Mapping
from typing import Final

from headwater.core.clock import Clock
from headwater.core.errors import RequestError, VenueError, WireError
from headwater.core.margin_tiers import MarginTiers
from headwater.feeds.source import MarketSource

KEPT_S: Final = 3600.0
"""How long a table is given again without asking."""
RETRY_S: Final = 60.0
"""How long a table that could not be asked for anew is given again without asking."""
KEPT_MAX: Final = 1024
"""Tables kept; beyond it the one asked for longest ago goes."""


class TierMemory:
    """Asks venues for their tiers, at most once an hour a contract.

    Args:
        sources: venues' data by venue id.
        clock: measures ages.
    """

    def __init__(self, sources: Mapping[str, MarketSource], clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[float, MarginTiers]] = {}

    async def margin_tiers(self, exchange: str, symbol: str) -> MarginTiers | None:
        """The tiers of a contract; None where the venue publishes none.

        Args:
            exchange: venue id, one of the sources.
            symbol: canonical symbol.

        Raises:
            UnknownSymbol: the venue does not list it.
            RequestError: there is no such venue.
            NotSupported: the venue has none of this contract.
            VenueError: it refused, failed or could not be reached, and never told them before.
            WireError: its answer could not be read, and it never told them before.
        """
        source = self._sources.get(exchange)
        if source is None:
            raise RequestError("exchange", exchange, f"one of {', '.join(self._sources)}")
        support = source.facts.capabilities.get("margin_tiers")
        if support is None or not support.available:
            return None
        now_s = self._clock.monotonic()
        key = (exchange, symbol)
        kept = self._kept.get(key)
        if kept is None or now_s >= kept[0]:
            try:
                kept = (now_s + KEPT_S, await source.margin_tiers(source.table.resolve(symbol)))
            except (VenueError, WireError):
                if kept is None:
                    raise
                kept = (now_s + RETRY_S, kept[1])
        self._kept.pop(key, None)
        self._kept[key] = kept
        while len(self._kept) > KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        return kept[1]
