"""Maps that know almost nothing: what an estimated map must beat.

Each is a forecast of where liquidations fall, as shares of 1 on each side, made of what was known
at the time it is issued. Longs are liquidated below the price and shorts above it, so a side has
nothing beyond the bucket that holds the price. A side of which nothing is known is all zero: never
something invented. The score restricts a map to what the price reached and normalises it again.

`uniform` (B0) knows the price; `by_distance` (B1) how far from it liquidations were; `by_volume`
(B2) where was traded; `by_recent` (B3) where liquidations were lately; `by_ladder` (B4) the
leverages on offer, as if everybody had entered at the current price.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.analytics.leverage_ladder import SeedKernel
from headwater.analytics.price_buckets import PriceGrid
from headwater.analytics.price_map import SIDES, PriceMap, shares_of
from headwater.core.enums import PositionSide
from headwater.core.records import Liquidation

_DAY_MS: Final = 86_400_000
DISTANCE_WINDOW_MS: Final = 30 * _DAY_MS
"""How far B1 looks back."""
VOLUME_WINDOW_MS: Final = 7 * _DAY_MS
"""How far B2 looks back."""
RECENT_WINDOW_MS: Final = 7 * _DAY_MS
"""How far B3 looks back."""
RECENT_HALF_LIFE_MS: Final = 2.0 * _DAY_MS
"""Age at which a liquidation counts half in B3; that of the classes near the price in E1."""

_DISTANCE_MIN: Final = 1e-9


class TradedVolume(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Volume at a price.

    Attributes:
        timestamp_ms: ms since the epoch, UTC; of a candle, its opening.
        price: quote currency.
        volume: base units, ≥ 0.
    """

    timestamp_ms: int
    price: float
    volume: float


def uniform(grid: PriceGrid, price: float) -> PriceMap:
    """B0: every bucket alike.

    Args:
        grid: price axis.
        price: mark price when the forecast is issued, quote currency.
    """
    return _forecast(grid, price, [np.ones(grid.count) for _ in SIDES])


def by_distance(
    grid: PriceGrid,
    price: float,
    events: Iterable[Liquidation],
    price_at: Callable[[int], float | None],
    issued_at_ms: int,
) -> PriceMap:
    """B1: realised USD by |p / P − 1|, of the same side, over the 30 days before.

    Args:
        grid: price axis.
        price: mark price when the forecast is issued, quote currency.
        events: liquidations; those outside the window, at the time of issue or later are ignored.
        price_at: the mark price that a forecast of a liquidation at that time (ms) would have
            been issued at, some horizon before; None when it is not known, and the event ignored.
        issued_at_ms: time of the forecast.

    Returns:
        Shares. Distances of equal USD are one after another on a straight line of cumulative USD,
        so that a bucket has its part whatever its width.
    """
    distances: dict[PositionSide, list[tuple[float, float]]] = {side: [] for side in SIDES}
    for event in events:
        if not issued_at_ms - DISTANCE_WINDOW_MS <= event.timestamp_ms < issued_at_ms:
            continue
        reference = price_at(event.timestamp_ms)
        if reference is not None:
            distances[event.position_side].append((abs(event.price / reference - 1), event.value))
    return of_distances(grid, price, [_table(distances[side]) for side in SIDES])


def of_distances(grid: PriceGrid, price: float, found: Sequence[FloatArray]) -> PriceMap:
    """B1 of liquidations whose distances are known.

    Args:
        grid: price axis.
        price: mark price when the forecast is issued, quote currency.
        found: of longs and of shorts: rows of (distance |p / P − 1|, USD), shape (E, 2).
    """
    lower, upper = grid.edges[:-1] / price - 1.0, grid.edges[1:] / price - 1.0
    longs = _share_between(found[0], -upper, -lower)
    shorts = _share_between(found[1], lower, upper)
    return _forecast(grid, price, [longs, shorts])


def of_amounts(grid: PriceGrid, price: float, found: Sequence[FloatArray]) -> PriceMap:
    """A forecast of amounts at prices, as B2 to B4 are.

    Args:
        grid: price axis; what is outside is left out.
        price: mark price when the forecast is issued, quote currency.
        found: of longs and of shorts: rows of (price, amount), shape (E, 2).
    """
    return _forecast(grid, price, [_profile(grid, rows) for rows in found])


