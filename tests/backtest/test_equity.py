"""Equity at every close from the bars at which something changed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.backtest.equity import equity_of


def test_worked_by_hand() -> None:
    # 100 of cash; bar 1 buys 2 at 10 (80 left), bar 3 sells them at 15 and buys 1 at 15 (95 left).
    close = np.array([9.0, 11.0, 12.0, 14.0, 13.0])
    equity, held = equity_of([0, 1, 3, 3], [100.0, 80.0, 110.0, 95.0], [0.0, 2.0, 0.0, 1.0], close)
    assert equity.tolist() == [100.0, 102.0, 104.0, 109.0, 108.0]
    assert held.tolist() == [0.0, 2.0, 2.0, 1.0, 1.0]
    equity, held = equity_of([0, 3], [100.0, 80.0], [0.0, 2.0], close[:0])
    assert (len(equity), len(held)) == (0, 0)


@given(st.integers(1, 40_000), st.lists(st.integers(0, 50_000), max_size=20), st.integers(0, 99))
def test_a_curve_of_any_length_is_that_of_its_bars(
    length: int, later: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    at_bar = [0, *sorted(later)]
    cash = rng.uniform(-1e4, 1e4, len(at_bar)).tolist()
    held = rng.uniform(-3.0, 3.0, len(at_bar)).tolist()
    close = rng.uniform(1.0, 1e3, length)
    equity, held_at = equity_of(at_bar, cash, held, close)
    assert (len(equity), len(held_at)) == (length, length)
    for bar in {0, length - 1, *(one for one in at_bar if one < length)}:
        newest = max(place for place, at in enumerate(at_bar) if at <= bar)
        assert held_at[bar] == held[newest]
        assert equity[bar] == cash[newest] + held[newest] * close[bar]
