"""The symbol service: the only authority on what may be traded where, and how it is spelt (O-S1).

Three questions: what is there (`listed`), is this one there (`knows`), and which contract, in the
venue's own spelling, does this text mean (`resolve`). Each venue has one list, kept by one task
(`venue_symbols.py`). Knows no venue by name.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Final

from headwater.core.clock import Clock
from headwater.core.errors import RequestError, VenueUnavailable
from headwater.core.instruments import Instrument
from headwater.services.listed_symbols import SymbolList
from headwater.services.venue_symbols import SymbolSource, VenueSymbols, VenueSymbolStats

_LOADING_RETRY_S: Final = 2.0


class SymbolService:
    """What every venue trades.

    Args:
        sources: venues' data by venue id.
        clock: measures ages.
    """

    def __init__(self, sources: Mapping[str, SymbolSource], clock: Clock) -> None:
        versions = count(1)
        self._venues = {
            name: VenueSymbols(name, one, clock, versions) for name, one in sources.items()
        }

    async def run(self) -> None:
        """Loads every list, and again when it is due, until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for name, venue in self._venues.items():
                tasks.create_task(venue.run(), name=f"symbols {name}")
            await asyncio.Event().wait()

    async def listed(self, exchange: str) -> SymbolList:
        """What a venue trades, at once; before its first list is there, at most 10 s later.

        Raises:
            RequestError: no such venue.
        """
        return await self._venue(exchange).listed()

    def newest(self, exchange: str) -> SymbolList:
        """The same without waiting: the fallback before the first list is there.

        Raises:
            RequestError: no such venue.
        """
        return self._venue(exchange).newest

    def resolve(self, exchange: str, symbol: str) -> Instrument:
        """The contract that a person means, with the venue's own spelling of it.

        Args:
            exchange: venue id.
            symbol: any common spelling.

        Raises:
            RequestError: no such venue.
            UnknownSymbol: the venue lists nothing like it.
            VenueUnavailable: its instruments have not been loaded yet.
        """
        table = self._venue(exchange).source.table
        if not len(table):
            words = "instruments not loaded yet"
            raise VenueUnavailable(exchange, words, retry_after_s=_LOADING_RETRY_S)
        return table.resolve(symbol)

    def knows(self, exchange: str, symbol: str) -> bool:
        """Whether a venue lists a contract.

        Args:
            exchange: venue id.
            symbol: any common spelling.

        Raises:
            RequestError: no such venue.
        """
        return self._venue(exchange).source.table.find(symbol) is not None

    async def reload(self, exchange: str) -> SymbolList:
        """Has a venue's list loaded again, at most once in 10 s; shares a load under way.

        Raises:
            RequestError: no such venue.
            RateLimited: it was loaded on demand a moment ago.
            VenueError: the venue refused, failed or could not be reached; the list is stale.
            WireError: it answered what cannot be read; the list is stale.
        """
        return await self._venue(exchange).reload()

    def stats(self) -> Sequence[VenueSymbolStats]:
        """What was done for each venue."""
        return [venue.stats() for venue in self._venues.values()]

    def _venue(self, exchange: str) -> VenueSymbols:
        found = self._venues.get(exchange)
        if found is None:
            raise RequestError("exchange", exchange, f"one of {', '.join(self._venues)}")
        return found
