"""Answers to questions about a venue's market: from live memory when it is whole, else by REST.

REST answers are reused for a few seconds and the same question is asked once at a time. Candles of
an interval that the venue lacks are folded from a smaller one. What the venue does not offer raises
`NotSupported` with the reason that its folder declares.
"""

from collections.abc import Sequence

from headwater.analytics.candles import fold, parts_question, source_interval
from headwater.core.clock import Clock
from headwater.core.enums import Channel
from headwater.core.errors import NotSupported
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.core.records import (
    BookSnapshot,
    Candle,
    FundingRate,
    MarkCandle,
    MarkPrice,
    OpenInterest,
    PredictedFunding,
    Ticker,
    Trade,
)
from headwater.core.wallet_positions import WalletPosition
from headwater.feeds.answers import AnswerCache
from headwater.feeds.catalogue import Catalogue
from headwater.feeds.pipeline import MarketPipeline
from headwater.feeds.settings import RestSettings
from headwater.feeds.venue_rest import VenueRest
from headwater.venues.base import MarketRest, Venue
from headwater.venues.messages import Subscription


class MarketHistory:
    """Reads of one venue.

    Args:
        venue: which one.
        rest: asks it.
        catalogue: its instruments and clock.
        pipeline: live memory.
        clock: ours.
        settings: ages to which answers are reused.
    """

    def __init__(
        self,
        venue: Venue,
        rest: VenueRest,
        catalogue: Catalogue,
        pipeline: MarketPipeline,
        clock: Clock,
        settings: RestSettings,
    ) -> None:
        self._venue = venue
        self._rest = rest
        self._catalogue = catalogue
        self._pipeline = pipeline
        self._clock = clock
        self._settings = settings
        self._answers = AnswerCache(clock, settings.answers_max)

    async def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[Candle]:
        """Candles, oldest first; the last one may still be forming.

        Those that are built have `built_from`; where the venue lacks a part, one is left out.

        Raises:
            NotSupported: the venue has no such interval, and nothing it could be built of.
            VenueError: the venue refused, failed or could not be reached.
            WireError: its answer could not be read.
        """
        self._demand("ohlc")
        if interval not in self._venue.facts.intervals:
            return await self._built_candles(
                instrument, interval, limit=limit, start_ms=start_ms, end_ms=end_ms
            )
        newest = start_ms is None and end_ms is None
        if newest:
            known = self._pipeline.newest_candles(instrument.symbol, interval, limit)
            if known is not None:
                return known

        async def ask() -> list[Candle]:
            call = self._calls.candles(
                instrument,
                interval,
                limit=limit,
                start_ms=start_ms,
                end_ms=end_ms,
                now_ms=self._venue_ms(),
            )
            return await self._rest.call(call)

        key = ("candles", instrument.native_symbol, interval, limit, start_ms, end_ms)
        candles = await self._answers.get(key, self._settings.candles_ttl_s, ask)
        if newest:
            self._pipeline.candles.seed(candles)
            return self._pipeline.candles.merged(instrument.symbol, interval, candles)[-limit:]
        return candles

    async def _built_candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None,
        end_ms: int | None,
    ) -> Sequence[Candle]:
        """Candles folded from the largest interval of the venue that divides this one."""
        offered = self._venue.facts.intervals
        source = source_interval(interval, offered)
        if source is None:
            reason = f"{interval} cannot be built of what there is: {', '.join(offered)}"
            raise NotSupported(self._venue.facts.venue_id, "ohlc", reason)
        now_ms = self._venue_ms()
        question = parts_question(
            source, interval, limit=limit, start_ms=start_ms, end_ms=end_ms, now_ms=now_ms
        )
        if question is None:
            return []
        parts = await self.candles(
            instrument,
            source,
            limit=question.limit,
            start_ms=question.start_ms,
            end_ms=question.end_ms,
        )
        built = fold(parts, interval, now_ms=self._venue_ms(), born_ms=instrument.listed_at_ms)
        if start_ms is None:
            return built[-limit:]
        return built[:limit]

    async def trades(self, instrument: Instrument, *, limit: int) -> Sequence[Trade]:
        """The newest trades, oldest first."""
        self._demand("trades")
        if self._is_live(Channel.TRADES, instrument):
            known = self._pipeline.trades.recent(instrument.symbol, limit)
            if known is not None:
                return known
        asked = min(limit, self._venue.facts.trades_max)

        async def ask() -> list[Trade]:
            return await self._rest.call(self._calls.trades(instrument, limit=asked))

        key = ("trades", instrument.native_symbol, asked)
        return await self._answers.get(key, self._settings.book_ttl_s, ask)

    async def book(self, instrument: Instrument, *, depth: int) -> BookSnapshot:
        """The book, at most `depth` levels a side: the kept one when live, else the venue's."""
        self._demand("order_book")
        if self._is_live(Channel.BOOK, instrument):
            known = self._pipeline.books.book(instrument.symbol, depth)
            if known is not None:
                return known
        depths = self._venue.facts.book_depths
        asked = next((one for one in depths if one >= depth), depths[-1])

        async def ask() -> BookSnapshot:
            return await self._rest.call(self._calls.book(instrument, depth=asked))

        key = ("book", instrument.native_symbol, asked)
        whole = await self._answers.get(key, self._settings.book_ttl_s, ask)
        return BookSnapshot(
            exchange=whole.exchange,
            symbol=whole.symbol,
            native_symbol=whole.native_symbol,
            timestamp_ms=whole.timestamp_ms,
            received_ns=whole.received_ns,
            bids=whole.bids[:depth],
            asks=whole.asks[:depth],
            sequence=whole.sequence,
        )

    async def tickers(self) -> Sequence[Ticker]:
        """24-hour figures of every instrument."""
        self._demand("tickers")

        async def ask() -> list[Ticker]:
            return await self._rest.call(self._calls.tickers())

        return await self._answers.get("tickers", self._settings.tickers_ttl_s, ask)

    async def mark_prices(self) -> Sequence[MarkPrice]:
        """Mark, index and funding of every instrument."""
        self._demand("mark_prices")
        whole_market = Subscription(channel=Channel.MARK_PRICES, native_symbol=None)
        if self._pipeline.board.is_live(whole_market):
            return self._pipeline.states.all_of(MarkPrice)

        async def ask() -> list[MarkPrice]:
            return await self._rest.call(self._calls.mark_prices())

        return await self._answers.get("mark_prices", self._settings.marks_ttl_s, ask)

    async def open_interest(self, instrument: Instrument) -> OpenInterest:
        """Open interest now; a fresh reading is published too."""
        self._demand("open_interest")

        async def ask() -> OpenInterest:
            reading = await self._rest.call(self._calls.open_interest(instrument))
            self._pipeline.states.on_state(reading)
            return reading

        key = ("open_interest", instrument.native_symbol)
        return await self._answers.get(key, self._settings.interest_ttl_s, ask)

    async def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[OpenInterest]:
        """Open interest by period, oldest first."""
        self._demand("open_interest_history")
        periods = self._venue.facts.open_interest_periods
        self._demand_interval(period, periods, "open_interest_history")

        async def ask() -> list[OpenInterest]:
            call = self._calls.open_interest_history(
                instrument, period, limit=limit, start_ms=start_ms, end_ms=end_ms
            )
            return await self._rest.call(call)

        key = ("open_interest", instrument.native_symbol, period, limit, start_ms, end_ms)
        return await self._answers.get(key, self._settings.history_ttl_s, ask)

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        """The estimate for the coming settlement; a fresh reading is published too."""
        self._demand("funding_rate")

        async def ask() -> FundingRate:
            reading = await self._rest.call(self._calls.funding_rate(instrument))
            self._pipeline.states.on_state(reading)
            return reading

        key = ("funding", instrument.native_symbol)
        return await self._answers.get(key, self._settings.interest_ttl_s, ask)

    async def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[FundingRate]:
        """Past settlements, oldest first."""
        self._demand("funding_history")

        async def ask() -> list[FundingRate]:
            call = self._calls.funding_history(
                instrument, limit=limit, start_ms=start_ms, end_ms=end_ms
            )
            return await self._rest.call(call)

        key = ("funding", instrument.native_symbol, limit, start_ms, end_ms)
        return await self._answers.get(key, self._settings.history_ttl_s, ask)

    async def predicted_funding(self) -> Sequence[PredictedFunding]:
        """What the venue expects of the coming funding, on itself and on others."""
        self._demand("predicted_funding")

        async def ask() -> list[PredictedFunding]:
            return await self._rest.call(self._calls.predicted_funding())

        return await self._answers.get("predicted_funding", self._settings.interest_ttl_s, ask)

    async def mark_candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[MarkCandle]:
        """Bars of the mark price, oldest first; the last one may still be forming.

        Raises:
            NotSupported: the venue tells no past mark prices, or not by this interval.
            VenueError: the venue refused, failed or could not be reached.
            WireError: its answer could not be read.
        """
        self._demand("mark_candles")
        self._demand_interval(interval, self._venue.facts.intervals, "mark_candles")

        async def ask() -> list[MarkCandle]:
            call = self._calls.mark_candles(
                instrument,
                interval,
                limit=limit,
                start_ms=start_ms,
                end_ms=end_ms,
                now_ms=self._venue_ms(),
            )
            return await self._rest.call(call)

        key = ("mark_candles", instrument.native_symbol, interval, limit, start_ms, end_ms)
        return await self._answers.get(key, self._settings.candles_ttl_s, ask)

    async def margin_tiers(self, instrument: Instrument) -> MarginTiers:
        """What the venue demands of positions in one contract, by their size."""
        self._demand("margin_tiers")

        async def ask() -> MarginTiers:
            return await self._rest.call(self._calls.margin_tiers(instrument))

        key = ("margin_tiers", instrument.native_symbol)
        return await self._answers.get(key, self._settings.tiers_ttl_s, ask)

    async def wallet_positions(self, address: str) -> list[WalletPosition]:
        """Open positions of a public address, read now: whoever asks keeps the pace.

        Raises:
            NotSupported: the venue shows nobody's positions.
            VenueError: the venue refused, failed or could not be reached.
            WireError: its answer could not be read.
        """
        self._demand("wallet_positions")
        return await self._rest.call(self._calls.wallet_positions(address))

    @property
    def _calls(self) -> MarketRest:
        return self._venue.rest(self._catalogue.table)

    def _venue_ms(self) -> int:
        return self._clock.now_ms() + self._catalogue.offset_ms()

    def _is_live(self, channel: Channel, instrument: Instrument) -> bool:
        subscription = Subscription(channel=channel, native_symbol=instrument.native_symbol)
        return self._pipeline.board.is_live(subscription)

    def _demand(self, capability: str) -> None:
        support = self._venue.facts.capabilities.get(capability)
        if support is None or not support.available:
            reason = "the venue does not offer it" if support is None else support.note
            raise NotSupported(self._venue.facts.venue_id, capability, reason)

    def _demand_interval(
        self, interval: Interval, offered: Sequence[Interval], capability: str
    ) -> None:
        if interval not in offered:
            reason = f"{interval} is not offered; there are {', '.join(offered)}"
            raise NotSupported(self._venue.facts.venue_id, capability, reason)
