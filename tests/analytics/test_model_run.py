"""Many bars at once are the same as one after another, to the last digit."""

import math
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.analytics.bar_columns import BarColumns
from headwater.analytics.leverage_ladder import LeverageLadder
from headwater.analytics.leverage_weights import leverage_classes
from headwater.analytics.liquidation_model import LiquidationModel
from headwater.analytics.model_columns import ModelBar, ModelMinute
from headwater.analytics.price_buckets import PriceGrid, grid_between
from headwater.core.enums import PositionSide

NARROW = grid_between(Decimal(5), 700.0, 1400.0)
WIDE = grid_between(Decimal(5), 100.0, 3000.0)


def price_of(side: PositionSide, entry: float, leverage: float) -> float:
    sign = 1.0 if side is PositionSide.LONG else -1.0
    return entry * (1.0 - sign / leverage) / (1.0 - sign * 0.004)


def model(grid: PriceGrid) -> LiquidationModel:
    anchors = np.arange(500.0, 2000.0, 5.0)
    return LiquidationModel(grid, LeverageLadder(leverage_classes(), price_of, anchors))


def bars(seed: int, count: int) -> list[ModelBar]:
    """Bars of three minutes around 1000; some without marks, some without open interest."""
    rng = np.random.default_rng(seed)
    price, interest = 1000.0, 100.0
    made: list[ModelBar] = []
    for number in range(count):
        minutes: list[ModelMinute] = []
        for _ in range(3):
            before, price = price, min(1100.0, max(900.0, price * math.exp(rng.normal(0, 0.01))))
            heard = bool(rng.random() < 0.8)
            minutes.append(
                ModelMinute(
                    mark_low=min(before, price) if heard else None,
                    mark_high=max(before, price) if heard else None,
                    entries=((price, float(rng.exponential())),),
                )
            )
        interest *= math.exp(rng.normal(0, 0.05))
        made.append(
            ModelBar(
                opened_at_ms=number * 900_000,
                ends_at_ms=(number + 1) * 900_000,
                price=price,
                open_interest=interest if rng.random() < 0.9 else None,
                minutes=tuple(minutes),
            )
        )
    return made


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.data())
def test_a_run_is_its_bars_one_after_another(seed: int, count: int, data: st.DataObject) -> None:
    told = bars(seed, count)
    cut = data.draw(st.integers(0, count))
    single = model(NARROW)
    columns = [single.advance(one) for one in told]
    running = model(NARROW)
    first = running.run(BarColumns.of(told[:cut]))
    second = running.run(BarColumns.of(told[cut:]))
    parts = [*(first.column(n) for n in range(len(first))),
             *(second.column(n) for n in range(len(second)))]  # fmt: skip
    assert parts == columns
    shown = model(NARROW).run(BarColumns.of(told), shown_from=cut)
    assert [shown.column(n) for n in range(len(shown))] == columns[cut:]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_how_far_a_grid_reaches_changes_no_digit(seed: int) -> None:
    """Every liquidation price here is in both grids."""
    told = BarColumns.of(bars(seed, 20))
    narrow, wide = model(NARROW).run(told), model(WIDE).run(told)
    begin = NARROW.first_index - WIDE.first_index
    inner = wide.held[:, :, begin : begin + NARROW.count]
    assert inner.tobytes() == narrow.held.tobytes()
    assert np.count_nonzero(wide.held) == np.count_nonzero(inner)
    assert wide.flows.tobytes() == narrow.flows.tobytes()
