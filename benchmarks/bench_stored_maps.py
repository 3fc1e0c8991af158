"""What does a liquidation map of four venues cost from the database to the bytes of its answer?

`python -m benchmarks.bench_stored_maps [--rounds N] [--year] [--write]`. A SQLite file with minutes
of candles, mark candles and open interest of four venues, from a seeded random walk, and with
liquidations near it, whose days are packed as the platform packs them. Each cold round opens the
database anew (the system keeps its pages) and asks the whole application, in process, for the
route: what is measured goes from the request to the last byte handed to the socket's side, so
nothing of ours is warm; the week before, which the model has to see, is part of it. The same
request again is the cached answer.

"With quarters" has candles of 15 minutes beside the minutes, as back-fill stores them.

The plain way beside it does what open tools do (py-liquidation-map and its kin): records one by
one, a dictionary of price buckets, E × (1 ∓ 1/L), levels removed when touched; no tiers, no decay,
no closing, no cut. It does less and is still what one would write first.
"""

import argparse
import asyncio
import gzip
import tempfile
import time
from collections import defaultdict
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import structlog
from tests.api.served import Platform

from benchmarks.report import machine, median, spread, table, write_section
from headwater.analytics.leverage_weights import DEFAULT_WEIGHTS
from headwater.analytics.margin import build_tiers
from headwater.api.app import create_app
from headwater.api.routes.heatmap import HEATMAP_PATH
from headwater.api.schemas.coinglass import folded_candles
from headwater.core.clock import ManualClock
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.services.liquidation_maps import CLOSED_AFTER_MS, LiquidationMaps
from headwater.storage import candles, liquidations, mark_candles, open_interest, step_columns
from headwater.storage.base import Row, Span
from headwater.storage.liquidation_days import pack_one
from headwater.storage.sessions import ReadSession, WriteSession
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store
from headwater.storage.upgrade import upgrade

VENUES: Final = ("binance", "bybit", "hyperliquid", "okx")
SYMBOL: Final = "BTCUSDT"
DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000
END_MS: Final = 20_700 * DAY_MS
PAGE: Final = 20_000
TIERS: Final = build_tiers([(0.0, 0.004, 125.0), (50e3, 0.005, 100.0), (600e3, 0.01, 50.0)])
FORCED_A_DAY: Final = 2_000
"""Liquidations of a venue and day."""
CACHED_ASKED: Final = 40
"""How often a cached answer is asked for."""
NOTE: Final = (
    "Cold: a store that was just opened, from the request to the last byte; CPU of the whole "
    "process in brackets, as the machine may be busy. Cached: the same request again. The plain "
    "way reads no past before the span, no mark prices and encodes nothing (see the file)."
)


class Wanted(msgspec.Struct, frozen=True):
    """A row of the table.

    Attributes:
        model: as the route takes it.
        interval: length of a bar.
        days: length of the span.
        width: height of a price bucket, USD: some 200 of them.
        goal_ms: for a cold answer.
    """

    model: str
    interval: Interval
    days: int
    width: int
    goal_ms: float


WEEK: Final = (
    Wanted("estimated", Interval.M15, 7, 272, 300.0),
    Wanted("realised", Interval.M15, 7, 17, 300.0),
)
YEAR: Final = (
    Wanted("estimated", Interval.H4, 365, 670, 2_000.0),
    Wanted("realised", Interval.H4, 365, 55, 2_000.0),
)
CACHED_GOAL_MS: Final = 5.0


class SameTiers:
    """The same tiers for every venue."""

    async def margin_tiers(self, exchange: str, symbol: str) -> MarginTiers | None:
        """Those of `TIERS`."""
        return MarginTiers(
            exchange=exchange,
            symbol=symbol,
            native_symbol=symbol,
            timestamp_ms=0,
            received_ns=0,
            tiers=TIERS,
            source="benchmark",
        )


