"""The realised map: what was liquidated, by time, price and side. Prints only, no model.

A cell is the USD of the liquidations with t in a candle's span and p in a price bucket. While a
column is open it may have any event; when its bar closes it is frozen and never changes again:
what comes later is counted apart and told (`late`). So for every column, and for any stretch of
columns, the sum over prices plus what was late is the histogram of `liquidation_volume`, to the
last digit.

Two things to say wherever it is drawn: `is_floor` marks columns with events of a throttled feed,
and `bankruptcy_usd` tells how much of a column stands at the price where the position was bankrupt
(Bybit, OKX) instead of where it was closed; `price_of` may place those elsewhere.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Final

import msgspec

from headwater.analytics.exact_sums import units_of, value_of
from headwater.analytics.price_buckets import PriceBuckets
from headwater.core.enums import PositionSide, PriceKind
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation

COLUMNS_KEPT: Final = 9_000
"""Most columns kept, the newest: 31 days of five minutes, 93 of quarters of an hour."""


class HeatCell(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Liquidations of one bar and one price bucket.

    Attributes:
        bucket_index: the bucket, counted from a price of zero (`PriceBuckets.lower_edge`).
        long_usd: longs liquidated, USD.
        short_usd: shorts liquidated, USD.
    """

    bucket_index: int
    long_usd: float
    short_usd: float