def by_volume(
    grid: PriceGrid, price: float, volumes: Iterable[TradedVolume], issued_at_ms: int
) -> PriceMap:
    """B2: volume at price over the 7 days before, the same for both sides.

    Args:
        grid: price axis.
        price: mark price when the forecast is issued, quote currency.
        volumes: what was traded; outside the window, at the time of issue or later is ignored.
        issued_at_ms: time of the forecast.
    """
    found = [
        (one.price, one.volume)
        for one in volumes
        if issued_at_ms - VOLUME_WINDOW_MS <= one.timestamp_ms < issued_at_ms
    ]
    return of_amounts(grid, price, [_table(found)] * len(SIDES))


def by_recent(
    grid: PriceGrid,
    price: float,
    events: Iterable[Liquidation],
    issued_at_ms: int,
    half_life_ms: float = RECENT_HALF_LIFE_MS,
) -> PriceMap:
    """B3: the realised map of the 7 days before, older events counting less.

    Args:
        grid: price axis.
        price: mark price when the forecast is issued, quote currency.
        events: liquidations; those outside the window, at the time of issue or later are ignored.
        issued_at_ms: time of the forecast.
        half_life_ms: age at which an event counts half, > 0.

    Raises:
        ValueError: a half-life that is not positive.
    """
    if not half_life_ms > 0.0:
        raise ValueError(f"half_life_ms={half_life_ms}: must be > 0")
    found: dict[PositionSide, list[tuple[float, float]]] = {side: [] for side in SIDES}
    for event in events:
        age_ms = issued_at_ms - event.timestamp_ms
        if 0 < age_ms <= RECENT_WINDOW_MS:
            faded_usd = event.value * math.exp2(-age_ms / half_life_ms)
            found[event.position_side].append((event.price, faded_usd))
    return of_amounts(grid, price, [_table(found[side]) for side in SIDES])


def by_ladder(grid: PriceGrid, price: float, kernel: SeedKernel) -> PriceMap:
    """B4: everybody entered at the current price, with the leverages of the kernel.

    Args:
        grid: price axis.
        price: mark price when the forecast is issued, quote currency.
        kernel: of the model that is scored; targets outside the grid are left out.
    """
    rungs = [
        np.column_stack([kernel.targets(side, np.array([price]))[:, 0], kernel.weights])
        for side in SIDES
    ]
    return of_amounts(grid, price, rungs)


def _forecast(grid: PriceGrid, price: float, amounts: Sequence[FloatArray]) -> PriceMap:
    """Shares of each side, on its own side of the price; the bucket that holds it is in both."""
    edges = grid.edges
    longs = shares_of(np.where(edges[:-1] < price, amounts[0], 0.0))
    shorts = shares_of(np.where(edges[1:] > price, amounts[1], 0.0))
    return PriceMap.of(grid, longs, shorts)


def _table(pairs: Sequence[tuple[float, float]]) -> FloatArray:
    """Pairs as an array, shape (E, 2)."""
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def _profile(grid: PriceGrid, table: FloatArray) -> FloatArray:
    """Sum of the amounts of rows (price, amount) in each bucket; what is outside is left out."""
    buckets = grid.positions(table[:, 0])
    inside = buckets >= 0
    profile: FloatArray = np.bincount(
        buckets[inside], weights=table[inside, 1], minlength=grid.count
    ).astype(np.float64)
    return profile


def _share_between(table: FloatArray, nearest: FloatArray, farthest: FloatArray) -> FloatArray:
    """Share of the USD of (distance, USD) between two distances, for each bucket.

    Below a distance of zero there is nothing; from one distance of the sample to the next, USD are
    spread evenly.
    """
    if not len(table):
        return np.zeros(len(nearest))
    # Interpolation wants rising distances: equal ones are added up, one of zero is next to it.
    steps, which = np.unique(np.maximum(table[:, 0], _DISTANCE_MIN), return_inverse=True)
    distances = np.concatenate([[0.0], steps])
    cumulative = np.concatenate([[0.0], np.cumsum(np.bincount(which, weights=table[:, 1]))])
    share: FloatArray = np.interp(farthest, distances, cumulative) - np.interp(
        nearest, distances, cumulative
    )
    return share
