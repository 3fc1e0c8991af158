"""The cross of line and signal, by hand."""

import numpy as np
import pytest
from tests.strategies.samples import bars_of

from headwater.core.errors import RequestError
from headwater.strategies.macd import MacdCross

# fast 1 is the close. slow 2 has weight 2/3 from the mean of the first two on: 10 10 12 12.667
# 8.889 at bars 1 to 5. Line: 0 0 1 0.333 −1.889. Its average of span 2: 0 0.667 0.444 −1.111 at
# bars 2 to 5. Histogram: 0 0.333 −0.111 −0.778.
CLOSES = [10.0, 10.0, 10.0, 13.0, 13.0, 7.0]


def test_crosses_of_line_and_signal() -> None:
    strategy = MacdCross(fast=1, slow=2, signal=2)
    assert strategy.lookback == 4
    signals = strategy.generate_signals(bars_of(CLOSES))
    assert np.flatnonzero(signals.enter_long).tolist() == [3]
    assert np.flatnonzero(signals.exit_long).tolist() == [4]
    both = MacdCross(fast=1, slow=2, signal=2, direction="both")
    assert both.reverses
    assert np.flatnonzero(both.generate_signals(bars_of(CLOSES)).enter_short).tolist() == [4]


def test_a_fast_average_must_be_faster() -> None:
    with pytest.raises(RequestError, match="fast='26': less than slow=26"):
        MacdCross(fast=26)
