"""What `/metrics` shows: requests, streams, feeds, gaps and drops, in Prometheus' text format.

Counting a request is a dictionary look-up and a bisection; everything else is read from the
parts' own counters when somebody asks. Labels come from closed sets (routes, venues, topics that
lost something), so that clients cannot make series.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily as Counter
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import HistogramMetricFamily as Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from headwater.api.cache import AnswerCache
from headwater.api.deps import ApiDeps
from headwater.feeds.external_liquidations import ExternalHealth
from headwater.feeds.recorder import RecorderStats
from headwater.feeds.source import VenueHealth
from headwater.services.backfill import BackfillProgress
from headwater.services.venue_symbols import VenueSymbolStats
from headwater.storage.writer import WriterHealth

BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper edges of the latency histograms, seconds."""

TOPICS_MAX: Final = 1000
"""Topics with losses that are listed one by one; the worst first."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


class _Latency:
    """One histogram."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.total_s = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.total_s += seconds

    def buckets(self) -> Sequence[tuple[str, float]]:
        """Cumulative counts by upper edge."""
        edges = [*(str(edge) for edge in BUCKETS_S), "+Inf"]
        running = 0
        cumulative = []
        for edge, count in zip(edges, self.counts, strict=True):
            running += count
            cumulative.append((edge, float(running)))
        return cumulative


