"""Indicators asked of bars: of the right column, once."""

import numpy as np
import pytest
from tests.strategies.samples import bars_of

from headwater.analytics.arrays import FloatArray
from headwater.strategies import indicator_columns
from headwater.strategies.bars import Bars


def test_each_indicator_reads_its_column() -> None:
    bars = bars_of([1.0, 2.0, 4.0, 8.0])
    assert bars.sma(2)[1:].tolist() == [1.5, 3.0, 6.0]
    assert bars.rolling_max(2, column="close")[1:].tolist() == [2.0, 4.0, 8.0]
    assert bars.rolling_max(2)[1:].tolist() == [2.0, 4.0, 8.0]
    assert bars.rolling_min(2)[1:].tolist() == [1.0, 1.0, 2.0]
    # Mean 3 and deviation sqrt(2) of (2, 4): z = 1 / sqrt(2).
    assert bars.zscore(2)[2] == pytest.approx(np.sqrt(0.5), rel=1e-12)
    assert bars.rolling_std(2, 0)[2] == 1.0
    # Seed 1.5, then weight 2/3: 1.5 + (4 − 1.5) × 2/3.
    assert bars.ema(2)[2] == pytest.approx(1.5 + 2.5 * 2 / 3, rel=1e-12)
    # Only rises: 100.
    assert bars.rsi(2)[2:].tolist() == [100.0, 100.0]


def test_an_indicator_is_computed_once_for_its_arguments() -> None:
    calls: list[int] = []

    def doubled(values: FloatArray, factor: int) -> FloatArray:
        calls.append(factor)
        return values * factor

    bars = bars_of([1.0, 2.0])
    for factor in (2, 2, 3):
        assert bars.indicator("doubled", doubled, factor)[1] == 2.0 * factor
    assert calls == [2, 3]


def test_what_is_kept_is_bounded() -> None:
    bars = bars_of([1.0, 2.0])
    for number in range(indicator_columns._KEPT_MAX + 10):
        assert bars.indicator("shifted", np.add, number)[0] == 1.0 + number
    assert len(bars._kept) == indicator_columns._KEPT_MAX


def test_a_prefix_knows_nothing_that_was_computed_over_the_whole() -> None:
    bars = bars_of([1.0, 2.0, 3.0])
    bars.sma(2)
    assert isinstance(bars.prefix(2), Bars)
    assert bars.prefix(2).sma(2).tolist()[1:] == [1.5]
