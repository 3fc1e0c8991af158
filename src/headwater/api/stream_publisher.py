"""Hands live records to streaming clients: one task, each record encoded at most once.

A record whose stream nobody hears costs one dictionary look-up. The newest candle and ticker of
each symbol are remembered, the first to greet new clients with, the second because a venue's
messages fill only parts of it.

Knows nothing of sockets and requests: `stream_routes` opens topics here, the hub writes.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import structlog

from headwater.api.stream_hub import StreamHub
from headwater.api.streams import AGGREGATES, ANY_EXCHANGE, STREAMS, EncodeRecord, StreamSpec
from headwater.bus.bus import Bus, ReaderClosed
from headwater.bus.topics import SlowPolicy, TopicFilter
from headwater.core.intervals import Interval
from headwater.core.records import ALL_SYMBOLS, Candle, Record, Ticker, Trade

LATEST_MAX: Final = 20_000
"""Candles and tickers remembered; beyond it the one that came first goes."""

SLICE: Final = 512
"""Records handled before other tasks get their turn."""

_log: Final = structlog.stdlib.get_logger("headwater.api.streams")


class Outlet(Protocol):
    """Where messages of one stream go; a topic of the hub is one.

    Attributes:
        key: its name among outlets.
        policy: what happens to its slow readers.
    """

    key: str
    policy: SlowPolicy

    def is_wanted(self, record: object) -> bool:
        """Whether anybody wants this record; saves encoding one for nobody."""

    def publish(self, payload: bytes, record: object = None) -> None:
        """Takes the next message, and the record it was made of."""

    def tell_missed(self, count: int) -> None:
        """Takes note that the server lost at most `count` messages here."""


class _Route(NamedTuple):
    """Where records of a kind, venue and symbol go."""

    outlet: Outlet
    encode: EncodeRecord
    interval: Interval | None


RouteKey = tuple[type[Record], str, str]


class StreamPublisher:
    """Reads the bus, encodes, publishes on the hub.

    Args:
        bus: where records come from.
        queue: records that may wait; beyond it the oldest events are dropped and counted.
    """

    def __init__(self, bus: Bus, queue: int) -> None:
        self._bus = bus
        self._queue = queue
        self._hub: StreamHub | None = None
        self._holders: dict[str, int] = {}
        self._routes: dict[RouteKey, dict[str, _Route]] = {}
        self._resolved: dict[RouteKey, tuple[_Route, ...]] = {}
        self._candles: dict[tuple[str, str, Interval], Candle] = {}
        self._tickers: dict[tuple[str, str], Ticker] = {}
        self._delays_s: dict[str, float] = {}

    @property
    def hub(self) -> StreamHub:
        """The clients."""
        assert self._hub is not None, "attach comes first"
        return self._hub

    @property
    def delays_s(self) -> Mapping[str, float]:
        """By venue: from its own time of its newest trade to the arrival, seconds."""
        return self._delays_s

    def attach(self, hub: StreamHub) -> None:
        """Names the hub, once; it needs a resolver before it can be made."""
        assert self._hub is None, "there is one hub"
        self._hub = hub

    def open(self, spec: StreamSpec, exchange: str, symbol: str, interval: Interval | None) -> str:
        """Holds a topic open for one more client.

        Args:
            spec: which stream.
            exchange: venue id, `*` for all venues.
            symbol: canonical symbol, `*` for the whole market.
            interval: of candles, else None.

        Returns:
            Key of the topic, to be given back to `close` exactly once.
        """
        key = spec.key(exchange, symbol, interval)
        held = self._holders.get(key, 0)
        if held == 0:
            self.add_outlet(self.hub.topic(key, spec.policy), spec, exchange, symbol, interval)
        self._holders[key] = held + 1
        return key

    def close(self, key: str, spec: StreamSpec, exchange: str, symbol: str) -> None:
        """Gives up one hold; with the last one the topic goes."""
        left = self._holders[key] - 1
        if left:
            self._holders[key] = left
            return
        del self._holders[key]
        self.remove_outlet(key, spec, exchange, symbol)
        self.hub.discard_topic(key)

    def add_outlet(
        self,
        outlet: Outlet,
        spec: StreamSpec,
        exchange: str,
        symbol: str,
        interval: Interval | None,
    ) -> None:
        """Gives an outlet every message of a stream from now on; the rest is as in `open`."""
        routes = self._routes.setdefault((spec.record, exchange, symbol), {})
        routes[outlet.key] = _Route(outlet, spec.encode, interval)
        self._resolved.clear()

    def remove_outlet(self, key: str, spec: StreamSpec, exchange: str, symbol: str) -> None:
        """Takes back what `add_outlet` gave."""
        route_key = (spec.record, exchange, symbol)
        routes = self._routes[route_key]
        del routes[key]
        if not routes:
            del self._routes[route_key]
        self._resolved.clear()

    def current_candle(
        self, exchange: str, symbol: str, interval: Interval, now_ms: int
    ) -> Candle | None:
        """The candle that is forming now, None when it has not been heard of."""
        candle = self._candles.get((exchange, symbol, interval))
        if candle is None or interval.closes_at_ms(candle.timestamp_ms) <= now_ms:
            return None
        return candle

    def newest_price(self, exchanges: Iterable[str], symbol: str, now_ms: int) -> float | None:
        """The newest price heard of a symbol on any venue, None when none is of this minute.

        Args:
            exchanges: venue ids.
            symbol: canonical symbol.
            now_ms: wall time.
        """
        heard = [self.current_candle(one, symbol, Interval.M1, now_ms) for one in exchanges]
        newest = max(
            (candle for candle in heard if candle is not None),
            key=lambda candle: candle.received_ns,
            default=None,
        )
        return None if newest is None else newest.close

    def current_ticker(self, exchange: str, symbol: str) -> Ticker | None:
        """What is known of a symbol's ticker, None when nothing is."""
        return self._tickers.get((exchange, symbol))

    async def run(self) -> None:
        """Works until cancelled or until the bus closes its reader."""
        specs = (*STREAMS.values(), *AGGREGATES.values())
        filters = [TopicFilter(record) for record in dict.fromkeys(spec.record for spec in specs)]
        reader = self._bus.subscribe("streams", filters, self._queue)
        dropped = 0
        try:
            while True:
                batch = await reader.next_batch()
                missed = reader.stats.dropped - dropped
                if missed:
                    # The oldest went: the hole lies before this batch.
                    dropped += missed
                    self.tell_missed(missed)
                for start in range(0, len(batch), SLICE):
                    if start:
                        await asyncio.sleep(0)
                    self.publish(batch[start : start + SLICE])
        except ReaderClosed as closed:
            _log.warning("stream publisher ends", reason=closed.reason)
        finally:
            reader.close()

    def publish(self, records: Sequence[Record]) -> None:
        """Hands records to whoever hears them, in their order.

        Each is encoded at most once a kind of message, and not at all when no filter lets it pass.
        """
        resolved = self._resolved
        trade: Record | None = None
        for record in records:
            kind = record.__class__
            if kind is Trade:
                trade = record
            elif kind is Candle:
                self._note_candle(record)
            elif kind is Ticker:
                record = self._merge_ticker(record)  # noqa: PLW2901 - the whole replaces the part
            key = (kind, record.exchange, record.symbol)
            routes = resolved.get(key)
            if routes is None:
                routes = self._resolve(key)
            payload, encoder = b"", None
            for outlet, encode, interval in routes:
                if interval is not None and getattr(record, "interval", None) is not interval:
                    continue
                if outlet.is_wanted(record):
                    if encode is not encoder:
                        payload, encoder = encode(record), encode
                    outlet.publish(payload, record)
        if trade is not None:
            delay_ms = trade.received_ns / 1_000_000 - trade.timestamp_ms
            self._delays_s[trade.exchange] = delay_ms / 1000

    def tell_missed(self, count: int) -> None:
        """Tells every client of an event stream that the server itself lost records.

        Args:
            count: records lost over all streams, so at most so many of each.
        """
        _log.warning("stream publisher too slow", dropped=count)
        for routes in self._routes.values():
            for route in routes.values():
                if route.outlet.policy is SlowPolicy.DROP_OLDEST:
                    route.outlet.tell_missed(count)

    def _resolve(self, key: RouteKey) -> tuple[_Route, ...]:
        """Every topic that wants records of this kind, venue and symbol."""
        kind, exchange, symbol = key
        found = dict(self._routes.get(key, {}))
        if symbol != ALL_SYMBOLS:
            found.update(self._routes.get((kind, exchange, ALL_SYMBOLS), {}))
        found.update(self._routes.get((kind, ANY_EXCHANGE, ALL_SYMBOLS), {}))
        routes = tuple(found.values())
        if len(self._resolved) >= self.hub.limits.max_topics:
            self._resolved.clear()
        self._resolved[key] = routes
        return routes

    def _note_candle(self, record: Record) -> None:
        assert isinstance(record, Candle)
        key = (record.exchange, record.symbol, record.interval)
        known = self._candles.get(key)
        if known is not None and record.timestamp_ms < known.timestamp_ms:
            return  # late trades changed one of the past
        self._candles[key] = record
        if len(self._candles) > LATEST_MAX:
            del self._candles[next(iter(self._candles))]

    def _merge_ticker(self, record: Record) -> Ticker:
        """What is known of the symbol with this message's news in it."""
        assert isinstance(record, Ticker)
        key = (record.exchange, record.symbol)
        known = self._tickers.get(key)
        whole = record if known is None else record.over(known)
        self._tickers[key] = whole
        if len(self._tickers) > LATEST_MAX:
            del self._tickers[next(iter(self._tickers))]
        return whole
