"""Builds the platform from its parts: the only function that knows them all.

One process, one event loop: venue feeds, bus, services, streaming hub and HTTP server. Starting
goes upwards, stopping downwards; every task started here is stopped here.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final, Self

from headwater.api.app import create_app
from headwater.api.deps import ApiDeps
from headwater.api.heatmap_board import HeatmapBoard
from headwater.api.request_log import hex_ids
from headwater.api.server import PlatformServer, build_server, listen
from headwater.api.settings import ApiSettings
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_routes import open_streams
from headwater.app.api_settings import api_settings, stream_limits
from headwater.app.backtests import backtest_jobs, configured_strategies
from headwater.app.external import open_external
from headwater.app.forecasting import forecast_service, forecast_symbols
from headwater.app.history import Histories, read_formers
from headwater.app.live_feeds import LiveFeeds
from headwater.app.oi_volume import oi_volume_settings
from headwater.app.process import raise_open_files
from headwater.app.settings import Settings
from headwater.app.storing import open_store
from headwater.app.terminal import symbol_service
from headwater.app.wallets import VENUE as WALLETS_VENUE
from headwater.app.wallets import wallet_positions
from headwater.bus.bus import Bus
from headwater.bus.memory import MemoryBus
from headwater.core.clock import Clock, SystemClock
from headwater.core.errors import PlatformError
from headwater.feeds.parquet_recorder import recorder_stats
from headwater.feeds.recorder import RecorderStats
from headwater.feeds.source import MarketSource
from headwater.feeds.tier_memory import TierMemory
from headwater.services.backfill import BackfillProgress
from headwater.services.candle_history import CandleHistory
from headwater.services.forecasts import ForecastHealth, ForecastService
from headwater.services.gap_history import GapHistory
from headwater.services.large_trades import LargeTradesService
from headwater.services.liquidation_feeds import LiquidationFeeds
from headwater.services.liquidation_history import LiquidationHistory
from headwater.services.liquidation_maps import LiquidationMaps
from headwater.services.liquidation_skill import LiquidationSkill
from headwater.services.live_heatmap import LiveHeatmap
from headwater.services.oi_volume_monitor import OiVolumeMonitor
from headwater.services.oi_volume_preview import SpikePreview
from headwater.services.past_liquidations import PastLiquidations
from headwater.services.past_readings import PastReadings
from headwater.services.recording import RecordingService
from headwater.services.table_export import TableExport
from headwater.services.tape_recording import TapeRecording
from headwater.services.wallets import WalletPositions, WalletsHealth
from headwater.storage.parquet_tape import ParquetTape
from headwater.storage.store import Store

START_TIMEOUT_S: Final = 30.0
"""Longest wait for the HTTP server to listen."""
STOP_TIMEOUT_S: Final = 10.0
"""Longest wait for the HTTP server to end."""


class StartFailed(PlatformError):
    """The platform could not start.

    Args:
        problem: why, in words.
    """


class Platform:
    """The running platform; use it as an asynchronous context.

    Args:
        settings: what was set.
        simulated: whether the venues are simulated exchanges or a tape.
        sources: other sources than the chosen venues' feeds, such as a tape; already started.
        bus: the bus those sources publish on.
        clock: tells the time.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        simulated: bool,
        sources: Mapping[str, MarketSource] | None = None,
        bus: Bus | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._simulated = simulated
        self._clock = clock or SystemClock()
        self._rng = random.SystemRandom()
        self.bus: Bus = bus or MemoryBus()
        self.sources: Mapping[str, MarketSource] = sources or {}
        self._stack = AsyncExitStack()
        self._server: PlatformServer | None = None
        self._failed: asyncio.Future[None] | None = None
        self._store: Store | None = None
        self._histories: Histories | None = None
        self._forecasts: ForecastService | None = None
        self._wallets: WalletPositions | None = None
        self._started_at = 0.0
        self._tape: ParquetTape | None = None
        self._raw_tapes: LiveFeeds | None = None

    async def __aenter__(self) -> Self:
        """Starts everything; returns when the API listens.

        Raises:
            ConfigError: settings do not go together.
            StorageError: the database cannot be opened, or another process writes to it.
            StartFailed: the address is taken.
            PlatformError: a part could not start.
        """
        self._failed = asyncio.get_running_loop().create_future()
        self._started_at = self._clock.monotonic()
        watched = oi_volume_settings(self._settings)
        raise_open_files()
        try:
            await self._start_storage()
            await self._start_tape()
            if not self.sources:
                await self._start_feeds()
            self._own(
                LargeTradesService(self.bus, self._settings.large_trade_threshold_usd).run(),
                "service large_trades",
            )
            self._own(
                OiVolumeMonitor(self.sources, self.bus, self._clock, watched).run(),
                "service oi_volume_monitor",
            )
            self._wallets = wallet_positions(self._settings, self.sources, self._clock)
            if self._wallets is not None:
                self._own(self._wallets.run(), "service wallets")
            maps = LiquidationMaps(
                self.store,
                self._clock,
                TierMemory(self.sources, self._clock),
                tuple(self.sources),
                {} if self._wallets is None else {WALLETS_VENUE: self._wallets},
            )
            self._start_forecasts(maps)
            await self._start_api(maps)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops everything in the opposite order."""
        await self._stack.aclose()

    @property
    def failed(self) -> "asyncio.Future[None]":
        """Ends with an error when a part that must not end has ended."""
        assert self._failed is not None, "enter the platform first"
        return self._failed

    @property
    def base_url(self) -> str:
        """Where the API listens."""
        assert self._server is not None, "enter the platform first"
        host, port = self._server.address
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - only shown
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"

    @property
    def store(self) -> Store:
        """The database in use."""
        assert self._store is not None, "enter the platform first"
        return self._store

    def history_progress(self) -> Sequence[BackfillProgress]:
        """How far the back-fill of each venue is; empty where the sources are not live ones."""
        return [] if self._histories is None else self._histories.progress()

    @property
    def uptime_s(self) -> float:
        """Seconds since the start."""
        return self._clock.monotonic() - self._started_at

    async def _start_storage(self) -> None:
        """Before everything else, so that it ends last: what others say at their end is kept."""
        opening = open_store(self._settings, self._clock, simulated=self._simulated)
        store = await self._stack.enter_async_context(opening)
        self._own(store.ended(), "storage writer")
        marked = {*self._settings.supported_symbols, *forecast_symbols(self._settings)}
        recording = RecordingService(self.bus, store.put, self._settings.store_trades, marked)
        self._own(recording.run(), "service recording")
        # It must hear the first record that anything publishes.
        await asyncio.sleep(0)
        self._store = store

    async def _start_feeds(self) -> None:
        """The feeds, whose ledgers go on from the stored ones, and what heals their history."""
        former = await read_formers(self.store, self._settings)
        live = LiveFeeds(
            self._settings,
            bus=self.bus,
            clock=self._clock,
            simulated=self._simulated,
            former=former,
        )
        feeds = await self._stack.enter_async_context(live)
        live.failed.add_done_callback(self._feeds_failed)
        self._raw_tapes = live
        self.sources = feeds
        self._histories = Histories(
            feeds, former, self._settings, store=self.store, bus=self.bus, clock=self._clock
        )
        for name, work in self._histories.tasks():
            self._own(work, name)

    async def _start_tape(self) -> None:
        """The tape of real records, when one is wanted; it ends after what publishes."""
        if self._settings.tape_dir is None or self._simulated:
            return
        tape = ParquetTape(self._settings.tape_dir, self._clock)
        tape.start()
        self._stack.push_async_callback(asyncio.to_thread, tape.close)
        self._own(_ended(tape), "tape writer")
        kinds = self._settings.tape_kinds
        self._own(TapeRecording(self.bus, tape.put, kinds).run(), "service tape_recording")
        # It must hear the first record that anything publishes.
        await asyncio.sleep(0)
        self._tape = tape

    def _tapes(self) -> Mapping[str, RecorderStats]:
        """Counters of every tape that is written."""
        found = {}
        if self._tape is not None:
            found["records"] = recorder_stats(self._tape.stats)
        if self._raw_tapes is not None:
            found |= {f"raw.{name}": one for name, one in self._raw_tapes.tapes.items()}
        return found

    def _start_forecasts(self, maps: LiquidationMaps) -> None:
        """After the feeds: the maps ask venues for their margin tiers."""
        service = forecast_service(self._settings, maps, self.store, self._clock)
        self._own(service.run(), "service forecasts")
        self._forecasts = service

    async def _start_api(self, maps: LiquidationMaps) -> None:
        settings = api_settings(self._settings)

        def price_now(symbol: str) -> float | None:
            return publisher.newest_price(self.sources, symbol, self._clock.now_ms())

        heatmaps = HeatmapBoard(
            LiveHeatmap(maps, price_now),
            self._clock,
            default_pace_s=settings.heatmap_pace_s,
            enabled=settings.heatmap_enabled,
        )
        symbols = symbol_service(self.sources, self._clock, self._own)
        history = LiquidationHistory(self.store, self._clock)
        external = await self._stack.enter_async_context(
            open_external(self._settings, self._clock, simulated=self._simulated)
        )
        past = PastLiquidations(history, external, self._clock)
        publisher = open_streams(
            sources=self.sources,
            bus=self.bus,
            clock=self._clock,
            settings=settings,
            limits=stream_limits(self._settings),
            heatmaps=heatmaps,
            new_id=hex_ids(self._rng),
            symbols=symbols,
            past_liquidations=past,
            candles=(candles := CandleHistory(self.store, self._clock)),
        )
        jobs = backtest_jobs(
            self._settings, self.store, self._clock, self._rng, simulated=self._simulated
        )
        self._own(jobs.run(), "back-test jobs")
        deps = ApiDeps(
            backtests=jobs,
            strategies=configured_strategies(self.store, self._clock, self._rng, jobs.catalogue),
            sources=self.sources,
            publisher=publisher,
            heatmaps=heatmaps,
            symbols=symbols,
            spikes=SpikePreview(oi_volume_settings(self._settings), self._clock),
            liquidations=history,
            past_liquidations=past,
            external_health=None if external is None else lambda: external.health,
            exports=TableExport(self.store),
            gaps=GapHistory(self.store),
            liquidation_feeds=LiquidationFeeds(self.store, self._clock),
            tapes=self._tapes,
            candles=candles,
            readings=PastReadings(self.store, self._clock),
            skill=LiquidationSkill(self.store.fetch),
            forecasts=self._forecast_health,
            wallets=None if self._wallets is None else self._wallet_health,
            maps=maps,
            storage_health=lambda: self.store.health,
            history_progress=self.history_progress,
            bus=self.bus,
            clock=self._clock,
            new_id=hex_ids(self._rng),
            settings=settings,
        )
        self._own(publisher.run(), "stream publisher")
        await self._serve(deps, publisher.hub, settings)

    async def _serve(self, deps: ApiDeps, hub: StreamHub, settings: ApiSettings) -> None:
        """Listens, and answers until the end.

        Raises:
            StartFailed: the address is taken or not this machine's.
        """
        try:
            listener = listen(settings.host, settings.port)
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise StartFailed(f"cannot listen on {where}: {error.strerror} (see --port)") from error
        self._stack.callback(listener.close)
        self._server = build_server(create_app(deps), hub, settings)
        serving = asyncio.create_task(self._server.serve([listener]), name="http server")
        self._stack.push_async_callback(self._stop_api, serving, hub)
        await self._listening(serving)
        serving.add_done_callback(self._ended)

    def _forecast_health(self) -> ForecastHealth:
        assert self._forecasts is not None, "enter the platform first"
        return self._forecasts.health

    def _wallet_health(self) -> WalletsHealth:
        assert self._wallets is not None, "no wallets are named"
        return self._wallets.health

    async def _listening(self, serving: "asyncio.Task[None]") -> None:
        assert self._server is not None
        ready = asyncio.create_task(self._server.ready.wait(), name="http server ready")
        await asyncio.wait(
            {serving, ready}, timeout=START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
        )
        ready.cancel()
        if not self._server.ready.is_set():
            raise StartFailed("the HTTP server did not start; its error is in the log")

    async def _stop_api(self, serving: "asyncio.Task[None]", hub: StreamHub) -> None:
        assert self._server is not None
        serving.remove_done_callback(self._ended)
        await hub.close()
        self._server.should_exit = True
        _, late = await asyncio.wait({serving}, timeout=STOP_TIMEOUT_S)
        for task in late:
            task.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    def _own(self, work: "asyncio._CoroutineLike[None]", name: str) -> None:
        """Starts a task that must not end by itself, and stops it at the end."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)

        async def stop() -> None:
            task.remove_done_callback(self._ended)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(stop)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled():
            problem = task.exception() or StartFailed(f"{task.get_name()} ended unexpectedly")
            self._fail(problem)

    def _feeds_failed(self, failed: "asyncio.Future[None]") -> None:
        problem = None if failed.cancelled() else failed.exception()
        if problem is not None:
            self._fail(problem)

    def _fail(self, problem: BaseException) -> None:
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(problem)


async def _ended(tape: ParquetTape) -> None:
    """Waits for the end of a tape's thread; raises what ended it."""
    await asyncio.shield(asyncio.wrap_future(tape.ended))
