import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.analytics.arrays import FloatArray
from headwater.analytics.rolling_moments import bollinger, rolling_std, zscore
from headwater.analytics.rolling_sums import sma
from headwater.core.errors import RequestError


def test_worked_by_hand() -> None:
    # 2, 4, 9: mean 5, squared distances 9 + 1 + 16 = 26; sample variance 13; z = 4 / sqrt(13).
    values = [2.0, 4.0, 9.0]
    assert rolling_std(values, 3)[2] == pytest.approx(math.sqrt(13.0), rel=1e-15)
    assert rolling_std(values, 3, 0)[2] == pytest.approx(math.sqrt(26 / 3), rel=1e-15)
    assert zscore(values, 3)[2] == pytest.approx(4.0 / math.sqrt(13.0), rel=1e-15)
    bands = bollinger(values, 3, 2.0, 1)
    assert bands.middle[2] == 5.0
    assert bands.upper[2] == pytest.approx(5.0 + 2.0 * math.sqrt(13.0), rel=1e-15)
    assert bands.lower[2] == pytest.approx(5.0 - 2.0 * math.sqrt(13.0), rel=1e-15)


def test_a_score_that_is_a_whole_number_is_met_exactly() -> None:
    # Nine zeros and a ten: mean 1, population variance (9 × 1 + 81) / 10 = 9, z = 9 / 3 = 3.
    values = np.zeros(10)
    values[9] = 10.0
    assert zscore(values + 50.5, 10, 0)[9] == 3.0


def _exact_std(part: FloatArray, ddof: int) -> float:
    fractions = [Fraction(float(value)) for value in part]
    mean = sum(fractions) / len(fractions)
    spread = sum((value - mean) ** 2 for value in fractions) / (len(fractions) - ddof)
    return math.sqrt(spread)


@settings(max_examples=150, deadline=None)
@given(
    ticks=st.lists(st.integers(-1000, 1000), min_size=2, max_size=80),
    jump=st.sampled_from([0.0, 1e3, 1e6, 1e9]),
    window=st.integers(2, 30),
    ddof=st.sampled_from([0, 1]),
)
def test_quiet_and_wild_stretches_keep_their_digits(
    ticks: list[int], jump: float, window: int, ddof: int
) -> None:
    values = np.array(ticks) * 0.01 + 7.0
    values[len(ticks) // 2 :] += jump
    found = rolling_std(values, window, ddof)
    for at in range(window - 1, len(ticks)):
        part = values[at - window + 1 : at + 1]
        exact = _exact_std(part, ddof)
        # What the doubles near the jump can tell apart at all.
        assert found[at] == pytest.approx(exact, rel=1e-9, abs=4 * math.ulp(float(part.max())))


def test_a_long_series_keeps_its_digits() -> None:
    draw = np.random.default_rng(2)
    values = 60_000.0 + np.cumsum(draw.normal(0.0, 10.0, 100_000))
    values[50_000:50_400] = 45_000.0 + draw.normal(0.0, 1e-4, 400)
    for window in (5, 20, 100):
        found, scores = rolling_std(values, window), zscore(values, window)
        for at in [*range(window - 1, 100_000, 997), *range(50_100, 50_400, 7)]:
            part = values[at - window + 1 : at + 1]
            deviation = _exact_std(part, 1)
            assert found[at] == pytest.approx(deviation, rel=2e-10)
            mean = statistics.fmean(part.tolist())
            assert abs(scores[at] - (values[at] - mean) / deviation) <= 1e-9 + 1e-11 / deviation


@pytest.mark.parametrize("window", [2, 3, 7, 9, 30, 107])
@pytest.mark.parametrize("price", [0.1, 65_432.1, 1e-9])
def test_a_flat_window_has_no_deviation_and_no_score(window: int, price: float) -> None:
    values = price * (1.0 + np.random.default_rng(1).normal(0.0, 0.1, 30_000))
    values[11_900:12_400] = price
    assert (rolling_std(values, window)[11_900 + window - 1 : 12_400] == 0.0).all()
    scores = zscore(values, window)
    assert np.isnan(scores[11_900 + window - 1 : 12_400]).all()
    assert not np.isnan(scores[window - 1 : 11_900]).any()
    assert (bollinger(values, window).upper[11_900 + window - 1 : 12_400] == price).all()


def test_the_middle_band_is_the_moving_average() -> None:
    values = np.random.default_rng(4).normal(100.0, 1.0, 3_000)
    assert bollinger(values, 20).middle.tobytes() == sma(values, 20).tobytes()


@pytest.mark.parametrize(("window", "ddof"), [(1, 1), (2, 2), (3, -1)])
def test_a_window_must_be_longer_than_its_lost_degrees(window: int, ddof: int) -> None:
    with pytest.raises(RequestError):
        rolling_std([1.0, 2.0, 3.0], window, ddof)
