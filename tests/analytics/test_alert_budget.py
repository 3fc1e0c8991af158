"""The alert budget: the rate is kept, the threshold rises no further than it must."""

import math

from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.alert_budget import BUDGET_DAYS, DAY_MS, AlertBudget

_HOUR_MS = DAY_MS // 24


@given(
    strengths=st.lists(st.floats(0, 50), min_size=1, max_size=300),
    per_day=st.sampled_from([0.1, 0.5, 1.0, 3.0]),
    step_h=st.integers(1, 8),
)
def test_no_fourteen_days_hold_more_than_permitted(
    strengths: list[float], per_day: float, step_h: int
) -> None:
    budget = AlertBudget(per_day, 3.0)
    alerts: list[int] = []
    for number, strength in enumerate(strengths):
        at_ms = number * step_h * _HOUR_MS
        threshold = budget.threshold(at_ms)
        assert threshold >= 3.0
        budget.saw(at_ms, strength)
        if strength > threshold:
            budget.alerted(at_ms)
            alerts.append(at_ms)
    for last_ms in alerts:
        within = [one for one in alerts if last_ms - BUDGET_DAYS * DAY_MS < one <= last_ms]
        assert len(within) <= max(1, math.floor(per_day * BUDGET_DAYS))


def test_the_threshold_is_where_the_past_would_have_fitted() -> None:
    budget = AlertBudget(0.5, 3.0)
    # Fourteen days permit seven; of twenty strengths 4 … 23 the seventh largest is 17.
    for number in range(20):
        budget.saw(number * 16 * _HOUR_MS, 4.0 + number)
    budget.saw(14 * DAY_MS, 2.0)
    assert budget.threshold(14 * DAY_MS) == 17.0
    assert budget.expected_per_day() == 6 / 14
    # Two weeks later they are forgotten.
    assert budget.threshold(40 * DAY_MS) == 3.0


def test_a_quiet_past_leaves_the_rule_alone() -> None:
    budget = AlertBudget(2.0, 2.5)
    assert budget.threshold(0) == 2.5
    assert budget.expected_per_day() == 0.0
    budget.saw(0, 9.0)
    assert budget.threshold(_HOUR_MS) == 2.5
