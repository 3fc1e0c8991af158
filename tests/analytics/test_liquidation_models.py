"""Several venues at once are each venue on its own."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.analytics.bar_columns import BarColumns
from headwater.analytics.leverage_ladder import LeverageLadder
from headwater.analytics.leverage_weights import leverage_classes
from headwater.analytics.liquidation_model import LiquidationModel
from headwater.analytics.liquidation_models import LiquidationModels
from headwater.analytics.price_buckets import grid_between
from headwater.core.enums import PositionSide

GRID = grid_between(Decimal(5), 500.0, 1500.0)
STEPS = 3


def ladder(leverages: tuple[int, ...]) -> LeverageLadder:
    """A venue that offers these leverages alike, with maintenance of 0.4 %."""

    def price_of(side: PositionSide, entry: float, leverage: float) -> float:
        sign = 1.0 if side is PositionSide.LONG else -1.0
        return entry * (1.0 - sign / leverage) / (1.0 - sign * 0.004)

    weights = dict.fromkeys(leverages, 1.0 / len(leverages))
    return LeverageLadder(leverage_classes(weights), price_of, np.arange(800.0, 1200.0, 5.0))


def walk(seed: int, count: int, after: int) -> BarColumns:
    """`count` bars around 1000, the last ones of `after`; some know no marks or open interest."""
    rng = np.random.default_rng(seed)
    path = 1000.0 + 30.0 * np.sin(np.cumsum(rng.normal(0.0, 0.3, count * STEPS + 1)))
    low, high = (fold(path[:-1], path[1:]).reshape(count, STEPS) for fold in (np.fmin, np.fmax))
    silent = rng.random((count, STEPS)) < 0.1
    interest = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.05, count)))
    opened = np.arange(after - count, after, dtype=np.int64) * 900_000
    return BarColumns(
        opened_ms=opened,
        ends_ms=opened + 900_000,
        price=path[STEPS::STEPS],
        open_interest=np.where(rng.random(count) < 0.1, np.nan, interest),
        mark_low=np.where(silent, np.nan, low),
        mark_high=np.where(silent, np.nan, high),
        entry_price=(low + high) / 2.0,
        entry_volume=rng.exponential(1.0, (count, STEPS)) * (rng.random((count, STEPS)) < 0.9),
    ).checked()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 40)), min_size=1, max_size=4),
    st.integers(0, 40),
    st.sampled_from((0.001, 1.0)),
)
def test_venues_together_are_each_on_its_own(
    told: list[tuple[int, int]], wanted: int, margin_share: float
) -> None:
    """Venues of other leverages and of a shorter past; a small share makes the cut work, too."""
    offers = ((5, 10, 25, 50, 100), (10, 25), (50,), (5, 100))
    kernels = [ladder(offers[venue]) for venue in range(len(told))]
    bars = [walk(seed, count, 40) for seed, count in told]
    shown = min(wanted, max(len(one) for one in bars))
    together = LiquidationModels(GRID, kernels, margin_share=margin_share)
    made = together.run(bars, shown=shown)
    held = np.zeros((shown, 2, GRID.count))
    for venue, (kernel, one) in enumerate(zip(kernels, bars, strict=True)):
        alone = LiquidationModel(GRID, kernel, margin_share=margin_share)
        run = alone.run(one, shown_from=max(0, len(one) - shown))
        own = slice(shown - len(run), None)
        held[own] += run.held
        assert made.flows[own, :, venue] == pytest.approx(run.flows, rel=1e-12, abs=1e-9)
        assert not made.flows[: shown - len(run), :, venue].any()
    assert made.held == pytest.approx(held, rel=1e-12, abs=1e-9)


def test_what_was_taken_whole_leaves_no_rest() -> None:
    """Marks of 500 and 1500 in the last bar reach every bucket: nothing is held, to the digit."""
    bars = walk(7, 40, 40)
    low, high = bars.mark_low.copy(), bars.mark_high.copy()
    low[-1], high[-1] = 500.0, 1500.0
    interest = bars.open_interest.copy()
    interest[-2:] = 100.0, 90.0
    last = BarColumns(
        opened_ms=bars.opened_ms,
        ends_ms=bars.ends_ms,
        price=bars.price,
        open_interest=interest,
        mark_low=low,
        mark_high=high,
        entry_price=bars.entry_price,
        entry_volume=bars.entry_volume,
    )
    made = LiquidationModels(GRID, [ladder((10, 100))]).run([last], shown=2)
    assert made.held[0].sum() > 0.0
    assert not made.held[1].any()
    assert made.flows[1, 7].tolist() == [[0.0, 0.0]]


def test_bars_of_other_stretches_of_time_are_refused() -> None:
    models = LiquidationModels(GRID, [ladder((10,)), ladder((10,))])
    with pytest.raises(ValueError, match="not the same stretches"):
        models.run([walk(1, 5, 40), walk(2, 5, 41)], shown=1)
    models.run([walk(1, 5, 40), walk(2, 5, 40)], shown=1)
    with pytest.raises(ValueError, match="the one before ended 36000000"):
        models.run([walk(1, 1, 40), walk(2, 1, 40)], shown=1)
