"""Records to store, and storing them in one call."""

from collections.abc import Sequence
from typing import Any

import msgspec

from headwater.core.enums import (
    BacktestKind,
    BacktestState,
    Channel,
    GapCause,
    GapState,
    PositionSide,
    PriceKind,
    Side,
)
from headwater.core.intervals import Interval
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
from headwater.storage.backfills import Backfilled
from headwater.storage.backtests import StoredBacktest
from headwater.storage.base import Database, Query
from headwater.storage.forecasts import StoredForecast
from headwater.storage.live_spells import LiveSpell
from headwater.storage.sessions import ReadSession, WriteSession
from headwater.storage.strategies import StrategyVersion
from headwater.storage.tables import TABLE_OF

T0 = 1_790_000_000_000


def trade(number: int, *, at_ms: int = T0, trade_id: int | str | None = None) -> Trade:
    return Trade(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=at_ms,
        received_ns=at_ms * 1_000_000 + number,
        side=Side.BUY if number % 2 else Side.SELL,
        price=100.1 + number,
        quantity=0.001,
        value=(100.1 + number) * 0.001,
        trade_id=number if trade_id is None else trade_id,
        sequence=number,
    )


def large(small: Trade) -> LargeTrade:
    fields = msgspec.structs.asdict(small)
    return LargeTrade(**fields, is_buyer_maker=small.side is Side.SELL)


def candle(at_ms: int = T0, **changes: Any) -> Candle:
    made = Candle(
        exchange="okx",
        symbol="ETHUSDT",
        native_symbol="ETH-USDT-SWAP",
        timestamp_ms=at_ms,
        received_ns=1,
        interval=Interval.M1,
        open=1.0,
        high=4.0,
        low=0.5,
        close=2.0,
        volume=10.0,
        quote_volume=None,
        trades_count=7,
        is_closed=True,
        built_from=Interval.M1,
    )
    return msgspec.structs.replace(made, **changes)


def mark_candle(at_ms: int = T0, **changes: Any) -> MarkCandle:
    made = MarkCandle(
        exchange="okx",
        symbol="ETHUSDT",
        native_symbol="ETH-USDT-SWAP",
        timestamp_ms=at_ms,
        received_ns=6,
        interval=Interval.M1,
        open=1.0,
        high=4.0,
        low=0.5,
        close=2.0,
        is_closed=True,
    )
    return msgspec.structs.replace(made, **changes)


def liquidation(at_ms: int = T0, **changes: Any) -> Liquidation:
    made = Liquidation(
        exchange="bybit",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=at_ms,
        received_ns=2,
        side=Side.SELL,
        position_side=PositionSide.LONG,
        price=100.0,
        quantity=2.0,
        value=200.0,
        price_kind=PriceKind.BANKRUPTCY,
        order_id=None,
        is_floor=False,
    )
    return msgspec.structs.replace(made, **changes)


def funding(at_ms: int = T0, **changes: Any) -> FundingRate:
    made = FundingRate(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=at_ms,
        received_ns=3,
        rate=-0.0001,
        interval_h=8.0,
        funding_time_ms=at_ms,
    )
    return msgspec.structs.replace(made, **changes)


def open_interest(at_ms: int = T0, **changes: Any) -> OpenInterest:
    made = OpenInterest(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=at_ms,
        received_ns=4,
        open_interest=12.5,
        value=None,
    )
    return msgspec.structs.replace(made, **changes)


def gap(at_ms: int = T0, **changes: Any) -> Gap:
    made = Gap(
        exchange="hyperliquid",
        symbol="BTCUSDT",
        native_symbol="BTC",
        timestamp_ms=at_ms,
        received_ns=5,
        gap_id=1,
        channel=Channel.TRADES,
        cause=GapCause.DISCONNECT,
        state=GapState.OPEN,
        until_ms=None,
        first_sequence=None,
        last_sequence=None,
        recovered=0,
        detail="cut – by the venue",
    )
    return msgspec.structs.replace(made, **changes)


def forecast(at_ms: int = T0, **changes: Any) -> StoredForecast:
    made = StoredForecast(
        model="ladder",
        version="1",
        exchange="all",
        symbol="BTCUSDT",
        issued_ms=at_ms,
        horizon_ms=3_600_000,
        parameters='{"half_life_h": 6}',
        price=100.0,
        cell_width_share=0.001,
        long_mass=(0.1, 0.2, 1e300),
        short_mass=(),
    )
    return msgspec.structs.replace(made, **changes)


def live_spell(since_ms: int = T0, **changes: Any) -> LiveSpell:
    made = LiveSpell(
        exchange="okx",
        symbol="BTCUSDT",
        native_symbol="BTC-USDT-SWAP",
        channel=Channel.TRADES,
        since_ms=since_ms,
        until_ms=since_ms + 5,
        last_sequence=None,
    )
    return msgspec.structs.replace(made, **changes)


def backfilled(start_ms: int = T0, **changes: Any) -> Backfilled:
    made = Backfilled(
        exchange="okx",
        symbol="BTCUSDT",
        series="candles 1m",
        start_ms=start_ms,
        end_ms=start_ms + 10,
        rows_found=3,
        done_ns=1,
    )
    return msgspec.structs.replace(made, **changes)


def strategy(version: int = 1, **changes: Any) -> StrategyVersion:
    made = StrategyVersion(
        strategy_id="s1",
        version=version,
        saved_ms=T0 + version,
        created_ms=T0,
        name="Slow and steady",
        description="",
        class_name="sma_cross",
        parameters='{"fast":5}',
        is_active=False,
    )
    return msgspec.structs.replace(made, **changes)


def backtest(created_ms: int = T0, **changes: Any) -> StoredBacktest:
    made = StoredBacktest(
        backtest_id="b1",
        created_ms=created_ms,
        kind=BacktestKind.BACKTEST,
        state=BacktestState.QUEUED,
        revision=1,
        attempts=0,
        owner="",
        heartbeat_ms=None,
        started_ms=None,
        ended_ms=None,
        steps_done=0,
        steps_total=0,
        error="",
        request="{}",
    )
    return msgspec.structs.replace(made, **changes)


def one_of_each() -> list[Any]:
    return [
        candle(),
        mark_candle(),
        trade(1),
        large(trade(2)),
        liquidation(),
        funding(),
        open_interest(),
        gap(),
        forecast(),
        live_spell(),
        backfilled(),
        strategy(),
        backtest(state=BacktestState.DONE, result=b"\x00result", report=None),
    ]


def store(database: Database, records: Sequence[Any], *, durable: bool = False) -> int:
    """Writes records in one transaction; returns how many rows changed."""
    with WriteSession(database) as session, session.transaction(durable=durable) as writing:
        changed = 0
        for record in records:
            spec = TABLE_OF[type(record)]
            changed += writing.insert(spec, [spec.row_of(record)])
        return changed


def store_together(database: Database, records: Sequence[Any]) -> int:
    """Writes records of one class as one batch; returns how many rows changed."""
    spec = TABLE_OF[type(records[0])]
    with WriteSession(database) as session, session.transaction(durable=False) as writing:
        return writing.insert(spec, [spec.row_of(record) for record in records])


def fetch(database: Database, query: Query[Any]) -> list[Any]:
    with ReadSession(database) as session:
        return list(session.fetch(query))
