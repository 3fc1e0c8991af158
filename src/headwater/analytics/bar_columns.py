"""Bars as columns of numbers: what the estimated map reads when there are many of them.

A bar's path is cut into steps of equal number. In a step the mark price had a range, and something
was traded at a price; either may be unknown. A `ModelBar` with several trades in a minute becomes a
bar of more steps: the first has the minute's marks, the others have none, so that a minute's trades
are reached only by the marks of later minutes, as before.
"""

import math
from collections.abc import Sequence
from typing import Self

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.model_columns import ModelBar

__all__ = ["BarColumns", "read_only"]


def read_only(values: FloatArray) -> FloatArray:
    """The same numbers in an array that refuses to be written to, and cannot be made to."""
    return np.frombuffer(values.tobytes(), dtype=np.float64).reshape(values.shape)


class BarColumns(msgspec.Struct, frozen=True, kw_only=True):
    """N closed bars of S steps each, oldest first; made by `of`, which checks them.

    Attributes:
        opened_ms: shape (N,): start, ms since the epoch, UTC.
        ends_ms: shape (N,): end, exclusive.
        price: shape (N,): mark price at the end, quote currency.
        open_interest: shape (N,): one-sided, at the end, base units; NaN when it was not heard.
        mark_low: shape (N, S): lowest mark price of a step; NaN when none was heard.
        mark_high: shape (N, S): highest mark price; NaN likewise.
        entry_price: shape (N, S): price at which a step's volume was traded; NaN for none.
        entry_volume: shape (N, S): volume, base units; 0 for none.
    """

    opened_ms: IndexArray
    ends_ms: IndexArray
    price: FloatArray
    open_interest: FloatArray
    mark_low: FloatArray
    mark_high: FloatArray
    entry_price: FloatArray
    entry_volume: FloatArray

    def __len__(self) -> int:
        """How many bars."""
        return len(self.opened_ms)

    def checked(self) -> Self:
        """These bars, once every number is one that a market can have.

        Raises:
            ValueError: bars out of order, or a number that no market has; the words name it.
        """
        if (self.ends_ms <= self.opened_ms).any():
            raise ValueError("a bar ends before it opens")
        if (self.opened_ms[1:] < self.ends_ms[:-1]).any():
            raise ValueError("a bar opens before the one before it has ended")
        _demand(self.price, 0.0, "price", above=True)
        heard = self.open_interest[~np.isnan(self.open_interest)]
        _demand(heard, 0.0, "open_interest", above=False)
        with np.errstate(over="ignore"):
            worth = self.open_interest * self.price
        if np.isinf(worth).any():
            raise ValueError("open_interest: must be finite in USD too")
        marked = ~np.isnan(self.mark_low)
        if (marked != ~np.isnan(self.mark_high)).any():
            raise ValueError("a step has both a lowest and a highest mark price, or neither")
        _demand(self.mark_low[marked], 0.0, "mark_low", above=True)
        _demand(self.mark_high[marked], 0.0, "mark_high", above=True)
        if (self.mark_low[marked] > self.mark_high[marked]).any():
            raise ValueError("mark_low: must not be above mark_high")
        _demand(self.entry_volume, 0.0, "entry volume", above=False)
        _demand(self.entry_price[~np.isnan(self.entry_price)], 0.0, "entry price", above=True)
        if (np.isnan(self.entry_price) & (self.entry_volume > 0.0)).any():
            raise ValueError("entry price: must be known where something was traded")
        return self

    @classmethod
    def of(cls, bars: Sequence[ModelBar]) -> Self:
        """Bars that are told one by one.

        Args:
            bars: oldest first.

        Raises:
            ValueError: as `checked`.
        """
        rows = [_steps_of(bar) for bar in bars]
        most = max((len(row) for row in rows), default=0)
        table = np.full((len(bars), most, 4), np.nan)
        table[:, :, 3] = 0.0
        for number, row in enumerate(rows):
            if row:
                table[number, : len(row)] = row
        interest = [math.nan if one.open_interest is None else one.open_interest for one in bars]
        for one in bars:
            if one.open_interest is not None and not math.isfinite(one.open_interest):
                raise ValueError(f"open_interest={one.open_interest}: must be finite")
        return cls(
            opened_ms=np.array([one.opened_at_ms for one in bars], dtype=np.int64),
            ends_ms=np.array([one.ends_at_ms for one in bars], dtype=np.int64),
            price=np.array([one.price for one in bars], dtype=np.float64),
            open_interest=np.array(interest, dtype=np.float64),
            mark_low=table[:, :, 0],
            mark_high=table[:, :, 1],
            entry_price=table[:, :, 2],
            entry_volume=table[:, :, 3],
        ).checked()


def _demand(values: FloatArray, least: float, name: str, *, above: bool) -> None:
    """Refuses what is not finite, or not above (or at) the least.

    Raises:
        ValueError: names the first such value.
    """
    fits = np.isfinite(values) & ((values > least) if above else (values >= least))
    if not fits.all():
        sign = ">" if above else "≥"
        raise ValueError(f"{name}={values[~fits].flat[0]}: must be finite and {sign} {least:g}")


def _steps_of(bar: ModelBar) -> list[tuple[float, float, float, float]]:
    """(lowest mark, highest mark, price, volume) of each step of a bar, NaN for what is unknown.

    Raises:
        ValueError: a mark or an entry that stands for nothing.
    """
    steps: list[tuple[float, float, float, float]] = []
    for one in bar.minutes:
        if (one.mark_low is None) is not (one.mark_high is None):
            raise ValueError("a minute has both a lowest and a highest mark price, or neither")
        low = math.nan if one.mark_low is None else one.mark_low
        high = math.nan if one.mark_high is None else one.mark_high
        if one.mark_low is not None and (math.isnan(low) or math.isnan(high)):
            raise ValueError("mark_low and mark_high: must be numbers, or None for no mark price")
        if not one.entries:
            steps.append((low, high, math.nan, 0.0))
        for price, volume in one.entries:
            if not math.isfinite(price):
                raise ValueError(f"entry price={price}: must be finite and > 0")
            steps.append((low, high, price, volume))
            low = high = math.nan
    return steps
