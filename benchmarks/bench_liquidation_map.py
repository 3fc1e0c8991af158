"""What does an estimated liquidation map of a week cost, bar by bar?

`python -m benchmarks.bench_liquidation_map [--days N] [--buckets N] [--rounds N] [--write]`. Bars
of 15 minutes with a path of 15 marks and trades, from a seeded random walk; five leverages. What is
timed is what a request without a cache would run: the ladder's table and every bar. Before that
the map must show that it is right: money is conserved and both sides were opened alike.
"""

import argparse
import math
import random
import time
from decimal import Decimal
from importlib.metadata import version
from typing import Final

from benchmarks.report import machine, median, spread, table, write_section
from headwater.analytics.leverage_ladder import LeverageLadder
from headwater.analytics.leverage_weights import leverage_classes
from headwater.analytics.liquidation_model import LiquidationModel
from headwater.analytics.model_columns import ModelBar, ModelColumn, ModelMinute, totals_of
from headwater.analytics.price_buckets import PriceGrid, grid_between
from headwater.core.enums import PositionSide

BAR_MS: Final = 900_000
BARS_PER_DAY: Final = 96
MINUTES: Final = 15
START_PRICE: Final = 100_000.0
MAINTENANCE_RATE: Final = 0.004
SPAN: Final = 0.2
"""The grid reaches so far from the first price, as a share of it."""


def price_of(side: PositionSide, entry: float, leverage: float) -> float:
    sign = 1.0 if side is PositionSide.LONG else -1.0
    return entry * (1.0 - sign / leverage) / (1.0 - sign * MAINTENANCE_RATE)


def market(days: int, seed: int) -> list[ModelBar]:
    """Bars of a market whose price and open interest wander."""
    rng = random.Random(seed)
    price, interest = START_PRICE, 100_000.0
    bars: list[ModelBar] = []
    for number in range(days * BARS_PER_DAY):
        minutes: list[ModelMinute] = []
        for _ in range(MINUTES):
            before, price = price, price * math.exp(rng.gauss(0.0, 0.0003))
            minutes.append(
                ModelMinute(
                    mark_low=min(before, price),
                    mark_high=max(before, price),
                    entries=(((before + price) / 2.0, rng.expovariate(0.02)),),
                )
            )
        interest *= math.exp(rng.gauss(0.0, 0.003))
        bars.append(
            ModelBar(
                opened_at_ms=number * BAR_MS,
                ends_at_ms=(number + 1) * BAR_MS,
                price=price,
                open_interest=interest,
                minutes=tuple(minutes),
            )
        )
    return bars


def run(grid: PriceGrid, bars: list[ModelBar]) -> list[ModelColumn]:
    ladder = LeverageLadder(leverage_classes(), price_of, grid.edges)
    model = LiquidationModel(grid, ladder)
    return [model.advance(one) for one in bars]


def prove(columns: list[ModelColumn]) -> None:
    """Money is conserved in every bar, and each side got the same rises."""
    for column in columns:
        opened = [one.created_usd + one.unplaced_usd for one in (column.longs, column.shorts)]
        assert math.isclose(*opened, rel_tol=1e-9, abs_tol=1e-3)
        for one in (column.longs, column.shorts):
            gone = one.decayed_usd + one.consumed_usd + one.closed_usd + one.cut_usd
            kept = one.before_usd - gone + one.created_usd
            assert math.isclose(one.held_usd, kept, rel_tol=1e-9, abs_tol=1e-3)
    assert totals_of(columns).consumed_usd > 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--buckets", type=int, nargs="+", default=[200, 800])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    chosen = parser.parse_args()
    bars = market(chosen.days, seed=1)
    rows = []
    for count in chosen.buckets:
        width = Decimal(round(2.0 * SPAN * START_PRICE / count))
        low, high = START_PRICE * (1.0 - SPAN), START_PRICE * (1.0 + SPAN)
        grid = grid_between(width, low, high - 1e-6)
        prove(run(grid, bars))
        costs_ms = []
        for _ in range(chosen.rounds):
            before = time.process_time()
            run(grid, bars)
            costs_ms.append((time.process_time() - before) * 1e3)
        rows.append(
            [
                f"{len(bars)} bars × {grid.count} buckets",
                f"{median(costs_ms):.0f} ± {spread(costs_ms):.0%}",
                f"{median(costs_ms) * 1e3 / len(bars):.0f}",
            ]
        )
    text = "\n\n".join(
        [
            f"### Estimated liquidation map, {chosen.days} days of 15 minutes, five leverages",
            table(["map", "CPU ms", "CPU µs per bar"], rows),
            f"{machine()}; numpy {version('numpy')}.",
        ]
    )
    print(text)
    if chosen.write:
        write_section("liquidation-map", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
