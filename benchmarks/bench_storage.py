"""How many trades a second go into the database, against adding them row by row?

`python -m benchmarks.bench_storage [--trades 500000] [--rounds 3] [--write]`. "Headwater" is the
whole way of the platform: `put` on the writer, its thread, batches, natural keys, until the last
row is written. "Row by row" is what a service does that adds mapped objects to a SQLAlchemy session
and commits them in batches of the same size; "one commit each" commits every row, and is measured
on few rows. Both kinds of database on the disk of the temporary folder, tables as the platform has
them, market durability (SQLite synchronous NORMAL, PostgreSQL synchronous_commit off) for all but
the last, which is as the databases come. Then the same while a feed runs: 50,000 trades a second on
the bus, all of them stored by the recording service, and how old they are at another reader.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import orm

from benchmarks.postgres import private_postgres
from benchmarks.report import machine, median, table, write_section
from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.clock import SystemClock
from headwater.core.enums import Side, StoredTable, StoredTrades
from headwater.core.records import Trade
from headwater.services.recording import QUEUE_CAPACITY, RecordingService
from headwater.storage.base import Database
from headwater.storage.opening import database_of
from headwater.storage.schema import TRADES
from headwater.storage.sessions import WriteSession
from headwater.storage.store import Store
from headwater.storage.trades import SPEC
from headwater.storage.upgrade import upgrade
from headwater.storage.writer import StorageWriter, WriterSettings

GOAL: Final = 50_000
"""Trades a second that are to be sustained."""

AGE_GOAL_MS: Final = 50.0
"""Age of a trade at a reader of the bus, p99, which storing must not pass."""

LIVE_SHARE: Final = 0.98
"""Part of the rate asked for that must be stored by the end: the last batch comes after it."""

BATCH: Final = 5_000
EACH_SHARE: Final = 200
"""Of so many rows one is written where every row is a commit of its own."""

ROWS_SHARE: Final = 10
"""The same where rows are added one by one."""


class _Base(orm.DeclarativeBase):
    pass


class TradeObject(_Base):
    """A trade as a mapped object."""

    __table__ = sa.Table("trades", _Base.metadata, *(c._copy() for c in TRADES.columns))


def make_trades(count: int) -> Sequence[Trade]:
    """Trades of eight series, a few in each millisecond."""
    return [
        Trade(
            exchange=("binance", "bybit", "okx", "hyperliquid")[number % 4],
            symbol=("BTCUSDT", "ETHUSDT")[number // 4 % 2],
            native_symbol="BTCUSDT",
            timestamp_ms=1_790_000_000_000 + number // 20,
            received_ns=1_790_000_000_000_000_000 + number,
            side=Side.BUY if number % 3 else Side.SELL,
            price=60_000 + number % 1_000 / 10,
            quantity=0.001 * (number % 77 + 1),
            value=(60_000 + number % 1_000 / 10) * 0.001 * (number % 77 + 1),
            trade_id=5_000_000_000 + number,
            sequence=5_000_000_000 + number,
        )
        for number in range(count)
    ]


def by_the_writer(database: Database, trades: Sequence[Trade]) -> float:
    """Seconds until the platform's writer has written all."""
    settings = WriterSettings(batch_rows=BATCH, waiting_rows_max=len(trades))
    writer = StorageWriter(database, SystemClock(), settings)
    writer.start()
    began = time.perf_counter()
    for trade in trades:
        writer.put(trade)
    writer.flush().result()
    took = time.perf_counter() - began
    assert writer.close() == 0
    assert sum(one.dropped for one in writer.health.tables.values()) == 0
    return took


def row_by_row(database: Database, trades: Sequence[Trade], commit_every: int) -> float:
    """Seconds of a session that is handed an object for every trade."""
    engine = database.writing_engine()
    with engine.connect() as connection:
        if commit_every > 1:
            database.begin(connection, durable=False).rollback()
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET synchronous_commit TO off")
                connection.commit()
        session = orm.Session(connection)
        began = time.perf_counter()
        for number, trade in enumerate(trades, 1):
            values = dict(zip(SPEC.columns, SPEC.row_of(trade), strict=True))
            session.add(TradeObject(**values))
            if number % commit_every == 0:
                session.commit()
                session.expunge_all()
        session.commit()
        took = time.perf_counter() - began
        session.close()
    return took


