"""Liquidated volume for a chart over the liquidations of a terminal's socket (O-W4, O-S12, O-S16).

One series serves every client of a symbol and length of bucket: past sums, single events since, and
what is heard live, by one code (`analytics.liquidation_series`), so that the running bucket goes on
from its past part and each event is counted once (O-D9).
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from headwater.analytics.liquidation_series import LiquidationSeries, SeriesBucket
from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.liquidation_volume import (
    DAYS_MAX,
    TerminalLiquidationVolumeView,
    VolumeBucketView,
    bucket_view,
)
from headwater.api.terminal.desk import FeedDesk
from headwater.api.terminal.liquidation_feeds import LiquidationSource, news_of
from headwater.api.terminal.liquidation_past import LiquidationPast
from headwater.api.terminal.liquidation_scope import LiquidationScope
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation
from headwater.services.past_liquidations import FoundSeries

UPDATE_EVERY_S: Final = 1.0
"""Shortest time between two updates."""

BUCKETS_MAX: Final = 1_000
"""Most buckets of a chart (O-S13)."""

BUCKETS_MIN: Final = 200
"""Fewest buckets of a chart (O-S13)."""

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


def buckets_shown(container_width: int) -> int:
    """How many buckets a chart of so many pixels begins with: three for each six (O-S13).

    Args:
        container_width: pixels.

    Returns:
        `BUCKETS_MIN` to `BUCKETS_MAX`.
    """
    return min(max(container_width // 6 * 3, BUCKETS_MIN), BUCKETS_MAX)


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
        super().__init__(desk, self.key_of(scope, interval), scope)
        self._past = past
        self._interval = interval
        now_ms = desk.clock.now_ms()
        kept = min(BUCKETS_MAX, DAYS_MAX[interval] * _DAY_MS // interval.nominal_ms)
        self._start_ms = max(0, interval.opens_at_ms(now_ms - (kept - 1) * interval.nominal_ms))
        self._series = LiquidationSeries(interval, kept)
        self._views: dict[int, VolumeBucketView] = {}
        self._missing = ""
        self._greetings: dict[int, bytes] = {}

    @staticmethod
    def key_of(scope: LiquidationScope, interval: Interval) -> str:
        """Names it among all feeds."""
        return f"liquidation-volume/{scope.name}/{interval.value}"

    async def run(self) -> None:
        """Asks for the past, then tells what changes."""
        await self._load()
        self.greet_waiting()
        updated_at_s = self.desk.clock.monotonic() - UPDATE_EVERY_S
        while True:
            self._series.add(self._in_span(await self._until_due(updated_at_s)))
            updated_at_s = self.desk.clock.monotonic()
            await self._tell(self._series.settle(self.desk.clock.now_ms()))

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

    async def _load(self) -> None:
        """Puts together what is stored and what is heard meanwhile, each event once.

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
            found = await self._past.series(wanted, self._interval, single_ms)
            heard += self._in_span(self.heard())
            since_ms = min((one.timestamp_ms for one in heard), default=single_ms)
            if since_ms >= single_ms:
                break
        news = [one for one in news_of(heard, found.events) if one.timestamp_ms >= single_ms]
        self._missing = found.volumes.missing
        # A thousand buckets with five texts each take some ms.
        self._views = await asyncio.to_thread(self._begin, found, news, now_ms)

    def _begin(
        self, found: FoundSeries, news: Sequence[Liquidation], now_ms: int
    ) -> dict[int, VolumeBucketView]:
        """Begins the series; the views of its buckets. Runs in a thread, before anybody looks."""
        self._series.seed(found.volumes.own, found.volumes.external)
        self._series.add(found.events)
        self._series.add(news)
        return {one.opened_at_ms: bucket_view(one) for one in self._series.settle(now_ms)}

    def _in_span(self, events: Sequence[Liquidation]) -> list[Liquidation]:
        """Events of buckets whose past was asked for."""
        return [one for one in events if one.timestamp_ms >= self._start_ms]

    async def _until_due(self, updated_at_s: float) -> list[Liquidation]:
        """Waits until something has happened, or a bucket has closed, and an update is due."""
        closes_ms = self._series.next_close_ms()
        patience_s = None
        if closes_ms is not None:
            left_s = (closes_ms - self.desk.clock.now_ms()) / 1_000
            patience_s = max(left_s, UPDATE_EVERY_S)
        events: list[Liquidation] = []
        try:
            async with asyncio.timeout(patience_s):
                events = await self.next_heard()
        except TimeoutError:
            pass
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
            missing=(self._missing or None),
        )
