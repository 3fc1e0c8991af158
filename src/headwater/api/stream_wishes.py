"""What a client asks for, understood: the path and query of a stream become a `StreamWish`.

Two kinds of paths: `{exchange}/{symbol}/{stream}?interval=` (requirements T-W1), and those of the
streams over all venues, such as `all/liquidations?min_value_usd=&exchanges=&symbols=` (T-W2 to
T-W4). Nothing is opened or leased here; every refusal names the field, its value and what is
allowed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from headwater.api.lookup import demand_candles, instrument_of, source_of
from headwater.api.stream_filters import (
    EventFilter,
    Filter,
    read_event_filter,
    read_spike_filter,
)
from headwater.api.streams import (
    AGGREGATES,
    ALL,
    ANY_EXCHANGE,
    DEFAULT_INTERVAL,
    STREAMS,
    AggregateSpec,
    StreamSpec,
)
from headwater.core.enums import Channel
from headwater.core.errors import NotSupported, RequestError, UnknownSymbol
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import ALL_SYMBOLS
from headwater.feeds.source import MarketSource
from headwater.venues.messages import Subscription

QUERY_FIELDS_MAX: Final = 16
"""Most parameters of a query."""

_PATH_CUT_CHARS: Final = 64


class Need(msgspec.Struct, frozen=True):
    """Live data that a stream is made of.

    Attributes:
        source: the venue's data.
        subscription: what of it.
    """

    source: MarketSource
    subscription: Subscription


class StreamWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for.

    Attributes:
        spec: which stream.
        exchange: venue id, `*` for all venues.
        symbol: canonical symbol, `*` for the whole market.
        interval: of candles, else None.
        wants: which events of it, None for all.
        needs: live data to be held while the client is connected.
        source: the venue's data, None for all venues.
        instrument: the contract, None for the whole market.
    """

    spec: StreamSpec
    exchange: str
    symbol: str
    interval: Interval | None = None
    wants: Filter | None = None
    needs: tuple[Need, ...] = ()
    source: MarketSource | None = None
    instrument: Instrument | None = None

    @property
    def name(self) -> str:
        """The one spelling of path and query that means this wish, without `/ws/`."""
        if isinstance(self.spec, AggregateSpec):
            return self.spec.path + ("" if self.wants is None else f"?{self.wants.query}")
        symbol = ALL if self.symbol == ALL_SYMBOLS else self.symbol
        query = "" if self.interval is None else f"?interval={self.interval.value}"
        return f"{self.exchange}/{symbol}/{self.spec.name}{query}"


class NoSuchStream(RequestError):
    """No stream has this path.

    Args:
        path: what was asked for, without `/ws/`.
    """

    def __init__(self, path: str) -> None:
        allowed = ", ".join(("{exchange}/{symbol}/{stream}", *AGGREGATES))
        super().__init__("path", path[:_PATH_CUT_CHARS], f"{allowed}; see /ws-catalog")


def understand(
    sources: Mapping[str, MarketSource], timeframes: Sequence[Interval], path: str, query: str
) -> StreamWish:
    """What a path and a query ask for.

    Args:
        sources: the connected venues by id.
        timeframes: lengths of bars that are watched for spikes.
        path: percent-decoded, without `/ws/`.
        query: not decoded, without the `?`.

    Raises:
        NoSuchStream: no stream has such a path.
        RequestError: a part is unknown or not offered; names it.
        VenueUnavailable: a venue's instruments are not known yet.
    """
    aggregate = AGGREGATES.get(path)
    if aggregate is not None:
        return _aggregated(sources, timeframes, aggregate, query)
    segments = path.split("/")
    if len(segments) < 3:
        raise NoSuchStream(path)
    return _of_one_venue(sources, segments[0], "/".join(segments[1:-1]), segments[-1], query)


def _of_one_venue(
    sources: Mapping[str, MarketSource], exchange: str, symbol: str, stream: str, query: str
) -> StreamWish:
    source = source_of(sources, exchange)
    spec = STREAMS.get(stream)
    if spec is None:
        raise RequestError("stream", stream, ", ".join(STREAMS))
    interval = _interval_of(spec, query)
    if interval is not None:
        demand_candles(source, interval)
    support = source.facts.channels.get(spec.channels[0])
    if support is None or not support.available:
        note = support.note if support is not None and support.note else "not offered"
        raise NotSupported(source.facts.venue_id, stream, note)
    whole = symbol.lower() == ALL and spec.takes_all
    instrument = None if whole else instrument_of(source, symbol)
    native = None if instrument is None else instrument.native_symbol
    needs = [
        Need(source, Subscription(channel=channel, native_symbol=native, interval=interval))
        for channel in spec.channels
        if _offers(source, channel)
    ]
    return StreamWish(
        spec=spec,
        exchange=source.facts.venue_id,
        symbol=ALL_SYMBOLS if instrument is None else instrument.symbol,
        interval=interval,
        needs=tuple(needs),
        source=source,
        instrument=instrument,
    )


def _aggregated(
    sources: Mapping[str, MarketSource],
    timeframes: Sequence[Interval],
    spec: AggregateSpec,
    query: str,
) -> StreamWish:
    fields = _fields(query, spec.parameters)
    wants: Filter
    if spec.min_value_usd is None:
        wants = read_spike_filter(fields, sources, timeframes)
    else:
        wants = read_event_filter(fields, sources, spec.min_value_usd)
    needs = _needs(sources, spec, wants) if isinstance(wants, EventFilter) else ()
    return StreamWish(
        spec=spec, exchange=ANY_EXCHANGE, symbol=ALL_SYMBOLS, wants=wants, needs=tuple(needs)
    )


def _needs(
    sources: Mapping[str, MarketSource], spec: AggregateSpec, wants: EventFilter
) -> Iterator[Need]:
    """Live data of every venue: the whole market where it goes, else the symbols named.

    The symbols that the server keeps live anyway need no hold.
    """
    for name, source in sources.items():
        if wants.exchanges is not None and name not in wants.exchanges:
            continue
        for channel in spec.channels:
            if not _offers(source, channel):
                continue
            if channel is Channel.LIQUIDATIONS:
                yield Need(source, Subscription(channel=channel, native_symbol=None))
                continue
            for symbol in sorted(wants.symbols or ()):
                try:
                    native = source.table.resolve(symbol).native_symbol
                except UnknownSymbol:
                    continue
                yield Need(source, Subscription(channel=channel, native_symbol=native))


def _offers(source: MarketSource, channel: Channel) -> bool:
    support = source.facts.channels.get(channel)
    return support is not None and support.available


def _interval_of(spec: StreamSpec, query: str) -> Interval | None:
    """The interval a query asks for; None for streams without one."""
    fields = _fields(query, ("interval",) if spec.takes_interval else ())
    if not spec.takes_interval:
        return None
    text = fields.get("interval", DEFAULT_INTERVAL.value)
    try:
        return Interval(text)
    except ValueError as error:
        raise RequestError("interval", text, ", ".join(Interval)) from error


def _fields(query: str, known: Sequence[str]) -> dict[str, str]:
    """The parameters of a query, each known and given once."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
    except ValueError as error:
        raise RequestError("query", query, f"at most {QUERY_FIELDS_MAX} parameters") from error
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            allowed = f"no such parameter; use {', '.join(known) or 'none'}"
            raise RequestError(name, value, allowed)
        if name in fields:
            raise RequestError(name, query, "given once")
        fields[name] = value
    return fields
