"""Decides on requests for streams: `/ws/{exchange}/{symbol}/{stream}?interval=` (T-W1).

A granted stream holds leases on the venue's live data from the decision until its socket has
ended; each is released exactly once. A refusal is close code 1008 with the field, its value and
what is allowed, or 1013 when trying again later makes sense.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

import msgspec
import structlog

from headwater.api.errors import make_problem
from headwater.api.lookup import IntervalNotOffered, demand_interval, instrument_of, source_of
from headwater.api.schemas.base import encode
from headwater.api.schemas.platform import ProblemField
from headwater.api.schemas.views import order_book_view
from headwater.api.settings import ApiSettings
from headwater.api.stream_contract import (
    StreamAccepted,
    StreamLimits,
    StreamRefused,
    StreamRequest,
)
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_publisher import StreamPublisher
from headwater.api.streams import ALL, BOOK_LEVELS, DEFAULT_INTERVAL, STREAMS, StreamSpec
from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.errors import NotSupported, PlatformError, RequestError, UnknownSymbol
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import ALL_SYMBOLS, BookSnapshot, Candle
from headwater.feeds.source import Lease, MarketSource
from headwater.venues.messages import Subscription

PATH_PREFIX: Final = "/ws/"
"""How the paths of streams begin."""

_POLICY_VIOLATION: Final = 1008
_TRY_AGAIN_LATER: Final = 1013
_QUERY_FIELDS_MAX: Final = 16

_log: Final = structlog.stdlib.get_logger("headwater.api.streams")


class StreamWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for, understood.

    Attributes:
        spec: which stream.
        source: of which venue.
        instrument: of which contract, None for the whole market.
        interval: of candles, else None.
    """

    spec: StreamSpec
    source: MarketSource
    instrument: Instrument | None
    interval: Interval | None

    @property
    def exchange(self) -> str:
        """Venue id."""
        return self.source.facts.venue_id

    @property
    def symbol(self) -> str:
        """Canonical symbol, `*` for the whole market."""
        return ALL_SYMBOLS if self.instrument is None else self.instrument.symbol


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
        self.key = publisher.open(wish.spec, wish.exchange, wish.symbol, wish.interval)
        self._leases: list[Lease] = []
        try:
            self._leases.extend(_lease(wish))
        except PlatformError:
            self.release()
            raise

    def release(self) -> None:
        """Gives everything back; harmless when repeated."""
        if self._released:
            return
        self._released = True
        self._publisher.close(self.key, self._wish.spec, self._wish.exchange, self._wish.symbol)
        for lease in self._leases:
            lease.release()


class StreamRoutes:
    """The hub's resolver.

    Args:
        sources: venues' data by venue id.
        publisher: hands records to clients.
        clock: tells which candle is current.
    """

    def __init__(
        self, sources: Mapping[str, MarketSource], publisher: StreamPublisher, clock: Clock
    ) -> None:
        self._sources = sources
        self._publisher = publisher
        self._clock = clock

    async def resolve(self, request: StreamRequest) -> StreamAccepted | StreamRefused:
        """Decides on one request. Waits for nothing, so what it opens is there when it returns."""
        segments = request.path.removeprefix(PATH_PREFIX).split("/")
        if len(segments) < 3:
            return _no_such_path(request.path)
        try:
            wish = self.understand(segments[0], "/".join(segments[1:-1]), segments[-1], request)
            hold = StreamHold(self._publisher, wish)
        except RequestError as error:
            return StreamRefused(close_code=_POLICY_VIOLATION, reason=_reason(error))
        except PlatformError as error:
            return StreamRefused(close_code=_TRY_AGAIN_LATER, reason=str(error))

        async def load_initial() -> Sequence[bytes]:
            return await self._initial(wish)

        return StreamAccepted(topics=(hold.key,), load_initial=load_initial, on_close=hold.release)

    def understand(
        self, exchange: str, symbol: str, stream: str, request: StreamRequest
    ) -> StreamWish:
        """What the parts of a path and the query ask for.

        Raises:
            RequestError: a part is unknown or not offered; names it.
            VenueUnavailable: the venue's instruments are not known yet.
        """
        source = source_of(self._sources, exchange)
        spec = STREAMS.get(stream)
        if spec is None:
            raise RequestError("stream", stream, ", ".join(STREAMS))
        interval = _interval_of(spec, request.query)
        if interval is not None:
            demand_interval(source, "interval", interval, source.facts.intervals)
        support = source.facts.channels.get(spec.channels[0])
        if support is None or not support.available:
            note = support.note if support is not None and support.note else "not offered"
            raise NotSupported(source.facts.venue_id, stream, note)
        if symbol.lower() == ALL and spec.takes_all:
            return StreamWish(spec=spec, source=source, instrument=None, interval=interval)
        instrument = instrument_of(source, symbol)
        return StreamWish(spec=spec, source=source, instrument=instrument, interval=interval)

    async def _initial(self, wish: StreamWish) -> list[bytes]:
        """Where the client starts from: the current candle, the current book, what is known."""
        instrument = wish.instrument
        try:
            if instrument is None:
                return []
            if wish.spec.record is BookSnapshot:
                book = await wish.source.book(instrument, depth=BOOK_LEVELS)
                return [encode(order_book_view(book, BOOK_LEVELS))]
            if wish.interval is not None:
                candle = await self._candle(wish.source, instrument, wish.interval)
                return [] if candle is None else [wish.spec.encode(candle)]
            ticker = self._publisher.current_ticker(wish.exchange, wish.symbol)
            if ticker is not None and wish.spec.name == "ticker":
                return [wish.spec.encode(ticker)]
        except PlatformError as error:
            # The stream itself may well work: the client starts with the first live message.
            _log.warning("no initial message", topic=wish.symbol, reason=str(error))
        return []

    async def _candle(
        self, source: MarketSource, instrument: Instrument, interval: Interval
    ) -> Candle | None:
        """The current candle, as heard, else as the venue tells."""
        now_ms = self._clock.now_ms()
        exchange, symbol = source.facts.venue_id, instrument.symbol
        heard = self._publisher.current_candle(exchange, symbol, interval, now_ms)
        if heard is not None:
            return heard
        rows = await source.candles(instrument, interval, limit=1)
        return rows[-1] if rows else None


