"""An alert budget: raises a rule's threshold until its trailing rate fits.

Knows strengths and times, not what is measured. Many symbols under one threshold make many false
alarms; a budget says how many alerts a day somebody is willing to read.
"""

import math
from bisect import bisect_right, insort
from typing import Final

DAY_MS: Final = 86_400_000
BUDGET_DAYS: Final = 14
"""Length of the trailing window, days."""
EXCEEDANCES_MAX: Final = 20_000
"""Strengths kept per rule; the oldest go first, which shortens the window, never the promise."""


class AlertBudget:
    """Chooses a threshold so that alerts of the trailing 14 days stay within the budget.

    Strengths above the rule's own threshold are remembered for 14 days. The threshold in force is
    the smallest one, not below the rule's, that they exceeded less often than permitted; when the
    permitted number of alerts was given, there are none until the oldest is 14 days old. While
    less than 14 days were observed, as many days as were (one at least) count.

    Args:
        per_day: alerts per day, > 0; a fraction permits one in several days.
        base_threshold: the rule's own threshold.
    """

    def __init__(self, per_day: float, base_threshold: float) -> None:
        self._per_day = per_day
        self._base = base_threshold
        self._first_ms: int | None = None
        self._newest_ms = 0
        self._exceedances: list[tuple[int, float]] = []
        self._alerts: list[int] = []

    def saw(self, at_ms: int, strength: float) -> None:
        """Notes a tested bar, whether or not it was an alert.

        Args:
            at_ms: the bar's end.
            strength: the larger absolute score, ≥ 0.
        """
        self._first_ms = at_ms if self._first_ms is None else min(self._first_ms, at_ms)
        self._newest_ms = max(self._newest_ms, at_ms)
        if strength > self._base:
            # Instruments under one rule bring their pasts one after the other.
            insort(self._exceedances, (at_ms, strength))
            del self._exceedances[:-EXCEEDANCES_MAX]

    def alerted(self, at_ms: int) -> None:
        """Notes an alert that was given for the bar that ended at `at_ms`."""
        insort(self._alerts, at_ms)

    def threshold(self, at_ms: int) -> float:
        """What a bar that ends at `at_ms` must exceed, strictly; infinite when the budget is spent.

        Args:
            at_ms: the bar's end; what is older than 14 days before it is forgotten.
        """
        self._forget(at_ms)
        allowed = self._allowed(at_ms)
        if len(self._alerts) >= allowed:
            return math.inf
        strengths = sorted((strength for _, strength in self._exceedances), reverse=True)
        return strengths[allowed - 1] if len(strengths) >= allowed else self._base

    def expected_per_day(self) -> float:
        """Bars per day above the threshold in force, over what was observed."""
        threshold = self.threshold(self._newest_ms)
        above = sum(strength > threshold for _, strength in self._exceedances)
        return above / self._observed_days(self._newest_ms)

    def _observed_days(self, at_ms: int) -> float:
        observed_ms = 0 if self._first_ms is None else at_ms - self._first_ms
        return min(max(observed_ms / DAY_MS, 1.0), float(BUDGET_DAYS))

    def _allowed(self, at_ms: int) -> int:
        """Alerts that the observed days permit, one at least: a budget is not a switch."""
        return max(1, math.floor(self._per_day * self._observed_days(at_ms)))

    def _forget(self, at_ms: int) -> None:
        horizon_ms = at_ms - BUDGET_DAYS * DAY_MS
        del self._exceedances[: bisect_right(self._exceedances, (horizon_ms, math.inf))]
        del self._alerts[: bisect_right(self._alerts, horizon_ms)]
