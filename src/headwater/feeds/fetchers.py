"""What a live feed asks of REST to repair its streams."""

from collections.abc import Sequence

from headwater.core.clock import Clock
from headwater.core.errors import UnknownSymbol
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import BookSnapshot, Candle, Trade
from headwater.feeds.catalogue import Catalogue
from headwater.feeds.pipeline import Fetchers
from headwater.feeds.venue_rest import VenueRest
from headwater.venues.base import MarketRest, Venue
from headwater.venues.facts import BookSource


class RestFetchers:
    """Repairs by REST.

    Args:
        venue: whose calls.
        rest: sends them.
        catalogue: its instruments and clock.
        clock: ours.
        book_depth: levels a side of a book snapshot.
    """

    def __init__(
        self,
        venue: Venue,
        rest: VenueRest,
        catalogue: Catalogue,
        clock: Clock,
        book_depth: int,
    ) -> None:
        self._venue = venue
        self._rest = rest
        self._catalogue = catalogue
        self._clock = clock
        self._book_depth = book_depth

    def all(self) -> Fetchers:
        """All of them, as the pipeline wants them."""
        return Fetchers(
            trades_between=self._trades_between,
            trades_newest=self._trades_newest,
            book=self._book if self._venue.facts.book_source is BookSource.REST else None,
            candles=self.candles,
        )

    async def _trades_between(self, native: str, first: int, last: int) -> Sequence[Trade]:
        call = self._calls.trades_between(self._instrument(native), first, last)
        return await self._rest.call(call)

    async def _trades_newest(self, native: str) -> Sequence[Trade]:
        limit = self._venue.facts.trades_max
        return await self._rest.call(self._calls.trades(self._instrument(native), limit=limit))

    async def _book(self, native: str) -> BookSnapshot:
        call = self._calls.book(self._instrument(native), depth=self._book_depth)
        return await self._rest.call(call)

    async def candles(
        self, native: str, interval: Interval, first_ms: int, last_ms: int
    ) -> Sequence[Candle]:
        """Candles of one of the venue's intervals that opened from `first_ms` to `last_ms`.

        A row or two after them may come along.
        """
        call = self._calls.candles(
            self._instrument(native),
            interval,
            # One row more than asked for: a month may be shorter than its nominal length.
            limit=(last_ms - first_ms) // interval.nominal_ms + 2,
            start_ms=first_ms,
            end_ms=last_ms,
            now_ms=self._clock.now_ms() + self._catalogue.offset_ms(),
        )
        return await self._rest.call(call)

    @property
    def _calls(self) -> MarketRest:
        return self._venue.rest(self._catalogue.table)

    def _instrument(self, native_symbol: str) -> Instrument:
        instrument = self._catalogue.table.by_native(native_symbol)
        if instrument is None:
            raise UnknownSymbol(self._venue.facts.venue_id, native_symbol)
        return instrument
