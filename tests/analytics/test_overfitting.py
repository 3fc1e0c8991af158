import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.overfitting import (
    SharpeEvidence,
    deflated_sharpe,
    deflated_sharpe_of_best,
    expected_maximum_sharpe,
    probabilistic_sharpe,
    read_trials,
    sharpe_evidence,
)
from headwater.core.errors import RequestError

# Bailey and López de Prado 2014, numerical example: annual ratio 2.5 over 1,250 days (250 a year),
# skewness −3, kurtosis 10, 100 trials whose annual ratios have variance 1/2.
PAPER = SharpeEvidence(periods=1250, sharpe=2.5 / math.sqrt(250), skewness=-3.0, kurtosis=10.0)


def test_the_example_of_the_paper() -> None:
    # It finds a benchmark of 0.1132 a day and a deflated ratio of 0.9004; with 46 trials 0.9505.
    assert expected_maximum_sharpe(100, 0.5 / 250) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(PAPER, 100, 0.5 / 250) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(PAPER, 46, 0.5 / 250) == pytest.approx(0.9505, abs=2e-4)


def test_worked_by_hand() -> None:
    # −1, 1, 3: mean 1, squares 4 + 0 + 4, std 2, ratio 1/2; m2 = 8/3, m3 = 0, m4 = 32/3: 1.5.
    found = sharpe_evidence([-1.0, 1.0, 3.0])
    assert found == SharpeEvidence(periods=3, sharpe=0.5, skewness=0.0, kurtosis=1.5)
    # z = 0.5 × sqrt(2) / sqrt(1 + 0.125 × 0.25).
    z = 0.5 * math.sqrt(2.0) / math.sqrt(1.03125)
    assert probabilistic_sharpe(found) == pytest.approx(NormalDist().cdf(z), rel=1e-12)
    assert probabilistic_sharpe(found, 0.5) == 0.5


@given(
    sharpe=st.floats(-1.0, 1.0),
    skewness=st.floats(-3.0, 3.0),
    extra=st.floats(0.0, 20.0),
    periods=st.integers(2, 10_000),
    trials=st.integers(1, 10**9),
    variance=st.floats(0.0, 1.0),
)
def test_choosing_never_makes_surer(
    sharpe: float, skewness: float, extra: float, periods: int, trials: int, variance: float
) -> None:
    evidence = SharpeEvidence(
        periods=periods, sharpe=sharpe, skewness=skewness, kurtosis=1.01 + skewness**2 + extra
    )
    plain = probabilistic_sharpe(evidence)
    deflated = deflated_sharpe(evidence, trials, variance)
    assert 0.0 <= deflated <= plain <= 1.0
    assert deflated_sharpe(evidence, trials + 1, variance) <= deflated
    assert deflated_sharpe(evidence, 1, variance) == plain


def test_the_best_of_a_table_in_any_order() -> None:
    draw = np.random.default_rng(7)
    table = draw.normal(0.0, 0.01, (50, 2_000))
    noise = deflated_sharpe_of_best(table)
    assert noise < 0.9
    table[13] += 0.0025
    better = deflated_sharpe_of_best(table)
    assert better > 0.99
    assert deflated_sharpe_of_best(table[draw.permutation(50)]) == pytest.approx(better)
    assert deflated_sharpe_of_best(table[13:14]) == pytest.approx(
        probabilistic_sharpe(sharpe_evidence(table[13]))
    )


@pytest.mark.parametrize("returns", [[0.1], [0.1, 0.1, 0.1], [0.1, float("nan")]])
def test_returns_that_say_nothing_are_refused(returns: list[float]) -> None:
    with pytest.raises(RequestError, match="returns"):
        sharpe_evidence(returns)


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(RequestError, match="trials"):
        expected_maximum_sharpe(0, 1.0)
    with pytest.raises(RequestError, match="sharpe_variance"):
        expected_maximum_sharpe(5, -1.0)
    with pytest.raises(RequestError, match="kurtosis"):
        probabilistic_sharpe(SharpeEvidence(periods=9, sharpe=1.0, skewness=3.0, kurtosis=1.0))
    with pytest.raises(RequestError, match=r"returns\[1, 0\]"):
        read_trials([[1.0, 2.0], [math.inf, 1.0]])
    with pytest.raises(RequestError, match="shape"):
        read_trials([1.0, 2.0])
