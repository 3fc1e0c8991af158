import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.crossings import crossed_above, crossed_below
from headwater.core.errors import RequestError

NAN = float("nan")
LINE = st.lists(st.sampled_from([NAN, 1.0, 2.0, 3.0]), min_size=1, max_size=40)


def test_ties_count_as_not_above_and_not_below() -> None:
    a = [1.0, 2.0, 3.0, 2.0, 3.0, 2.0, 1.0]
    b = [2.0] * 7
    assert np.flatnonzero(crossed_above(a, b)).tolist() == [2, 4]
    assert np.flatnonzero(crossed_below(a, 2.0)).tolist() == [6]


@given(LINE, LINE)
def test_the_definition_bar_by_bar(a: list[float], b: list[float]) -> None:
    length = min(len(a), len(b))
    a, b = a[:length], b[:length]
    above, below = crossed_above(a, b).tolist(), crossed_below(a, b).tolist()
    assert not above[0]
    assert not below[0]
    for t in range(1, length):
        assert above[t] == (a[t - 1] <= b[t - 1] and a[t] > b[t])
        assert below[t] == (a[t - 1] >= b[t - 1] and a[t] < b[t])
    assert crossed_below(b, a).tolist() == above


def test_no_bars_have_no_crossing() -> None:
    assert crossed_above([], []).shape == (0,)


def test_lines_of_different_length_are_refused() -> None:
    with pytest.raises(RequestError, match="b"):
        crossed_above([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(RequestError, match="a"):
        crossed_below([[1.0]], 1.0)
