"""A heat map in the shape that tools written for Coinglass read.

`liquidation_leverage_data` is a list of [x, y, usd]: x counts candlesticks, y counts prices of
`y_axis`. Longs and shorts are added: the shape has no sides.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from msgspec import Meta

from headwater.analytics.arrays import FloatArray
from headwater.analytics.liquidation_heatmap import LiquidationHeatmap
from headwater.api.schemas.base import View
from headwater.api.schemas.market import NotNegative
from headwater.core.intervals import Interval
from headwater.services.map_question import LiquidationMap

_LEAST: float = 0.005

Row = Annotated[tuple[NotNegative, ...], Meta(min_length=3, max_length=3)]
Candle = Annotated[tuple[NotNegative, ...], Meta(min_length=6, max_length=6)]


class CoinglassView(View, frozen=True, kw_only=True, gc=False):
    """A heat map in Coinglass' shape.

    Attributes:
        y_axis: lower edges of the price buckets, ascending, quote currency.
        liquidation_leverage_data: cells as [place in `price_candlesticks`, place in `y_axis`, USD].
        price_candlesticks: bars as [time in seconds, open, high, low, close, volume], prices of the
            first venue of the map that has stored candles.
    """

    y_axis: tuple[NotNegative, ...]
    liquidation_leverage_data: tuple[Row, ...]
    price_candlesticks: tuple[Candle, ...]


def coinglass_view(made: LiquidationMap, candles: FloatArray) -> CoinglassView:
    """A model's map in this shape.

    Args:
        made: the map.
        candles: see `folded_candles`, of the same span and interval.
    """
    if made.grid is None or not len(made):
        return CoinglassView(y_axis=(), liquidation_leverage_data=(), price_candlesticks=())
    both = made.held.sum(axis=1)
    columns, buckets = np.nonzero(both >= _LEAST)
    places = _places(candles, made.opened_ms.astype(np.float64))
    known = places[columns] >= 0
    columns, buckets = columns[known], buckets[known]
    return CoinglassView(
        y_axis=tuple(made.grid.edges[:-1].tolist()),
        liquidation_leverage_data=tuple(
            zip(
                places[columns].tolist(),
                buckets.tolist(),
                both[columns, buckets].round(2).tolist(),
                strict=True,
            )
        ),
        price_candlesticks=_candlesticks(candles),
    )


def realised_coinglass_view(heatmap: LiquidationHeatmap, candles: FloatArray) -> CoinglassView:
    """The realised map in this shape.

    Args:
        heatmap: the map.
        candles: see `folded_candles`, of the same span and interval.
    """
    columns = heatmap.columns()
    indices = [cell.bucket_index for column in columns for cell in column.cells]
    if not indices:
        return CoinglassView(
            y_axis=(), liquidation_leverage_data=(), price_candlesticks=_candlesticks(candles)
        )
    first = min(indices)
    rows: list[tuple[float, float, float]] = []
    place_of: Mapping[float, int] = {
        opened_ms: place for place, opened_ms in enumerate(candles[:, 0].tolist())
    }
    for column in columns:
        place = place_of.get(float(column.opened_at_ms))
        if place is not None:
            rows.extend(
                (place, cell.bucket_index - first, cell.long_usd + cell.short_usd)
                for cell in column.cells
            )
    edges = (heatmap.buckets.lower_edge(index) for index in range(first, max(indices) + 1))
    return CoinglassView(
        y_axis=tuple(edges),
        liquidation_leverage_data=tuple(rows),
        price_candlesticks=_candlesticks(candles),
    )


def folded_candles(rows: FloatArray, interval: Interval) -> FloatArray:
    """Bars of minutes.

    Args:
        rows: (opening in ms, open, high, low, close, volume) of minutes, oldest first.
        interval: length of a bar, a whole part of a day.

    Returns:
        The same columns of bars that have a minute.
    """
    if not len(rows):
        return rows
    opened = rows[:, 0] - rows[:, 0] % interval.nominal_ms
    first = np.flatnonzero(np.append(True, opened[1:] != opened[:-1]))
    last = np.append(first[1:], len(rows)) - 1
    return np.column_stack(
        [
            opened[first],
            rows[first, 1],
            np.maximum.reduceat(rows[:, 2], first),
            np.minimum.reduceat(rows[:, 3], first),
            rows[last, 4],
            np.add.reduceat(rows[:, 5], first),
        ]
    )


def _places(candles: FloatArray, opened_ms: FloatArray) -> "np.typing.NDArray[np.int64]":
    """Place of each bar among the candles; −1 for none."""
    found = np.searchsorted(candles[:, 0], opened_ms)
    inside = np.minimum(found, max(0, len(candles) - 1))
    same = candles[inside, 0] == opened_ms if len(candles) else np.zeros(len(opened_ms), bool)
    return np.where(same, inside, -1)


def _candlesticks(candles: FloatArray) -> tuple[tuple[float, ...], ...]:
    return tuple((int(row[0]) // 1000, *row[1:]) for row in candles.tolist())
