"""Views of `/ws/heatmap` and of `/ws/stats`: what a client says, and what it is told (L-W1).

A request names its `action`, an answer its `type`.
"""

from typing import Annotated, Final, Literal

import msgspec

from headwater.api.schemas.base import IsoTime, View, iso_of
from headwater.services.map_question import NewestMap

SYMBOLS_MAX: Final = 10
"""Most symbols of one request, and of one socket."""

SYMBOL_CHARS_MAX: Final = 192
"""Longest spelling of a symbol."""

PACE_MAX_S: Final = 60
"""Longest `update_interval`; the shortest is 1."""

SymbolText = Annotated[str, msgspec.Meta(min_length=1, max_length=SYMBOL_CHARS_MAX)]
SymbolTexts = Annotated[tuple[SymbolText, ...], msgspec.Meta(min_length=1, max_length=SYMBOLS_MAX)]
Pace = Annotated[int, msgspec.Meta(ge=1, le=PACE_MAX_S)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class HeatmapRequest(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every request has: its `action`."""


class HeatmapSubscribeRequest(HeatmapRequest, frozen=True, tag_field="action", tag="subscribe"):
    """Asks for the maps of symbols; of one that the socket has, changes the pace.

    Attributes:
        symbols: 1 to 10, in any common spelling.
        update_interval: seconds between two snapshots, 1 to 60; left out: 5, or what the server
            was set to.
    """

    symbols: SymbolTexts
    update_interval: Pace | msgspec.UnsetType = msgspec.UNSET


class HeatmapUnsubscribeRequest(HeatmapRequest, frozen=True, tag_field="action", tag="unsubscribe"):
    """Gives symbols up.

    Attributes:
        symbols: 1 to 10, in any spelling that `subscribe` understands.
    """

    symbols: SymbolTexts


class HeatmapPingRequest(HeatmapRequest, frozen=True, tag_field="action", tag="ping"):
    """Asks whether the server is there."""


class HeatmapLevelView(View, frozen=True, kw_only=True):
    """One bucket of the price.

    Attributes:
        price: lower edge, quote currency.
        long_density: longs that would be liquidated in it, USD.
        short_density: shorts that would be liquidated in it, USD.
    """

    price: float
    long_density: NotNegative
    short_density: NotNegative


class HeatmapDataView(View, frozen=True, kw_only=True):
    """The map of this moment.

    Attributes:
        levels: buckets that are not empty, ascending by price.
        current_price: the newest price heard, quote currency; that of the map's moment when none
            of this minute was.
        positions_created: opened in the map's newest bar, both sides, USD.
        positions_consumed: reached by the price in the map's newest bar, both sides, USD.
    """

    levels: tuple[HeatmapLevelView, ...]
    current_price: NotNegative
    positions_created: NotNegative
    positions_consumed: NotNegative


class HeatmapSnapshotView(View, frozen=True, kw_only=True, tag_field="type", tag="snapshot"):
    """The map of a symbol; each is whole, none needs the one before.

    Attributes:
        symbol: canonical symbol.
        timestamp: moment it tells of, the end of its newest closed bar, UTC.
        data: the map.
    """

    symbol: str
    timestamp: IsoTime
    data: HeatmapDataView


ErrorCode = Literal[
    "INVALID_SYMBOL", "INVALID_ACTION", "INVALID_MESSAGE", "RATE_LIMITED", "SERVER_ERROR"
]
"""INVALID_SYMBOL: no venue lists it, or the socket does not have it; INVALID_ACTION: no such
`action`; INVALID_MESSAGE: a field is wrong, or it is no JSON; RATE_LIMITED: too many requests in a
second; SERVER_ERROR: the map cannot be had now."""


class HeatmapErrorView(
    View, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="error"
):
    """A request, or one symbol of it, cannot be served. The socket stays open.

    Attributes:
        code: what kind of error.
        message: the field, its value and what is allowed, for people.
        symbol: the client's own text, when one symbol is at fault; of SERVER_ERROR the symbol.
    """

    code: ErrorCode
    message: str
    symbol: str | None = None


class HeatmapWarningView(View, frozen=True, kw_only=True, tag_field="type", tag="warning"):
    """Something to know; the socket stays open.

    Attributes:
        code: SLOW_CONSUMER: snapshots were dropped because the client reads too slowly.
            CONNECTION_UNSTABLE: nothing was heard of the client; the socket is about to be closed.
        message: the same for people.
        dropped_messages: snapshots dropped, the oldest first.
    """

    code: Literal["SLOW_CONSUMER", "CONNECTION_UNSTABLE"]
    message: str
    dropped_messages: Count


class HeatmapPongView(View, frozen=True, kw_only=True, tag_field="type", tag="pong"):
    """The server is there.

    Attributes:
        timestamp: now, UTC.
    """

    timestamp: IsoTime


class WatchedSymbolView(View, frozen=True, kw_only=True):
    """A symbol that somebody watches.

    Attributes:
        symbol: canonical symbol.
        clients: sockets that have it.
        computed: maps made since somebody began to watch.
        failed: tries that gave none.
        published: snapshots given out, each to all clients of one pace.
        newest: moment of the newest map, UTC; null when there is none yet.
        compute_ms: time its newest try took.
        error: why the newest try gave no map; null when it did.
    """

    symbol: str
    clients: Count
    computed: Count
    failed: Count
    published: Count
    newest: IsoTime | None
    compute_ms: NotNegative
    error: str | None


class HeatmapStatsView(View, frozen=True, kw_only=True):
    """What `/ws/heatmap` does and did since the start.

    Attributes:
        enabled: false when it is switched off.
        connections: sockets now.
        connections_peak: most at a time.
        connections_total: ever.
        subscriptions: symbols of all sockets together.
        computed: maps made.
        failed: tries that gave none.
        published: snapshots given out, each to all clients of one symbol and pace.
        dropped_messages: snapshots that slow clients missed.
        rate_limited: requests refused because too many came.
        symbols: what is watched now, by name.
    """

    enabled: bool
    connections: Count
    connections_peak: Count
    connections_total: Count
    subscriptions: Count
    computed: Count
    failed: Count
    published: Count
    dropped_messages: Count
    rate_limited: Count
    symbols: tuple[WatchedSymbolView, ...]


HEATMAP_REQUESTS: Final[tuple[type[HeatmapRequest], ...]] = (
    HeatmapSubscribeRequest,
    HeatmapUnsubscribeRequest,
    HeatmapPingRequest,
)
"""Everything a client may say."""

HEATMAP_ANSWERS: Final[tuple[type[View], ...]] = (
    HeatmapSnapshotView,
    HeatmapErrorView,
    HeatmapWarningView,
    HeatmapPongView,
)
"""Everything a client is told."""


def snapshot_view(snapshot: NewestMap) -> HeatmapSnapshotView:
    """The message that carries a map."""
    return HeatmapSnapshotView(
        symbol=snapshot.symbol,
        timestamp=iso_of(snapshot.timestamp_ms),
        data=HeatmapDataView(
            levels=tuple(
                HeatmapLevelView(
                    price=one.price, long_density=one.long_usd, short_density=one.short_usd
                )
                for one in snapshot.levels
            ),
            current_price=snapshot.current_price,
            positions_created=snapshot.positions_created_usd,
            positions_consumed=snapshot.positions_consumed_usd,
        ),
    )
