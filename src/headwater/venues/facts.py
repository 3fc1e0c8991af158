"""Facts about a venue as data: addresses, limits, support. No behaviour."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from headwater.core.enums import Channel, FeedCompleteness
from headwater.core.intervals import Interval


class BookSource(StrEnum):
    """How a venue's order book comes about.

    `rest`: deltas by stream, the image they continue by REST. `stream`: subscribing brings an
    image first, deltas follow; a gap is healed by subscribing again. `images`: every message is
    the whole book and replaces the one before; there is nothing to miss.
    """

    REST = "rest"
    STREAM = "stream"
    IMAGES = "images"


class LimitPool(msgspec.Struct, frozen=True, kw_only=True):
    """A budget that a venue gives each IP.

    Attributes:
        name: referred to by `HttpRequest.pool`.
        capacity: weight per window.
        window_s: length of the window in seconds.
    """

    name: str
    capacity: int
    window_s: float


class StreamLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one WebSocket connection of a venue may do.

    Attributes:
        max_age_s: the venue cuts a connection after this; None for no limit.
        max_streams: subscriptions per connection.
        messages_per_s: messages we may send, pings and pongs counted.
        topics_per_message: subscriptions in one request.
        connects_per_window: new connections per `connect_window_s` and IP.
        connect_window_s: that window in seconds.
        heartbeat_s: interval at which we must send `MarketStream.heartbeat`; None for never.
        quiet_limit_s: a connection without any frame, pings included, for so long is dead.
        requests_per_window: subscribe and unsubscribe messages per `request_window_s` and
            connection; None for no such limit.
        request_window_s: that window in seconds.
        connections_max: connections an IP may hold at a time; None where the venue names none.
        streams_total_max: subscriptions an IP may hold over all connections; None for no limit.
    """

    max_age_s: float | None
    max_streams: int
    messages_per_s: float
    topics_per_message: int
    connects_per_window: int
    connect_window_s: float
    heartbeat_s: float | None
    quiet_limit_s: float
    requests_per_window: int | None = None
    request_window_s: float = 3600.0
    connections_max: int | None = None
    streams_total_max: int | None = None


class Support(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a venue offers something.

    Attributes:
        available: yes or no.
        source: channel or endpoint it comes from, for people.
        note: the reason when not available; a peculiarity when it is.
    """

    available: bool
    source: str = ""
    note: str = ""


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where a venue lives.

    Attributes:
        rest: base URL of REST, without a trailing slash.
        streams: base URL of each WebSocket endpoint by its name.
    """

    rest: str
    streams: Mapping[str, str]


class VenueFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a venue that is data.

    Attributes:
        venue_id: lower-case id (`binance`).
        display_name: as people write it.
        environments: addresses by environment; `live` is always there.
        pools: REST budgets.
        stream_limits: limits of a WebSocket connection.
        channels: support of each live channel.
        capabilities: support of each REST kind: `ohlc`, `trades`, `order_book`, `tickers`,
            `mark_prices`, `open_interest`, `open_interest_history`, `funding_rate`,
            `funding_history`, `predicted_funding`, `mark_candles`, `margin_tiers`.
        intervals: candle lengths, shortest first.
        open_interest_periods: periods of the open-interest history.
        candles_max: most candles one request returns.
        funding_max: most funding rows one request returns.
        open_interest_max: most open-interest rows one request returns.
        open_interest_days: how far back the open-interest history reaches, days; None where it
            is not bounded so.
        open_interest_rows: newest periods that it holds, None where it is not bounded so.
        trades_max: most recent trades one request returns.
        book_depths: depths a REST book can be asked for, ascending.
        stale_after_s: longest normal silence of a liquid symbol by channel; a channel that is
            not listed may be silent for ever (liquidations).
        features: extras for people.
        documentation: link to the venue's documentation.
        whole_market: channels of which one subscription without a symbol brings all symbols;
            of the others generic code holds one subscription per symbol.
        book_source: how the order book comes about.
        gathered_s: longest time for which events of a channel wait at the venue before they are
            sent together; a channel that is not listed is sent at once.
        tells_past: channels whose first data may hold events of before the subscription, given as
            `Past`; they fill a part of what a lost connection missed.
        liquidations_told: how many of its liquidations the feed tells at best.
    """

    venue_id: str
    display_name: str
    environments: Mapping[str, Addresses]
    pools: tuple[LimitPool, ...]
    stream_limits: StreamLimits
    channels: Mapping[Channel, Support]
    capabilities: Mapping[str, Support]
    intervals: tuple[Interval, ...]
    open_interest_periods: tuple[Interval, ...]
    candles_max: int
    funding_max: int
    open_interest_max: int
    trades_max: int
    book_depths: tuple[int, ...]
    stale_after_s: Mapping[Channel, float]
    features: tuple[str, ...]
    documentation: str
    whole_market: frozenset[Channel] = frozenset()
    book_source: BookSource = BookSource.REST
    gathered_s: Mapping[Channel, float] = {}
    tells_past: frozenset[Channel] = frozenset()
    open_interest_days: float | None = None
    open_interest_rows: int | None = None
    liquidations_told: FeedCompleteness = FeedCompleteness.UNKNOWN
