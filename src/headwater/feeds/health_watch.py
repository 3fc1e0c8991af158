"""Measures the health of a live venue: on demand, and regularly so that its past is known."""

import asyncio
from typing import Final

import msgspec

from headwater.core.clock import Clock
from headwater.feeds.built_candles import BuiltCandles
from headwater.feeds.catalogue import Catalogue
from headwater.feeds.health import HealthFacts, judge
from headwater.feeds.health_memory import HealthMemory
from headwater.feeds.latency_watch import LatencyWatch
from headwater.feeds.pipeline import MarketPipeline
from headwater.feeds.pool import SubscriptionPool
from headwater.feeds.settings import FeedSettings
from headwater.feeds.source import VenueHealth
from headwater.feeds.venue_rest import VenueRest

_HOUR_MS: Final = 3_600_000


class HealthWatch:
    """Reads the parts of one venue's feed.

    Args:
        exchange: venue id.
        catalogue: its instruments and clock probe.
        rest: its REST side.
        pipeline: its live memory.
        pool: its streams.
        built: candles that are built of them.
        clock: ours.
        settings: limits of age, and how often to look.

    Attributes:
        latency: how late messages are; its `run` wants a task.
    """

    def __init__(
        self,
        exchange: str,
        catalogue: Catalogue,
        rest: VenueRest,
        pipeline: MarketPipeline,
        pool: SubscriptionPool,
        built: BuiltCandles,
        clock: Clock,
        settings: FeedSettings,
    ) -> None:
        self._exchange = exchange
        self._catalogue = catalogue
        self._rest = rest
        self._pipeline = pipeline
        self._pool = pool
        self._built = built
        self._clock = clock
        self._settings = settings
        self.latency: Final = LatencyWatch(
            lambda: pool.subscriptions, pipeline.newest_times, catalogue.offset_ms, clock
        )
        self._memory = HealthMemory(clock)
        self._data_at: float | None = None

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            self.health()
            await asyncio.sleep(self._settings.health_interval_s)

    def health(self) -> VenueHealth:
        """Measured health now, with what was remembered of the time before."""
        memory = self._memory
        health = judge(self._facts())
        memory.note(health, self._pipeline.last_wire_error, self._rest.last_failure)
        return msgspec.structs.replace(
            health,
            since_start_s=memory.since_start_s,
            healthy_s=memory.healthy_s,
            last_error=memory.last_error,
            reconnects_1h=memory.reconnects_1h,
        )

    def _facts(self) -> HealthFacts:
        pool, pipeline, catalogue = self._pool, self._pipeline, self._catalogue
        now = self._clock.monotonic()
        probed_at = catalogue.probed_at
        channels = pipeline.board.channels(pool.leases, pool.age_s)
        return HealthFacts(
            exchange=self._exchange,
            instruments=len(catalogue.table),
            problem=catalogue.problem,
            now_ms=self._clock.now_ms(),
            data_age_s=self._data_age_s(now),
            probe_age_s=None if probed_at is None else now - probed_at,
            limit_s=self._settings.probe_max_age_s,
            clock_offset_ms=catalogue.clock_offset_ms,
            breaker=self._rest.breaker_state,
            used_weight=self._rest.used_weight,
            connections=pool.open_connections,
            messages=pool.frames,
            wire_errors=pipeline.wire_errors,
            rest_failures=self._rest.failures,
            reconnects=pool.reconnects,
            resyncs=pipeline.books.resyncs,
            open_gaps=pipeline.ledger.open_count,
            channels=channels + self._built.channels(channels),
            latencies=self.latency.figures(),
            gaps_1h=pipeline.ledger.since(self._clock.now_ms() - _HOUR_MS),
            lost_connections=tuple(pool.lost_connections),
        )

    def _data_age_s(self, now: float) -> float | None:
        """Seconds since the newest data, also when the connection that brought them is gone."""
        ages = [self._pool.age_s(one) for one in self._pool.subscriptions]
        if self._rest.last_reply_ns is not None:
            ages.append(max(0.0, (self._clock.now_ns() - self._rest.last_reply_ns) / 1e9))
        moments = [now - age for age in ages if age is not None]
        if self._data_at is not None:
            moments.append(self._data_at)
        self._data_at = max(moments, default=None)
        return None if self._data_at is None else now - self._data_at
