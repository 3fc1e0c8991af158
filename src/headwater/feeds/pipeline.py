"""From events to the bus: where every record of a venue goes, live or from a tape.

One table sends each class of record to its keeper: trades to continuity, deltas to the book
keeper, and so on. It also hears the connections' changes and passes them to whoever must act.
Live feed and replay differ only in what they can ask for (`Fetchers`).
"""

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import msgspec
import structlog

from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.enums import Channel, FeedState, GapCause
from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    FundingRate,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Ticker,
    Trade,
)
from headwater.feeds.book_keeper import BookKeeper, FetchBook
from headwater.feeds.candle_keeper import CandleKeeper, FetchCandles
from headwater.feeds.continuity import FetchBetween, TradeContinuity
from headwater.feeds.event_watch import EventWatch, StateKeeper
from headwater.feeds.gaps import GapLedger
from headwater.feeds.link import Handler
from headwater.feeds.overlap import FetchNewest
from headwater.feeds.repairs import RepairCrew
from headwater.feeds.settings import FeedSettings
from headwater.feeds.states import StateBoard
from headwater.transport.backoff import FullJitterBackoff
from headwater.venues.base import Venue
from headwater.venues.facts import BookSource
from headwater.venues.messages import Past, Subscription, TradeRun

_log = structlog.get_logger(__name__)

_LOGGED_WIRE_ERRORS_MAX = 100


