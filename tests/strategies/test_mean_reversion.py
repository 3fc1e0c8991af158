"""Mean reversion, by hand."""

import numpy as np
import pytest
from tests.strategies.samples import bars_of

from headwater.core.errors import RequestError
from headwater.strategies.mean_reversion import MeanReversion

# Window 5 with ddof 1. Bar 4: 10 10 10 10 5, mean 9, squared deviations 4 × 1 + 16 = 20,
# deviation sqrt(20 / 4) = 2.236, z = −4 / 2.236 = −1.789. Bar 5: 10 10 10 5 10, z = 1 / 2.236 =
# 0.447. Bar 9: 10 10 10 10 15 is the mirror, z = 1.789; bar 10: z = −0.447.
#  bar:    0   1   2   3  4   5   6   7   8   9  10
CLOSES = [10, 10, 10, 10, 5, 10, 10, 10, 10, 15, 10]


def test_entries_and_exits_stand_where_z_says() -> None:
    strategy = MeanReversion(lookback_period=5, entry_threshold=1.7, exit_threshold=0.5)
    signals = strategy.generate_signals(bars_of([float(one) for one in CLOSES]))
    assert np.flatnonzero(signals.enter_long).tolist() == [4]
    # z > −0.5 at every later bar: those of 6 to 8 are 0.447, the fifth of them at 9 1.789.
    assert np.flatnonzero(signals.exit_long).tolist() == [5, 6, 7, 8, 9, 10]
    both = MeanReversion(
        lookback_period=5, entry_threshold=1.7, exit_threshold=0.5, direction="both"
    ).generate_signals(bars_of([float(one) for one in CLOSES]))
    assert np.flatnonzero(both.enter_short).tolist() == [9]
    assert np.flatnonzero(both.exit_short).tolist() == [4, 5, 6, 7, 8, 10]


def test_the_deviation_of_the_whole_window_is_smaller() -> None:
    # ddof 0: deviation 2, z = −2 exactly, which is not below −2.
    bars = bars_of([float(one) for one in CLOSES])
    at_two = MeanReversion(lookback_period=5, ddof=0, entry_threshold=2.0)
    below = MeanReversion(lookback_period=5, ddof=0, entry_threshold=1.99)
    assert not at_two.generate_signals(bars).enter_long.any()
    assert np.flatnonzero(below.generate_signals(bars).enter_long).tolist() == [4]


def test_without_deviation_nothing_is_done() -> None:
    signals = MeanReversion(lookback_period=5).generate_signals(bars_of([7.0] * 9))
    assert len(signals) == 0


def test_its_parameters_are_declared_with_their_ranges() -> None:
    told = MeanReversion.get_parameters()
    bounds = {name: (one["default"], one["min"], one["max"]) for name, one in told.items()}
    assert bounds["lookback_period"] == (20, 5, 100)
    assert told["lookback_period"]["type"] == "integer"
    assert bounds["entry_threshold"] == (2.0, 0.5, 5.0)
    assert bounds["exit_threshold"] == (0.5, 0.1, 2.0)
    assert bounds["ddof"] == (1, 0, 1)
    for name, value in (("lookback_period", 4), ("entry_threshold", 5.1), ("exit_threshold", 0)):
        with pytest.raises(RequestError, match=name):
            MeanReversion({name: value})
    assert not MeanReversion(direction="both").reverses
