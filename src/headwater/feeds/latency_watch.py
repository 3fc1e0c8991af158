"""Reads now and then how late a venue's newest messages were.

Nothing is added to the way of a message: four times a second the newest record of each live stream
is looked at where its keeper has it anyway. So bursts count no more than quiet times, and of the
messages between two looks only the last is read. Only channels whose venue time is the event's own
are measured: trades, books, liquidations. (A candle's time is its opening, a ticker's on some
venues our own.) Venue times are brought to our clock by the measured offset, which is known to
about half a round trip; what gathers at the venue before it is sent counts as late. A simulated
venue whose time runs faster than ours has no latency that means anything.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from headwater.core.clock import Clock
from headwater.core.enums import Channel
from headwater.feeds.latency import ChannelLatency, LatencyWindow
from headwater.venues.messages import Subscription

LOOK_EVERY_S: Final = 0.25
"""Time between two looks."""
STREAMS_PER_LOOK: Final = 200
"""Most streams of one look; of more, the next ones come at the next look."""
MEASURED: Final = (Channel.TRADES, Channel.BOOK, Channel.LIQUIDATIONS)
"""Channels whose messages carry the event's own time."""

NewestTimes = Callable[[Subscription], tuple[int, int] | None]
"""Venue time (ms) and receive time (ns) of a live stream's newest record, None without one."""


class LatencyWatch:
    """Latencies of one venue's streams.

    Args:
        streams: all that are wanted now.
        newest: the times of the newest record of one.
        offset_ms: the venue's clock less ours.
        clock: ours.
    """

    def __init__(
        self,
        streams: Callable[[], Iterable[Subscription]],
        newest: NewestTimes,
        offset_ms: Callable[[], int],
        clock: Clock,
    ) -> None:
        self._streams = streams
        self._newest = newest
        self._offset_ms = offset_ms
        self._clock = clock
        self._windows = {channel: LatencyWindow() for channel in MEASURED}
        self._seen: dict[Subscription, tuple[int, int]] = {}
        self._next = 0

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Reads the newest record of each stream, once."""
        streams = [one for one in self._streams() if one.channel in self._windows]
        if len(self._seen) > len(streams):
            wanted = set(streams)
            self._seen = {one: seen for one, seen in self._seen.items() if one in wanted}
        begin = self._next if self._next < len(streams) else 0
        for stream in streams[begin : begin + STREAMS_PER_LOOK]:
            self._read(stream)
        self._next = begin + STREAMS_PER_LOOK

    def figures(self) -> tuple[ChannelLatency, ...]:
        """What was read in the last minute, of channels that brought anything."""
        now_s = self._clock.monotonic()
        found = []
        for channel, window in self._windows.items():
            readings, at = window.percentiles(now_s, 0.5, 0.95)
            if readings:
                found.append(
                    ChannelLatency(channel=channel, p50_ms=at[0], p95_ms=at[1], readings=readings)
                )
        return tuple(found)

    def _read(self, stream: Subscription) -> None:
        newest = self._newest(stream)
        if newest is None:
            return
        seen = self._seen.get(stream)
        timestamp_ms, received_ns = newest
        # The first one may tell of the past, and one that is older than the last was fetched.
        if seen is not None and (received_ns == seen[1] or timestamp_ms < seen[0]):
            return
        self._seen[stream] = newest
        if seen is not None:
            latency_ms = received_ns / 1e6 + self._offset_ms() - timestamp_ms
            self._windows[stream.channel].add(latency_ms, self._clock.monotonic())
