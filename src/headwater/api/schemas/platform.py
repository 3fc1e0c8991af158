"""Views of the platform itself: what it is, how it is, and what went wrong with a request."""

from typing import Literal

import msgspec

from headwater.api.schemas.base import IsoTime, View


class ProblemField(View, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong with a request.

    Attributes:
        field: parameter or header.
        message: what is wrong.
        value: what was sent, cut to 200 characters.
        allowed: what would be right: words, or the values to choose from.
    """

    field: str
    message: str
    value: str | None = None
    allowed: tuple[str, ...] = ()


class Problem(View, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request failed, as problem details (RFC 9457), `application/problem+json`.

    Attributes:
        type: always `about:blank`: the status says the kind, `code` the particulars.
        title: the standard words for the status.
        status: the HTTP status again.
        detail: what happened, for people.
        code: the same for programs.
        instance: id of the request, as in the `X-Request-ID` header and in the server's log.
        errors: the fields at fault.
        retry_after: seconds after which another try makes sense.
        suggestions: up to three near spellings of an unknown symbol.
    """

    type: str = msgspec.field(default_factory=lambda: "about:blank")
    title: str
    status: int
    detail: str
    code: str
    instance: str | None = None
    errors: tuple[ProblemField, ...] = ()
    retry_after: float | None = None
    suggestions: tuple[str, ...] = ()


class RootView(View, frozen=True, kw_only=True):
    """What this service is.

    Attributes:
        name: of the service.
        version: of the service.
        status: `operational` while it answers.
        docs: path of the documentation.
        exchanges: ids of the venues.
        simulated: true when any venue's data come from a simulated exchange or a tape.
        stores: whether what is heard is kept: without it questions about past liquidations are 404.
    """

    name: str
    version: str
    status: Literal["operational"]
    docs: str
    exchanges: tuple[str, ...]
    simulated: bool
    stores: bool


HealthStatus = Literal["healthy", "degraded", "unhealthy"]


class ComponentView(View, frozen=True, kw_only=True):
    """Health of one part.

    Attributes:
        status: of this part.
        detail: why it is not healthy, or figures when it is.
    """

    status: HealthStatus
    detail: str


class HealthView(View, frozen=True, kw_only=True):
    """Measured health of the platform.

    Attributes:
        status: healthy when every venue is, unhealthy when none is, else degraded.
        timestamp: when it was measured, UTC.
        service: name of the service.
        version: of the service.
        exchanges: whether each venue is healthy: data or a probe answered within its limit.
        components: health of the parts, by name.
        simulated: true when any venue's data come from a simulated exchange or a tape.
    """

    status: HealthStatus
    timestamp: IsoTime
    service: str
    version: str
    exchanges: dict[str, bool]
    components: dict[str, ComponentView]
    simulated: bool


class ProbeView(View, frozen=True, kw_only=True):
    """Answer to an orchestrator's probe.

    Attributes:
        status: `ok`.
        timestamp: now, UTC.
    """

    status: Literal["ok"]
    timestamp: IsoTime


class CapabilityView(View, frozen=True, kw_only=True):
    """Why something is or is not available, and where it comes from.

    Attributes:
        available: whether it is.
        source: the venue's channel or endpoint.
        note: the reason when it is not available, a peculiarity when it is.
    """

    available: bool
    source: str
    note: str


class ExchangeView(View, frozen=True, kw_only=True):
    """One venue.

    Attributes:
        name: its id.
        display_name: as people write it.
        status: `active`; `stub` for one that is known but gives no data.
        capabilities: what it offers, by name.
        features: the same as a list, with extras.
        data_source: where the data come from.
        support: each capability with its source and the reason when it is missing.
        intervals: candle lengths, shortest first.
        symbols_count: instruments listed; 0 until the list was loaded.
        simulated: true when the data come from a simulated exchange or a tape.
        documentation: link to the venue's own documentation.
    """

    name: str
    display_name: str
    status: Literal["active", "stub"]
    capabilities: dict[str, bool]
    features: tuple[str, ...]
    data_source: str
    support: dict[str, CapabilityView]
    intervals: tuple[str, ...]
    symbols_count: int
    simulated: bool
    documentation: str


class ExchangesView(View, frozen=True, kw_only=True):
    """All venues.

    Attributes:
        exchanges: one entry each.
        count: how many.
        active_count: how many give data.
        simulated: true when any venue's data come from a simulated exchange or a tape.
    """

    exchanges: tuple[ExchangeView, ...]
    count: int
    active_count: int
    simulated: bool


class CatalogEntryView(View, frozen=True, kw_only=True):
    """One stream over several venues.

    Attributes:
        path: where to connect.
        query: its parameters.
        description: what it sends.
    """

    path: str
    query: str
    description: str


class SpokenSocketView(View, frozen=True, kw_only=True):
    """A socket that is spoken to.

    Attributes:
        path: where to connect.
        description: what it sends and how it begins and goes on.
        requests: what a client may say, by the field that names the request.
        answers: what it is told, by `type`.
        examples: requests as they are sent.
    """

    path: str
    description: str
    requests: dict[str, str]
    answers: dict[str, str]
    examples: tuple[str, ...]


class TerminalSocketView(View, frozen=True, kw_only=True):
    """A socket of display-ready data for a trading screen.

    Attributes:
        path: where to connect; the symbol follows in the path or as `?symbol=`.
        description: what it sends and how it goes on.
        parameters: what else the query may say: meaning, what is allowed, default.
        requests: what a client may say, by `type`; empty where it may be any text.
        answers: what it is told, by `type`; empty where it may be any text.
        addresses: examples of where to connect.
        examples: requests as they are sent.
    """

    path: str
    description: str
    parameters: dict[str, str]
    requests: dict[str, str]
    answers: dict[str, str]
    addresses: tuple[str, ...]
    examples: tuple[str, ...]


class CatalogView(View, frozen=True, kw_only=True):
    """The WebSocket streams, which OpenAPI cannot describe.

    Attributes:
        per_exchange_pattern: path of the streams of one venue.
        streams: what each stream sends, by name.
        aggregated: streams over several venues.
        many_topics: the socket that serves any number of these streams at once.
        heatmap: the socket that sends liquidation maps.
        terminal: the sockets of display-ready data.
        examples: paths that work on this server.
        documentation: path of the machine-readable description (AsyncAPI 3).
    """

    per_exchange_pattern: str
    streams: dict[str, str]
    aggregated: tuple[CatalogEntryView, ...]
    many_topics: SpokenSocketView
    heatmap: SpokenSocketView
    terminal: tuple[TerminalSocketView, ...]
    examples: tuple[str, ...]
    documentation: str
