"""The past of a venue's market, page by page: what `headwater fetch` writes to a file.

Asks through the venue's own REST calls with its budgets, retries and circuit breaker. Nothing is
kept but the page at hand, so a range may be as long as the venue's memory.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
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
from headwater.app.built_download import folded, parts_request
from headwater.app.fetch_request import FetchRequest, Kind, candle_source
from headwater.app.trade_download import TradeDownload
from headwater.core.clock import Clock
from headwater.core.errors import VenueError
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import Candle, FundingRate, OpenInterest
from headwater.feeds.venue_rest import VenueRest
from headwater.transport.backoff import FullJitterBackoff
from headwater.venues.base import MarketRest, Venue
from headwater.venues.facts import VenueFacts
from headwater.venues.messages import RestCall

PAGE_DEADLINE_S: Final = 120.0
"""Longest time for one page with its retries and its wait for the venue's budget."""
TRIES_MAX: Final = 6
"""Failures of one page in a row that are waited out; the next one ends the download."""
WAIT_MAX_S: Final = 600.0
"""Longest wait that a venue may demand; a longer one ends the download."""
STRETCH_PAGES: Final = 10
"""Pages of open interest that are asked for at a time: they come newest first."""
BEGINNING_ROWS: Final = 1000
"""Longest candles that are asked for to learn where a history begins: 83 years of months."""
EARLIEST_MS: Final = 1_230_940_800_000
"""3 January 2009, the first block of Bitcoin: no history begins before it."""
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
        now_ms = await self.ask(self.calls.server_time_ms)
        self._offset_ms = now_ms - self._clock.now_ms()
        instruments = await self.ask(self.calls.instruments)
        self.table = InstrumentTable(self._venue.facts.venue_id, instruments)

    @property
    def facts(self) -> VenueFacts:
        """What is fixed about the venue."""
        return self._venue.facts

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

    async def pages(self, request: FetchRequest) -> AsyncIterator[Sequence[View]]:
        """The rows of a series, oldest first, a page at a time.

        Raises:
            VenueError: the venue refused, or failed for longer than is waited.
            WireError: a reply could not be read.
        """
        match request.kind:
            case Kind.CANDLES:
                async for candles in self._candles(request):
                    yield [ohlc_view(row) for row in candles]
            case Kind.OPEN_INTEREST:
                async for readings in self._open_interest(request):
                    yield [open_interest_view(row) for row in readings]
            case Kind.FUNDING:
                async for settlements in self._funding(request):
                    yield [funding_rate_view(row) for row in settlements]
            case Kind.TRADES:
                async for trades in TradeDownload(
                    self._venue, self.calls, self.ask, self._tell
                ).pages(request):
                    yield [trade_view(row) for row in trades]
            case Kind.INSTRUMENTS:
                yield [instrument_view(request.instrument)]
            case Kind.MARK_CANDLES:
                raise AssertionError("they go into storage only, which the command has checked")

    async def _candles(self, request: FetchRequest) -> AsyncIterator[Sequence[Candle]]:
        """Closed candles; the forming one is left out, because a file is not corrected later."""
        interval = _interval(request)
        source = candle_source(self._venue, interval)
        assert source is not None, "`demand` was asked before"
        ended_ms = interval.opens_at_ms(self.now_ms()) - 1
        request = msgspec.structs.replace(request, until_ms=min(request.until_ms, ended_ms))
        if source is interval:
            async for rows in self._closed_candles(request, interval):
                yield rows
            return
        parts = self._closed_candles(parts_request(request, interval), source)
        async for built in folded(parts, request, interval):
            yield built

    async def _closed_candles(
        self, request: FetchRequest, interval: Interval
    ) -> AsyncIterator[Sequence[Candle]]:
        """Candles of an interval that the venue has."""

        def ask(limit: int, start_ms: int | None, end_ms: int) -> RestCall[list[Candle]]:
            return self.calls.candles(
                request.instrument,
                interval,
                limit=limit,
                start_ms=start_ms,
                end_ms=end_ms,
                now_ms=self.now_ms(),
            )

        listed_ms = interval.opens_at_ms(request.instrument.listed_at_ms or 0)
        first_ms = listed_ms
        if request.instrument.listed_at_ms is None and request.first_ms is not None:
            first_ms = interval.opens_at_ms(await self._begins_ms(request.instrument))
        begun = False
        page = self._venue.facts.candles_max
        async for rows in self._by_time(request, ask, _stamped_ms, page, first_ms):
            if rows and not begun:
                begun = True
                self._note_beginning(request, interval, rows[0].timestamp_ms, listed_ms)
            yield [row for row in rows if row.is_closed]

    async def _begins_ms(self, instrument: Instrument) -> int:
        """Where the candles of a contract of unknown age begin, by the longest that there are.

        A start long before it would be walked to window by window on some venues.
        """
        longest = self._venue.facts.intervals[-1]
        rows = await self.ask(
            lambda: self.calls.candles(
                instrument, longest, limit=BEGINNING_ROWS, now_ms=self.now_ms()
            )
        )
        if not rows:
            return self.now_ms()
        return rows[0].timestamp_ms if len(rows) < BEGINNING_ROWS else EARLIEST_MS

    async def _open_interest(self, request: FetchRequest) -> AsyncIterator[Sequence[OpenInterest]]:
        period = _interval(request)

        def ask(limit: int, start_ms: int | None, end_ms: int) -> RestCall[list[OpenInterest]]:
            return self.calls.open_interest_history(
                request.instrument, period, limit=limit, start_ms=start_ms, end_ms=end_ms
            )

        if request.first_ms is None:
            async for rows in self._by_time(request, ask, _stamped_ms, 0, 0):
                yield rows
            return
        left, begun = request.limit, False
        for first_ms, last_ms, count in self._stretches(request, period):
            # Backwards, because a start beyond a venue's memory is refused or finds nothing.
            rows = await self.ask(partial(ask, count, None, last_ms))
            kept = [row for row in rows if first_ms <= row.timestamp_ms <= last_ms][:left]
            if kept and not begun:
                begun = True
                listed_ms = request.instrument.listed_at_ms or 0
                self._note_beginning(request, period, kept[0].timestamp_ms, listed_ms)
            if kept:
                yield kept
            left = None if left is None else left - len(kept)
            if left == 0:
                return

    def _stretches(self, request: FetchRequest, period: Interval) -> Iterator[tuple[int, int, int]]:
        """First and last moment and number of periods of the parts that are asked for at a time."""
        size = STRETCH_PAGES * self._venue.facts.open_interest_max
        first_ms = max(request.first_ms or 0, request.instrument.listed_at_ms or 0)
        while first_ms <= request.until_ms:
            last_ms = min(first_ms + size * period.nominal_ms - 1, request.until_ms)
            yield first_ms, last_ms, (last_ms - first_ms) // period.nominal_ms + 1
            first_ms = last_ms + 1

    async def _funding(self, request: FetchRequest) -> AsyncIterator[Sequence[FundingRate]]:
        def ask(limit: int, start_ms: int | None, end_ms: int) -> RestCall[list[FundingRate]]:
            return self.calls.funding_history(
                request.instrument, limit=limit, start_ms=start_ms, end_ms=end_ms
            )

        page, listed_ms = self._venue.facts.funding_max, request.instrument.listed_at_ms or 0
        async for rows in self._by_time(request, ask, _settled_ms, page, listed_ms):
            yield rows

    def _note_beginning(
        self, request: FetchRequest, interval: Interval, begins_ms: int, listed_ms: int
    ) -> None:
        """Says so when the venue's memory begins after the start that was asked for."""
        first_ms = max(begins_ms if request.since_ms is None else request.since_ms, listed_ms)
        if request.reached is None and begins_ms > interval.closes_at_ms(first_ms):
            one = request.instrument
            self._tell(f"{one.exchange} {one.symbol}: no {request.kind} before {iso_of(begins_ms)}")

    async def _by_time(
        self,
        request: FetchRequest,
        ask: Callable[[int, int | None, int], RestCall[list[R]]],
        moment_of: Callable[[R], int],
        page: int,
        listed_ms: int,
    ) -> AsyncIterator[Sequence[R]]:
        """Pages that ascend from the first moment wanted, or the newest rows in one page.

        A page is always asked for in full: a venue that keeps only the newest rows has nothing in
        a short window before them.
        """
        limit = request.limit
        first_ms = request.first_ms
        if first_ms is None:
            assert limit is not None, "without a start the newest rows are wanted, so many"
            newest = await self.ask(lambda: ask(limit, None, request.until_ms))
            yield newest[-limit:]
            return
        cursor = max(first_ms, listed_ms)
        left = limit
        while cursor <= request.until_ms and left != 0:
            rows = await self.ask(partial(ask, page, cursor, request.until_ms))
            fresh = [row for row in rows if cursor <= moment_of(row) <= request.until_ms][:left]
            if not fresh:
                return
            yield fresh
            left = None if left is None else left - len(fresh)
            cursor = moment_of(fresh[-1]) + 1

    async def ask(self, make: Callable[[], RestCall[T]]) -> T:
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
    def calls(self) -> MarketRest:
        """The venue's REST calls."""
        return self._venue.rest(self.table)


def _stamped_ms(row: Candle | OpenInterest) -> int:
    return row.timestamp_ms


def _settled_ms(row: FundingRate) -> int:
    return row.funding_time_ms


def _interval(request: FetchRequest) -> Interval:
    assert request.interval is not None, f"{request.kind} has an interval"
    return request.interval
