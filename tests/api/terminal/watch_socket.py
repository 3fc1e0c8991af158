"""A terminal socket of the tests' own, `/api/v1/ws/watch/{symbol}`, with everything one can have.

It holds a lease, listens to the bus, publishes on a topic, asks the venue while the client waits,
understands a request with a bound, and fails where a test says so.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Annotated, ClassVar

from msgspec import Meta
from tests.api.fake_source import NOW_MS, FakeSource
from tests.api.streaming import ServedHub, served, until

from headwater.api.schemas.base import View, encode
from headwater.api.schemas.terminal.common import TerminalPingRequest, TerminalView
from headwater.api.stream_contract import (
    StreamAccepted,
    StreamLimits,
    StreamRefused,
    StreamRequest,
)
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_protocol import streaming_protocol
from headwater.api.terminal.addresses import PREFIX, read_address
from headwater.api.terminal.desk import FeedDesk, SharedFeed
from headwater.api.terminal.journal import SocketJournal
from headwater.api.terminal.requests import RequestReader
from headwater.api.terminal.routes import TerminalRoutes
from headwater.api.terminal.session import TerminalSession
from headwater.api.terminal.symbols import TerminalSymbol, terminal_symbol
from headwater.bus.memory import MemoryBus
from headwater.bus.topics import SlowPolicy, TopicFilter
from headwater.core.clock import Clock, ManualClock
from headwater.core.enums import Channel
from headwater.core.records import Trade
from headwater.venues.messages import Subscription


class SeenView(TerminalView, frozen=True, kw_only=True, gc=False, tag="seen", tag_field="type"):
    """A trade that came, or the first message (`price` 0)."""

    symbol: str
    price: float


class LoadRequest(TerminalView, frozen=True, kw_only=True, gc=False, tag="load", tag_field="type"):
    """Asks the venue for the book; `limit` is bounded."""

    limit: Annotated[int, Meta(ge=1, le=50)]


class BreakRequest(
    TerminalView, frozen=True, kw_only=True, gc=False, tag="break", tag_field="type"
):
    """Meets a fault of ours."""


class Switches:
    """What is to fail or to be slow."""

    def __init__(self) -> None:
        self.constructor: Exception | None = None
        self.second_feed: Exception | None = None
        self.begin: Exception | None = None
        self.answer: Exception | None = None
        self.running: Exception | None = None
        self.returns = False


class WatchFeed(SharedFeed):
    """Trades of one symbol."""

    def __init__(self, desk: FeedDesk, key: str, shown: TerminalSymbol, switches: Switches) -> None:
        super().__init__(desk, key)
        self.shown = shown
        self.switches = switches
        native = shown.instrument.native_symbol
        self.hold(shown.source, Subscription(channel=Channel.TRADES, native_symbol=native))
        self.reader = self.listen([TopicFilter(Trade, shown.exchange, shown.symbol)], 100)
        self.out = self.topic("", SlowPolicy.DROP_OLDEST)
        self.has_begun = True  # there is nothing to wait for
        if switches.constructor is not None:
            raise switches.constructor
        self.seen = 0

    def close(self) -> None:
        """Gives back all that it holds; a feed that is half made cannot be asked to."""
        assert self.seen >= 0
        super().close()

    async def run(self) -> None:
        """Asks the venue once, then publishes what the bus brings."""
        if self.switches.running is not None:
            raise self.switches.running
        if self.switches.returns:
            return
        await self.shown.source.book(self.shown.instrument, depth=5)
        while True:
            for record in await self.reader.next_batch():
                assert isinstance(record, Trade)
                self.seen += 1
                view = SeenView(symbol=record.symbol, price=record.price)
                self.out.publish(encode(view))


class WatchSession(TerminalSession):
    """One client."""

    requests: ClassVar[RequestReader[View]] = RequestReader(
        (TerminalPingRequest, LoadRequest, BreakRequest)
    )

    def __init__(self, desk: FeedDesk, shown: TerminalSymbol, switches: Switches) -> None:
        super().__init__(desk)
        self.shown = shown
        self.switches = switches
        key = f"watch/{shown.exchange}:{shown.symbol}"
        self.feed = self.join(key, lambda: WatchFeed(desk, key, shown, switches), WatchFeed)
        if switches.second_feed is not None:
            raise switches.second_feed

    def start(self, feed: SharedFeed) -> None:
        """The first message, then the topic."""
        if self.switches.begin is not None:
            raise self.switches.begin
        self.send([encode(SeenView(symbol=self.shown.symbol, price=0.0))])
        self.listen([self.feed.out.key])

    def answer(self, request: View) -> Sequence[View]:
        """Has the venue asked, or fails."""
        if self.switches.answer is not None:
            raise self.switches.answer
        if isinstance(request, LoadRequest):
            self.work(self._load(request.limit), "load")
            return ()
        return super().answer(request)

    async def _load(self, limit: int) -> None:
        book = await self.shown.source.book(self.shown.instrument, depth=limit)
        self.send([encode(SeenView(symbol=self.shown.symbol, price=float(len(book.bids))))])


class BeatingSession(WatchSession):
    """Sends heartbeats, often."""

    has_heartbeat = True
    heartbeat_s = 0.02


class World:
    """Two venues, a bus, a desk and a hub; nothing else."""

    def __init__(self, limits: StreamLimits | None = None, clock: Clock | None = None) -> None:
        self.sources = {name: FakeSource(name) for name in ("binance", "okx")}
        self.source = self.sources["binance"]
        self.bus = MemoryBus()
        self.clock = clock or ManualClock(NOW_MS * 1_000_000)
        self.desk = FeedDesk(self.sources, self.bus, self.clock)
        self.switches = Switches()
        self.session: type[WatchSession] = WatchSession
        numbers = count(1)
        journal = SocketJournal(self.clock, lambda: f"made-{next(numbers)}")
        self.routes = TerminalRoutes(self.desk, {"watch": self.open}, journal)
        self.hub = StreamHub(self.resolve, limits)
        self.desk.attach(self.hub)

    def open(self, rest: str, query: str) -> StreamAccepted:
        """Begins a client."""
        address = read_address(rest, query, ("exchange",))
        exchange = address.fields.get("exchange", "binance")
        shown = terminal_symbol(self.sources, exchange, address.symbol)
        return self.session(self.desk, shown, self.switches).accepted

    async def resolve(self, request: StreamRequest) -> StreamAccepted | StreamRefused:
        """For the hub."""
        return self.routes.resolve(request)

    @property
    def leases_held(self) -> int:
        """Leases that were taken and not given back."""
        all_leases = [lease for source in self.sources.values() for lease in source.leases]
        assert all(lease.released <= 1 for lease in all_leases), "given back twice"
        return sum(lease.released == 0 for lease in all_leases)

    @property
    def left(self) -> dict[str, int]:
        """What is there because of clients."""
        tasks = [one for one in asyncio.all_tasks() if is_ours(one)]
        return {
            "sockets": self.hub.stats().clients,
            "tasks": len(tasks),
            "leases": self.leases_held,
            "feeds": len(self.desk.feeds),
            "readers": len(self.bus.readers),
            "topics": len(self.hub.stats().topics),
        }

    async def until_nothing_is_left(self) -> None:
        """Waits for it, in a bounded time, and says what is left when it is not so."""
        try:
            await until(lambda: not any(self.left.values()))
        except TimeoutError:
            raise AssertionError(self.left) from None

    @asynccontextmanager
    async def served(self) -> AsyncIterator[ServedHub]:
        """On a real socket."""
        gate = streaming_protocol(self.hub, (PREFIX,))
        async with served(self.hub, gate=gate) as at:
            yield at


def is_ours(task: asyncio.Task[object]) -> bool:
    """Whether a task serves a client of a terminal socket."""
    return task.get_name().startswith(("terminal/", "stream-admission"))
