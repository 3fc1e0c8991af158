"""The cross of two averages, by hand."""

import numpy as np
import pytest
from tests.strategies.samples import bars_of

from headwater.core.errors import RequestError
from headwater.strategies.sma_cross import SmaCross

# fast 1 is the close, slow 2 the mean of it and the close before: the fast one stands above where
# the close rose, below where it fell, and both are equal where it did not move.
#          bar: 0    1    2    3    4    5    6    7
CLOSES = [1.0, 2.0, 1.0, 2.0, 2.0, 3.0, 3.0, 2.0]
# Up at 3 (below, then above) and at 5 (equal, then above); not at 1: bar 0 has no slow average.
# Down at 2 (above, then below) and at 7 (equal, then below).


def test_crosses_are_found_where_they_are_and_ties_count_as_not_beyond() -> None:
    signals = SmaCross(fast=1, slow=2).generate_signals(bars_of(CLOSES))
    assert np.flatnonzero(signals.enter_long).tolist() == [3, 5]
    assert np.flatnonzero(signals.exit_long).tolist() == [2, 7]
    assert not signals.enter_short.any()


def test_for_both_a_cross_below_turns_short() -> None:
    strategy = SmaCross(fast=1, slow=2, direction="both")
    signals = strategy.generate_signals(bars_of(CLOSES))
    assert strategy.reverses
    assert np.flatnonzero(signals.enter_long).tolist() == [3, 5]
    assert np.flatnonzero(signals.enter_short).tolist() == [2, 7]
    assert not SmaCross().reverses


def test_the_first_cross_is_possible_on_the_first_bar_whose_neighbour_has_both_averages() -> None:
    # slow 3: the averages of bar 2 are the first; bar 3 is the first on which a cross can be.
    # fast 1 against (9+5+4)/3 = 6 at bar 2: below; at bar 3 9 against 6: above.
    strategy = SmaCross(fast=1, slow=3)
    assert strategy.lookback == 4
    signals = strategy.generate_signals(bars_of([9.0, 5.0, 4.0, 9.0]))
    assert np.flatnonzero(signals.enter_long).tolist() == [3]
    with pytest.raises(RequestError, match="at least 4 bars"):
        strategy.generate_signals(bars_of([9.0, 5.0, 4.0]))


def test_a_fast_average_must_be_faster() -> None:
    for fast in (30, 31):
        with pytest.raises(RequestError, match=f"fast='{fast}': less than slow=30"):
            SmaCross(fast=fast)
