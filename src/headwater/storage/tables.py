"""Every table by its name, and the table of each kind of record: the one list of them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from headwater.core.enums import StoredTable
from headwater.core.records import (
    Candle,
    FundingRate,
    Gap,
    LargeTrade,
    Liquidation,
    MarkCandle,
    OpenInterest,
    Trade,
)
from headwater.storage import (
    backfills,
    backtests,
    candles,
    forecasts,
    funding,
    gaps,
    liquidations,
    live_spells,
    mark_candles,
    open_interest,
    strategies,
    trades,
)
from headwater.storage.backfills import Backfilled
from headwater.storage.backtests import StoredBacktest
from headwater.storage.base import TableSpec
from headwater.storage.forecasts import StoredForecast
from headwater.storage.live_spells import LiveSpell
from headwater.storage.strategies import StrategyVersion

TABLES: Final[Mapping[StoredTable, TableSpec[Any]]] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            candles.SPEC,
            mark_candles.SPEC,
            trades.SPEC,
            liquidations.SPEC,
            funding.SPEC,
            open_interest.SPEC,
            gaps.SPEC,
            forecasts.SPEC,
            live_spells.SPEC,
            backfills.SPEC,
            strategies.SPEC,
            backtests.SPEC,
        )
    }
)
"""How each table is written and read."""

TABLE_OF: Final[Mapping[type, TableSpec[Any]]] = MappingProxyType(
    {
        Candle: candles.SPEC,
        MarkCandle: mark_candles.SPEC,
        Trade: trades.SPEC,
        LargeTrade: trades.SPEC,
        Liquidation: liquidations.SPEC,
        FundingRate: funding.SPEC,
        OpenInterest: open_interest.SPEC,
        Gap: gaps.SPEC,
        StoredForecast: forecasts.SPEC,
        LiveSpell: live_spells.SPEC,
        Backfilled: backfills.SPEC,
        StrategyVersion: strategies.SPEC,
        StoredBacktest: backtests.SPEC,
    }
)
"""Where records of a class lie."""
