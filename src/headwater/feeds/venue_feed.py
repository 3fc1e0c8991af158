"""One venue, live: everything in this package put together behind `MarketSource`.

Owns the venue's connections, keepers, polls and caches, and every task of them. Nothing happens in
the constructor. What venues share (bus, HTTP client, clock) is handed in and not closed here.
"""

import random
from collections.abc import Sequence

from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.enums import Channel
from headwater.core.errors import NotSupported, UnknownSymbol, VenueUnavailable
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.core.records import (
    BookSnapshot,
    Candle,
    FundingRate,
    Gap,
    MarkCandle,
    MarkPrice,
    OpenInterest,
    PredictedFunding,
    Ticker,
    Trade,
)
from headwater.core.wallet_positions import WalletPosition
from headwater.feeds.built_candles import BuiltCandles
from headwater.feeds.catalogue import Catalogue
from headwater.feeds.connection_parts import ConnectionParts
from headwater.feeds.fetchers import RestFetchers
from headwater.feeds.health_watch import HealthWatch
from headwater.feeds.history import MarketHistory
from headwater.feeds.link import FrameTap
from headwater.feeds.pipeline import MarketPipeline, Surroundings
from headwater.feeds.poller import pollers_of
from headwater.feeds.pool import SubscriptionPool
from headwater.feeds.settings import FeedSettings
from headwater.feeds.source import Lease, VenueHealth
from headwater.feeds.supervisor import Supervisor, TaskHealth
from headwater.feeds.venue_rest import HttpSender, ReplyTap, venue_rest
from headwater.feeds.whole_market import WholeMarket
from headwater.transport.backoff import FullJitterBackoff
from headwater.transport.pacing import ConnectGate
from headwater.transport.ws import SocketOptions
from headwater.venues.base import Venue
from headwater.venues.facts import Addresses, VenueFacts
from headwater.venues.messages import Subscription

_DEFAULTS = FeedSettings()
_SOCKET_DEFAULTS = SocketOptions()


