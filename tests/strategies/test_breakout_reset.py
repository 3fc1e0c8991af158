"""A break-out counts once, by hand."""

import numpy as np
from tests.strategies.samples import bars_of

from headwater.strategies.breakout_reset import BreakoutReset

# window 2, exit 1; a bar opens at the close before, so high and low are those of both.
#  bar      0     1     2     3     4     5     6
CLOSES = [10.0, 10.0, 12.0, 13.0, 11.0, 9.0, 14.0]
#  high    10    10    12    13    13    11    14
#  low     10    10    10    12    11     9     9
#  top      –     –    10    12    13    13    13    highest of the two bars before
#  bottom   –     –    10    10    10    11     9
#  middle   –     –    10    11    11.5  12    11
# Above the top: 2, 3 and 6. 2 is the first of all; 3 comes without a reset; 4 and 5 are resets
# (11 ≤ 11.5, 9 ≤ 12), so 6 counts. Below the low of the bar before: 4 (11 < 12) and 5 (9 < 11).


def test_a_second_high_of_the_same_run_does_not_count() -> None:
    signals = BreakoutReset(window=2, exit_window=1).generate_signals(bars_of(CLOSES))
    assert np.flatnonzero(signals.enter_long).tolist() == [2, 6]
    assert np.flatnonzero(signals.exit_long).tolist() == [4, 5]


def test_shorts_are_the_mirror() -> None:
    mirrored = bars_of([24.0 - close for close in CLOSES])
    strategy = BreakoutReset(window=2, exit_window=1, direction="both")
    signals = strategy.generate_signals(mirrored)
    assert np.flatnonzero(signals.enter_short).tolist() == [2, 6]
    assert np.flatnonzero(signals.exit_short).tolist() == [4, 5]
    assert strategy.reverses
    assert strategy.lookback == 3


def test_without_a_break_nothing_counts() -> None:
    signals = BreakoutReset(window=2, exit_window=4).generate_signals(bars_of([5.0] * 8))
    assert len(signals) == 0
