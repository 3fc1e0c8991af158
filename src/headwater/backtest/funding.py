"""Funding payments of a perpetual contract, laid on the bars of a run.

Within a bar the order is: payments due at its opening time, fills at its open, stops and targets,
payments due within it, the mark at its close. So whoever holds at the opening moment pays for it,
and a position that was stopped out in a bar pays nothing for the rest of it.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.backtest.account import Account
from headwater.backtest.bar_ends import bar_ends_ms
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars, time_text

__all__ = ["NO_FUNDING", "FundingBars", "FundingColumns"]


class FundingColumns(msgspec.Struct, frozen=True, kw_only=True):
    """Funding payments, oldest first.

    Attributes:
        timestamp_ms: shape (F,), when each was due, ms since the epoch, never falling.
        rate: shape (F,), fraction of the position's value; positive: longs pay shorts.
        mark_price: shape (F,), quote currency; None: the open of the bar in which it was due.
    """

    timestamp_ms: IndexArray
    rate: FloatArray
    mark_price: FloatArray | None = None

    @classmethod
    def of(cls, timestamp_ms: Any, rate: Any, mark_price: Any = None) -> "FundingColumns":
        """Payments from sequences or arrays, checked.

        Raises:
            RequestError: lengths differ, times fall, or a number is none; names it.
        """
        times = np.asarray(timestamp_ms, dtype=np.int64)
        rates = np.asarray(rate, dtype=np.float64)
        marks = None if mark_price is None else np.asarray(mark_price, dtype=np.float64)
        if rates.shape != times.shape or (marks is not None and marks.shape != times.shape):
            raise RequestError("funding", rates.shape, "as many rates and marks as times")
        if (np.diff(times) < 0).any():
            at = int((np.diff(times) < 0).argmax()) + 1
            raise RequestError("funding", time_text(int(times[at])), "times that never fall")
        if not np.isfinite(rates).all() or (np.abs(rates) > 1.0).any():
            raise RequestError("funding rate", "NaN or beyond 1", "fractions between -1 and 1")
        if marks is not None and not (np.isfinite(marks) & (marks > 0.0)).all():
            raise RequestError("funding mark price", "not > 0", "finite prices > 0")
        return cls(timestamp_ms=times, rate=rates, mark_price=marks)


@dataclass(frozen=True, slots=True)
class FundingBars:
    """The payments that fall into the bars of a run, oldest first.

    Attributes:
        bar: number of the bar in which each was due.
        is_at_open: whether it was due at that bar's opening time (or in a hole before it).
        rate: fraction of the position's value.
        mark_price: quote currency.
    """

    bar: tuple[int, ...] = ()
    is_at_open: tuple[bool, ...] = ()
    rate: tuple[float, ...] = ()
    mark_price: tuple[float, ...] = ()

    @classmethod
    def of(cls, funding: FundingColumns, bars: Bars) -> "FundingBars":
        """Lays payments on bars. Those before the first bar and after the last one are left out."""
        times = funding.timestamp_ms
        opened = bars.timestamp_ms
        if not len(opened):
            return cls()
        ends = bar_ends_ms(bars)
        inside = (times >= opened[0]) & (times < ends[-1])
        times = times[inside]
        at = np.searchsorted(opened, times, side="right") - 1
        late = times >= ends[at]
        at = at + late
        marks = bars.open[at] if funding.mark_price is None else funding.mark_price[inside]
        return cls(
            bar=tuple(at.tolist()),
            is_at_open=tuple((late | (times == opened[at])).tolist()),
            rate=tuple(funding.rate[inside].tolist()),
            mark_price=tuple(marks.tolist()),
        )

    def settle(self, account: Account, row: int) -> None:
        """Pays one of them."""
        account.settle(self.bar[row], self.rate[row], self.mark_price[row])

    def at_open(self, bar: int) -> Iterator[int]:
        """The rows that are due at the opening time of a bar."""
        for row in range(bisect_left(self.bar, bar), len(self.bar)):
            if self.bar[row] != bar or not self.is_at_open[row]:
                return
            yield row

    def first_after(self, fill: int, *, is_open: bool) -> int:
        """The first row that a position pays which was filled at a bar's open or its close."""
        row = bisect_left(self.bar, fill)
        while row < len(self.bar) and self.bar[row] == fill:
            if is_open and not self.is_at_open[row]:
                break
            row += 1
        return row


NO_FUNDING: Final = FundingBars()
"""For what knows no funding."""
