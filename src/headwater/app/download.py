"""The past of a venue's market, page by page: what `headwater fetch` writes to a file.

Asks through the venue's own REST calls with its budgets, retries and circuit breaker. Nothing is
kept but the page at hand, so a range may be as long as the venue's memory.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Final, TypeVar

import msgspec

from headwater.api.schemas.base import View, iso_of
from headwater.api.schemas.views import (
    funding_rate_view,
    instrument_view,
    ohlc_view,
    open_interest_view,
    trade_view,
)
from headwater.app.fetch_request import FetchRequest, Kind
from headwater.app.trade_download import TradeDownload
from headwater.core.clock import Clock
from headwater.core.errors import VenueError, VenueRejected
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import Candle, FundingRate, OpenInterest
from headwater.feeds.venue_rest import VenueRest
from headwater.transport.backoff import FullJitterBackoff
from headwater.venues.base import MarketRest, Venue
from headwater.venues.messages import RestCall

PAGE_DEADLINE_S: Final = 120.0
"""Longest time for one page with its retries and its wait for the venue's budget."""
TRIES_MAX: Final = 6
"""Failures of one page in a row that are waited out; the next one ends the download."""
WAIT_MAX_S: Final = 600.0
"""Longest wait that a venue may demand; a longer one ends the download."""
_BACKOFF_S: Final = (1.0, 30.0)

T = TypeVar("T")
R = TypeVar("R", Candle, FundingRate, OpenInterest)


