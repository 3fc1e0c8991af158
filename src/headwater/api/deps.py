"""What the API is made of: its parts as one typed struct, passed in by whoever wires them."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from headwater.api.heatmap_board import HeatmapBoard
from headwater.api.settings import ApiSettings
from headwater.api.stream_publisher import StreamPublisher
from headwater.backtest.jobs import BacktestJobs
from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.feeds.external_liquidations import ExternalHealth
from headwater.feeds.recorder import RecorderStats
from headwater.feeds.source import MarketSource
from headwater.services.backfill import BackfillProgress
from headwater.services.candle_history import CandleHistory
from headwater.services.forecasts import ForecastHealth
from headwater.services.gap_history import GapHistory
from headwater.services.liquidation_feeds import LiquidationFeeds
from headwater.services.liquidation_history import LiquidationHistory
from headwater.services.liquidation_maps import LiquidationMaps
from headwater.services.liquidation_skill import LiquidationSkill
from headwater.services.oi_volume_preview import SpikePreview
from headwater.services.past_liquidations import PastLiquidations
from headwater.services.past_readings import PastReadings
from headwater.services.strategies import Strategies
from headwater.services.symbols import SymbolService
from headwater.services.table_export import TableExport
from headwater.services.wallets import WalletsHealth
from headwater.storage.writer import WriterHealth


class ApiDeps(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the API works with.

    Attributes:
        sources: venues' data by venue id.
        publisher: hands live records to streaming clients; knows the hub.
        bus: where live records come from.
        clock: tells the time.
        new_id: makes a request id: short, unique, letters and digits.
        settings: what can be set.
        heatmaps: symbols whose liquidation maps are watched on `/ws/heatmap`; None in a process
            without that socket.
        liquidations: past liquidations from storage; None where nothing is stored.
        past_liquidations: the same, and before them those of an external service when one is set;
            None where nothing is stored.
        external_health: what the external service of liquidations did; None without one.
        exports: stored tables as files; None where nothing is stored.
        skill: scores of liquidation maps from storage; None where nothing is stored.
        forecasts: what the writer of forecasts did; None where none are written.
        wallets: what the reader of named wallets did; None where none are named.
        liquidation_feeds: what the venues' feeds brought; None where nothing is stored.
        tapes: counters of the tapes that are written, by name; None where none is.
        maps: liquidation maps of models from storage; None where nothing is stored.
        storage_health: what the database's writer did; None where nothing is stored.
        gaps: the gap ledger with its past from storage; None where nothing is stored.
        candles: past candles from storage; None where nothing is stored.
        readings: past funding and open interest from storage; None where nothing is stored.
        history_progress: how far the back-fill of each venue is; None where there is none.
        symbols: what the venues trade; None in a process without the terminal's lists.
        strategies: configured strategies; None where nothing is stored.
        backtests: jobs of back-tests; None where nothing is stored.
        spikes: what the monitor of open interest and volume would have told; None without one.
    """

    sources: Mapping[str, MarketSource]
    publisher: StreamPublisher
    bus: Bus
    clock: Clock
    new_id: Callable[[], str]
    settings: ApiSettings
    heatmaps: HeatmapBoard | None = None
    liquidations: LiquidationHistory | None = None
    past_liquidations: PastLiquidations | None = None
    external_health: Callable[[], ExternalHealth] | None = None
    exports: TableExport | None = None
    skill: LiquidationSkill | None = None
    forecasts: Callable[[], ForecastHealth] | None = None
    wallets: Callable[[], WalletsHealth] | None = None
    liquidation_feeds: LiquidationFeeds | None = None
    tapes: Callable[[], Mapping[str, RecorderStats]] | None = None
    maps: LiquidationMaps | None = None
    storage_health: Callable[[], WriterHealth] | None = None
    gaps: GapHistory | None = None
    candles: CandleHistory | None = None
    readings: PastReadings | None = None
    history_progress: Callable[[], Sequence[BackfillProgress]] | None = None
    symbols: SymbolService | None = None
    spikes: SpikePreview | None = None
    strategies: Strategies | None = None
    backtests: BacktestJobs | None = None

    @property
    def simulated(self) -> bool:
        """True when any venue's data come from a simulated exchange or a tape."""
        return any(source.simulated for source in self.sources.values())