def fill(database: SqliteDatabase, days: int) -> None:
    """Writes `days` of minutes of every venue."""
    count = days * 1440
    with database.claim():
        upgrade(database)
        with WriteSession(database) as session:
            for seed, venue in enumerate(VENUES):
                rng = np.random.default_rng(seed)
                path = (1e5 * np.exp(np.cumsum(rng.normal(0.0, 3e-4, count + 1)))).tolist()
                held = (1e5 * np.exp(np.cumsum(rng.normal(0.0, 8e-4, count)))).tolist()
                volume = rng.exponential(50.0, count).tolist()
                key = (venue, SYMBOL)
                for begin in range(0, count, PAGE):
                    numbers = range(begin, min(begin + PAGE, count))
                    at = {n: END_MS - (count - n) * MINUTE_MS for n in numbers}
                    low = {n: min(path[n], path[n + 1]) for n in numbers}
                    high = {n: max(path[n], path[n + 1]) for n in numbers}
                    with session.transaction(durable=False) as made:
                        made.insert(
                            candles.SPEC,
                            [
                                (*key, "1m", at[n], SYMBOL, 0, path[n], high[n], low[n],
                                 path[n + 1], volume[n], None, None, True, None, None, 0)
                                for n in numbers
                            ],
                        )  # fmt: skip
                        made.insert(
                            mark_candles.SPEC,
                            [
                                (*key, "1m", at[n], SYMBOL, 0, path[n], high[n], low[n],
                                 path[n + 1], True, None)
                                for n in numbers
                            ],
                        )  # fmt: skip
                        made.insert(
                            open_interest.SPEC,
                            [(*key, at[n] + 30_000, SYMBOL, 0, held[n], None) for n in numbers],
                        )


def fill_quarters(database: SqliteDatabase) -> None:
    """Adds the candles of 15 minutes that the stored minutes make."""
    with database.claim(), WriteSession(database) as session:
        for venue in VENUES:
            with ReadSession(database) as reading:
                minutes = reading.columns(step_columns.minutes(venue, SYMBOL, 0, END_MS))
            rows = [
                (venue, SYMBOL, "15m", int(at), SYMBOL, 0, *prices, None, None, True, None, None, 0)
                for at, *prices in folded_candles(minutes, Interval.M15).tolist()
            ]
            with session.transaction(durable=False) as made:
                made.insert(candles.SPEC, rows)