class VenueDownload:
    """Downloads of one venue.

    Args:
        venue: which one.
        rest: asks it.
        clock: ours.
        rng: source of jitter.
        tell: hears what is waited for, in words.
    """

    def __init__(
        self,
        venue: Venue,
        rest: VenueRest,
        clock: Clock,
        rng: random.Random,
        tell: Callable[[str], None],
    ) -> None:
        self._venue = venue
        self._rest = rest
        self._clock = clock
        self._rng = rng
        self._tell = tell
        self._offset_ms = 0
        self.table = InstrumentTable(venue.facts.venue_id, ())

    async def open(self) -> None:
        """Reads the venue's clock and its instruments.

        Raises:
            VenueError: it refused, failed or could not be reached.
            WireError: it could not be understood.
        """
        now_ms = await self._ask(self._calls.server_time_ms)
        self._offset_ms = now_ms - self._clock.now_ms()
        instruments = await self._ask(self._calls.instruments)
        self.table = InstrumentTable(self._venue.facts.venue_id, instruments)

    def now_ms(self) -> int:
        """The venue's time, ms since the epoch."""
        return self._clock.now_ms() + self._offset_ms

    def instruments(self, symbols: Sequence[str]) -> list[Instrument]:
        """The instruments of these symbols in any common spelling, or all; each once.

        Raises:
            UnknownSymbol: the venue lists nothing like one of them.
        """
        found = [self.table.resolve(symbol) for symbol in symbols] if symbols else [*self.table]
        return list({one.native_symbol: one for one in found}.values())

    async def pages(self, wanted: FetchRequest) -> AsyncIterator[Sequence[View]]:
        """The rows of a series, oldest first, a page at a time.

        Raises:
            VenueError: the venue refused, or failed for longer than is waited.
            WireError: a reply could not be read.
        """
        match wanted.kind:
            case Kind.CANDLES:
                async for candles in self._candles(wanted):
                    yield [ohlc_view(row) for row in candles]
            case Kind.OPEN_INTEREST:
                async for readings in self._open_interest(wanted):
                    yield [open_interest_view(row) for row in readings]
            case Kind.FUNDING:
                async for settlements in self._funding(wanted):
                    yield [funding_rate_view(row) for row in settlements]
            case Kind.TRADES:
                async for trades in TradeDownload(
                    self._venue, self._calls, self._ask, self._tell
                ).pages(wanted):
                    yield [trade_view(row) for row in trades]
            case Kind.INSTRUMENTS:
                yield [instrument_view(wanted.instrument)]

    async def _candles(self, wanted: FetchRequest) -> AsyncIterator[Sequence[Candle]]:
        """Closed candles; the forming one is left out, because a file is not corrected later."""
        interval = _interval(wanted)

        def ask(limit: int, start_ms: int | None, end_ms: int) -> RestCall[list[Candle]]:
            return self._calls.candles(
                wanted.instrument,
                interval,
                limit=limit,
                start_ms=start_ms,
                end_ms=end_ms,
                now_ms=self.now_ms(),
            )

        open_ms = interval.opens_at_ms(self.now_ms())
        closed = msgspec.structs.replace(wanted, until_ms=min(wanted.until_ms, open_ms - 1))
        page = self._venue.facts.candles_max
        async for rows in self._by_time(closed, ask, _stamped_ms, page):
            yield [row for row in rows if row.is_closed]

    async def _open_interest(self, wanted: FetchRequest) -> AsyncIterator[Sequence[OpenInterest]]:
        period = _interval(wanted)

        def ask(limit: int, start_ms: int | None, end_ms: int) -> RestCall[list[OpenInterest]]:
            return self._calls.open_interest_history(
                wanted.instrument, period, limit=limit, start_ms=start_ms, end_ms=end_ms
            )

        nothing_yet = True
        page = self._venue.facts.open_interest_max
        try:
            async for rows in self._by_time(wanted, ask, _stamped_ms, page):
                nothing_yet = False
                yield rows
        except VenueRejected:
            first_ms = _first_ms(wanted)
            if first_ms is None or not nothing_yet:
                raise
            # A start beyond the venue's memory is refused; asked backwards it gives what it has.
            count = (wanted.until_ms - first_ms) // period.nominal_ms + 1
            rows = await self._ask(lambda: ask(count, None, wanted.until_ms))
            kept = [row for row in rows if row.timestamp_ms >= first_ms]
            if kept:
                self._tell(f"asked from {iso_of(first_ms)}, the venue begins later")
                yield kept[: wanted.limit]

    async def _funding(self, wanted: FetchRequest) -> AsyncIterator[Sequence[FundingRate]]:
        def ask(limit: int, start_ms: int | None, end_ms: int) -> RestCall[list[FundingRate]]:
            return self._calls.funding_history(
                wanted.instrument, limit=limit, start_ms=start_ms, end_ms=end_ms
            )

        page = self._venue.facts.funding_max
        async for rows in self._by_time(wanted, ask, lambda row: row.funding_time_ms, page):
            yield rows

    async def _by_time(
        self,
        wanted: FetchRequest,
        ask: Callable[[int, int | None, int], RestCall[list[R]]],
        moment_of: Callable[[R], int],
        page: int,
    ) -> AsyncIterator[Sequence[R]]:
        """Pages that ascend from the first moment wanted, or the newest rows in one page.

        A page is always asked for in full: a venue that keeps only the newest rows has nothing in
        a short window before them.
        """
        limit = wanted.limit
        first_ms = _first_ms(wanted)
        if first_ms is None:
            assert limit is not None, "without a start the newest rows are wanted, so many"
            newest = await self._ask(lambda: ask(limit, None, wanted.until_ms))
            yield newest[-limit:]
            return
        cursor = max(first_ms, wanted.instrument.listed_at_ms or 0)
        left = limit
        while cursor <= wanted.until_ms and left != 0:
            rows = await self._ask(partial(ask, page, cursor, wanted.until_ms))
            fresh = [row for row in rows if cursor <= moment_of(row) <= wanted.until_ms][:left]
            if not fresh:
                return
            yield fresh
            left = None if left is None else left - len(fresh)
            cursor = moment_of(fresh[-1]) + 1

    async def _ask(self, make: Callable[[], RestCall[T]]) -> T:
        """One call, tried again for as long as it makes sense.

        Raises:
            VenueError: the venue refused, or its failures are too many or its wait too long.
            WireError: the reply could not be read.
        """
        backoff = FullJitterBackoff(*_BACKOFF_S, self._rng)
        for attempt in range(TRIES_MAX + 1):
            try:
                return await self._rest.call(make(), deadline_s=PAGE_DEADLINE_S)
            except VenueError as error:
                delay_s = backoff.next_delay(error.retry_after_s or 0.0)
                if not error.retryable or attempt == TRIES_MAX or delay_s > WAIT_MAX_S:
                    raise
                self._tell(f"{error}; trying again in {delay_s:.0f} s")
            await asyncio.sleep(delay_s)
        raise AssertionError("the last attempt returns or raises")

    @property
    def _calls(self) -> MarketRest:
        return self._venue.rest(self.table)


def _first_ms(wanted: FetchRequest) -> int | None:
    """Where to begin: after what is there already, None where the newest rows are wanted."""
    if wanted.reached is None:
        return wanted.since_ms
    return max(wanted.since_ms or 0, wanted.reached.moment_ms + 1)


def _stamped_ms(row: Candle | OpenInterest) -> int:
    return row.timestamp_ms


def _interval(wanted: FetchRequest) -> Interval:
    assert wanted.interval is not None, f"{wanted.kind} has an interval"
    return wanted.interval
