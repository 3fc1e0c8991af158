"""The whole API on a real socket, over a venue in memory."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Self

import msgspec
from fastapi import FastAPI
from fastapi.dependencies import models as fastapi_models
from tests.api.fake_source import NOW_MS, FakeSource

from headwater.analytics.oi_volume import SpikeRule
from headwater.api.app import create_app
from headwater.api.deps import ApiDeps
from headwater.api.heatmap_board import HeatmapBoard
from headwater.api.server import PlatformServer, build_server
from headwater.api.settings import ApiSettings
from headwater.api.stream_contract import StreamLimits
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_publisher import StreamPublisher
from headwater.api.stream_routes import open_streams
from headwater.backtest.jobs import BacktestJobs, JobSettings
from headwater.backtest.strategy_catalogue import StrategyCatalogue
from headwater.bus.memory import MemoryBus
from headwater.core.clock import Clock, ManualClock
from headwater.core.intervals import Interval
from headwater.feeds.external_liquidations import ExternalLiquidations
from headwater.feeds.tier_memory import TierMemory
from headwater.services.candle_history import CandleHistory
from headwater.services.gap_history import GapHistory
from headwater.services.liquidation_feeds import LiquidationFeeds
from headwater.services.liquidation_history import LiquidationHistory
from headwater.services.liquidation_maps import LiquidationMaps
from headwater.services.liquidation_skill import LiquidationSkill
from headwater.services.live_heatmap import NewestMaps
from headwater.services.oi_volume_preview import SpikePreview
from headwater.services.oi_volume_venue import OiVolumeSettings
from headwater.services.past_liquidations import PastLiquidations
from headwater.services.past_readings import PastReadings
from headwater.services.strategies import Strategies
from headwater.services.symbols import SymbolService
from headwater.services.table_export import TableExport
from headwater.storage.store import Store

WATCHED = OiVolumeSettings(
    symbols=("BTCUSDT", "ETHUSDT"),
    rules=tuple(
        SpikeRule(interval=interval, threshold=threshold, window=20, minimum=20)
        for interval, threshold in ((Interval.M5, 3.0), (Interval.H1, 2.0))
    ),
)
"""What the monitor is taken to watch."""


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> object:
        """The decoded body."""
        return msgspec.json.decode(self.body)


class Platform:
    """An application with its parts, not on a socket yet.

    Attributes:
        source_type: what its venues are.
    """

    source_type: type[FakeSource] = FakeSource

    def __init__(
        self,
        settings: ApiSettings | None = None,
        *,
        limits: StreamLimits | None = None,
        clock: Clock | None = None,
        venues: Sequence[str] = ("binance",),
        store: Store | None = None,
        maps: NewestMaps | None = None,
        external: ExternalLiquidations | None = None,
        lists_symbols: bool = False,
        job_settings: JobSettings | None = None,
    ) -> None:
        self.lists_symbols = lists_symbols
        self.sources = {name: self.source_type(name) for name in venues}
        self.source = self.sources[venues[0]]
        self.bus = MemoryBus()
        self.clock = clock or ManualClock(NOW_MS * 1_000_000)
        self.settings = settings or ApiSettings()
        self.heatmaps = HeatmapBoard(
            maps,
            self.clock,
            default_pace_s=self.settings.heatmap_pace_s,
            enabled=self.settings.heatmap_enabled,
        )
        self.symbols = SymbolService(self.sources, self.clock)
        numbers = count(1)
        history = None if store is None else LiquidationHistory(store, self.clock)
        past = None if history is None else PastLiquidations(history, external, self.clock)
        self.backtests = None if store is None else _jobs(store, self.clock, job_settings)
        self.publisher: StreamPublisher = open_streams(
            sources=self.sources,
            bus=self.bus,
            clock=self.clock,
            settings=self.settings,
            limits=limits or StreamLimits(),
            heatmaps=self.heatmaps,
            new_id=lambda: f"made-{next(numbers)}",
            symbols=self.symbols,
            past_liquidations=past,
            candles=(candles := None if store is None else CandleHistory(store, self.clock)),
        )
        self.deps = ApiDeps(
            sources=self.sources,
            publisher=self.publisher,
            heatmaps=self.heatmaps,
            symbols=self.symbols,
            spikes=SpikePreview(WATCHED, self.clock),
            bus=self.bus,
            clock=self.clock,
            new_id=lambda: f"made-{next(numbers)}",
            settings=self.settings,
            liquidations=history,
            past_liquidations=past,
            external_health=None if external is None else lambda: external.health,
            exports=None if store is None else TableExport(store, page_rows=3),
            skill=None if store is None else LiquidationSkill(store.fetch),
            liquidation_feeds=None if store is None else LiquidationFeeds(store, self.clock),
            gaps=None if store is None else GapHistory(store),
            candles=candles,
            readings=None if store is None else PastReadings(store, self.clock),
            backtests=self.backtests,
            strategies=None
            if store is None or self.backtests is None
            else Strategies(
                store, self.clock, lambda: f"s{next(numbers)}", self.backtests.catalogue.check
            ),
            maps=None
            if store is None
            else LiquidationMaps(
                store, self.clock, TierMemory(self.sources, self.clock), tuple(self.sources)
            ),
        )
        self.app: FastAPI = create_app(self.deps)
        self.port = 0

    @property
    def hub(self) -> StreamHub:
        """The streaming clients."""
        return self.publisher.hub

    def advance(self, seconds: float) -> None:
        """Lets time pass on a clock that stands still by itself."""
        assert isinstance(self.clock, ManualClock)
        self.clock.advance(seconds)

    @asynccontextmanager
    async def served(self, port: int = 0) -> AsyncIterator[Self]:
        """Serves on a port of the loopback interface, a free one for 0; `port` says which."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        self.port = listener.getsockname()[1]
        server = build_server(self.app, self.hub, self.settings)
        async with asyncio.TaskGroup() as tasks:
            publishing = tasks.create_task(self.publisher.run(), name="publisher")
            serving = tasks.create_task(server.serve([listener]), name="server")
            if self.lists_symbols:  # else it asks the venue nothing
                listing = tasks.create_task(self.symbols.run(), name="symbols")
            await self._until_live()
            try:
                yield self
            finally:
                await self.hub.close(timeout_s=1.0)
                publishing.cancel()
                if self.lists_symbols:
                    listing.cancel()
                await _end(server, serving)
                listener.close()
                _forget_routes()

    async def _until_live(self) -> None:
        """The port takes connections before the server reads them: the first answer says when."""
        assert (await self.get("/health/live")).status == 200

    async def get(self, target: str, headers: dict[str, str] | None = None) -> Reply:
        """Asks for a path, exactly as it is spelt."""
        return await self.request("GET", target, headers)

    async def request(
        self, method: str, target: str, headers: dict[str, str] | None = None
    ) -> Reply:
        """Sends a request without a body."""
        lines = {"host": f"127.0.0.1:{self.port}", "connection": "close", **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return await self.send(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1"))

    async def post(self, target: str, body: object) -> Reply:
        """Posts a body: bytes as they are, anything else as JSON."""
        return await self.send_json("POST", target, body)

    async def send_json(
        self, method: str, target: str, body: object, headers: dict[str, str] | None = None
    ) -> Reply:
        """Sends a body: bytes as they are, nothing for None, anything else as JSON."""
        data = body if isinstance(body, bytes) else b"" if body is None else None
        data = msgspec.json.encode(body) if data is None else data
        lines = {"content-type": "application/json", **(headers or {})}
        more = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        head = (
            f"{method} {target} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\nconnection: close\r\n"
            f"{more}content-length: {len(data)}\r\n\r\n"
        )
        return await self.send(head.encode("latin-1") + data)

    async def send(self, data: bytes) -> Reply:
        """Sends bytes and reads the answer to the end of the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(20):
                writer.write(data)
                return parse_reply(await reader.read())
        finally:
            writer.close()


def _jobs(store: Store, clock: Clock, settings: JobSettings | None) -> BacktestJobs:
    """A desk of jobs over the store; nothing is done unless a test runs it."""
    numbers = count(1)
    how = settings or JobSettings(database_url=f"sqlite:///{store.label}")
    return BacktestJobs(store, StrategyCatalogue(), clock, lambda: f"b{next(numbers)}", how)


def _forget_routes() -> None:
    """Empties the caches in which FastAPI keeps the last 4,096 routes it has looked at.

    They hold fifty applications with all their parts, a million objects for the garbage collector
    to walk over again and again.
    """
    for one in vars(fastapi_models).values():
        if (forget := getattr(one, "cache_clear", None)) is not None:
            forget()


async def _end(server: PlatformServer, serving: asyncio.Task[None]) -> None:
    """Ends a server as it ends itself, at once when nobody is connected to it.

    uvicorn looks for the wish ten times a second and then waits as long for connections, which
    would be most of the time of a short test.
    """
    if server.server_state.connections or server.server_state.tasks:
        server.should_exit = True
        await serving
        return
    serving.cancel()
    for one in server.servers:
        one.close()
    await server.lifespan.shutdown()


def parse_reply(data: bytes) -> Reply:
    """Reads one answer with a content length, in chunks, or without a body."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("transfer-encoding") == "chunked":
        body = _unchunked(body)
    return Reply(int(first.split(" ")[1]), headers, body)


def _unchunked(body: bytes) -> bytes:
    """The content of a chunked body, which must be whole."""
    found: list[bytes] = []
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return b"".join(found)
        found.append(body[:length])
        assert body[length : length + 2] == b"\r\n"
        body = body[length + 2 :]
