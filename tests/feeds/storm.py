"""Every socket of every venue cut at once, again and again, in virtual time.

The way is real: feeds with their everyday settings, sockets over loopback, simulated venues that
count broken limits. Only time is not: the loop skips all waiting.
"""

import asyncio
import copy
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import pytest

from headwater.bus.memory import MemoryBus
from headwater.core.clock import SourceClock
from headwater.core.enums import Channel
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.core.intervals import Interval
from headwater.feeds.venue_feed import VenueFeed
from headwater.simulator.hosting import host_venues
from headwater.simulator.server import SimulatorServer
from headwater.simulator.venue_server import VenueServer
from headwater.transport.http import HttpClient
from headwater.venues.base import Venue
from headwater.venues.discovery import venues
from headwater.venues.messages import Subscription
from headwater.venues.side import ServerSocket

START_NS = 1_790_000_000_000_000_000
SYMBOLS = ("BTCUSDT", "SOLUSDT")
BACK_WITHIN_S = 60.0
LOOK_EVERY_S = 0.25
STREAMS_EACH = 3


class Front:
    """One venue: its server, our feed, what the venue saw of us and what it refused."""

    def __init__(self, venue: Venue, server: VenueServer, clock: SourceClock) -> None:
        self.venue = venue
        self.server = server
        self.opened_at: list[float] = []
        self.refused: list[int] = []
        self.feed: VenueFeed
        self.wanted: list[Subscription] = []
        self.lost = 0
        self._clock = clock

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Notes every connection that reaches the venue."""
        real = self.server._side.open

        def opened(path: str, query: Sequence[tuple[str, str]], client: str) -> ServerSocket | None:
            self.opened_at.append(self._clock.monotonic())
            return real(path, query, client)

        monkeypatch.setattr(self.server._side, "open", opened)

    def on_reply(self, base_url: str, request: HttpRequest, reply: HttpReply) -> None:
        """Notes every refusal by REST."""
        del base_url, request
        if reply.status in (403, 418, 429):
            self.refused.append(reply.status)

    def hold_all(self) -> None:
        """Every channel that the venue has, of every symbol."""
        for channel, support in self.venue.facts.channels.items():
            if not support.available:
                continue
            natives = [self.feed.table.resolve(symbol).native_symbol for symbol in SYMBOLS]
            if channel is Channel.LIQUIDATIONS:
                natives = []
            self.wanted += [
                Subscription(
                    channel=channel,
                    native_symbol=native,
                    interval=Interval.M1 if channel is Channel.CANDLES else None,
                )
                for native in natives
            ]
        for one in self.wanted:
            self.feed.acquire(one)
        if self.venue.facts.channels[Channel.LIQUIDATIONS].available:
            self.feed.acquire(Subscription(channel=Channel.LIQUIDATIONS, native_symbol=None))

    def is_back(self) -> bool:
        """Whether every lost connection was noticed and everything flows again."""
        return self.feed.health().reconnects >= self.lost and not self.missing()

    def missing(self) -> list[Subscription]:
        """What is wanted and does not flow."""
        board = self.feed.pipeline.board
        return [one for one in self.wanted if not board.is_live(one)]

    def most_in_a_window(self) -> int:
        """Most connections in any window of the venue's limit."""
        window_s = self.venue.facts.stream_limits.connect_window_s
        times = self.opened_at
        return max(
            sum(start <= moment < start + window_s for moment in times[index:])
            for index, start in enumerate(times)
        )


def crowded(venue: Venue) -> Venue:
    """The same venue with few streams to a connection, so that a cut costs several connections."""
    changed = copy.copy(venue)
    limits = msgspec.structs.replace(venue.facts.stream_limits, max_streams=STREAMS_EACH)
    changed.facts = msgspec.structs.replace(venue.facts, stream_limits=limits)
    return changed


@asynccontextmanager
async def fronts(clock: SourceClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Front]]:
    """All venues, simulated, each with a feed that holds everything."""
    chosen = [crowded(venue) for venue in venues().values()]
    hosted = host_venues(chosen, seed=11, start_ms=clock.now_ms(), symbols=SYMBOLS)
    simulator = SimulatorServer(hosted, clock=clock)
    async with AsyncExitStack() as stack:
        await simulator.start()
        stack.push_async_callback(simulator.stop)
        http = HttpClient(clock)
        await http.start()
        stack.push_async_callback(http.close)
        found: list[Front] = []
        for venue in chosen:
            front = Front(venue, simulator.venues[venue.facts.venue_id], clock)
            front.watch(monkeypatch)
            front.feed = VenueFeed(
                venue,
                front.server.addresses,
                bus=MemoryBus(),
                http=http,
                clock=clock,
                rng=random.Random(len(found)),
                simulated=True,
                reply_tap=front,
            )
            await front.feed.start()
            stack.push_async_callback(front.feed.stop)
            found.append(front)
        for front in found:
            await front.feed.wait_ready()
            front.hold_all()
        yield found


async def all_back(found: Sequence[Front], clock: SourceClock) -> None:
    """Waits until everything flows, within the time that is allowed."""
    began = clock.monotonic()
    while not all(front.is_back() for front in found):
        still = [(one.venue.facts.venue_id, one.missing()) for one in found if not one.is_back()]
        assert clock.monotonic() - began < BACK_WITHIN_S, still
        await asyncio.sleep(LOOK_EVERY_S)


def judge(found: Sequence[Front]) -> None:
    """No limit was broken, by the venues' count and by ours."""
    for front in found:
        facts = front.venue.facts
        assert front.server._side.breaches() == 0, facts.venue_id
        assert front.refused == [], facts.venue_id
        limit = facts.stream_limits.connects_per_window
        assert front.most_in_a_window() <= limit, facts.venue_id
