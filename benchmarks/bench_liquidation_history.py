"""How long does the history of ten million liquidations take: volume by time, and the heat map?

`python -m benchmarks.bench_liquidation_history [--rows 10000000] [--rounds 3] [--write]`. A year of
liquidations of one symbol at four venues, a tenth of them in its last week, in a database in the
temporary folder (about 4 GB, removed at the end; to fill it takes minutes). "Headwater" is the
service as the API asks it, from the question to the finished answer; "as JSON" adds views and
encoding. Each is asked of a store that was just opened, so nothing of it is in the process; the
system may have the file in memory. Beside it the plain ways over the same rows: pandas reading and
grouping, the database's own SUM … GROUP BY, and mapped objects one by one into a dictionary.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy import orm

from benchmarks.bench_storage import databases
from benchmarks.peers.environments import environment
from benchmarks.report import machine, median, table, write_section
from headwater.analytics.price_buckets import PriceBuckets
from headwater.api.schemas.base import encode
from headwater.api.schemas.liquidations import heatmap_view, volume_view
from headwater.core.clock import SystemClock
from headwater.core.intervals import Interval
from headwater.services.liquidation_history import LiquidationHistory, Wanted
from headwater.storage import liquidations
from headwater.storage.base import Database, Row, Span
from headwater.storage.liquidation_days import pack_one
from headwater.storage.schema import LIQUIDATIONS
from headwater.storage.sessions import ReadSession, WriteSession
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store
from headwater.storage.upgrade import upgrade

VOLUME_GOAL_S: Final = 1.0
MAP_GOAL_S: Final = 0.3
YEAR_GOAL_S: Final = 2.0

SYMBOL: Final = "BTCUSDT"
EXCHANGES: Final = ("binance", "bybit", "hyperliquid", "okx")
_DAY_MS: Final = 86_400_000
_DAYS: Final = 365
END_MS: Final = 1_790_035_200_000
"""Midnight UTC: every day of the year before is over."""

START_MS: Final = END_MS - _DAYS * _DAY_MS
WEEK_MS: Final = END_MS - 7 * _DAY_MS
BUCKETS: Final = PriceBuckets(units=25, places=0)
"""USD of a price bucket: the week's prices span some 200 of them."""

_BATCH: Final = 100_000


def make_rows(count: int) -> Iterator[Sequence[Row]]:
    """Rows of the table, in batches; a tenth in the last week, prices around a wave of the year."""
    rng = np.random.default_rng(7)
    number = 0
    while number < count:
        size = min(_BATCH, count - number)
        recent = rng.random(size) < 0.1
        first = np.where(recent, WEEK_MS, START_MS)
        length = np.where(recent, END_MS - WEEK_MS, WEEK_MS - START_MS)
        times = (first + rng.random(size) * length).astype(np.int64)
        phase = (times - START_MS) / (END_MS - START_MS) * 200
        prices = np.round(90_000 + 2_200 * np.sin(phase) + rng.normal(0, 120, size), 1)
        quantities = np.round(rng.pareto(1.5, size) * 0.05 + 0.001, 3)
        longs, venues = rng.random(size) < 0.55, rng.integers(0, 4, size)
        columns = (times, prices, quantities, longs, venues)
        yield [
            _row(number + place, *values)
            for place, values in enumerate(zip(*(c.tolist() for c in columns), strict=True))
        ]
        number += size


def _row(number: int, time_ms: int, price: float, quantity: float, long: bool, venue: int) -> Row:
    return (
        EXCHANGES[venue],
        SYMBOL,
        time_ms,
        "sell" if long else "buy",
        price,
        quantity,
        str(number),
        SYMBOL,
        (time_ms + 250) * 1_000_000,
        "long" if long else "short",
        price * quantity,
        "bankruptcy" if venue % 2 else "average",
        venue in (0, 3),
        None,
    )


