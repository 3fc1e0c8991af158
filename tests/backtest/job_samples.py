"""A desk over stored candles, and waiting for what it does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from tests.backtest.hostile_strategies import FILES
from tests.storage.ready_tables import with_tables
from tests.storage.samples import candle

from headwater.backtest.job_request import BacktestRequest, ParameterValue
from headwater.backtest.jobs import BacktestJobs, JobSettings
from headwater.backtest.strategy_catalogue import StrategyCatalogue
from headwater.core.clock import SystemClock
from headwater.core.intervals import Interval
from headwater.storage.backtests import StoredBacktest
from headwater.storage.store import Store

BARS = 400
_MINUTE_MS = 60_000


def request(
    strategy: str = "sma_cross",
    parameters: Mapping[str, ParameterValue] | None = None,
    **changes: Any,
) -> BacktestRequest:
    """A run over the stored minutes."""
    made = BacktestRequest(
        strategy=strategy,
        parameters=dict(parameters or {}),
        exchange="binance",
        symbol="BTCUSDT",
        timeframe=Interval.M1,
        start_ms=0,
        end_ms=BARS * _MINUTE_MS,
    )
    return msgspec.structs.replace(made, **changes)


async def put_candles(store: Store) -> None:
    """A saw tooth of two hundred minutes."""
    for number in range(BARS):
        price = 100.0 + abs(number % 80 - 40)
        store.put(
            candle(
                number * _MINUTE_MS,
                exchange="binance",
                symbol="BTCUSDT",
                open=price,
                high=price + 1,
                low=price - 1,
                close=price,
            )
        )
    await store.flush()


def make_jobs(store: Store, path: Path, **settings: Any) -> BacktestJobs:
    """A desk that is not running."""
    how = JobSettings(
        database_url=f"sqlite:///{path}",
        data_dir=str(path.parent),
        **{"look_s": 0.2, "seconds_max": 60.0, **settings},
    )
    return BacktestJobs(store, StrategyCatalogue(FILES), SystemClock(), lambda: uuid4().hex, how)


@asynccontextmanager
async def running(jobs: BacktestJobs) -> AsyncIterator[BacktestJobs]:
    """The desk at work while the block runs."""
    work = asyncio.create_task(jobs.run(), name="desk")
    try:
        yield jobs
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


@asynccontextmanager
async def open_store(path: Path) -> AsyncIterator[Store]:
    """A database in a file."""
    async with Store(with_tables(path), SystemClock()) as store:
        yield store


async def until(
    jobs: BacktestJobs, backtest_id: str, fits: Callable[[StoredBacktest], bool] | None = None
) -> StoredBacktest:
    """The job when it fits, or has ended: for one minute at most."""
    async with asyncio.timeout(60):
        while True:
            job = await jobs.job(backtest_id)
            if job.has_ended if fits is None else fits(job):
                return job
            await asyncio.sleep(0.02)
