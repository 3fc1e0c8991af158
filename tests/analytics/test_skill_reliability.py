"""What was said beside what came, decile by decile."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analytics.skill_samples import baselines_of, ones, window, windows_of

from headwater.analytics.skill_cells import tabulate
from headwater.analytics.skill_reliability import DECILES, reliability


@given(st.data())
def test_nothing_is_lost_and_predictions_rise(data: st.DataObject) -> None:
    windows = data.draw(windows_of())
    table = tabulate(windows, data.draw(baselines_of(windows)))
    found = reliability(table)
    assert len(found) == DECILES
    total = float(table.usd.sum())
    assert sum(one.realised_usd for one in found) == pytest.approx(total)
    assert sum(one.predicted_usd for one in found) == pytest.approx(total)
    means = [one.predicted_usd / one.cells for one in found if one.cells]
    assert means == sorted(means)


def test_a_map_that_is_too_sure_of_itself_shows() -> None:
    """Ten cells, the map all on one, 100 USD spread evenly: said 95.5 there, came 10.

    p = 0.95 + 0.05 / 10 = 0.955 of 100 USD in the top decile, 0.5 in each of the others.
    """
    mass = np.zeros((2, 5))
    mass[0, 2] = 1.0
    one = window(mass, np.full((2, 5), 10.0))
    found = reliability(tabulate([one], ones([one])))
    assert [decile.cells for decile in found] == [1] * 10
    assert found[-1].predicted_usd == pytest.approx(95.5)
    assert [decile.predicted_usd for decile in found[:-1]] == pytest.approx([0.5] * 9)
    assert [decile.realised_usd for decile in found] == [10.0] * 10


def test_windows_without_a_liquidation_ask_nothing() -> None:
    quiet = window(np.ones((2, 5)), np.zeros((2, 5)))
    assert sum(one.cells for one in reliability(tabulate([quiet], ones([quiet])))) == 0
