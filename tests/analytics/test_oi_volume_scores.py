"""The four scores as plain functions: hand-worked values, undefined cases, masking."""

import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.oi_volume_scores import classic_score, ewma_score, robust_score

_AMOUNTS = st.lists(st.floats(0, 1e12), min_size=2, max_size=120)


@given(value=st.floats(0, 1e12), prior=st.lists(st.integers(0, 10**9), min_size=2, max_size=100))
def test_classic_equals_the_formula_in_fifty_digits(value: float, prior: list[int]) -> None:
    with localcontext() as context:
        context.prec = 50
        mean = Decimal(sum(prior)) / len(prior)
        squares = sum(((one - mean) ** 2 for one in prior), Decimal(0))
        variance = squares / (len(prior) - 1)
        exact = (Decimal(value) - mean) / variance.sqrt() if variance else None
    score = classic_score(value, [float(one) for one in prior])
    if exact is None:
        assert score is None
    else:
        assert score == pytest.approx(float(exact), rel=1e-12, abs=1e-12)


def test_robust_by_hand() -> None:
    # 1 2 3 4 100: median 3; distances 2 1 0 1 97, their median 1. (9 − 3) × 0.6745 / 1.
    assert robust_score(9.0, [100.0, 1.0, 4.0, 2.0, 3.0]) == pytest.approx(4.047, abs=1e-12)
    # 5 5 5 5 9: MAD 0, so the mean distance, 4 / 5. (7 − 5) / (1.2533 × 0.8).
    assert robust_score(7.0, [5.0, 5.0, 9.0, 5.0, 5.0]) == pytest.approx(2 / 1.00264, abs=1e-12)


def test_ewma_by_hand() -> None:
    # Twenty readings 1, −1, …: median 0, MAD 1. A half-life of one bar: weight ½.
    prior = [1.0, -1.0] * 10
    deviation = 1 / 0.6745
    assert ewma_score(3.0, prior, 1.0) == pytest.approx(3 / deviation, abs=1e-12)
    # A reading of 100 counts as 3 deviations: mean ½ × 3d; variance ½ (d² + ½ × 9d²) = 2.75 d².
    after = (3.0 - 1.5 * deviation) / (math.sqrt(2.75) * deviation)
    assert ewma_score(3.0, [*prior, 100.0], 1.0) == pytest.approx(after, abs=1e-12)
    assert ewma_score(3.0, [*prior, 1e9], 1.0) == pytest.approx(after, abs=1e-12)
    assert ewma_score(3.0, prior[:-1], 1.0) is None


@given(value=st.floats(0, 1e12), level=st.floats(0, 1e12), count=st.integers(0, 120))
def test_constant_readings_give_no_score(value: float, level: float, count: int) -> None:
    prior = [level] * count
    assert classic_score(value, prior) is None
    assert robust_score(value, prior) is None
    assert ewma_score(value, prior, 35.0) is None


@given(value=st.floats(0, 1e12), prior=_AMOUNTS)
def test_a_score_is_finite_or_none(value: float, prior: list[float]) -> None:
    scores = (classic_score(value, prior), robust_score(value, prior), ewma_score(value, prior, 5))
    assert all(score is None or math.isfinite(score) for score in scores)


def test_earlier_bursts_mask_a_burst_from_classic_alone() -> None:
    ordinary = [(0.8, 0.9, 1.0, 1.1, 1.25)[place % 5] for place in range(95)]
    logs = [math.log(one) for one in [*ordinary, *[20.0] * 5]]
    masked = classic_score(10.0, [*ordinary, *[20.0] * 5])
    seen = robust_score(math.log(10.0), logs)
    assert masked is not None
    assert masked < 3.0
    assert seen is not None
    assert seen > 3.0
