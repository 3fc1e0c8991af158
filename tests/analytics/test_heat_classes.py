"""Classes of heat: by hand, and the same whatever else is in sight."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.heat_classes import CLASS_SHARES, heat_classes, thresholds_usd


def test_classes_by_hand() -> None:
    """Of 1,000,000 USD the steps are at 100, 300, 1,000, 3,000 and 10,000 USD."""
    assert thresholds_usd(1e6).tolist() == pytest.approx([100.0, 300.0, 1e3, 3e3, 1e4])
    amounts = np.array([0.0, 99.0, 101.0, 999.0, 1001.0, 3001.0, 1e4 + 1.0, 9e5])
    assert heat_classes(amounts, 1e6).tolist() == [0, 0, 1, 2, 3, 4, 5, 5]
    assert heat_classes(thresholds_usd(1e6), 1e6).tolist() == [1, 2, 3, 4, 5]
    # The same dollars in a market ten times as large: 1,001 are above the first step only.
    assert heat_classes(amounts, 1e7).tolist() == [0, 0, 0, 0, 1, 2, 3, 5]
    assert len(CLASS_SHARES) == 5


@given(st.lists(st.floats(0.0, 1e9), min_size=1, max_size=30), st.data(), st.floats(1.0, 1e12))
def test_defect_f_a_cell_keeps_its_class_in_every_window(
    amounts: list[float], data: st.DataObject, interest_usd: float
) -> None:
    whole = heat_classes(np.array(amounts), interest_usd).tolist()
    first = data.draw(st.integers(0, len(amounts) - 1))
    last = data.draw(st.integers(first, len(amounts)))
    assert heat_classes(np.array(amounts[first:last]), interest_usd).tolist() == whole[first:last]


@pytest.mark.parametrize("interest_usd", [0.0, -1.0, float("nan")])
def test_without_open_interest_there_is_no_scale(interest_usd: float) -> None:
    with pytest.raises(ValueError, match="open_interest_usd"):
        heat_classes(np.array([1.0]), interest_usd)