def fill(database: Database, count: int, name: str) -> tuple[float, float]:
    """Seconds to write the rows, and to pack their days."""
    upgrade(database)
    with WriteSession(database) as session:
        began, done = time.perf_counter(), 0
        for batch in make_rows(count):
            with session.transaction(durable=False) as writing:
                writing.insert(liquidations.SPEC, batch)
            done += len(batch)
            if done % 1_000_000 < _BATCH:
                print(
                    f"{name}: {done:,} rows after {time.perf_counter() - began:.0f} s",
                    file=sys.stderr,
                )
        filled = time.perf_counter() - began
        began, days = time.perf_counter(), 0
        while True:
            with session.transaction(durable=False) as writing:
                if not pack_one(writing, END_MS // _DAY_MS):
                    break
            days += 1
        packed = time.perf_counter() - began
        print(f"{name}: {days:,} days packed in {packed:.0f} s", file=sys.stderr)
        return filled, packed


async def timed(
    database: Database, rounds: int, ask: Callable[[LiquidationHistory], Awaitable[Any]]
) -> list[float]:
    """Seconds of a question, to a store that was just opened for it, each round."""
    found = []
    for _ in range(rounds):
        async with Store(database, SystemClock()) as store:
            history = LiquidationHistory(store, SystemClock())
            began = time.perf_counter()
            await ask(history)
            found.append(time.perf_counter() - began)
    return found


def year() -> Wanted:
    """All of it, from and to an odd minute, as a clock would ask."""
    return Wanted(symbol=SYMBOL, start_ms=START_MS + 1_234_567, end_ms=END_MS - 7_654_321)


async def ours(database: Database, rounds: int) -> dict[str, list[float]]:
    """Seconds of each question."""
    week = Wanted(symbol=SYMBOL, start_ms=WEEK_MS, end_ms=END_MS)

    async def volumes(history: LiquidationHistory) -> None:
        encode([volume_view(row) for row in await history.volumes(year(), Interval.H1)])

    async def minutes(history: LiquidationHistory) -> None:
        await history.volumes(
            Wanted(symbol=SYMBOL, start_ms=END_MS - 6 * _DAY_MS, end_ms=END_MS), Interval.M1
        )

    async def quarters(history: LiquidationHistory) -> None:
        await history.heatmap(week, Interval.M15, BUCKETS)

    async def quarters_sent(history: LiquidationHistory) -> None:
        found = await history.heatmap(week, Interval.M15, BUCKETS)
        encode(heatmap_view(week, found, EXCHANGES))

    async def year_map(history: LiquidationHistory) -> None:
        encode(heatmap_view(year(), await history.heatmap(year(), Interval.H4, BUCKETS), EXCHANGES))

    questions = {
        "volume": volumes,
        "minutes": minutes,
        "map": quarters,
        "map sent": quarters_sent,
        "year map": year_map,
    }
    found = {}
    for name, ask in questions.items():
        found[name] = await timed(database, rounds, ask)
        print(f"{database.label} {name}: {found[name]}", file=sys.stderr)
    return found


class _Base(orm.DeclarativeBase):
    pass


class LiquidationObject(_Base):
    """A liquidation as a mapped object."""

    symbol: orm.Mapped[str]
    timestamp_ms: orm.Mapped[int]
    price: orm.Mapped[float]
    value: orm.Mapped[float]
    position_side: orm.Mapped[str]
    __table__ = sa.Table("liquidations", _Base.metadata, *(c._copy() for c in LIQUIDATIONS.columns))


def mapped_objects(database: Database) -> float:
    """Seconds of the week's map from mapped objects, into a dictionary of cells."""
    with ReadSession(database) as reading, orm.Session(reading.connection) as session:
        began = time.perf_counter()
        cells: dict[tuple[int, int, str], float] = {}
        chosen = sa.select(LiquidationObject).where(
            LiquidationObject.symbol == SYMBOL, LiquidationObject.timestamp_ms >= WEEK_MS
        )
        for one in session.scalars(chosen.execution_options(yield_per=5_000)):
            bar = one.timestamp_ms - one.timestamp_ms % 900_000
            key = (bar, int(one.price // 25), one.position_side)
            cells[key] = cells.get(key, 0.0) + one.value
        return time.perf_counter() - began


def sql_sums(database: Database) -> float:
    """Seconds of the year's volume by the hour, summed by the database itself."""
    with ReadSession(database) as session:
        began = time.perf_counter()
        span = Span(start_ms=START_MS, end_ms=END_MS, limit=100_000)
        session.fetch(liquidations.volume(span, 3_600_000, symbol=SYMBOL))
        return time.perf_counter() - began


def pandas_sums(database: SqliteDatabase) -> dict[str, Any] | None:
    """What the pandas peer measured; None where its environment is not made."""
    peer = environment("nautilus")
    if not peer.is_ready:
        print("pandas is left out: `make bench-peers` makes its environment", file=sys.stderr)
        return None
    script = Path(__file__).parent / "peers" / "pandas_volume.py"
    command = [str(peer.interpreter), str(script), str(database.path), SYMBOL, "3600000"]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


def lines_of(
    name: str, rows: int, found: dict[str, list[float]], plain: dict[str, float]
) -> list[list[str]]:
    """Rows of the result table for one kind of database."""

    def line(what: str, key: str, goal: float | None, beside: str) -> list[str]:
        ours_s = median(found[key])
        ratio = f"{plain[beside] / ours_s:,.0f} ×" if beside in plain else "–"
        kept = "–" if goal is None else f"{goal:g} s {'kept' if ours_s <= goal else 'missed'}"
        return [f"{name}: {what}", f"{ours_s * 1_000:,.0f} ms", kept, ratio]

    return [
        line(f"volume of {rows:,} by the hour, a year, as JSON", "volume", VOLUME_GOAL_S, "sql"),
        line("volume by the minute, 6 days", "minutes", VOLUME_GOAL_S, ""),
        line("map of 7 days × 15 min, four venues", "map", MAP_GOAL_S, "objects"),
        line("the same as JSON", "map sent", None, "objects"),
        line("map of a year × 4 h, as JSON", "year map", YEAR_GOAL_S, ""),
        [f"{name}: SUM … GROUP BY of the database", f"{plain['sql'] * 1_000:,.0f} ms", "", ""],
        [f"{name}: mapped objects, 7 days", f"{plain['objects'] * 1_000:,.0f} ms", "", ""],
    ]


def main() -> int:
    """Measures, prints, writes when asked; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    options = parser.parse_args()
    lines: list[list[str]] = []
    notes: list[str] = []
    kept = True
    with databases() as some:
        for name, database in some.items():
            filled, packed = fill(database, options.rows, name)
            found = asyncio.run(ours(database, options.rounds))
            plain = {"sql": sql_sums(database), "objects": mapped_objects(database)}
            lines += lines_of(name, options.rows, found, plain)
            kept = kept and all(
                median(found[key]) <= goal
                for key, goal in (
                    ("volume", VOLUME_GOAL_S),
                    ("map", MAP_GOAL_S),
                    ("year map", YEAR_GOAL_S),
                )
            )
            notes.append(
                f"{name}: {options.rows / filled:,.0f} rows a second to fill it, "
                f"{options.rows / packed:,.0f} a second to pack its days."
            )
            peer = pandas_sums(database) if isinstance(database, SqliteDatabase) else None
            if peer is not None:
                ours_s = median(found["volume"])
                for what, key in (
                    ("read and group by", "read_and_group_s"),
                    ("group by alone, rows in memory", "group_s"),
                ):
                    took = peer[key]
                    lines.append(
                        [
                            f"{name}: pandas {peer['version']}, {what}",
                            f"{took * 1_000:,.0f} ms",
                            "",
                            f"{took / ours_s:,.0f} × ours",
                        ]
                    )
    header = ["question", "median", "goal", "plain way is"]
    text = "\n".join(
        [
            f"### History of {options.rows:,} liquidations",
            "",
            table(header, lines),
            "",
            "Each round opens a store of its own; the plain way of the volume is the database's",
            "own SUM, that of the map are mapped objects.",
            *notes,
            f"Machine: {machine()}.",
        ]
    )
    print(text)
    if options.write:
        write_section("liquidation history", text)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
