"""The break of a band, by hand."""

import numpy as np
import pytest
from tests.strategies.samples import bars_of

from headwater.core.errors import RequestError
from headwater.strategies.bollinger_breakout import BollingerBreakout

# Window 5. Bar 4: 10 10 10 10 20, mean 12, deviation sqrt((4 × 4 + 64) / 5) = 4: the close is 2
# deviations above. Bar 5: 10 10 10 20 10: half a deviation below. Bar 9: 10 10 10 10 5: mean 9,
# deviation 2, 2 below. Bar 10: half a deviation above.
CLOSES = [10.0, 10.0, 10.0, 10.0, 20.0, 10.0, 10.0, 10.0, 10.0, 5.0, 10.0]


def test_it_goes_with_the_break_until_the_middle() -> None:
    strategy = BollingerBreakout(window=5, width=1.9, direction="both")
    signals = strategy.generate_signals(bars_of(CLOSES))
    assert np.flatnonzero(signals.enter_long).tolist() == [4]
    assert np.flatnonzero(signals.enter_short).tolist() == [9]
    assert np.flatnonzero(signals.exit_long).tolist() == [5, 6, 7, 8, 9]
    assert np.flatnonzero(signals.exit_short).tolist() == [4, 10]
    assert strategy.reverses
    assert strategy.lookback == 5


def test_a_band_that_no_close_can_leave_is_refused() -> None:
    # Of 5 values none is more than sqrt(4) deviations from their mean: bar 4 above is the extreme.
    with pytest.raises(RequestError, match=r"width='2.0': less than 2"):
        BollingerBreakout(window=5)
    BollingerBreakout(window=6)
