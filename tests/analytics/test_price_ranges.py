import numpy as np
import pytest

from headwater.analytics.price_ranges import atr, true_range
from headwater.core.errors import RequestError

HIGH = [12.0, 11.0, 20.0, 9.0]
LOW = [10.0, 9.0, 18.0, 8.0]
CLOSE = [11.0, 10.0, 19.0, 8.5]


def test_worked_by_hand() -> None:
    # 12 − 10 = 2; max(11, 11) − min(9, 11) = 2; a gap up, 20 − 10 = 10; a gap down, 19 − 8 = 11.
    assert true_range(HIGH, LOW, CLOSE).tolist() == [2.0, 2.0, 10.0, 11.0]
    # Window 2: (2 + 2) / 2 = 2; 2 + (10 − 2) / 2 = 6; 6 + (11 − 6) / 2 = 8.5.
    found = atr(HIGH, LOW, CLOSE, 2)
    assert np.isnan(found[0])
    assert found[1:].tolist() == [2.0, 6.0, 8.5]


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RequestError, match="close"):
        true_range(HIGH, LOW, CLOSE[:3])
    with pytest.raises(RequestError, match=r"low\[1\]"):
        true_range([2.0, 2.0], [1.0, 3.0], [1.0, 2.0])
    with pytest.raises(RequestError, match=r"high\[0\]"):
        true_range([np.nan, 2.0], [1.0, 1.0], [1.0, 2.0])
    with pytest.raises(RequestError, match="window"):
        atr(HIGH, LOW, CLOSE, 0)