class VenueFeed:
    """A `MarketSource` on a real venue or a simulated exchange.

    Args:
        venue: which one.
        addresses: where it is.
        bus: hears every record.
        http: sends REST requests; started and closed by who made it.
        clock: wall and monotonic time.
        rng: source of jitter.
        settings: bounds and intervals.
        simulated: whether the addresses are a simulated exchange's.
        frame_tap: hears every frame, for the tape.
        reply_tap: hears every REST reply, for the tape.
        socket_options: bounds of WebSocket connections.
        last_gap_id: number of the newest hole that an earlier process noted.
    """

    def __init__(
        self,
        venue: Venue,
        addresses: Addresses,
        *,
        bus: Bus,
        http: HttpSender,
        clock: Clock,
        rng: random.Random,
        settings: FeedSettings = _DEFAULTS,
        simulated: bool = False,
        frame_tap: FrameTap | None = None,
        reply_tap: ReplyTap | None = None,
        socket_options: SocketOptions = _SOCKET_DEFAULTS,
        last_gap_id: int = 0,
    ) -> None:
        facts = venue.facts
        self._venue, self._settings = venue, settings
        self._clock, self._rng = clock, rng
        self._simulated = simulated
        self._supervisor = Supervisor(
            facts.venue_id, clock, self._task_backoff, settings.stop_timeout_s
        )
        self._rest = venue_rest(venue, addresses.rest, http, clock, rng, settings.rest, reply_tap)
        self._catalogue = Catalogue(
            venue,
            self._rest,
            clock,
            self._task_backoff,
            settings.catalogue_refresh_s,
            settings.probe_interval_s,
        )
        around = Surroundings(
            bus=bus,
            clock=clock,
            rng=rng,
            settings=settings,
            table=self._table_now,
            offset_ms=self._catalogue.offset_ms,
            on_quiet=self._on_quiet,
            renew=self._on_renew,
            last_gap_id=last_gap_id,
        )
        fetchers = RestFetchers(
            venue, self._rest, self._catalogue, clock, settings.books.fetch_depth
        )
        self.fetchers = fetchers.all()
        self.pipeline = MarketPipeline(venue, around, self.fetchers)
        self._history = MarketHistory(
            venue, self._rest, self._catalogue, self.pipeline, clock, settings.rest
        )
        parts = self._connection_parts(addresses, frame_tap, socket_options)
        self._pool = SubscriptionPool(parts, self.pipeline.added, self.pipeline.removed)
        self._market = WholeMarket(self._pool, self._table_now, settings.market_symbols_max)
        self._built = BuiltCandles(facts, around, self.pipeline, fetchers.candles, self.acquire)
        self._health = HealthWatch(
            facts.venue_id, self._catalogue, self._rest, self.pipeline, self._pool, self._built,
            clock, settings,
        )  # fmt: skip

    async def start(self) -> None:
        """Starts all tasks and returns; data come when the venue answers."""
        self._supervisor.keep("catalogue", self._catalogue.run)
        self._supervisor.keep("probe", self._catalogue.run_probe)
        self._supervisor.keep("health", self._health.run)
        self._supervisor.keep("latency", self._health.latency.run)
        self._supervisor.keep("leases", self._pool.run)
        self._supervisor.keep("whole-market", self._market.run)
        for name, work in self.pipeline.tasks():
            self._supervisor.keep(name, work)
        every_s = self._settings.poll_interval_s
        for name, poller in pollers_of(
            self.facts, self._history, self._polled, self._clock, every_s
        ):
            self._supervisor.keep(name, poller.run)

    async def stop(self) -> None:
        """Ends all tasks and connections, within the settings' bound."""
        await self._supervisor.stop()

    async def wait_ready(self) -> None:
        """Waits until the instrument list is loaded for the first time."""
        await self._catalogue.wait_loaded()

    @property
    def facts(self) -> VenueFacts:
        """What the venue is."""
        return self._venue.facts

    @property
    def simulated(self) -> bool:
        """Whether the data come from a simulated exchange."""
        return self._simulated

    @property
    def table(self) -> InstrumentTable:
        """All instruments; empty until the first load succeeded."""
        return self._catalogue.table

    @property
    def tasks(self) -> list[TaskHealth]:
        """Every task of the feed."""
        return self._supervisor.tasks

    @property
    def rotations(self) -> int:
        """Connections replaced without a gap so far."""
        return self._pool.rotations

    @property
    def rest_load(self) -> float:
        """The largest share of any of the venue's REST budgets that is used now."""
        used = self._rest.used_weight
        return max((used[one.name] / one.capacity for one in self.facts.pools), default=0.0)

    def acquire(self, subscription: Subscription) -> Lease:
        """Asks for a live stream; its records come over the bus.

        Without a symbol it is the whole market: one stream where the venue has such a one, else
        one of every instrument. Candles of an interval that the venue lacks are built.

        Raises:
            NotSupported: the venue has no such channel or interval, nor what it is built of.
            UnknownSymbol: the venue lists no such instrument.
            VenueUnavailable: its instrument list is not loaded yet.
            RequestError: no such stream, or every permitted connection is full.
        """
        if subscription.native_symbol is None and self._is_bundled(subscription.channel):
            return self._market.acquire(subscription.channel)
        interval = subscription.interval
        if interval is not None and interval not in self.facts.intervals:
            return self._built.acquire(subscription)
        if self._pool.leases(subscription) == 0:
            self._check(subscription)
        return self._pool.acquire(subscription)

    def _is_bundled(self, channel: Channel) -> bool:
        """Whether a whole market is a bundle of single streams here.

        Raises:
            VenueUnavailable: the instrument list is not loaded yet.
        """
        facts = self.facts
        support = facts.channels.get(channel)
        if channel in facts.whole_market or channel is Channel.CANDLES:
            return False
        if support is None or not support.available:
            return False
        if not len(self.table):
            raise VenueUnavailable(facts.venue_id, self._catalogue.problem)
        return True

    def health(self) -> VenueHealth:
        """Measured health now."""
        return self._health.health()

    def gaps(self) -> Sequence[Gap]:
        """The gap ledger, newest first."""
        return self.pipeline.ledger.newest_first()

    async def load_instruments(self, max_age_s: float = 0.0) -> int:
        """Has the list of instruments loaded when it is older; see `Catalogue.load`."""
        return await self._catalogue.load(max_age_s)

    async def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[Candle]:
        """Candles, oldest first; see `MarketHistory.candles`."""
        return await self._history.candles(
            instrument, interval, limit=limit, start_ms=start_ms, end_ms=end_ms
        )

    async def trades(self, instrument: Instrument, *, limit: int) -> Sequence[Trade]:
        """The newest trades, oldest first."""
        return await self._history.trades(instrument, limit=limit)

    async def book(self, instrument: Instrument, *, depth: int) -> BookSnapshot:
        """The book, from the kept one when it is live, else from the venue."""
        return await self._history.book(instrument, depth=depth)

    async def tickers(self) -> Sequence[Ticker]:
        """24-hour figures of every instrument."""
        return await self._history.tickers()

    async def mark_prices(self) -> Sequence[MarkPrice]:
        """Mark, index and funding of every instrument."""
        return await self._history.mark_prices()

    async def open_interest(self, instrument: Instrument) -> OpenInterest:
        """Open interest now."""
        return await self._history.open_interest(instrument)

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
        return await self._history.open_interest_history(
            instrument, period, limit=limit, start_ms=start_ms, end_ms=end_ms
        )

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        """The estimate for the coming settlement."""
        return await self._history.funding_rate(instrument)

    async def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[FundingRate]:
        """Past settlements, oldest first."""
        return await self._history.funding_history(
            instrument, limit=limit, start_ms=start_ms, end_ms=end_ms
        )

    async def predicted_funding(self) -> Sequence[PredictedFunding]:
        """What the venue expects of the coming funding, on itself and on others."""
        return await self._history.predicted_funding()

    async def mark_candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[MarkCandle]:
        """Bars of the mark price, oldest first; see `MarketHistory.mark_candles`."""
        return await self._history.mark_candles(
            instrument, interval, limit=limit, start_ms=start_ms, end_ms=end_ms
        )

    async def margin_tiers(self, instrument: Instrument) -> MarginTiers:
        """What the venue demands of positions in one contract, by their size."""
        return await self._history.margin_tiers(instrument)

    async def wallet_positions(self, address: str) -> list[WalletPosition]:
        """Open positions of a public address, read now."""
        return await self._history.wallet_positions(address)

    def _connection_parts(
        self, addresses: Addresses, tap: FrameTap | None, options: SocketOptions
    ) -> ConnectionParts:
        """What the venue's connections share: one gate and one back-off for all of them."""
        limits = self.facts.stream_limits
        connection = self._settings.connection
        return ConnectionParts(
            venue=self._venue,
            addresses=addresses,
            table=self._table_now,
            clock=self._clock,
            gate=ConnectGate(
                self.facts.venue_id,
                limits.connects_per_window,
                limits.connect_window_s,
                clock=self._clock,
                rng=self._rng,
            ),
            backoff=FullJitterBackoff(
                connection.backoff_base_s,
                connection.backoff_ceiling_s,
                self._rng,
                connection.healthy_s,
            ),
            supervisor=self._supervisor,
            sink=self.pipeline,
            tap=tap,
            options=options,
            settings=connection,
            session_settings=self._settings.session,
        )

    def _check(self, subscription: Subscription) -> None:
        """Refuses what the venue would not serve, before anything is asked of it."""
        facts = self.facts
        support = facts.channels.get(subscription.channel)
        if support is None or not support.available:
            reason = "the venue has no such channel" if support is None else support.note
            raise NotSupported(facts.venue_id, subscription.channel, reason)
        if subscription.channel is Channel.CANDLES and subscription.interval not in facts.intervals:
            reason = f"there are {', '.join(facts.intervals)}"
            raise NotSupported(facts.venue_id, f"candles {subscription.interval}", reason)
        native_symbol = subscription.native_symbol
        if not len(self.table):
            raise VenueUnavailable(facts.venue_id, self._catalogue.problem)
        if native_symbol is not None and self.table.by_native(native_symbol) is None:
            raise UnknownSymbol(facts.venue_id, native_symbol)
        endpoint = self._venue.endpoint_of(subscription.channel)
        self._venue.stream(endpoint, self.table).subscribe((subscription,))

    def _polled(self) -> list[Instrument]:
        """Instruments that somebody holds a stream of, bounded."""
        natives = dict.fromkeys(one.native_symbol for one in self._pool.subscriptions)
        found = (self.table.by_native(one) for one in natives if one is not None)
        known = [instrument for instrument in found if instrument is not None]
        return known[: self._settings.poll_symbols_max]

    def _table_now(self) -> InstrumentTable:
        return self._catalogue.table

    def _on_quiet(self, subscription: Subscription) -> None:
        self._pool.quiet(subscription)

    def _on_renew(self, subscription: Subscription) -> None:
        self._pool.renew(subscription)

    def _task_backoff(self) -> FullJitterBackoff:
        connection = self._settings.connection
        return FullJitterBackoff(connection.backoff_base_s, connection.backoff_ceiling_s, self._rng)
