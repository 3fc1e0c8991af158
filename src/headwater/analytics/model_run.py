"""Many columns of the estimated map at once, as arrays; one of them as a `ModelColumn`."""

import msgspec

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.model_columns import ModelColumn, SideFlows
from headwater.analytics.price_buckets import PriceGrid
from headwater.analytics.price_map import PriceMap

__all__ = ["ModelRun"]


class ModelRun(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of N bars, oldest first.

    Attributes:
        grid: price axis with B buckets.
        opened_ms: shape (N,): start of each bar, ms since the epoch, UTC.
        ends_ms: shape (N,): its end, exclusive.
        price: shape (N,): mark price at the end, quote currency.
        open_interest_usd: shape (N,): at the end, USD; NaN when it was not heard.
        held: shape (N, 2, B): USD that would be liquidated, longs first.
        flows: shape (N, 8, 2): what each bar did to each side, in the order of `SideFlows`, USD.
        steps_marked: shape (N,): steps of the path with a mark price.
        steps_count: steps of the path of each bar.
    """

    grid: PriceGrid
    opened_ms: IndexArray
    ends_ms: IndexArray
    price: FloatArray
    open_interest_usd: FloatArray
    held: FloatArray
    flows: FloatArray
    steps_marked: IndexArray
    steps_count: int

    def __len__(self) -> int:
        """How many columns."""
        return len(self.opened_ms)

    def column(self, number: int) -> ModelColumn:
        """One of the columns, from 0."""
        longs, shorts = (_flows_of(self.flows[number, :, row].tolist()) for row in (0, 1))
        interest_usd = float(self.open_interest_usd[number])
        return ModelColumn(
            opened_at_ms=int(self.opened_ms[number]),
            ends_at_ms=int(self.ends_ms[number]),
            price=float(self.price[number]),
            open_interest_usd=None if interest_usd != interest_usd else interest_usd,
            held=PriceMap.of(self.grid, self.held[number, 0], self.held[number, 1]),
            longs=longs,
            shorts=shorts,
            minutes_marked=int(self.steps_marked[number]),
            minutes_count=self.steps_count,
        )


def _flows_of(values: list[float]) -> SideFlows:
    """The flows of one side, in the order of the fields."""
    before, decayed, consumed, closed, created, unplaced, cut, held = values
    return SideFlows(
        before_usd=before,
        decayed_usd=decayed,
        consumed_usd=consumed,
        closed_usd=closed,
        created_usd=created,
        unplaced_usd=unplaced,
        cut_usd=cut,
        held_usd=held,
    )
