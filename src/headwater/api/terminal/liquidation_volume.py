"""Liquidated volume for a chart over the liquidations of a terminal's socket (O-W4, O-S12, O-S16).

One series serves every client of a symbol and length of bucket: past sums, single events since, and
what is heard live, by one code (`analytics.liquidation_series`), so that the running bucket goes on
from its past part and each event is counted once (O-D9).
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from headwater.analytics.liquidation_series import LiquidationSeries, SeriesBucket
from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.liquidation_volume import (
    DAYS_MAX,
    TerminalLiquidationVolumeView,
    VolumeBucketView,
    bucket_view,
)
from headwater.api.terminal.desk import FeedDesk
from headwater.api.terminal.liquidation_feeds import QUEUE, LatePast, LiquidationSource, news_of
from headwater.api.terminal.liquidation_past import LiquidationPast
from headwater.api.terminal.liquidation_scope import LiquidationScope
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation
from headwater.services.past_liquidations import FoundSeries

UPDATE_EVERY_S: Final = 1.0
"""Shortest time between two updates."""

BUCKETS_MAX: Final = 1_000
"""Most buckets of a chart (O-S13)."""

UPDATE_BUCKETS: Final = 200
"""Most buckets of one update; more are sent in several, so that each takes little of the loop."""

SINGLE_MS: Final = 600_000
"""Of so much time before now the past is asked for singly: what is heard live while the question is
under way is hardly ever older, and told apart by its key."""

READINGS_MAX: Final = 4
"""How often the past is asked for when what is heard meanwhile is older than that."""

GREETINGS_KEPT: Final = 16
"""First messages kept, of as many different widths of charts."""

_DAY_MS: Final = 86_400_000


class _Past(msgspec.Struct, frozen=True, kw_only=True):
    """What a series begins with.

    Attributes:
        found: what is stored.
        single_ms: since when it is told singly, ms since the epoch.
        heard: live events of its span, heard while it was asked for.
    """

    found: FoundSeries
    single_ms: int
    heard: Sequence[Liquidation]

    @property
    def news(self) -> list[Liquidation]:
        """Live events that are not in what is stored."""
        fresh = news_of(self.heard, self.found.events)
        return [one for one in fresh if one.timestamp_ms >= self.single_ms]


class LiquidationVolumeFeed(LiquidationSource):
    """The volume of a scope's liquidations in buckets of one length.

    Args:
        desk: where it lives.
        scope: whose liquidations.
        interval: length of a bucket.
        past: answers for what was before.

    Raises:
        PlatformError: the venue, or every one, refuses.
    """

    def __init__(
        self,
        desk: FeedDesk,
        scope: LiquidationScope,
        interval: Interval,
        past: LiquidationPast,
    ) -> None:
        super().__init__(desk, self.key_of(scope, interval), scope, past)
        self._interval = interval
        now_ms = desk.clock.now_ms()
        kept = min(BUCKETS_MAX, DAYS_MAX[interval] * _DAY_MS // interval.nominal_ms)
        self._start_ms = max(0, interval.opens_at_ms(now_ms - (kept - 1) * interval.nominal_ms))
        self._kept = kept
        self._series = LiquidationSeries(interval, kept)
        self._views: dict[int, VolumeBucketView] = {}
        self._meanwhile: list[Liquidation] = []
        self._greetings: dict[int, bytes] = {}

    @staticmethod
    def key_of(scope: LiquidationScope, interval: Interval) -> str:
        """Names it among all feeds."""
        return f"liquidation-volume/{scope.name}/{interval.value}"

    async def run(self) -> None:
        """Asks for the past, then tells what changes."""
        past = await self._ask()
        self.note_past(past.found.volumes.missing)
        await self._begin(past)
        self.begin()
        updated_at_s = self.desk.clock.monotonic() - UPDATE_EVERY_S
        late = LatePast(self, self._ask_again)
        try:
            while True:
                answer = late.take()
                is_due = answer is not None and await self._take_late(answer)
                patience_s = 0.0 if is_due else late.wait_s
                events = self._in_span(await self._until_due(updated_at_s, patience_s))
                meanwhile = [*self._meanwhile, *events] if late.is_under_way else []
                self._meanwhile = meanwhile[: QUEUE + 1]
                self._series.add(events)
                updated_at_s = self.desk.clock.monotonic()
                await self._tell(self._series.settle(self.desk.clock.now_ms()))
        finally:
            await late.close()

    def greeting(self, shown: int) -> bytes:
        """The newest `shown` buckets."""
        found = self._greetings.get(shown)
        if found is None:
            opened = sorted(self._views)[-shown:]
            views = [self._views[opened_ms] for opened_ms in opened]
            found = encode(self._message(views, is_update=False))
            if len(self._greetings) >= GREETINGS_KEPT:
                self._greetings.clear()
            self._greetings[shown] = found
        return found

    async def _ask(self) -> _Past:
        """What is stored, and what is heard meanwhile.

        An event that is heard meanwhile and older than the part that is told singly, such as one
        of an interruption that the venue tells of now, may be in the sums or not: then the past is
        asked for again, singly from that event on.
        """
        now_ms = self.desk.clock.now_ms()
        wanted = self.scope.wanted(self._start_ms, now_ms)
        since_ms = max(self._start_ms, now_ms - SINGLE_MS)
        heard: list[Liquidation] = []
        for _ in range(READINGS_MAX):
            single_ms = since_ms
            found = await self.past.series(wanted, self._interval, single_ms)
            heard += self._in_span(self.heard())
            since_ms = min((one.timestamp_ms for one in heard), default=single_ms)
            if since_ms >= single_ms or found.volumes.missing:
                break  # what is missing is asked for again later, whole
        return _Past(found=found, single_ms=single_ms, heard=heard)

    async def _begin(self, past: _Past) -> None:
        """Begins the series with what is stored and the events that are not in it."""
        # A thousand buckets with five texts each take some ms.
        now_ms = self.desk.clock.now_ms()
        series = LiquidationSeries(self._interval, self._kept)
        views = await asyncio.to_thread(_seed, series, past, now_ms)
        self._series, self._views = series, views
        self._greetings.clear()

    async def _ask_again(self) -> _Past:
        """What is stored; what is heard meanwhile is noted elsewhere."""
        now_ms = self.desk.clock.now_ms()
        wanted = self.scope.wanted(self._start_ms, now_ms)
        single_ms = max(self._start_ms, now_ms - SINGLE_MS)
        found = await self.past.series(wanted, self._interval, single_ms)
        return _Past(found=found, single_ms=single_ms, heard=())

    async def _take_late(self, past: _Past) -> bool:
        """What was missing was asked for again; when it is there, everybody begins anew.

        Not when something was heard meanwhile of which nobody can tell whether it is in a sum, or
        more than is remembered.

        Returns:
            Whether the series has changed and an update is to be sent.
        """
        waiting = self._in_span(self.heard())
        heard = [*self._meanwhile, *waiting]
        missing = past.found.volumes.missing
        is_late = any(one.timestamp_ms < past.single_ms for one in heard)
        if missing or is_late or len(self._meanwhile) > QUEUE:
            self.note_past(missing or self.missing)
            self._series.add(waiting)
            return bool(waiting)
        self.note_past("")
        await self._begin(msgspec.structs.replace(past, heard=heard))
        self.begin_anew()
        return False

    def _in_span(self, events: Sequence[Liquidation]) -> list[Liquidation]:
        """Events of buckets whose past was asked for."""
        return [one for one in events if one.timestamp_ms >= self._start_ms]

    async def _until_due(self, updated_at_s: float, patience_s: float | None) -> list[Liquidation]:
        """Waits until something has happened, or a bucket has closed, and an update is due.

        Args:
            updated_at_s: when the last one was, monotonic seconds.
            patience_s: longest wait for something to happen; None for any.
        """
        closes_ms = self._series.next_close_ms()
        if closes_ms is not None:
            left_s = (closes_ms - self.desk.clock.now_ms()) / 1_000
            left_s = max(left_s, UPDATE_EVERY_S)
            patience_s = left_s if patience_s is None else min(left_s, patience_s)
        events = await self.next_heard(patience_s)
        wait_s = updated_at_s + UPDATE_EVERY_S - self.desk.clock.monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
            events += self.heard()
        return events

    async def _tell(self, changed: Sequence[SeriesBucket]) -> None:
        """Sends what changed to every client."""
        for start in range(0, len(changed), UPDATE_BUCKETS):
            if start:
                await asyncio.sleep(0)
            views = [bucket_view(one) for one in changed[start : start + UPDATE_BUCKETS]]
            self._views |= {one.timestamp: one for one in views}
            self._greetings.clear()
            self.publish(encode(self._message(views, is_update=True)))
        kept = {one.opened_at_ms for one in self._series.buckets()}
        for opened_ms in [one for one in self._views if one not in kept]:
            del self._views[opened_ms]

    def _message(
        self, views: Sequence[VolumeBucketView], *, is_update: bool
    ) -> TerminalLiquidationVolumeView:
        return TerminalLiquidationVolumeView(
            exchange=self.scope.exchange,
            symbol=self.scope.symbol,
            timeframe=self._interval,
            data=tuple(views),
            timestamp=self.desk.clock.now_ms(),
            is_update=is_update,
            missing=self.missing or None,
        )


def _seed(series: LiquidationSeries, past: _Past, now_ms: int) -> dict[int, VolumeBucketView]:
    """Begins a series; the views of its buckets. Runs in a thread, before anybody else looks."""
    series.seed(past.found.volumes.own, past.found.volumes.external)
    series.add(past.found.events)
    series.add(past.news)
    return {one.opened_at_ms: bucket_view(one) for one in series.settle(now_ms)}
