"""The realised map from columns: `liquidation_heatmap` for millions of past events.

The same rules and, digit by digit, the same answer: a cell is the USD of the liquidations of one
bar and price bucket; what was received later than the grace after the end of a frozen bar is in no
cell and told apart. Events are taken in portions, such as a day of a venue, so that only the cells
and one portion are held at a time.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray, IndexArray
from headwater.analytics.exact_arrays import UnitSums
from headwater.analytics.liquidation_columns import BarAxis, LiquidationColumns
from headwater.analytics.liquidation_heatmap import HeatCell, HeatColumn, LateVolume
from headwater.analytics.price_buckets import PriceBuckets
from headwater.core.intervals import Interval

_TABLE_MAX: Final = 1 << 22
_TABLE_PER_EVENT: Final = 16
"""Cells are numbered by a table of bars × price buckets while it has at most so many places, and so
many an event; beyond that by sorting."""


class RealisedMap(msgspec.Struct, frozen=True, kw_only=True):
    """A finished map.

    Attributes:
        interval: length of a bar.
        buckets: of the price.
        columns: those with an event, oldest first.
        late: what came after its column was frozen, of all columns.
    """

    interval: Interval
    buckets: PriceBuckets
    columns: Sequence[HeatColumn] = ()
    late: LateVolume = LateVolume(long_usd=0.0, short_usd=0.0, count=0)


class _Cells(msgspec.Struct, frozen=True):
    """Sums of some cells: of cell n, longs are group 2n of `usd` and shorts the next one."""

    bars: IndexArray
    prices: IndexArray
    usd: UnitSums


class RealisedTally:
    """Gathers the events of a span into cells.

    Args:
        interval: length of a bar.
        buckets: of the price.
        start_ms: first time, ms since the epoch, UTC.
        end_ms: first time after the span.
        closed_ms: bars that ended then or before are frozen.
        grace_ms: how long after the end of its bar an event may be received, ms.
    """

    def __init__(
        self,
        interval: Interval,
        buckets: PriceBuckets,
        start_ms: int,
        end_ms: int,
        *,
        closed_ms: int,
        grace_ms: int,
    ) -> None:
        self._interval = interval
        self._buckets = buckets
        self._axis = BarAxis.over(interval, start_ms, end_ms)
        self._is_closed = self._axis.edges[1:] <= closed_ms
        self._latest_ms = self._axis.edges[1:] + grace_ms
        self._parts: list[_Cells] = []
        self._bankruptcy = UnitSums(self._axis.count)
        self._is_floor = np.zeros(self._axis.count, np.bool_)
        self._late_usd = UnitSums(2)
        self._late_count = 0

    def add(self, columns: LiquidationColumns) -> None:
        """Takes events of the span in.

        Raises:
            ValueError: a price or a value is not finite, or the price buckets are too fine for a
                price.
        """
        bars = self._axis.positions(columns.timestamp_ms)
        prices = self._buckets.indices_of(columns.price)
        late = (columns.received_ms > self._latest_ms[bars]) & self._is_closed[bars]
        if late.any():
            self._late_usd.add((~columns.is_long[late]).astype(np.int64), columns.value[late])
            self._late_count += int(late.sum())
            columns, bars, prices = columns.where(~late), bars[~late], prices[~late]
        if not len(columns):
            return
        cell_bars, cell_prices, cells = _numbered(bars, prices)
        usd = UnitSums(2 * len(cell_bars))
        usd.add(2 * cells + ~columns.is_long, columns.value)
        self._parts.append(_Cells(cell_bars, cell_prices, usd))
        self._note(columns, bars)

    def finish(self) -> RealisedMap:
        """The map of what was taken in so far."""
        late = self._late_usd.values().tolist()
        return RealisedMap(
            interval=self._interval,
            buckets=self._buckets,
            columns=self._columns(_joined(self._parts)) if self._parts else (),
            late=LateVolume(long_usd=late[0], short_usd=late[1], count=self._late_count),
        )

    def _note(self, columns: LiquidationColumns, bars: IndexArray) -> None:
        """What is told of whole bars."""
        bankruptcy: BoolArray = columns.is_bankruptcy
        self._bankruptcy.add(bars[bankruptcy], columns.value[bankruptcy])
        self._is_floor[bars[columns.is_floor]] = True

    def _columns(self, cells: _Cells) -> Sequence[HeatColumn]:
        usd = cells.usd.values()
        made = list(map(_cell, cells.prices.tolist(), usd[0::2].tolist(), usd[1::2].tolist()))
        sums = UnitSums(2 * self._axis.count)
        sums.add_all((2 * cells.bars[:, None] + np.arange(2)).ravel(), cells.usd)
        totals, bankruptcy = sums.values().tolist(), self._bankruptcy.values().tolist()
        bars, firsts = np.unique(cells.bars, return_index=True)
        ends = [*firsts[1:].tolist(), len(made)]
        return [
            HeatColumn(
                opened_at_ms=int(self._axis.edges[bar]),
                is_closed=bool(self._is_closed[bar]),
                cells=tuple(made[first:end]),
                long_usd=totals[2 * bar],
                short_usd=totals[2 * bar + 1],
                bankruptcy_usd=bankruptcy[bar],
                is_floor=bool(self._is_floor[bar]),
            )
            for bar, first, end in zip(bars.tolist(), firsts.tolist(), ends, strict=True)
        ]


def _cell(bucket_index: int, long_usd: float, short_usd: float) -> HeatCell:
    return HeatCell(bucket_index=bucket_index, long_usd=long_usd, short_usd=short_usd)


def _joined(parts: Sequence[_Cells]) -> _Cells:
    """All cells, each once, ascending by bar and price."""
    if len(parts) == 1:
        return parts[0]
    bars, prices, numbers = _numbered(
        np.concatenate([part.bars for part in parts]),
        np.concatenate([part.prices for part in parts]),
    )
    usd = UnitSums(2 * len(bars))
    first = 0
    for part in parts:
        into = numbers[first : first + len(part.bars)]
        usd.add_all((2 * into[:, None] + np.arange(2)).ravel(), part.usd)
        first += len(part.bars)
    return _Cells(bars, prices, usd)


def _numbered(bars: IndexArray, prices: IndexArray) -> tuple[IndexArray, IndexArray, IndexArray]:
    """Numbers the cells that occur, ascending by bar and price.

    Args:
        bars: of each event; shape (events,), at least one.
        prices: bucket of each event; shape (events,).

    Returns:
        Bar of each cell, bucket of each cell, cell of each event.
    """
    first_bar, first_price = int(bars.min()), int(prices.min())
    width = int(prices.max()) - first_price + 1
    height = int(bars.max()) - first_bar + 1
    if width * height <= min(_TABLE_MAX, _TABLE_PER_EVENT * len(bars)):
        keys = (bars - first_bar) * width + (prices - first_price)
        occurs = np.zeros(width * height, np.bool_)
        occurs[keys] = True
        found = np.flatnonzero(occurs)
        numbers = (np.cumsum(occurs) - 1)[keys]
        return first_bar + found // width, first_price + found % width, numbers
    levels, ranks = np.unique(prices, return_inverse=True)
    keys, numbers = np.unique((bars - first_bar) * len(levels) + ranks, return_inverse=True)
    return first_bar + keys // len(levels), levels[keys % len(levels)], numbers