class Fetchers(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked of the venue to repair a stream.

    Attributes:
        trades_between: trades by sequence.
        trades_newest: the newest trades.
        book: a book snapshot; None where there is nobody to ask.
        candles: closed candles; None where there is nobody to ask.
    """

    trades_between: FetchBetween
    trades_newest: FetchNewest
    book: FetchBook | None
    candles: FetchCandles | None


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What the pipeline is built into.

    Attributes:
        bus: hears everything.
        clock: wall and monotonic time.
        rng: source of jitter.
        settings: bounds.
        table: instruments known now.
        offset_ms: the venue's clock less ours.
        on_quiet: told a subscription whose silence was real.
        renew: asks for a subscription anew; None where there is no stream to ask (a tape).
        last_gap_id: number of the newest hole that an earlier process noted.
    """

    bus: Bus
    clock: Clock
    rng: random.Random
    settings: FeedSettings
    table: Callable[[], InstrumentTable]
    offset_ms: Callable[[], int]
    on_quiet: Callable[[Subscription], None]
    renew: Callable[[Subscription], None] | None = None
    last_gap_id: int = 0


class MarketPipeline:
    """All keepers of one venue's records; the sink of its connections.

    Args:
        venue: which one.
        around: what it is built into.
        fetchers: what may be asked of the venue.
    """

    def __init__(self, venue: Venue, around: Surroundings, fetchers: Fetchers) -> None:
        exchange = venue.facts.venue_id
        settings = around.settings
        bus, clock = around.bus, around.clock
        self._around = around
        self._exchange = exchange
        self.wire_errors = 0
        self.last_wire_error = ""
        self.ledger = GapLedger(exchange, bus, clock, settings.ledger_max, around.last_gap_id)
        self.crew = RepairCrew(settings.repairs_parallel, settings.repairs_waiting_max)
        self.book_crew = RepairCrew(settings.repairs_parallel, settings.repairs_waiting_max)
        self.board = StateBoard(exchange, bus, clock, self.symbol_of)
        self.states = StateKeeper(bus)
        facts = venue.facts
        self.events = EventWatch(
            bus, self.ledger, clock, self.symbol_of, facts.gathered_s, facts.tells_past
        )
        self.trades = TradeContinuity(
            bus,
            self.ledger,
            self.crew,
            clock,
            fetchers.trades_between,
            fetchers.trades_newest,
            self._repair_backoff,
            settings.trades,
            self._on_quiet_trades,
        )
        self.books = BookKeeper(
            exchange,
            bus,
            self.ledger,
            self.book_crew,
            clock,
            venue.book_rule,
            fetchers.book,
            self._book_renewal(venue.facts.book_source),
            self._book_backoff,
            self.board.set_book,
            settings.books,
        )
        self.candles = CandleKeeper(
            bus,
            self.ledger,
            self.crew,
            clock,
            around.offset_ms,
            fetchers.candles,
            self._repair_backoff,
            settings.candles,
        )
        self.taker_of = self.trades.taker_of
        on_state = self.states.on_state
        self.handlers: Mapping[type, Handler] = {
            Trade: self.trades.on_trade,
            TradeRun: self.trades.on_run,
            BookDelta: self.books.on_delta,
            BookSnapshot: self.books.on_snapshot,
            Candle: self.candles.on_candle,
            Liquidation: self.events.on_liquidation,
            Past: self.events.on_past,
            Ticker: on_state,
            MarkPrice: on_state,
            FundingRate: on_state,
            OpenInterest: on_state,
        }

    def tasks(self) -> Iterable[tuple[str, Callable[[], Awaitable[None]]]]:
        """Names and work of the tasks that the pipeline needs, for a supervisor."""
        yield "trades", self.trades.run
        yield "books", self.books.run
        yield "candles", self.candles.run
        yield "events", self.events.run
        for number in range(1, self.crew.parallel + 1):
            yield f"repair-{number}", self.crew.work
            yield f"book-snapshot-{number}", self.book_crew.work

    def symbol_of(self, native_symbol: str) -> str:
        """The canonical symbol, or the native one while it is unknown."""
        instrument = self._around.table().by_native(native_symbol)
        return native_symbol if instrument is None else instrument.symbol

    def added(self, subscription: Subscription) -> None:
        """A stream begins to be wanted."""
        self.board.add(subscription)
        native_symbol = subscription.native_symbol
        if subscription.channel is Channel.TRADES and native_symbol is not None:
            self.trades.want(native_symbol)
        elif subscription.channel is Channel.BOOK and native_symbol is not None:
            instrument = self._around.table().by_native(native_symbol)
            if instrument is not None:
                self.books.want(instrument)

    def removed(self, subscription: Subscription) -> None:
        """Nobody wants a stream any more: what it kept is forgotten."""
        self.board.remove(subscription)
        self.events.forget(subscription)
        if subscription.native_symbol is None:
            return
        symbol = self.symbol_of(subscription.native_symbol)
        if subscription.channel is Channel.TRADES:
            self.trades.forget(subscription.native_symbol, symbol)
        elif subscription.channel is Channel.BOOK:
            self.books.forget(symbol)
        elif subscription.channel is Channel.CANDLES and subscription.interval is not None:
            self.candles.forget(symbol, subscription.interval)
        elif subscription.channel is Channel.MARK_PRICES:
            self.states.forget(MarkPrice, symbol)

    def on_change(self, subscription: Subscription, state: FeedState, reason: str) -> None:
        """A subscription changed its state."""
        self.board.set_stream(subscription, state, reason)
        if state is FeedState.LIVE:
            self.events.resumed(subscription)

    def on_confirmed(self, subscriptions: Iterable[Subscription]) -> None:
        """The venue acknowledged subscriptions."""
        self.trades.resumed(_natives(subscriptions, Channel.TRADES))
        self.books.confirmed(_natives(subscriptions, Channel.BOOK))

    def on_interrupted(
        self,
        subscriptions: Sequence[Subscription],
        cause: GapCause,
        reason: str,
        last_data_ns: int | None = None,
    ) -> None:
        """These streams ended or were in doubt: records after the last data may be missing."""
        self.trades.suspect(_natives(subscriptions, Channel.TRADES), cause)
        self.candles.interrupted(_natives(subscriptions, Channel.CANDLES), cause)
        if cause is GapCause.STALE:
            return
        self.books.interrupted(_natives(subscriptions, Channel.BOOK), reason)
        for subscription in subscriptions:
            if self.board.is_live(subscription):
                self.events.interrupted(subscription, cause, reason, last_data_ns)

    def on_connection(self, endpoint: str, state: FeedState, reason: str) -> None:
        """A whole connection changed its state."""
        _log.info(
            "feed_connection",
            exchange=self._exchange,
            endpoint=endpoint,
            state=str(state),
            reason=reason,
        )
        self.board.set_connection(endpoint, state, reason)

    def on_wire_error(self, error: WireError) -> None:
        """A frame could not be read: counted, and the first ones logged in full."""
        self.wire_errors += 1
        self.last_wire_error = str(error)
        if self.wire_errors <= _LOGGED_WIRE_ERRORS_MAX:
            _log.warning("feed_wire_error", exchange=self._exchange, problem=str(error))
        self.events.unreadable(one for one in self.board.subscriptions if self.board.is_live(one))

    def newest_candles(self, symbol: str, interval: Interval, limit: int) -> list[Candle] | None:
        """Candles from memory while their stream is live; None when it is not, or not whole."""
        instrument = self._around.table().by_symbol(symbol)
        if instrument is None:
            return None
        subscription = Subscription(
            channel=Channel.CANDLES, native_symbol=instrument.native_symbol, interval=interval
        )
        if not self.board.is_live(subscription):
            return None
        return self.candles.newest(symbol, interval, limit)

    def newest_times(self, subscription: Subscription) -> tuple[int, int] | None:
        """Venue time (ms) and receive time (ns) of a stream's newest record; None without one.

        Of trades, books and liquidations only; those of a whole market count as one stream.
        """
        channel, native_symbol = subscription.channel, subscription.native_symbol
        if channel is Channel.LIQUIDATIONS:
            event = self.events.newest
            return None if event is None else (event.timestamp_ms, event.received_ns)
        if native_symbol is None:
            return None
        symbol = self.symbol_of(native_symbol)
        if channel is Channel.BOOK:
            kept = self.books.kept(symbol)
            if kept is None or not kept.live:
                return None
            return kept.book.timestamp_ms, kept.last_received_ns
        trade = self.trades.last_heard(symbol) if channel is Channel.TRADES else None
        return None if trade is None else (trade.timestamp_ms, trade.received_ns)

    def _on_quiet_trades(self, native_symbol: str) -> None:
        self._around.on_quiet(Subscription(channel=Channel.TRADES, native_symbol=native_symbol))

    def _book_renewal(self, source: BookSource) -> Callable[[str], None] | None:
        """How to get a book's image again from the stream that brings it."""
        renew = self._around.renew
        if source is BookSource.REST or renew is None:
            return None

        def again(native_symbol: str) -> None:
            renew(Subscription(channel=Channel.BOOK, native_symbol=native_symbol))

        return again

    def _repair_backoff(self) -> FullJitterBackoff:
        trades = self._around.settings.trades
        return FullJitterBackoff(
            trades.repair_backoff_s, trades.repair_backoff_ceiling_s, self._around.rng
        )

    def _book_backoff(self) -> FullJitterBackoff:
        books = self._around.settings.books
        return FullJitterBackoff(books.retry_backoff_s, books.retry_ceiling_s, self._around.rng)


def _natives(subscriptions: Iterable[Subscription], channel: Channel) -> list[str]:
    return [
        one.native_symbol
        for one in subscriptions
        if one.channel is channel and one.native_symbol is not None
    ]
