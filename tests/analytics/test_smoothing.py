import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.analytics.smoothing import DecayingSum, ema, wilder_average
from headwater.core.errors import RequestError


def test_worked_by_hand() -> None:
    # Span 3: weight 1/2; seed (1 + 2 + 6) / 3 = 3; 3 + (9 − 3) / 2 = 6; 6 + (4 − 6) / 2 = 5.
    assert ema([1.0, 2.0, 6.0, 9.0, 4.0], 3)[2:].tolist() == [3.0, 6.0, 5.0]
    # Wilder, window 2: weight 1/2; seed 1.5; 1.5 + 4.5 / 2 = 3.75; 3.75 + 5.25 / 2 = 6.375.
    assert wilder_average([1.0, 2.0, 6.0, 9.0], 2)[1:].tolist() == [1.5, 3.75, 6.375]
    assert np.isnan(ema([1.0, 2.0, 6.0], 3)[:2]).all()


def _looped(values: list[float], length: int, weight: float) -> list[float]:
    average = sum(values[:length]) / length
    found = [average]
    for value in values[length:]:
        average += weight * (value - average)
        found.append(average)
    return found


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), span=st.integers(1, 100))
def test_the_average_is_that_of_the_plain_loop(values: list[float], span: int) -> None:
    if len(values) < span:
        return
    bound = 1e-12 * max(abs(value) for value in values)
    for found, weight in (
        (ema(values, span), 2 / (span + 1)),
        (wilder_average(values, span), 1 / span),
    ):
        np.testing.assert_allclose(
            found[span - 1 :], _looped(values, span, weight), rtol=0.0, atol=bound
        )


@pytest.mark.parametrize("span", [1, 2, 26, 200, 1_000])
def test_the_average_of_a_long_series_is_that_of_the_plain_loop(span: int) -> None:
    values = 100.0 + np.cumsum(np.random.default_rng(9).normal(0.0, 0.1, 200_000))
    looped = _looped(values.tolist(), span, 2 / (span + 1))
    np.testing.assert_allclose(ema(values, span)[span - 1 :], looped, rtol=1e-12)


def test_a_series_that_never_moves_stays_what_it_is() -> None:
    values = np.full(5_000, 65_432.1)
    assert (ema(values, 26)[25:] == 65_432.1).all()


@pytest.mark.parametrize("length", [1, 64, 65, 200_000])
def test_pieces_make_one_sum(length: int) -> None:
    # With x = 1 always, y[t] = (1 − d^(t + 1)) / (1 − d).
    solver = DecayingSum(length, 0.75)
    piece = solver.empty_piece()
    found = []
    for _ in range(0, length, piece.size):
        piece[:] = 1.0
        solver.solve(piece)
        found.append(piece.copy())
    expected = 4.0 * (1.0 - 0.75 ** np.arange(1.0, length + 1.0))
    np.testing.assert_allclose(np.concatenate(found)[:length], expected, rtol=1e-14)


def test_a_span_of_no_bars_is_refused() -> None:
    with pytest.raises(RequestError, match="span"):
        ema([1.0], 0)
    with pytest.raises(RequestError, match="window"):
        wilder_average([1.0], 0)
