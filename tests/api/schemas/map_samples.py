"""A small map, made by hand."""

from decimal import Decimal

import numpy as np

from headwater.analytics.leverage_weights import leverage_classes
from headwater.analytics.price_buckets import grid_between
from headwater.core.intervals import Interval
from headwater.services.map_question import LiquidationMap, MapModel, MapQuestion, VenueCoverage

GRID = grid_between(Decimal(10), 80.0, 129.0)
"""Buckets 80, 90, 100, 110, 120."""


def small_map(*, is_share: bool = False) -> LiquidationMap:
    """Two bars from the epoch on; in the second 7 USD of longs and 5 of shorts."""
    held = np.zeros((2, 2, GRID.count))
    held[1, 0, :2] = (3.0, 4.0)
    held[1, 1, 3] = 5.0
    return LiquidationMap(
        question=MapQuestion(
            symbol="BTCUSDT",
            exchanges=("bybit",),
            model=MapModel.B0 if is_share else MapModel.ESTIMATED,
            interval=Interval.M15,
            start_ms=0,
            end_ms=1_800_000,
            classes=leverage_classes(),
        ),
        version=1,
        step=Interval.M1,
        model_start_ms=0,
        grid=GRID,
        opened_ms=np.array([0, 900_000]),
        price=np.array([100.0, 101.0]),
        held=held,
        created_usd=np.array([20.0, 10.0]),
        consumed_usd=np.array([0.0, 2.0]),
        is_share=is_share,
        coverage=(VenueCoverage(exchange="bybit", bars=1.0, marks=0.5, open_interest=0.5),),
    )