def _interval_of(spec: StreamSpec, query: str) -> Interval | None:
    """The interval a query asks for; None for streams without one."""
    try:
        fields = parse_qsl(query, keep_blank_values=True, max_num_fields=_QUERY_FIELDS_MAX)
    except ValueError as error:
        raise RequestError("query", query, f"at most {_QUERY_FIELDS_MAX} parameters") from error
    known = ("interval",) if spec.takes_interval else ()
    for name, value in fields:
        if name not in known:
            raise RequestError(name, value, f"no such parameter; use {', '.join(known) or 'none'}")
    if not spec.takes_interval:
        return None
    if len(fields) > 1:
        raise RequestError("interval", query, "given once")
    text = fields[0][1] if fields else DEFAULT_INTERVAL.value
    try:
        return Interval(text)
    except ValueError as error:
        raise RequestError("interval", text, ", ".join(Interval)) from error


def _lease(wish: StreamWish) -> list[Lease]:
    """Leases on everything the stream needs; none is kept when one is refused."""
    native = None if wish.instrument is None else wish.instrument.native_symbol
    leases: list[Lease] = []
    try:
        for channel in wish.spec.channels:
            support = wish.source.facts.channels.get(channel)
            if support is not None and support.available:
                subscription = Subscription(
                    channel=channel, native_symbol=native, interval=wish.interval
                )
                leases.append(wish.source.acquire(subscription))
    except PlatformError:
        for lease in leases:
            lease.release()
        raise
    return leases


def _reason(error: RequestError) -> str:
    """Field, value and what is allowed, short enough for a close frame (123 bytes)."""
    if isinstance(error, UnknownSymbol) and error.suggestions:
        return f"symbol={error.value[:24]!r}: did you mean {', '.join(error.suggestions)}?"
    if isinstance(error, NotSupported) and not isinstance(error, IntervalNotOffered):
        return f"{error.capability}: {error.exchange} does not offer it: {error.reason}"
    return f"{error.field}={error.value[:24]!r}: {error.allowed}"


def _no_such_path(path: str) -> StreamRefused:
    """There is no such stream path: the handshake itself is refused."""
    field = ProblemField(
        field="path",
        message="not allowed",
        value=path[:200],
        allowed=("/ws/{exchange}/{symbol}/{stream}",),
    )
    problem = make_problem(404, "not_found", "no such stream; see /ws-catalog", errors=[field])
    return StreamRefused(http_status=404, body=encode(problem))


def open_streams(
    *,
    sources: Mapping[str, MarketSource],
    bus: Bus,
    clock: Clock,
    settings: ApiSettings,
    limits: StreamLimits,
) -> StreamPublisher:
    """Makes the hub, its resolver and the publisher that feeds it.

    Args:
        sources: venues' data by venue id.
        bus: where live records come from.
        clock: tells the time.
        settings: of the API.
        limits: of the hub.

    Returns:
        The publisher, with the hub as `publisher.hub`. Its `run` has yet to be started.
    """
    publisher = StreamPublisher(bus, settings.stream_queue)
    routes = StreamRoutes(sources, publisher, clock)
    hub = StreamHub(
        routes.resolve,
        limits,
        allowed_origins=settings.allowed_origins,
        allowed_hosts=settings.allowed_hosts,
        trusted_proxies=settings.trusted_proxies,
    )
    publisher.attach(hub)
    return publisher
