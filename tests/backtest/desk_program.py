"""One of several desks on one PostgreSQL, until it is killed: `desk_program.py URL FOLDER`.

It does two jobs at a time and says one line, its process id, when it begins.
"""

import asyncio
import os
import sys
from pathlib import Path
from uuid import uuid4

import structlog
from tests.backtest.gated_strategies import FILE

from headwater.backtest.jobs import BacktestJobs, JobSettings
from headwater.backtest.strategy_catalogue import StrategyCatalogue
from headwater.core.clock import SystemClock
from headwater.storage.opening import database_of
from headwater.storage.store import Store

WORKERS = 2


def desk(store: Store, url: str, folder: Path, workers: int) -> BacktestJobs:
    """A desk whose lease is short."""
    how = JobSettings(
        workers=workers,
        database_url=url,
        data_dir=str(folder),
        alone=False,
        heartbeat_s=0.25,
        silent_s=3.0,
        look_s=0.2,
    )
    clock = SystemClock()
    return BacktestJobs(store, StrategyCatalogue((FILE,)), clock, lambda: uuid4().hex, how)


async def main(url: str, folder: Path) -> None:
    async with Store(database_of(url, folder), SystemClock()) as store:
        jobs = desk(store, url, folder, WORKERS)
        print(os.getpid(), flush=True)  # noqa: T201 - who started it reads this
        await jobs.run()


if __name__ == "__main__":
    # Nobody reads standard output after the first line.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
