"""Returns by calendar month, UTC, from the equity at the closes of bars."""

from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray

__all__ = ["MONTHS", "YearOfReturns", "monthly_returns"]

MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class YearOfReturns(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar year.

    Attributes:
        year: of the UTC calendar.
        months: January to December: return of the month as a fraction; None without a bar, or
            where the account was gone when it began.
        whole: return of the year as a fraction; None likewise.
    """

    year: int
    months: tuple[float | None, ...]
    whole: float | None


def monthly_returns(
    timestamp_ms: IndexArray, equity: FloatArray, initial_capital: float
) -> tuple[YearOfReturns, ...]:
    """The return of every month: equity at its last close / equity before it began − 1.

    A bar belongs to the month in which it opens. The first month begins with the capital.

    Args:
        timestamp_ms: shape (N,), opening times of the bars that were run, rising.
        equity: shape (N,), quote currency.
        initial_capital: quote currency, > 0.

    Returns:
        The years from the first to the last bar; none without bars.
    """
    if not len(equity):
        return ()
    month = timestamp_ms.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    last = np.flatnonzero(np.append(np.diff(month) != 0, True))
    ends = dict(zip(month[last].tolist(), equity[last].tolist(), strict=True))
    years: list[YearOfReturns] = []
    before = initial_capital
    for year in range(min(ends) // 12, max(ends) // 12 + 1):
        started = before
        months: list[float | None] = []
        for number in range(year * 12, year * 12 + 12):
            end = ends.get(number)
            months.append(None if end is None or before <= 0 else end / before - 1.0)
            before = before if end is None else end
        has_any = any(one is not None for one in months)
        whole = before / started - 1.0 if has_any and started > 0 else None
        years.append(YearOfReturns(year=1970 + year, months=tuple(months), whole=whole))
    return tuple(years)
