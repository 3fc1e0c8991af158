"""What does a liquidation map of four venues cost from the database to the JSON of its answer?

`python -m benchmarks.bench_stored_maps [--rounds N] [--year] [--write]`. A SQLite file with minutes
of candles, mark candles and open interest of four venues, from a seeded random walk. Each round
opens the database anew (the system keeps its pages), makes the map and encodes the answer, so
nothing of ours is warm; the week before, which the model has to see, is part of it.

The plain way beside it does what open tools do (py-liquidation-map and its kin): records one by
one, a dictionary of price buckets, E × (1 ∓ 1/L), levels removed when touched; no tiers, no decay,
no closing, no cut. It does less and is still what one would write first.
"""

import argparse
import asyncio
import tempfile
import time
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import structlog

from benchmarks.report import machine, median, spread, table, write_section
from headwater.analytics.leverage_weights import DEFAULT_WEIGHTS, leverage_classes
from headwater.analytics.margin import build_tiers
from headwater.analytics.price_buckets import PriceBuckets
from headwater.api.schemas.base import encode
from headwater.api.schemas.liquidation_maps import map_view
from headwater.core.clock import ManualClock
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.services.liquidation_maps import CLOSED_AFTER_MS, LiquidationMaps
from headwater.services.map_question import LiquidationMap, MapModel, MapQuestion
from headwater.storage import candles, mark_candles, open_interest
from headwater.storage.base import Span
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
NOTE: Final = (
    "Minutes alone are stored. The plain way reads no past before the span, no mark prices and "
    "encodes nothing (see the file)."
)


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


async def ours(file: Path, interval: Interval, days: int) -> tuple[float, int, LiquidationMap]:
    """One map: seconds, bytes of its answer, and the map."""
    clock = ManualClock((END_MS + CLOSED_AFTER_MS) * 1_000_000)
    question = MapQuestion(
        symbol=SYMBOL,
        exchanges=VENUES,
        model=MapModel.ESTIMATED,
        interval=interval,
        start_ms=END_MS - days * DAY_MS,
        end_ms=END_MS,
        classes=leverage_classes(),
        buckets=PriceBuckets.of_width(Decimal(250)),
    )
    async with Store(SqliteDatabase(file), clock) as store:
        maps = LiquidationMaps(store, clock, SameTiers(), VENUES)
        before = time.perf_counter()
        made = await maps.make(question)
        body = encode(map_view(made))
        return time.perf_counter() - before, len(body), made


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


def measure(file: Path, interval: Interval, days: int, rounds: int) -> list[str]:
    """A row of the table."""
    costs_ms, size, made = [], 0, None
    for _ in range(rounds):
        seconds, size, made = asyncio.run(ours(file, interval, days))
        costs_ms.append(seconds * 1e3)
    assert made is not None
    assert made.grid is not None
    assert len(made) == days * DAY_MS // interval.nominal_ms
    assert made.consumed_usd.sum() > 0.0
    others_ms = [plain(file, days)[0] * 1e3 for _ in range(max(1, rounds // 3))]
    return [
        f"{days} d × {interval.value} × {made.grid.count} buckets × {len(VENUES)} venues",
        f"{median(costs_ms):.0f} ± {spread(costs_ms):.0%}",
        f"{size / 1e6:.1f}",
        f"{median(others_ms):.0f}",
        f"{median(others_ms) / median(costs_ms):.1f}",
    ]


def main() -> int:
    """Measures, prints and, if asked, writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--year", action="store_true", help="a year at 4 h, too: takes minutes")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    wanted = [(Interval.M15, 7)] + ([(Interval.H4, 365)] if chosen.year else [])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "made.sqlite3"
        fill(SqliteDatabase(file), 430 if chosen.year else 16)
        rows = [measure(file, interval, days, chosen.rounds) for interval, days in wanted]
    text = "\n\n".join(
        [
            "### Estimated liquidation map from SQLite to JSON, cold",
            table(["map", "ms", "MB of JSON", "plain way, ms", "ratio"], rows),
            f"{NOTE} {machine()}.",
        ]
    )
    print(text)
    if chosen.write:
        write_section("stored-maps", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
