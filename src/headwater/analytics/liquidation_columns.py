"""Liquidations of one symbol as columns of numbers, and the bars they fall into.

For millions of events: what `liquidation_volume` and `liquidation_heatmap` do event by event, the
modules `volume_tally` and `realised_map` do with these columns, and come to the same digits.
"""

from collections.abc import Sequence
from typing import Final, Self

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray, IndexArray
from headwater.core.enums import PositionSide, PriceKind
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation

_NS_PER_MS: Final = 1_000_000


class LiquidationColumns(msgspec.Struct, frozen=True, kw_only=True):
    """Events in ascending order of time; every array has the shape (events,).

    Attributes:
        timestamp_ms: time of the venue, ms since the epoch, UTC; ascending.
        received_ms: when the platform heard of it, whole ms.
        price: quote currency.
        value: USD.
        quantity: base units.
        is_long: whether a long was closed; else a short.
        is_bankruptcy: whether `price` is where the position was bankrupt.
        is_floor: whether it came by a throttled feed.
    """

    timestamp_ms: IndexArray
    received_ms: IndexArray
    price: FloatArray
    value: FloatArray
    quantity: FloatArray
    is_long: BoolArray
    is_bankruptcy: BoolArray
    is_floor: BoolArray

    @classmethod
    def of(cls, events: Sequence[Liquidation]) -> Self:
        """The columns of records in any order."""
        bankruptcy, long = PriceKind.BANKRUPTCY, PositionSide.LONG
        made = cls(
            timestamp_ms=np.array([one.timestamp_ms for one in events], np.int64),
            received_ms=np.array([one.received_ns // _NS_PER_MS for one in events], np.int64),
            price=np.array([one.price for one in events], np.float64),
            value=np.array([one.value for one in events], np.float64),
            quantity=np.array([one.quantity for one in events], np.float64),
            is_long=np.array([one.position_side is long for one in events], np.bool_),
            is_bankruptcy=np.array([one.price_kind is bankruptcy for one in events], np.bool_),
            is_floor=np.array([one.is_floor for one in events], np.bool_),
        )
        return made.ordered()

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several columns as one; at least one of them."""
        if len(parts) == 1:
            return parts[0]
        arrays = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in cls.__struct_fields__
        }
        return cls(**arrays).ordered()

    def __len__(self) -> int:
        return len(self.timestamp_ms)

    def where(self, chosen: IndexArray | BoolArray | slice) -> Self:
        """Some of the events: by position, by a flag for each, or a stretch."""
        arrays = {name: getattr(self, name)[chosen] for name in self.__struct_fields__}
        return type(self)(**arrays)

    def between(self, start_ms: int, end_ms: int) -> Self:
        """The events with start ≤ time < end."""
        first, last = np.searchsorted(self.timestamp_ms, (start_ms, end_ms))
        return self if last - first == len(self) else self.where(slice(first, last))

    def at_least(self, value_usd: float) -> Self:
        """The events of at least so many USD."""
        return self if value_usd <= 0 else self.where(self.value >= value_usd)

    def ordered(self) -> Self:
        """The same in ascending order of time, for columns that were made without regard to it."""
        if (self.timestamp_ms[1:] >= self.timestamp_ms[:-1]).all():
            return self
        return self.where(np.argsort(self.timestamp_ms, kind="stable"))


class BarAxis(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive bars.

    Attributes:
        edges: opening of each bar, and the end of the last one; shape (bars + 1,), ms.
    """

    edges: IndexArray

    @classmethod
    def over(cls, interval: Interval, start_ms: int, end_ms: int) -> Self:
        """The bars that hold start ≤ time < end, at least one.

        Args:
            interval: length of a bar.
            start_ms: ms since the epoch, UTC.
            end_ms: exclusive.
        """
        edges = [interval.opens_at_ms(start_ms)]
        while len(edges) == 1 or edges[-1] < end_ms:
            edges.append(interval.closes_at_ms(edges[-1]))
        return cls(edges=np.array(edges, np.int64))

    @property
    def count(self) -> int:
        """How many bars."""
        return len(self.edges) - 1

    def positions(self, timestamp_ms: IndexArray) -> IndexArray:
        """Number of the bar of each time; the times ascend and lie on the axis."""
        if not len(timestamp_ms):
            return np.zeros(0, np.int64)
        first, last = np.searchsorted(self.edges, timestamp_ms[[0, -1]], side="right") - 1
        ends = np.searchsorted(timestamp_ms, self.edges[first + 1 : last + 1])
        counts = np.diff(ends, prepend=0, append=len(timestamp_ms))
        return np.repeat(np.arange(first, last + 1), counts)
