import numpy as np
import pytest
from tests.backtest.drives import walk
from tests.backtest.swept import Crossing

from headwater.backtest.shipped_codes import has_shipped_codes, shipped_codes
from headwater.backtest.sweep_kernel import pack_signals
from headwater.strategies.base import BaseStrategy
from headwater.strategies.mean_reversion import MeanReversion
from headwater.strategies.signals import Signals
from headwater.strategies.sma_cross import SmaCross


class Derived(SmaCross):
    """Somebody else's, by the same name."""


def acted(codes: np.ndarray, *, reverses: bool) -> np.ndarray:
    """Codes with what follows from turning: an entry leaves the other side too."""
    if not reverses:
        return codes
    return codes & 5 | (codes & 4) >> 1 | (codes & 1) << 3


@pytest.mark.parametrize("direction", ["long", "both"])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "made",
    [
        lambda direction: SmaCross(fast=3, slow=8, direction=direction),
        lambda direction: SmaCross(fast=10, slow=30, direction=direction),
        lambda direction: MeanReversion(
            lookback_period=10, entry_threshold=1.0, direction=direction
        ),
    ],
)
def test_codes_are_the_strategy_s_own_signals(made: object, seed: int, direction: str) -> None:
    assert callable(made)
    strategy: BaseStrategy = made(direction)
    # Prices on a coarse grid: averages that touch and windows without deviation occur.
    bars = walk(seed, 400, tick=1.0)
    codes = np.full(len(bars), 255, dtype=np.uint8)
    shipped_codes(strategy, bars, codes)
    expected = pack_signals(Signals.of(strategy.generate_signals(bars), bars))
    assert np.count_nonzero(expected) > 5
    turns = strategy.reverses
    assert acted(codes, reverses=turns).tolist() == acted(expected, reverses=turns).tolist()


def test_only_the_shipped_classes_are_meant() -> None:
    assert has_shipped_codes(SmaCross)
    assert has_shipped_codes(MeanReversion)
    assert not has_shipped_codes(Derived)
    assert not has_shipped_codes(Crossing)