async def while_live(database: Database, trades: Sequence[Trade], rate: int) -> tuple[float, float]:
    """Trades a second that were stored while they came live, and how long readers waited.

    Trades go out on the bus in portions each millisecond, as a feed does; the recording service
    hands all of them to the store. Another reader of the bus, which does nothing but look at the
    time, stands for every service that wants to be in time.

    Args:
        database: empty.
        trades: all of them are published and must be stored.
        rate: trades a second that are asked for.

    Returns:
        Trades a second from the first to the last row written; p99 of the age at the reader, ms.
    """
    clock, bus = SystemClock(), MemoryBus()
    ages: list[int] = []
    settings = WriterSettings(batch_rows=BATCH)

    async def look() -> None:
        reader = bus.subscribe("bystander", [TopicFilter(Trade)], QUEUE_CAPACITY)
        while len(ages) < len(trades):
            batch = await reader.next_batch()
            now = time.perf_counter_ns()
            ages.extend(now - record.received_ns for record in batch)
        reader.close()

    async with Store(database, clock, settings) as store:
        recording = RecordingService(bus, store.put, StoredTrades.ALL)
        service = asyncio.create_task(recording.run(), name="recording")
        looking = asyncio.create_task(look(), name="bystander")
        await asyncio.sleep(0)
        began = time.perf_counter()
        sent = 0
        while sent < len(trades):
            due = min(len(trades), int((time.perf_counter() - began) * rate))
            for trade in trades[sent:due]:
                stamped = time.perf_counter_ns()
                bus.publish(msgspec.structs.replace(trade, received_ns=stamped))
            sent = max(sent, due)
            await asyncio.sleep(0.001)
        await looking
        while sum(one.waiting for one in store.health.tables.values()):
            await store.flush()
        took = time.perf_counter() - began
        health = store.health.tables[StoredTable.TRADES]
        assert (health.written, health.dropped) == (len(trades), 0), health
        service.cancel()
        await asyncio.gather(service, return_exceptions=True)
    return len(trades) / took, sorted(ages)[len(ages) * 99 // 100] / 1e6


def _emptied(database: Database, trades: Sequence[Trade], way: Callable[[], float]) -> float:
    """Trades a second of one way into an empty table; checks that all of them are there."""
    with WriteSession(database) as session, session.transaction(durable=True) as writing:
        writing.execute(sa.delete(TRADES))
    rate = len(trades) / way()
    with WriteSession(database) as session, session.transaction(durable=False) as writing:
        found = writing.execute(sa.select(sa.func.count()).select_from(TRADES)).scalar_one()
    assert found == len(trades), f"{found} rows of {len(trades)}"
    return rate


def measure(database: Database, trades: Sequence[Trade], rounds: int) -> list[Sequence[float]]:
    """Rates of the three ways, all rounds of each."""
    some, few = trades[: len(trades) // ROWS_SHARE], trades[: len(trades) // EACH_SHARE]
    ways: list[tuple[Sequence[Trade], Callable[[], float]]] = [
        (trades, lambda: by_the_writer(database, trades)),
        (some, lambda: row_by_row(database, some, BATCH)),
        (few, lambda: row_by_row(database, few, 1)),
    ]
    with database.claim():
        upgrade(database)
        return [[_emptied(database, rows, way) for _ in range(rounds)] for rows, way in ways]


def _live_round(database: Database, trades: Sequence[Trade]) -> tuple[float, float]:
    with (
        database.claim(),
        WriteSession(database) as session,
        session.transaction(durable=True) as writing,
    ):
        writing.execute(sa.delete(TRADES))
    return asyncio.run(while_live(database, trades, GOAL))


@contextmanager
def databases() -> Iterator[dict[str, Database]]:
    """Both kinds; only SQLite where PostgreSQL is not installed."""
    with tempfile.TemporaryDirectory() as folder, private_postgres() as address:
        found = {"SQLite": database_of(None, Path(folder))}
        if address is not None:
            found["PostgreSQL"] = database_of(address, Path(folder))
        yield found


def main() -> int:
    """Measures, prints, writes when asked; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trades", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    options = parser.parse_args()
    trades = make_trades(options.trades)
    rows: list[list[str]] = []
    notes: list[str] = []
    kept = True
    with databases() as found:
        for name, database in found.items():
            print(name, file=sys.stderr)
            rates = measure(database, trades, options.rounds)
            ours = median(rates[0])
            kept = kept and ours >= GOAL
            for way, some in zip(
                ("headwater's writer", "row by row, 5,000 a commit", "one commit each"),
                rates,
                strict=True,
            ):
                rows.append(
                    [
                        f"{name}: {way}",
                        f"{median(some):,.0f}",
                        f"{min(some):,.0f}–{max(some):,.0f}",
                        f"{ours / median(some):.1f} ×",
                    ]
                )
            live = [_live_round(database, trades) for _ in range(options.rounds)]
            stored, aged = (median([one[place] for one in live]) for place in (0, 1))
            kept = kept and aged <= AGE_GOAL_MS and stored >= GOAL * LIVE_SHARE
            notes.append(
                f"{name}, all trades stored while {GOAL:,} a second come live over the bus: "
                f"{stored:,.0f} a second, age at another reader p99 {aged:.1f} ms."
            )
    header = ["way", "trades/s", "rounds between", "headwater's writer is"]
    text = "\n".join(
        [
            f"### Trades into the database, {options.trades:,} at a time",
            "",
            table(header, rows),
            "",
            "From the first `put` until the last row is written; the rows are counted afterwards.",
            *notes,
            f"Goal: {GOAL:,} a second on each: {'kept' if kept else 'missed'}.",
            f"Machine: {machine()}.",
        ]
    )
    print(text)
    if options.write:
        write_section("storage", text)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
