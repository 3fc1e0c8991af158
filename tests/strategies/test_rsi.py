"""The relative strength index, by hand."""

import numpy as np
import pytest
from tests.strategies.samples import bars_of

from headwater.core.errors import RequestError
from headwater.strategies.rsi import Rsi

# Window 2. Changes −2 −2 +1 +2 −3 −1. Index at bar 2: rises 0, moves 2: 0. Bar 3: rises
# (0 + 1) / 2 = 0.5, moves (2 + 1) / 2 = 1.5: 33.3. Bar 4: (0.5 + 2) / 2 = 1.25 of
# (1.5 + 2) / 2 = 1.75: 71.4. Bar 5: 0.625 of (1.75 + 3) / 2 = 2.375: 26.3. Bar 6: 0.3125 of
# 1.6875: 18.5.
CLOSES = [10.0, 8.0, 6.0, 7.0, 9.0, 6.0, 5.0]


def test_it_buys_when_the_index_leaves_the_oversold_zone() -> None:
    strategy = Rsi(window=2, direction="both")
    signals = strategy.generate_signals(bars_of(CLOSES))
    assert strategy.lookback == 4
    assert np.flatnonzero(signals.enter_long).tolist() == [3]
    assert np.flatnonzero(signals.exit_long).tolist() == [4]
    assert np.flatnonzero(signals.enter_short).tolist() == [5]
    assert np.flatnonzero(signals.exit_short).tolist() == [5, 6]


def test_zones_must_not_touch() -> None:
    with pytest.raises(RequestError, match=r"oversold='50.0': less than overbought=50"):
        Rsi(oversold=50, overbought=50)
