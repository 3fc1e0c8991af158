"""Forecasts of where liquidations fall, cut into cells, and the windows of time that judge them.

A forecast is frozen when it is issued. Its cells are counted outwards from the mark price of that
moment, P: cell j of the longs is the prices from P·(1 − j·w) down to P·(1 − (j + 1)·w), of the
shorts the mirror image above, w being the width as a share of P. A window adds what followed: which
cells the mark price entered, and the USD that were liquidated in each.

Only entered cells are scored. Whether price went somewhere is no merit of a map: counting that in
makes every map look right that has anything on the side to which price moved.

This module does not know how a map is made, or how it is judged (`skill_cells` and on).
"""

from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray, IndexArray

LONG_ROW: Final = 0
"""Row of the longs wherever an array has an axis of sides."""
SHORT_ROW: Final = 1
"""Row of the shorts."""
CELL_WIDTH: Final = 0.001
"""Width of a cell as a share of the price at issue, unless a forecast says otherwise. The grid
changes results: report a second width (0.0025) beside it.
"""
CELLS_MAX: Final = 4096
"""Most cells of a side; more would be finer than any price of a liquidation is known."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A map as it stood when it was issued.

    Attributes:
        model: which model made it.
        version: of the model and its parameters; tuning makes a new one with no record.
        symbol: canonical symbol.
        issued_ms: time of issue, ms since the epoch, UTC.
        horizon_ms: it speaks of (issued_ms, issued_ms + horizon_ms].
        price: mark price at issue, quote currency.
        mass_usd: shape (2, cells): longs and shorts, cells outwards from the price; finite, ≥ 0.
            Only the proportions count.
        cell_width: share of `price`.

    Raises:
        ValueError: a number outside what is said here.
    """

    model: str
    version: str
    symbol: str
    issued_ms: int
    horizon_ms: int
    price: float
    mass_usd: FloatArray
    cell_width: float = CELL_WIDTH

    def __post_init__(self) -> None:
        mass = self.mass_usd
        if mass.ndim != 2 or mass.shape[0] != 2 or not 1 <= mass.shape[1] <= CELLS_MAX:
            raise ValueError(f"mass_usd has shape {mass.shape}: must be (2, 1..{CELLS_MAX})")
        if not bool(np.all((mass >= 0.0) & (mass < np.inf))):
            raise ValueError("mass_usd must be finite and ≥ 0")
        if not (0.0 < self.price < np.inf and 0.0 < self.cell_width < 1.0 and self.horizon_ms > 0):
            raise ValueError(
                f"price={self.price} cell_width={self.cell_width} horizon_ms={self.horizon_ms}"
            )


class Window(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A forecast and what followed.

    Attributes:
        forecast: as issued.
        reached: shape (2, cells): the mark price entered the cell on its side.
        realised_usd: shape (2, cells): USD liquidated there; 0 where not reached.
        events: shape (2, cells): number of liquidations there; 0 where not reached.
        outside_usd: USD of liquidations in no reached cell: beyond the map, or on the wrong side
            (a long opened later and liquidated above the price at issue). They are not scored.
    """

    forecast: Forecast
    reached: BoolArray
    realised_usd: FloatArray
    events: IndexArray
    outside_usd: float


def cells_of(
    price: float, prices: FloatArray, is_long: BoolArray, cell_width: float = CELL_WIDTH
) -> IndexArray:
    """Cell numbers of prices, each on the side it is asked for.

    Args:
        price: mark price at issue, quote currency, > 0.
        prices: shape (n,), quote currency.
        is_long: shape (n,): whether the cell of the longs is meant.
        cell_width: share of `price`.

    Returns:
        Shape (n,), counted from 0; -1 for a price on the wrong side of `price`.
    """
    away = np.where(is_long, 1.0 - prices / price, prices / price - 1.0)
    cells: IndexArray = np.where(away >= 0.0, np.floor(away / cell_width), -1.0).astype(np.int64)
    return cells


def mass_of_levels(
    price: float,
    cells: int,
    levels: FloatArray,
    usd: FloatArray,
    is_long: BoolArray,
    cell_width: float = CELL_WIDTH,
) -> FloatArray:
    """Adds single liquidation prices up to cells.

    Args:
        price: mark price at issue, quote currency.
        cells: cells of a side.
        levels: shape (n,): liquidation prices, quote currency.
        usd: shape (n,): notional at each, ≥ 0.
        is_long: shape (n,).
        cell_width: share of `price`.

    Returns:
        Shape (2, cells), USD. Levels beyond the cells or on the wrong side are left out.
    """
    which = cells_of(price, levels, is_long, cell_width)
    fits = (which >= 0) & (which < cells)
    row = np.where(is_long, LONG_ROW, SHORT_ROW)
    flat = np.bincount((row * cells + which)[fits], weights=usd[fits], minlength=2 * cells)
    return flat.astype(np.float64).reshape(2, cells)


def mass_of_buckets(
    price: float,
    cells: int,
    edges: FloatArray,
    long_usd: FloatArray,
    short_usd: FloatArray,
    cell_width: float = CELL_WIDTH,
) -> FloatArray:
    """Turns a heat map's price buckets into cells; inside a bucket USD are spread evenly.

    Args:
        price: mark price at issue, quote currency.
        cells: cells of a side.
        edges: shape (buckets + 1,), ascending, quote currency.
        long_usd: shape (buckets,), ≥ 0.
        short_usd: likewise.
        cell_width: share of `price`.

    Returns:
        Shape (2, cells), USD. What lies beyond the cells or on the wrong side is left out.
    """
    steps = np.arange(cells + 1) * cell_width
    rows: list[FloatArray] = []
    for usd, sign in ((long_usd, -1.0), (short_usd, 1.0)):
        cumulative = np.concatenate([[0.0], np.cumsum(usd)])
        at_edges = np.interp(price * (1.0 + sign * steps), edges, cumulative)
        rows.append(np.maximum(sign * np.diff(at_edges), 0.0))
    return np.stack(rows)


def coarser_mass(mass_usd: FloatArray, cells: int) -> FloatArray:
    """Adds neighbouring cells up to wider ones.

    Args:
        mass_usd: shape (2, n), cells outwards from the price.
        cells: how many make one, ≥ 1; those left over at the far end are left out.

    Returns:
        Shape (2, n // cells), USD.

    Raises:
        ValueError: there are not cells enough for one.
    """
    count = mass_usd.shape[1] // cells
    if count < 1:
        raise ValueError(f"{mass_usd.shape[1]} cells cannot be made of {cells} each")
    wider: FloatArray = mass_usd[:, : count * cells].reshape(2, count, cells).sum(axis=2)
    return wider
