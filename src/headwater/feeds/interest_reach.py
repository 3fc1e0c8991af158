"""Which period of a venue's open-interest history reaches back so far.

Venues keep it for a number of days (Binance) or of rows (OKX: 1,440, so 5 days by 5 minutes and 60
by the hour), so the finest period that is good for a week is not good for a month.
"""

from typing import Final

from headwater.core.intervals import Interval
from headwater.venues.facts import VenueFacts

_DAY_MS: Final = 86_400_000


def reach_ms(facts: VenueFacts, period: Interval) -> int | None:
    """How far back the open interest by a period goes, ms; None where no bound is known.

    Args:
        facts: of the venue.
        period: one of its `open_interest_periods`.
    """
    bounds = []
    if facts.open_interest_days is not None:
        bounds.append(int(facts.open_interest_days * _DAY_MS))
    if facts.open_interest_rows is not None:
        bounds.append(facts.open_interest_rows * period.nominal_ms)
    return min(bounds, default=None)


def finest_period(facts: VenueFacts, back_ms: int) -> Interval | None:
    """The shortest period whose history covers a time back from now.

    Args:
        facts: of the venue.
        back_ms: how far back, ms.

    Returns:
        None when the venue has no history, or none that goes so far.
    """
    for period in sorted(facts.open_interest_periods, key=lambda one: one.nominal_ms):
        reach = reach_ms(facts, period)
        if reach is None or reach >= back_ms:
            return period
    return None
