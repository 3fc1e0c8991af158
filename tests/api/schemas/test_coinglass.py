"""Coinglass' shape: bars of minutes, worked by hand."""

import numpy as np

from headwater.analytics.liquidation_heatmap import LiquidationHeatmap
from headwater.analytics.price_buckets import PriceBuckets
from headwater.api.schemas.coinglass import folded_candles, realised_coinglass_view
from headwater.core.intervals import Interval

QUARTER_MS = 900_000.0


def test_minutes_are_folded_into_bars_without_inventing_any() -> None:
    """Two minutes of the first bar, none of the second, one of the third."""
    rows = np.array(
        [
            [0.0, 10.0, 12.0, 9.0, 11.0, 1.0],
            [60_000.0, 11.0, 15.0, 10.0, 14.0, 2.0],
            [2 * QUARTER_MS, 14.0, 14.0, 13.0, 13.0, 4.0],
        ]
    )
    assert folded_candles(rows, Interval.M15).tolist() == [
        [0.0, 10.0, 15.0, 9.0, 14.0, 3.0],
        [2 * QUARTER_MS, 14.0, 14.0, 13.0, 13.0, 4.0],
    ]
    assert len(folded_candles(np.zeros((0, 6)), Interval.M15)) == 0


def test_an_empty_map_is_empty() -> None:
    heatmap = LiquidationHeatmap("BTCUSDT", Interval.M15, PriceBuckets(units=1, places=0))
    view = realised_coinglass_view(heatmap, np.zeros((0, 6)))
    assert (view.y_axis, view.liquidation_leverage_data, view.price_candlesticks) == ((), (), ())
