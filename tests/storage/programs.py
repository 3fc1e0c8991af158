"""Programs that tests run as processes of their own: `python -m tests.storage.programs NAME …`."""

import asyncio
import resource
import sys
from pathlib import Path

from tests.storage.samples import T0, forecast, trade

from headwater.app.logs import configure_logs
from headwater.core.clock import SystemClock
from headwater.core.errors import StorageError
from headwater.storage import trades
from headwater.storage.base import Span
from headwater.storage.opening import database_of
from headwater.storage.store import Store
from headwater.storage.writer import WriterSettings

ROWS_BETWEEN = 200
LIMIT_BYTES = 3_000_000


async def write_until_killed(url: str, turn: str) -> None:
    """Durable forecasts and market rows for ever; prints the time of each acknowledged forecast.

    Every turn has times of its own.
    """
    async with Store(database_of(url, Path()), SystemClock()) as store:
        number = int(turn) * 10_000_000
        while True:
            for _ in range(ROWS_BETWEEN):
                number += 1
                store.put(trade(number, at_ms=T0 + number))
            issued = [forecast(T0 + number), forecast(T0 + number, model="other")]
            await store.put_durable(issued)
            print(T0 + number, flush=True)  # noqa: T201 - the test reads it


async def write_over_a_limit(url: str) -> None:
    """No file may grow beyond a limit, until it is lifted: what `write` says is an EFBIG."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, hard))
    query = trades.between("binance", "BTCUSDT", Span(limit=100_000))
    settings = WriterSettings(flush_s=3_600, batch_rows=500, retry_first_s=0.01)
    async with Store(database_of(url, Path()), SystemClock(), settings) as store:
        number = 0
        while store.health.healthy:
            for _ in range(500):
                number += 1
                store.put(trade(number, at_ms=T0 + number))
            try:
                await store.flush()
            except StorageError:
                break
        assert number < 100_000, "nothing ever failed"
        before = await store.fetch(query)
        assert before, "nothing can be read"
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        while not store.health.healthy:
            try:
                await store.flush()
            except StorageError:
                continue
        after = await store.fetch(query)
        assert [one.trade_id for one in after] == list(range(1, number + 1))
        print(len(before), len(after))  # noqa: T201 - the test reads it


if __name__ == "__main__":
    configure_logs("ERROR", "json")  # to standard error: standard output is read by the test
    if sys.argv[1] == "kill":
        asyncio.run(write_until_killed(sys.argv[2], sys.argv[3]))
    else:
        asyncio.run(write_over_a_limit(sys.argv[2]))
