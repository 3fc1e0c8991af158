"""The chosen venues, live: one feed each, its standing streams, and its tape when one is wanted."""

import asyncio
import random
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any

from headwater.app.settings import Settings
from headwater.app.standing import hold_standing
from headwater.app.venues import addresses_of, chosen_venues
from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.enums import TapeFormat
from headwater.feeds.parquet_recorder import ParquetRecorder
from headwater.feeds.recorder import RecorderStats, TapeRecorder
from headwater.feeds.settings import FeedSettings, RestSettings
from headwater.feeds.venue_feed import VenueFeed
from headwater.services.stream_life import FormerLife
from headwater.transport.http import HttpClient
from headwater.venues.base import Venue


class LiveFeeds:
    """Feeds of all chosen venues; use it as an asynchronous context that gives them by venue id.

    Args:
        settings: name the venues, symbols and the tape's folder.
        bus: hears every record.
        clock: tells the time.
        simulated: whether the venues are simulated exchanges.
        former: what an earlier process left, by venue id; the ledgers go on from there.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        bus: Bus,
        clock: Clock,
        simulated: bool,
        former: Mapping[str, FormerLife] | None = None,
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._simulated = simulated
        self._former = former or {}
        self._rng = random.SystemRandom()
        self._stack = AsyncExitStack()
        self._recorders: dict[str, TapeRecorder | ParquetRecorder] = {}
        self._failed: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Mapping[str, VenueFeed]:
        """Starts every feed and returns; data come when the venues answer."""
        self._failed = asyncio.get_running_loop().create_future()
        feeds = {}
        try:
            http = HttpClient(self._clock)
            await http.start()
            self._stack.push_async_callback(http.close)
            for venue in chosen_venues(self._settings):
                feeds[venue.facts.venue_id] = await self._start(venue, http)
        except BaseException:
            await self._stack.aclose()  # nobody else ends what was begun
            raise
        return feeds

    async def __aexit__(self, *_: object) -> None:
        """Stops every feed; a tape is complete when this returns."""
        await self._stack.aclose()

    @property
    def failed(self) -> "asyncio.Future[None]":
        """Ends with an error when a tape or the holding of standing streams crashed."""
        assert self._failed is not None, "enter the feeds first"
        return self._failed

    @property
    def tapes(self) -> Mapping[str, RecorderStats]:
        """Counters of each venue's tape; empty when none is recorded."""
        return {name: recorder.stats for name, recorder in self._recorders.items()}

    async def _start(self, venue: Venue, http: HttpClient) -> VenueFeed:
        name = venue.facts.venue_id
        addresses = addresses_of(venue, self._settings)
        recorder: TapeRecorder | ParquetRecorder | None = None
        if self._settings.record_dir is not None:
            in_columns = self._settings.record_format is TapeFormat.PARQUET
            kind = ParquetRecorder if in_columns else TapeRecorder
            recorder = kind(self._settings.record_dir, name, addresses.streams, self._clock)
            self._recorders[name] = recorder
            self._own(recorder.run(), f"{name} tape")
        feed = VenueFeed(
            venue,
            addresses,
            bus=self._bus,
            http=http,
            clock=self._clock,
            rng=random.Random(self._rng.getrandbits(64)),  # noqa: S311 - jitter, no secret
            settings=FeedSettings(rest=RestSettings(timeout_s=self._settings.request_timeout_s)),
            simulated=self._simulated,
            frame_tap=recorder,
            reply_tap=recorder,
            last_gap_id=self._former.get(name, FormerLife()).last_gap_id,
        )
        await feed.start()
        self._stack.push_async_callback(feed.stop)
        self._own(hold_standing(feed, self._settings), f"{name} standing streams")
        return feed

    def _own(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Starts a task that is cancelled and awaited at the end, before what it was started on."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)

        async def stop() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(stop)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or self.failed.done():
            return
        problem = task.exception()
        if problem is not None:
            self.failed.set_exception(problem)
            self.failed.exception()  # whoever watches is told; nobody has to