class RequestMeter:
    """Counts requests to this server and calls to venues."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], int] = {}
        self._latency: dict[str, _Latency] = {}
        self._calls: dict[tuple[str, str], _Latency] = {}
        self._failures: dict[tuple[str, str, str], int] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one finished request.

        Args:
            method: as sent; unusual ones count together.
            route: template of its path.
            status: of the answer, 0 when there was none.
            seconds: it took.
        """
        key = (method if method in _METHODS else "other", route, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        latency = self._latency.get(route)
        if latency is None:
            latency = self._latency[route] = _Latency()
        latency.add(seconds)

    def observe_call(self, exchange: str, call: str, seconds: float, failure: str | None) -> None:
        """Counts one question put to a venue's data.

        Args:
            exchange: venue id.
            call: name of the question.
            seconds: the answer took.
            failure: class of the error, None when there was none.
        """
        latency = self._calls.setdefault((exchange, call), _Latency())
        latency.add(seconds)
        if failure is not None:
            key = (exchange, call, failure)
            self._failures[key] = self._failures.get(key, 0) + 1

    def collect(self) -> Iterator[Metric]:
        """All families."""
        requests = Counter(
            "headwater_http_requests",
            "Finished HTTP requests.",
            labels=("method", "route", "status"),
        )
        for (method, route, status), count in self._requests.items():
            requests.add_metric((method, route, str(status)), count)
        yield requests
        errors = Counter("headwater_http_errors", "Answers with 5xx.", labels=("route",))
        for route in self._latency:
            failed = sum(n for (_, r, s), n in self._requests.items() if r == route and s >= 500)
            errors.add_metric((route,), failed)
        yield errors
        yield _histogram(
            "headwater_http_request_seconds",
            "Time to answer a request.",
            ("route",),
            {(route,): latency for route, latency in self._latency.items()},
        )
        yield _histogram(
            "headwater_exchange_call_seconds",
            "Time until a venue's data answered the API.",
            ("exchange", "call"),
            self._calls,
        )
        failures = Counter(
            "headwater_exchange_call_failures",
            "Questions to a venue's data that failed.",
            labels=("exchange", "call", "error"),
        )
        for labels, count in self._failures.items():
            failures.add_metric(labels, count)
        yield failures


class PlatformCollector(Collector):
    """Reads every part's counters when asked.

    Args:
        deps: the parts.
        meter: of requests.
        cache: of answers.
    """

    def __init__(self, deps: ApiDeps, meter: RequestMeter, cache: AnswerCache) -> None:
        self._deps = deps
        self._meter = meter
        self._cache = cache

    def collect(self) -> Iterator[Metric]:
        """All families, read now."""
        yield from self._meter.collect()
        yield from self._streams()
        yield from self._bus()
        yield from self._answers()
        yield from _venues([source.health() for source in self._deps.sources.values()])
        if self._deps.storage_health is not None:
            yield from _storage(self._deps.storage_health())
        if self._deps.tapes is not None:
            yield from _tapes(self._deps.tapes())
        if self._deps.external_health is not None:
            yield from _external(self._deps.external_health())
        if self._deps.history_progress is not None:
            yield from _history(self._deps.history_progress())
        if self._deps.symbols is not None:
            yield from _symbols(self._deps.symbols.stats())

    def _streams(self) -> Iterator[Metric]:
        stats = self._deps.publisher.hub.stats()
        yield Gauge("headwater_websocket_clients", "Active WebSocket clients.", stats.clients)
        yield Gauge("headwater_websocket_slow_clients", "Clients behind.", stats.slow_clients)
        yield Gauge("headwater_websocket_buffered_bytes", "Held for them.", stats.buffered_bytes)
        yield Counter("headwater_websocket_delivered", "Events sent.", stats.delivered)
        yield Counter("headwater_websocket_written_bytes", "Bytes sent.", stats.bytes_written)
        yield Counter("headwater_websocket_closed_slow", "Closed as too slow.", stats.closed_slow)
        refused = Counter("headwater_websocket_refused", "Turned away.", labels=("reason",))
        for reason, count in stats.refused.items():
            refused.add_metric((reason,), count)
        yield refused
        yield Gauge("headwater_stream_topics", "Topics with clients.", len(stats.topics))
        delay = Gauge(
            "headwater_exchange_delay_seconds",
            "From the venue's time of its newest streamed record to its arrival.",
            labels=("exchange",),
        )
        for exchange, seconds in self._deps.publisher.delays_s.items():
            delay.add_metric((exchange,), seconds)
        yield delay
        lossy = [topic for topic in stats.topics if topic.dropped or topic.conflated]
        lossy.sort(key=lambda topic: topic.dropped + topic.conflated, reverse=True)
        dropped = Counter(
            "headwater_stream_dropped", "Events slow clients missed.", labels=("topic",)
        )
        conflated = Counter(
            "headwater_stream_conflated", "States replaced by newer ones.", labels=("topic",)
        )
        for topic in lossy[:TOPICS_MAX]:
            dropped.add_metric((topic.key,), topic.dropped)
            conflated.add_metric((topic.key,), topic.conflated)
        yield dropped
        yield conflated

    def _bus(self) -> Iterator[Metric]:
        yield Counter("headwater_bus_published", "Records published.", self._deps.bus.published)
        delivered = Counter("headwater_bus_delivered", "Records read.", labels=("reader",))
        dropped = Counter("headwater_bus_dropped", "Records a reader missed.", labels=("reader",))
        queued = Gauge("headwater_bus_queued", "Records that wait.", labels=("reader",))
        for reader in self._deps.bus.readers:
            delivered.add_metric((reader.name,), reader.delivered)
            dropped.add_metric((reader.name,), reader.dropped)
            queued.add_metric((reader.name,), reader.queued)
        yield delivered
        yield dropped
        yield queued

    def _answers(self) -> Iterator[Metric]:
        stats = self._cache.stats
        outcome = Counter(
            "headwater_cache_requests", "Answers asked of the cache.", labels=("outcome",)
        )
        outcome.add_metric(("hit",), stats.hits)
        outcome.add_metric(("miss",), stats.misses)
        outcome.add_metric(("shared",), stats.shared)
        yield outcome
        yield Counter("headwater_cache_evicted", "Fresh answers dropped.", stats.evicted)
        yield Gauge("headwater_cache_entries", "Answers held.", stats.entries)
        yield Gauge("headwater_cache_bytes", "Bytes of their bodies.", stats.bytes_held)


def make_registry(deps: ApiDeps, meter: RequestMeter, cache: AnswerCache) -> CollectorRegistry:
    """A registry of this application alone."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(PlatformCollector(deps, meter, cache))
    return registry


def render(registry: CollectorRegistry) -> bytes:
    """The text of `/metrics`."""
    return generate_latest(registry)


def _venues(venues: Sequence[VenueHealth]) -> Iterator[Metric]:
    """What the feeds measure."""
    one = ("exchange",)
    healthy = Gauge("headwater_exchange_healthy", "1 when healthy.", labels=one)
    connections = Gauge("headwater_feed_connections", "Open connections.", labels=one)
    messages = Counter("headwater_feed_messages", "Frames received.", labels=one)
    wire_errors = Counter("headwater_feed_wire_errors", "Unreadable messages.", labels=one)
    reconnects = Counter("headwater_feed_reconnects", "Connections reopened.", labels=one)
    resyncs = Counter("headwater_feed_resyncs", "Books rebuilt after a gap.", labels=one)
    gaps = Gauge("headwater_feed_open_gaps", "Holes not repaired.", labels=one)
    offset = Gauge("headwater_exchange_clock_offset_seconds", "Venue less ours.", labels=one)
    breaker = Gauge("headwater_exchange_breaker_open", "1 when not closed.", labels=one)
    weight = Gauge(
        "headwater_exchange_used_weight", "REST weight used.", labels=("exchange", "pool")
    )
    age = Gauge(
        "headwater_feed_age_seconds",
        "Since the last data of a subscription.",
        labels=("exchange", "channel", "symbol", "interval"),
    )
    for venue in venues:
        name = (venue.exchange,)
        healthy.add_metric(name, float(venue.healthy))
        connections.add_metric(name, venue.connections)
        messages.add_metric(name, venue.messages)
        wire_errors.add_metric(name, venue.wire_errors)
        reconnects.add_metric(name, venue.reconnects)
        resyncs.add_metric(name, venue.resyncs)
        gaps.add_metric(name, venue.open_gaps)
        breaker.add_metric(name, float(venue.breaker != "closed"))
        if venue.clock_offset_ms is not None:
            offset.add_metric(name, venue.clock_offset_ms / 1000)
        for pool, used in venue.used_weight.items():
            weight.add_metric((venue.exchange, pool), used)
        for channel in venue.channels:
            if channel.age_s is not None:
                interval = channel.interval or ""
                labels = (venue.exchange, channel.channel, channel.symbol, interval)
                age.add_metric(labels, channel.age_s)
    yield from (healthy, connections, messages, wire_errors, reconnects, resyncs)
    yield from (gaps, offset, breaker, weight, age)


def _storage(health: WriterHealth) -> Iterator[Metric]:
    """What the database's writer did."""
    one = ("table",)
    written = Counter("headwater_storage_rows_written", "Rows written.", labels=one)
    dropped = Counter("headwater_storage_rows_dropped", "Rows lost: no room to wait.", labels=one)
    refused = Counter("headwater_storage_rows_refused", "Rows that never fit.", labels=one)
    waiting = Gauge("headwater_storage_rows_waiting", "Rows not yet written.", labels=one)
    for table, rows in health.tables.items():
        written.add_metric((table.value,), rows.written)
        dropped.add_metric((table.value,), rows.dropped)
        refused.add_metric((table.value,), rows.refused)
        waiting.add_metric((table.value,), rows.waiting)
    yield from (written, dropped, refused, waiting)
    yield Gauge("headwater_storage_healthy", "1 when writing works.", float(health.healthy))


def _tapes(tapes: Mapping[str, RecorderStats]) -> Iterator[Metric]:
    """What the writers of tapes did."""
    one = ("tape",)
    written = Counter("headwater_tape_written", "Messages or rows on the disk.", labels=one)
    dropped = Counter("headwater_tape_dropped", "Lost: the disk was too slow.", labels=one)
    waiting = Gauge("headwater_tape_waiting", "Not yet on the disk.", labels=one)
    for name, stats in tapes.items():
        written.add_metric((name,), stats.written)
        dropped.add_metric((name,), stats.dropped)
        waiting.add_metric((name,), stats.waiting)
    yield from (written, dropped, waiting)


def _external(health: ExternalHealth) -> Iterator[Metric]:
    """What the external service of past liquidations did."""
    name = "headwater_external_liquidations"
    yield Counter(f"{name}_calls", "Questions put to the service.", health.calls)
    yield Counter(f"{name}_failures", "Without a usable answer.", health.failures)
    yield Counter(f"{name}_refused", "Not put: too many at a time.", health.refused)
    yield Gauge(f"{name}_rows_kept", "Rows of its answers remembered.", health.rows_kept)
    works = float(health.failing_since_ms is None)
    yield Gauge(f"{name}_healthy", "1 when its newest answer was usable.", works)


def _history(venues: Sequence[BackfillProgress]) -> Iterator[Metric]:
    """How far back-fill is."""
    one = ("exchange",)
    rows = Counter("headwater_backfill_rows", "Rows fetched that were new.", labels=one)
    passes = Counter("headwater_backfill_passes", "Finished passes.", labels=one)
    waits = Counter("headwater_backfill_waits", "Pauses for the budget of live.", labels=one)
    left = Gauge("headwater_backfill_parts_left", "Parts of the pass not stored.", labels=one)
    for venue in venues:
        name = (venue.exchange,)
        rows.add_metric(name, venue.rows_stored)
        passes.add_metric(name, venue.passes)
        waits.add_metric(name, venue.waits)
        left.add_metric(name, venue.parts_total - venue.parts_done)
    yield from (rows, passes, waits, left)


def _symbols(venues: Sequence[VenueSymbolStats]) -> Iterator[Metric]:
    """How the lists of symbols are kept."""
    one = ("exchange",)
    loads = Counter("headwater_symbols_loads", "Lists loaded.", labels=one)
    failures = Counter("headwater_symbols_failures", "Loads that failed.", labels=one)
    listed = Gauge("headwater_symbols_listed", "Contracts in the list.", labels=one)
    stale = Gauge("headwater_symbols_stale", "1 when it is out of date.", labels=one)
    for venue in venues:
        name = (venue.exchange,)
        loads.add_metric(name, venue.loads)
        failures.add_metric(name, venue.failures)
        listed.add_metric(name, venue.symbols)
        stale.add_metric(name, float(venue.is_stale))
    yield from (loads, failures, listed, stale)


def _histogram(
    name: str,
    words: str,
    labels: Sequence[str],
    series: dict[tuple[str, ...], _Latency]
    | dict[tuple[str], _Latency]
    | dict[tuple[str, str], _Latency],
) -> Histogram:
    """One family of latency histograms."""
    family = Histogram(name, words, labels=labels)
    for values, latency in series.items():
        family.add_metric(values, buckets=latency.buckets(), sum_value=latency.total_s)
    return family
