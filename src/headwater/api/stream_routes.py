"""Decides on requests for streams: of one venue (T-W1), and over all venues (T-W2 to T-W4).

A granted stream holds leases on the venue's live data from the decision until its socket has
ended; each is released exactly once. A refusal is close code 1008 with the field, its value and
what is allowed, or 1013 when trying again later makes sense.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from headwater.api.errors import make_problem, wrong_field
from headwater.api.heatmap_board import HeatmapBoard
from headwater.api.heatmap_session import HeatmapSession
from headwater.api.lookup import IntervalNotOffered
from headwater.api.schemas.base import encode
from headwater.api.schemas.views import order_book_view
from headwater.api.settings import ApiSettings
from headwater.api.stream_contract import (
    StreamAccepted,
    StreamLimits,
    StreamRefused,
    StreamRequest,
)
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_leases import StreamLeases
from headwater.api.stream_publisher import StreamPublisher
from headwater.api.stream_wishes import NoSuchStream, StreamWish, understand
from headwater.api.streams import BOOK_LEVELS
from headwater.api.terminal.addresses import PREFIX as TERMINAL_PREFIX
from headwater.api.terminal.desk import FeedDesk
from headwater.api.terminal.sockets import terminal_routes
from headwater.api.topic_board import TopicBoard
from headwater.api.topic_session import TopicSession
from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.errors import NotSupported, PlatformError, RequestError, UnknownSymbol
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import BookSnapshot, Candle, Record
from headwater.feeds.source import MarketSource
from headwater.services.candle_history import CandleHistory
from headwater.services.past_liquidations import PastLiquidations
from headwater.services.symbols import SymbolService

PATH_PREFIX: Final = "/ws/"
"""How the paths of streams begin."""

SOCKET_PATH: Final = "/ws"
"""Of the socket that serves many topics."""

HEATMAP_PATH: Final = "/ws/heatmap"
"""Of the socket that sends liquidation maps."""

HEARD_AGE_MAX_S: Final = 30.0
"""Oldest record heard on the bus that a client is greeted with: while nobody holds a stream, what
was heard of it before grows old."""

_POLICY_VIOLATION: Final = 1008
_TRY_AGAIN_LATER: Final = 1013

_log: Final = structlog.stdlib.get_logger("headwater.api.streams")


class StreamHold:
    """What one client holds while it is connected; `release` gives it back, once.

    Args:
        publisher: holds the topic.
        wish: what is held.

    Raises:
        PlatformError: the venue refuses a lease; then nothing is held.
    """

    def __init__(self, publisher: StreamPublisher, wish: StreamWish) -> None:
        self._publisher = publisher
        self._wish = wish
        self._released = False
        self._leases = StreamLeases(wish)
        try:
            self.key = publisher.open(wish.spec, wish.exchange, wish.symbol, wish.interval)
        except ValueError:  # too many topics
            self._leases.release()
            raise

    def release(self) -> None:
        """Gives everything back; harmless when repeated."""
        if self._released:
            return
        self._released = True
        self._publisher.close(self.key, self._wish.spec, self._wish.exchange, self._wish.symbol)
        self._leases.release()


class StreamRoutes:
    """The hub's resolver.

    Args:
        sources: venues' data by venue id.
        publisher: hands records to clients.
        clock: tells which candle is current.
        timeframes: lengths of bars that are watched for spikes.
    """

    def __init__(
        self,
        sources: Mapping[str, MarketSource],
        publisher: StreamPublisher,
        clock: Clock,
        timeframes: Sequence[Interval],
    ) -> None:
        self._sources = sources
        self._publisher = publisher
        self._clock = clock
        self._timeframes = tuple(timeframes)

    async def resolve(self, request: StreamRequest) -> StreamAccepted | StreamRefused:
        """Decides on one request. Waits for nothing, so what it opens is there when it returns."""
        try:
            wish = self.understand(request.path.removeprefix(PATH_PREFIX), request.query)
            hold = StreamHold(self._publisher, wish)
        except NoSuchStream as error:
            return _no_such_path(request.path, error)
        except RequestError as error:
            return StreamRefused(close_code=_POLICY_VIOLATION, reason=_reason(error))
        except PlatformError as error:
            return StreamRefused(close_code=_TRY_AGAIN_LATER, reason=str(error))

        async def load_initial() -> Sequence[bytes]:
            return await self.initial(wish)

        return StreamAccepted(
            topics=(hold.key,),
            load_initial=load_initial,
            wants=wish.wants,
            on_close=hold.release,
        )

    def understand(self, path: str, query: str) -> StreamWish:
        """What a path and a query ask for; see `stream_wishes.understand`."""
        return understand(self._sources, self._timeframes, path, query)

    async def initial(self, wish: StreamWish) -> list[bytes]:
        """Where the client starts from: the current candle, the current book, what is known."""
        source, instrument = wish.source, wish.instrument
        try:
            if source is None or instrument is None:
                return []
            if wish.spec.record is BookSnapshot:
                book = await source.book(instrument, depth=BOOK_LEVELS)
                return [encode(order_book_view(book, BOOK_LEVELS))]
            if wish.interval is not None:
                candle = await self._candle(source, instrument, wish.interval)
                return [] if candle is None else [wish.spec.encode(candle)]
            ticker = self._publisher.current_ticker(wish.exchange, wish.symbol)
            if wish.spec.name == "ticker" and ticker is not None and self._is_recent(ticker):
                return [wish.spec.encode(ticker)]
        except PlatformError as error:
            # The stream itself may well work: the client starts with the first live message.
            _log.warning("no initial message", topic=wish.symbol, reason=str(error))
        return []

    async def _candle(
        self, source: MarketSource, instrument: Instrument, interval: Interval
    ) -> Candle | None:
        """The current candle, as heard lately, else as the venue tells."""
        now_ms = self._clock.now_ms()
        exchange, symbol = source.facts.venue_id, instrument.symbol
        heard = self._publisher.current_candle(exchange, symbol, interval, now_ms)
        if heard is not None and self._is_recent(heard):
            return heard
        rows = await source.candles(instrument, interval, limit=1)
        return rows[-1] if rows else None

    def _is_recent(self, record: Record) -> bool:
        return self._clock.now_ns() - record.received_ns <= HEARD_AGE_MAX_S * 1_000_000_000


def _reason(error: RequestError) -> str:
    """Field, value and what is allowed, short enough for a close frame (123 bytes)."""
    if isinstance(error, UnknownSymbol) and error.suggestions:
        return f"symbol={error.value[:24]!r}: did you mean {', '.join(error.suggestions)}?"
    if isinstance(error, NotSupported) and not isinstance(error, IntervalNotOffered):
        return f"{error.capability}: {error.exchange} does not offer it: {error.reason}"
    return f"{error.field}={error.value[:24]!r}: {error.allowed}"


def _no_such_path(path: str, error: NoSuchStream) -> StreamRefused:
    """There is no such stream path: the handshake itself is refused."""
    field = wrong_field(error.field, path, error.allowed)
    problem = make_problem(404, "not_found", "no such stream; see /ws-catalog", errors=[field])
    return StreamRefused(http_status=404, body=encode(problem))


def open_streams(
    *,
    sources: Mapping[str, MarketSource],
    bus: Bus,
    clock: Clock,
    settings: ApiSettings,
    limits: StreamLimits,
    heatmaps: HeatmapBoard | None = None,
    symbols: SymbolService | None = None,
    past_liquidations: PastLiquidations | None = None,
    candles: CandleHistory | None = None,
) -> StreamPublisher:
    """Makes the hub, its resolver and the publisher that feeds it.

    Args:
        sources: venues' data by venue id.
        bus: where live records come from.
        clock: tells the time.
        settings: of the API.
        limits: of the hub.
        heatmaps: the symbols whose maps are watched; None for one that makes no maps.
        symbols: what the venues trade; None for one that has no volumes.
        past_liquidations: with which terminal sockets begin; None where nothing is stored.
        candles: past candles; None where nothing is stored.

    Returns:
        The publisher, with the hub as `publisher.hub`. Its `run` has yet to be started.
    """
    publisher = StreamPublisher(bus, settings.stream_queue)
    routes = StreamRoutes(sources, publisher, clock, settings.spike_timeframes)
    board = TopicBoard(publisher, routes.understand, routes.initial, clock)
    maps = heatmaps or HeatmapBoard(None, clock)
    desk = FeedDesk(sources, bus, clock, symbols)
    terminal = terminal_routes(desk, candles, past_liquidations)

    async def resolve(request: StreamRequest) -> StreamAccepted | StreamRefused:
        if request.path.startswith(TERMINAL_PREFIX):
            return terminal.resolve(request)
        if request.path not in (SOCKET_PATH, HEATMAP_PATH):
            return await routes.resolve(request)
        if request.path == HEATMAP_PATH and not maps.enabled:
            problem = make_problem(404, "not_found", f"{HEATMAP_PATH} is switched off")
            return StreamRefused(http_status=404, body=encode(problem))
        if request.query:
            error = RequestError("query", request.query, f"{request.path} takes no parameters")
            return StreamRefused(close_code=_POLICY_VIOLATION, reason=_reason(error))
        if request.path == HEATMAP_PATH:
            return HeatmapSession(maps, sources).accepted
        return TopicSession(board, clock).accepted

    hub = StreamHub(
        resolve,
        limits,
        allowed_origins=settings.allowed_origins,
        allowed_hosts=settings.allowed_hosts,
        trusted_proxies=settings.trusted_proxies,
    )
    publisher.attach(hub)
    hub.close_with(board.close)
    maps.attach(hub)
    desk.attach(hub)
    return publisher