def fill_forced(database: SqliteDatabase, days: int) -> None:
    """Writes liquidations of every venue and day, and packs the days."""
    rng = np.random.default_rng(99)
    with database.claim(), WriteSession(database) as session:
        for day in range(days):
            begin = END_MS - (days - day) * DAY_MS
            rows: list[Row] = []
            for venue in VENUES:
                at = np.sort(rng.integers(0, DAY_MS, FORCED_A_DAY)) + begin
                price = np.round(1e5 + 4e3 * np.sin(at / 9e8) + rng.normal(0, 400, len(at)), 1)
                size = np.round(rng.pareto(1.5, len(at)) * 0.05 + 0.001, 3)
                told = zip(at.tolist(), price.tolist(), size.tolist(), strict=True)
                rows += [
                    (venue, SYMBOL, when, "sell" if n % 2 else "buy", cost, base, f"{day}.{n}",
                     SYMBOL, (when + 250) * 1_000_000, "long" if n % 2 else "short", cost * base,
                     "average", False, None)
                    for n, (when, cost, base) in enumerate(told)
                ]  # fmt: skip
            with session.transaction(durable=False) as made:
                made.insert(liquidations.SPEC, rows)
        packing = True
        while packing:
            with session.transaction(durable=False) as made:
                packing = pack_one(made, END_MS // DAY_MS)


class Told(msgspec.Struct):
    """What is looked at of an answer: not its million levels."""

    meta: dict[str, Any]


async def answer(app: Any, query: str) -> tuple[float, float, bytes]:
    """Asks the application for the map: seconds, CPU seconds of the process, body."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": HEATMAP_PATH, "raw_path": HEATMAP_PATH.encode(),
        "query_string": query.encode(), "root_path": "", "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    parts: list[bytes] = []
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        parts.append(message.get("body", b""))

    before, used = time.perf_counter(), time.process_time()
    await app(scope, receive, send)
    took = time.perf_counter() - before, time.process_time() - used
    body = b"".join(parts)
    assert statuses == [200], body[:500]
    return *took, body


async def ours(file: Path, wanted: Wanted) -> tuple[float, float, float, bytes]:
    """One cold answer: ms, CPU ms, median ms of the cached ones, body."""
    clock = ManualClock((END_MS + CLOSED_AFTER_MS) * 1_000_000)
    query = (
        f"symbol={SYMBOL}&model={wanted.model}&interval={wanted.interval.value}"
        f"&price_bin_size={wanted.width}&end_time={END_MS - 1}"
        f"&start_time={END_MS - wanted.days * DAY_MS}"
    )
    async with Store(SqliteDatabase(file), clock) as store:
        platform = Platform(clock=clock, venues=VENUES, store=store)
        maps = LiquidationMaps(store, clock, SameTiers(), VENUES)
        app = create_app(msgspec.structs.replace(platform.deps, maps=maps))
        seconds, cpu_s, body = await answer(app, query)
        again = [await answer(app, query) for _ in range(CACHED_ASKED)]
        assert all(one[2] == body for one in again)
        return seconds * 1e3, cpu_s * 1e3, median([one[0] for one in again]) * 1e3, body


def plain(file: Path, days: int) -> tuple[float, int]:
    """The plain way over the same span without a past: seconds, and levels it has left."""
    before = time.perf_counter()
    left = 0
    with ReadSession(SqliteDatabase(file)) as session:
        for venue in VENUES:
            left += sum(len(side) for side in _plain_venue(session, venue, days))
    return time.perf_counter() - before, left


def _plain_venue(
    session: ReadSession, venue: str, days: int
) -> tuple[dict[int, float], dict[int, float]]:
    longs: dict[int, float] = defaultdict(float)
    shorts: dict[int, float] = defaultdict(float)
    last: float | None = None
    for day in range(days):
        begin = END_MS - (days - day) * DAY_MS
        span = Span(start_ms=begin, end_ms=begin + DAY_MS, limit=100_000)
        bars = session.fetch(candles.between(venue, SYMBOL, Interval.M1, span))
        readings = session.fetch(open_interest.between(venue, SYMBOL, span))
        for bar, reading in zip(bars, readings, strict=True):
            for bucket in [one for one in longs if one * 250 >= bar.low]:
                del longs[bucket]
            for bucket in [one for one in shorts if one * 250 <= bar.high]:
                del shorts[bucket]
            rise = reading.open_interest - (last or reading.open_interest)
            last = reading.open_interest
            for leverage, weight in DEFAULT_WEIGHTS.items():
                if rise > 0.0:
                    usd = rise * bar.close * weight
                    longs[int(bar.close * (1 - 1 / leverage) // 250)] += usd
                    shorts[int(bar.close * (1 + 1 / leverage) // 250)] += usd
    return longs, shorts


def measure(file: Path, stored: str, wanted: Wanted, rounds: int) -> list[str]:
    """A row of the table."""
    cold_ms, cpu_ms, cached_ms, body = [], [], [], b""
    for _ in range(rounds):
        cold, cpu, cached, body = asyncio.run(ours(file, wanted))
        cold_ms.append(cold)
        cpu_ms.append(cpu)
        cached_ms.append(cached)
    meta = msgspec.json.decode(body, type=Told).meta
    count = wanted.days * DAY_MS // wanted.interval.nominal_ms
    assert meta["total_snapshots"] == count
    assert meta["total_consumed"] > 0.0
    span = meta["price_range"]["max"] - meta["price_range"]["min"]
    # Of the year it takes a minute and more: once is enough.
    is_plain = wanted.model == "estimated" and stored == "minutes"
    others_ms = [plain(file, wanted.days)[0] * 1e3] if is_plain else []
    name = f"{wanted.model}, {wanted.days} d × {wanted.interval.value}"
    return [
        f"{name} × {span / wanted.width:.0f} buckets × {len(VENUES)} venues, {stored}",
        f"{median(cold_ms):.0f} ± {spread(cold_ms):.0%} ({median(cpu_ms):.0f})",
        f"{wanted.goal_ms:.0f} {'kept' if median(cold_ms) <= wanted.goal_ms else 'missed'}",
        f"{median(cached_ms):.2f} {'kept' if median(cached_ms) <= CACHED_GOAL_MS else 'missed'}",
        f"{len(body) / 1e6:.1f} ({len(gzip.compress(body, 5)) / 1e6:.1f})",
        f"{median(others_ms):.0f}" if is_plain else "–",
        f"{median(others_ms) / median(cold_ms):.1f}" if is_plain else "–",
    ]


def filled(file: Path, days: int, days_forced: int) -> Path:
    """A new database with so many days of minutes and of liquidations."""
    fill(SqliteDatabase(file), days)
    fill_forced(SqliteDatabase(file), days_forced)
    return file


def main() -> int:
    """Measures, prints and, if asked, writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--year", action="store_true", help="a year at 4 h, too: takes minutes")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory() as folder:
        file = filled(Path(folder) / "week.sqlite3", 16, 8)
        rows = [measure(file, "minutes", one, chosen.rounds) for one in WEEK]
        if chosen.year:
            file = filled(Path(folder) / "year.sqlite3", 430, 365)
            rows += [measure(file, "minutes", one, chosen.rounds) for one in YEAR]
            fill_quarters(SqliteDatabase(file))
            rows.append(measure(file, "with quarters", YEAR[0], chosen.rounds))
    header = ["map", "cold, ms", "goal", "cached, ms", "MB (gzip)", "plain way, ms", "ratio"]
    text = "\n\n".join(
        [
            "### Liquidation maps from SQLite to the bytes of the answer",
            table(header, rows),
            f"{NOTE} {machine()}.",
        ]
    )
    print(text)
    if chosen.write:
        write_section("stored-maps", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