class LateVolume(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Events that came after their column was frozen, and are in no cell.

    Attributes:
        long_usd: longs liquidated, USD.
        short_usd: shorts liquidated, USD.
        count: number of events.
    """

    long_usd: float
    short_usd: float
    count: int


class HeatColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One bar of the realised map.

    Attributes:
        opened_at_ms: start of the bar, ms since the epoch, UTC.
        is_closed: whether it is frozen.
        cells: those with an event, ascending by price.
        long_usd: sum over prices, USD.
        short_usd: the same of shorts.
        bankruptcy_usd: part of both sums that came with a bankruptcy price, USD.
        is_floor: whether an event came from a throttled feed: the sums are a lower bound.
    """

    opened_at_ms: int
    is_closed: bool
    cells: tuple[HeatCell, ...]
    long_usd: float
    short_usd: float
    bankruptcy_usd: float
    is_floor: bool


class _Part:
    """What one exchange has in one column, in exact units of USD."""

    __slots__ = ("bankruptcy", "cells", "count", "is_floor")

    def __init__(self) -> None:
        self.cells: dict[int, list[int]] = {}
        self.count = 0
        self.bankruptcy = 0
        self.is_floor = False


class LiquidationHeatmap:
    """Gathers the liquidations of one symbol into columns, and freezes them when bars close.

    It reads no clock: its owner says up to when bars are closed. The newest `COLUMNS_KEPT` columns
    are kept, counted back from the newest event; older events are only counted, in
    `dropped_count`.

    Args:
        symbol: canonical symbol of every event.
        interval: length of a bar.
        buckets: width of the price buckets, fixed for the life of the map.
        price_of: where to draw an event, quote currency; None for its own price.
    """

    def __init__(
        self,
        symbol: str,
        interval: Interval,
        buckets: PriceBuckets,
        price_of: Callable[[Liquidation], float] | None = None,
    ) -> None:
        self.symbol: Final = symbol
        self.interval: Final = interval
        self.buckets: Final = buckets
        self.dropped_count = 0
        self.closed_until_ms: int | None = None
        self._price_of = price_of
        self._parts: dict[int, dict[str, _Part]] = {}
        self._late: dict[int, dict[str, list[int]]] = {}
        self._newest_ms: int | None = None
        self._oldest_ms: int | None = None

    def add(self, events: Iterable[Liquidation]) -> None:
        """Takes events in; those of a frozen column are counted as late and change no cell.

        Raises:
            ValueError: an event of another symbol, or a price or value that is not finite.
        """
        for event in events:
            self._add(event)

    def close_until(self, until_ms: int) -> None:
        """Freezes every bar that ends at `until_ms` or before; there is no way back.

        Args:
            until_ms: ms since the epoch, UTC; earlier than before changes nothing.
        """
        if self.closed_until_ms is None or until_ms > self.closed_until_ms:
            self.closed_until_ms = until_ms

    def columns(
        self,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        exchanges: Collection[str] | None = None,
    ) -> list[HeatColumn]:
        """Columns that have an event, oldest first.

        Args:
            start_ms: earliest opening of a bar, None for no limit.
            end_ms: bars open before this, None for no limit.
            exchanges: only events of these; None for all.
        """
        rows: list[HeatColumn] = []
        for opened_ms in sorted(self._parts):
            if start_ms is not None and opened_ms < start_ms:
                continue
            if end_ms is not None and opened_ms >= end_ms:
                continue
            parts = [
                part
                for exchange, part in self._parts[opened_ms].items()
                if exchanges is None or exchange in exchanges
            ]
            if parts:
                rows.append(_column_of(opened_ms, parts, is_closed=self._is_closed(opened_ms)))
        return rows

    def late(
        self, opened_at_ms: int | None = None, exchanges: Collection[str] | None = None
    ) -> LateVolume:
        """What came too late for one bar, or for any of the kept ones.

        Args:
            opened_at_ms: start of the bar, None for all.
            exchanges: only events of these; None for all.
        """
        sums = [0, 0, 0]
        for opened_ms, by_exchange in self._late.items():
            if opened_at_ms is not None and opened_ms != opened_at_ms:
                continue
            for exchange, late in by_exchange.items():
                if exchanges is None or exchange in exchanges:
                    sums = [one + other for one, other in zip(sums, late, strict=True)]
        return LateVolume(long_usd=value_of(sums[0]), short_usd=value_of(sums[1]), count=sums[2])

    def _is_closed(self, opened_ms: int) -> bool:
        """Whether the bar that opened then is frozen."""
        return (
            self.closed_until_ms is not None
            and self.interval.closes_at_ms(opened_ms) <= self.closed_until_ms
        )

    def _add(self, event: Liquidation) -> None:
        """Takes one event in."""
        if event.symbol != self.symbol:
            raise ValueError(f"{event.symbol}: this is the map of {self.symbol}")
        opened_ms = self.interval.opens_at_ms(event.timestamp_ms)
        price = event.price if self._price_of is None else self._price_of(event)
        index = self.buckets.index_of(price)
        units = units_of(event.value)
        side = 0 if event.position_side is PositionSide.LONG else 1
        if self._newest_ms is None or opened_ms > self._newest_ms:
            self._newest_ms = opened_ms
            span_ms = (COLUMNS_KEPT - 1) * self.interval.nominal_ms
            self._drop_before(self.interval.opens_at_ms(opened_ms - span_ms))
        if self._oldest_ms is not None and opened_ms < self._oldest_ms:
            self.dropped_count += 1
            return
        if self._is_closed(opened_ms):
            late = self._late.setdefault(opened_ms, {}).setdefault(event.exchange, [0, 0, 0])
            late[side] += units
            late[2] += 1
            return
        part = self._parts.setdefault(opened_ms, {}).setdefault(event.exchange, _Part())
        part.cells.setdefault(index, [0, 0])[side] += units
        part.count += 1
        part.is_floor = part.is_floor or event.is_floor
        if event.price_kind is PriceKind.BANKRUPTCY:
            part.bankruptcy += units

    def _drop_before(self, oldest_ms: int) -> None:
        """Forgets the columns that opened before `oldest_ms`."""
        self._oldest_ms = oldest_ms
        for opened_ms in [one for one in self._parts if one < oldest_ms]:
            self.dropped_count += sum(part.count for part in self._parts.pop(opened_ms).values())
        for opened_ms in [one for one in self._late if one < oldest_ms]:
            self.dropped_count += sum(late[2] for late in self._late.pop(opened_ms).values())


def _column_of(opened_ms: int, parts: Iterable[_Part], *, is_closed: bool) -> HeatColumn:
    """The sum of several exchanges' parts of one column."""
    cells: dict[int, list[int]] = {}
    bankruptcy, is_floor = 0, False
    for part in parts:
        bankruptcy += part.bankruptcy
        is_floor = is_floor or part.is_floor
        for index, (long_units, short_units) in part.cells.items():
            cell = cells.setdefault(index, [0, 0])
            cell[0] += long_units
            cell[1] += short_units
    return HeatColumn(
        opened_at_ms=opened_ms,
        is_closed=is_closed,
        cells=tuple(
            HeatCell(
                bucket_index=index,
                long_usd=value_of(cells[index][0]),
                short_usd=value_of(cells[index][1]),
            )
            for index in sorted(cells)
        ),
        long_usd=value_of(sum(one[0] for one in cells.values())),
        short_usd=value_of(sum(one[1] for one in cells.values())),
        bankruptcy_usd=value_of(bankruptcy),
        is_floor=is_floor,
    )
