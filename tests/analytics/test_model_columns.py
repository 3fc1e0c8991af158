"""Totals of columns: stocks are told, flows are added up."""

from decimal import Decimal

import numpy as np

from headwater.analytics.model_columns import ModelColumn, ModelTotals, SideFlows, totals_of
from headwater.analytics.price_buckets import grid_between
from headwater.analytics.price_map import PriceMap

GRID = grid_between(Decimal(10), 100.0, 109.0)


def flows(*, created: float, consumed: float, closed: float, held: float) -> SideFlows:
    return SideFlows(
        before_usd=0.0,
        decayed_usd=0.0,
        consumed_usd=consumed,
        closed_usd=closed,
        created_usd=created,
        unplaced_usd=0.5,
        cut_usd=0.0,
        held_usd=held,
    )


def column(interest: float | None, longs: SideFlows, shorts: SideFlows) -> ModelColumn:
    return ModelColumn(
        opened_at_ms=0,
        ends_at_ms=1,
        price=1.0,
        open_interest_usd=interest,
        held=PriceMap.of(GRID, np.array([longs.held_usd]), np.array([shorts.held_usd])),
        longs=longs,
        shorts=shorts,
        minutes_marked=0,
        minutes_count=0,
    )


def test_totals_by_hand() -> None:
    """Held is that of the last column, 7 and 8; created 10 + 20 + 1 + 2 = 33, and so on."""
    first = column(
        100.0,
        flows(created=10.0, consumed=1.0, closed=0.0, held=9.0),
        flows(created=20.0, consumed=2.0, closed=0.0, held=18.0),
    )
    second = column(
        None,
        flows(created=1.0, consumed=3.0, closed=4.0, held=7.0),
        flows(created=2.0, consumed=5.0, closed=6.0, held=8.0),
    )
    assert totals_of([first, second]) == ModelTotals(
        long_usd=7.0,
        short_usd=8.0,
        created_usd=33.0,
        consumed_usd=11.0,
        closed_usd=10.0,
        unplaced_usd=2.0,
        bars_without_open_interest=1,
    )
