import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.analytics.oscillators import macd, rsi
from headwater.analytics.smoothing import ema
from headwater.core.errors import RequestError


def test_rsi_worked_by_hand() -> None:
    # Changes +2, −1, +3, −4. Window 2: rises (2 + 0) / 2 = 1, falls (0 + 1) / 2 = 0.5 → 66 2/3;
    # then rises (1 + 3) / 2 = 2, falls 0.25 → 88 8/9; then rises 1, falls 2.125 → 32.
    found = rsi([10.0, 12.0, 11.0, 14.0, 10.0], 2)
    assert np.isnan(found[:2]).all()
    assert found[2:].tolist() == pytest.approx([200 / 3, 800 / 9, 32.0], rel=1e-14)


def test_rsi_at_its_ends() -> None:
    assert rsi([1.0, 2.0, 3.0, 4.0], 2)[2:].tolist() == [100.0, 100.0]
    assert rsi([4.0, 3.0, 2.0, 1.0], 2)[2:].tolist() == [0.0, 0.0]
    assert rsi([4.0, 4.0, 4.0, 5.0], 2)[2:].tolist() == [50.0, 100.0]


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.floats(0.1, 1e6), min_size=2, max_size=300), window=st.integers(1, 30))
def test_rsi_is_that_of_the_plain_loop(values: list[float], window: int) -> None:
    found = rsi(values, window)
    changes = np.diff(values)
    if changes.size < window:
        assert np.isnan(found).all()
        return
    up = float(np.maximum(changes[:window], 0.0).mean())
    down = float(np.maximum(-changes[:window], 0.0).mean())
    for at in range(window, len(values)):
        if at > window:
            change = float(changes[at - 1])
            up += (max(change, 0.0) - up) / window
            down += (max(-change, 0.0) - down) / window
        assert 0.0 <= found[at] <= 100.0
        if up + down > 1e-6:
            assert found[at] == pytest.approx(100.0 * up / (up + down), abs=1e-6)


def test_macd_worked_by_hand() -> None:
    # Spans 1 and 3 of 1, 2, 6, 9, 4: fast is the value itself, slow 3, 6, 5 from the third on;
    # line 3, 3, −1; signal with span 2: seed 3, then 3 + 2/3 × (−1 − 3) = 1/3.
    found = macd([1.0, 2.0, 6.0, 9.0, 4.0], 1, 3, 2)
    assert found.line[2:].tolist() == [3.0, 3.0, -1.0]
    assert np.isnan(found.signal[:3]).all()
    assert found.signal[3:].tolist() == pytest.approx([3.0, 1 / 3], rel=1e-14)
    assert found.histogram[3:].tolist() == pytest.approx([0.0, -4 / 3], abs=1e-15)


def test_macd_of_a_series_that_never_moves_is_exactly_zero() -> None:
    found = macd(np.full(300, 0.1))
    assert (found.line[25:] == 0.0).all()
    assert (found.histogram[33:] == 0.0).all()


def test_macd_is_made_of_exponential_averages() -> None:
    values = 100.0 + np.cumsum(np.random.default_rng(8).normal(0.0, 1.0, 2_000))
    found = macd(values)
    assert found.line.tobytes() == (ema(values, 12) - ema(values, 26)).tobytes()
    assert found.signal.tobytes() == ema(found.line, 9).tobytes()


@pytest.mark.parametrize(("fast", "slow", "signal"), [(12, 12, 9), (0, 5, 3), (5, 9, 0)])
def test_spans_that_make_no_sense_are_refused(fast: int, slow: int, signal: int) -> None:
    with pytest.raises(RequestError):
        macd([1.0], fast, slow, signal)


def test_a_window_of_no_changes_is_refused() -> None:
    with pytest.raises(RequestError, match="window"):
        rsi([1.0, 2.0], 0)
