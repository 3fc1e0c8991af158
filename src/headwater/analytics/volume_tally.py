"""Liquidated volume by time from columns, or from sums that were made of them before.

The answer is that of `liquidation_volume.LiquidationVolumes` for the same events, digit by digit.
Sums of a step (a minute, a quarter of an hour, …) can be put together to any longer bar that is a
whole number of steps: a year of millions of events costs as much as its bars.
"""

from typing import Final, Self

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray, IndexArray
from headwater.analytics.exact_arrays import UnitSums, WordArray
from headwater.analytics.liquidation_columns import BarAxis, LiquidationColumns
from headwater.analytics.liquidation_volume import LiquidationVolume
from headwater.core.intervals import Interval

_MINUTE_MS: Final = 60_000

STEPS_MS: Final = (_MINUTE_MS, 15 * _MINUTE_MS, 120 * _MINUTE_MS, 1_440 * _MINUTE_MS)
"""Steps of which sums are kept, ms: every interval is a whole number of the first, and intervals of
a quarter, of two hours and of a day upwards are of the others."""


def step_of(interval: Interval) -> int:
    """The longest step of which every bar of an interval is a whole number, ms."""
    length_ms = interval.nominal_ms
    if length_ms >= STEPS_MS[-1]:
        # Weeks and months too are made of whole days, whatever their length.
        return STEPS_MS[-1]
    return max(step for step in STEPS_MS if length_ms % step == 0)


class StepSums(msgspec.Struct, frozen=True, kw_only=True):
    """Exact sums of the events of each step and side; every array has the shape (rows,).

    Steps and sides without an event have no row.

    Attributes:
        opened_at_ms: beginning of the step, ms since the epoch, UTC; ascending.
        is_long: whether longs were closed; else shorts.
        usd_whole: whole USD.
        usd_fraction: the rest in units of 2^−64.
        quantity_whole: whole base units.
        quantity_fraction: the rest in units of 2^−64.
        count: events, ≥ 1.
        is_floor: whether one of them came by a throttled feed.
    """

    opened_at_ms: IndexArray
    is_long: BoolArray
    usd_whole: IndexArray
    usd_fraction: WordArray
    quantity_whole: IndexArray
    quantity_fraction: WordArray
    count: IndexArray
    is_floor: BoolArray

    @classmethod
    def of(cls, columns: LiquidationColumns, step_ms: int) -> Self | None:
        """The sums of events; None when one of them is too odd a number to be kept so.

        Args:
            columns: the events.
            step_ms: one of `STEPS_MS`.
        """
        opened = columns.timestamp_ms - columns.timestamp_ms % step_ms
        first = int(opened[0]) if len(opened) else 0
        groups = (opened - first) // step_ms * 2 + ~columns.is_long
        groups_max = int(groups.max(initial=-1)) + 1
        usd, quantity = UnitSums(groups_max), UnitSums(groups_max)
        usd.add(groups, columns.value)
        quantity.add(groups, columns.quantity)
        if not (usd.is_plain and quantity.is_plain):
            return None
        count = np.bincount(groups, minlength=groups_max)
        floors = np.bincount(groups[columns.is_floor], minlength=groups_max)
        rows = np.flatnonzero(count)
        return cls(
            opened_at_ms=first + rows // 2 * step_ms,
            is_long=rows % 2 == 0,
            usd_whole=usd.whole[rows],
            usd_fraction=usd.fraction[rows],
            quantity_whole=quantity.whole[rows],
            quantity_fraction=quantity.fraction[rows],
            count=count[rows],
            is_floor=floors[rows] > 0,
        )

    def __len__(self) -> int:
        return len(self.opened_at_ms)


class VolumeTally:
    """Gathers the events of a span into bars.

    Args:
        interval: length of a bar.
        start_ms: first time, ms since the epoch, UTC.
        end_ms: first time after the span.
    """

    def __init__(self, interval: Interval, start_ms: int, end_ms: int) -> None:
        self._axis = BarAxis.over(interval, start_ms, end_ms)
        groups = 2 * self._axis.count
        self._usd = UnitSums(groups)
        self._quantity = UnitSums(groups)
        self._count = np.zeros(groups, np.int64)
        self._is_floor = np.zeros(self._axis.count, np.bool_)

    def add(self, columns: LiquidationColumns) -> None:
        """Takes events of the span in.

        Raises:
            ValueError: a number is not finite.
        """
        bars = self._axis.positions(columns.timestamp_ms)
        groups = 2 * bars + ~columns.is_long
        self._usd.add(groups, columns.value)
        self._quantity.add(groups, columns.quantity)
        np.add.at(self._count, groups, 1)
        self._is_floor[bars[columns.is_floor]] = True

    def add_sums(self, sums: StepSums) -> None:
        """Takes sums in, whose step lies in one bar."""
        bars = self._axis.positions(sums.opened_at_ms)
        groups = 2 * bars + ~sums.is_long
        self._usd.add_sums(groups, sums.usd_whole, sums.usd_fraction)
        self._quantity.add_sums(groups, sums.quantity_whole, sums.quantity_fraction)
        np.add.at(self._count, groups, sums.count)
        self._is_floor[bars[sums.is_floor]] = True

    def buckets(self) -> list[LiquidationVolume]:
        """Bars from the first with an event to the last, oldest first; empty ones are zero."""
        filled = np.flatnonzero(self._count.reshape(-1, 2).sum(axis=1))
        if not len(filled):
            return []
        bars = range(int(filled[0]), int(filled[-1]) + 1)
        opened = self._axis.edges.tolist()
        usd, quantity = self._usd.values().tolist(), self._quantity.values().tolist()
        count, is_floor = self._count.tolist(), self._is_floor.tolist()
        return [
            LiquidationVolume(
                opened_at_ms=opened[bar],
                buy_usd=usd[2 * bar + 1],
                sell_usd=usd[2 * bar],
                buy_quantity=quantity[2 * bar + 1],
                sell_quantity=quantity[2 * bar],
                buy_count=count[2 * bar + 1],
                sell_count=count[2 * bar],
                is_floor=is_floor[bar],
            )
            for bar in bars
        ]
