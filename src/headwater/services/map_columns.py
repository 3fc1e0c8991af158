"""How the columns of a liquidation map are computed once everything has been read.

Plain functions without waiting; `liquidation_maps` reads, calls them in a thread and answers.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.analytics.leverage_ladder import SeedKernel
from headwater.analytics.liquidation_baselines import (
    DISTANCE_WINDOW_MS,
    RECENT_HALF_LIFE_MS,
    RECENT_WINDOW_MS,
    VOLUME_WINDOW_MS,
    by_ladder,
    of_amounts,
    of_distances,
    uniform,
)
from headwater.analytics.liquidation_models import LiquidationModels
from headwater.analytics.price_buckets import (
    BUCKETS_MAX,
    PriceBuckets,
    PriceGrid,
    grid_between,
    nice_width,
)
from headwater.analytics.price_map import PriceMap
from headwater.core.enums import PositionSide
from headwater.core.errors import RequestError
from headwater.services.map_question import KnownPosition, MapModel
from headwater.services.model_bars import BarPlan, VenueBars

WIDTH_SHARE: Final = 400
"""A price bucket is at least one part in so many of the price, unless its height is given."""
CELLS_MAX: Final = 8_000_000
"""Most cells of an answer, both sides; finer buckets or longer spans are refused."""
BAND: Final = 0.25
"""A baseline speaks of so much of the price to both sides: as far as leverages above 4 reach."""
BASELINE_VERSION: Final = 1
"""Of B0 to B4; rises when the same inputs give another map."""
_SMALLEST_TICK: Final = Decimal("1e-8")


class MadeColumns(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of the bars of a plan, N of them, over a grid of B buckets.

    Attributes:
        grid: price axis.
        price: shape (N,): mark price at the end of each bar; NaN where none is known.
        held: shape (N, 2, B): longs first; USD, or shares of 1 a side.
        created_usd: shape (N,).
        consumed_usd: shape (N,).
    """

    grid: PriceGrid
    price: FloatArray
    held: FloatArray
    created_usd: FloatArray
    consumed_usd: FloatArray


class VenueKernel(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's bars with what spreads its positions.

    Attributes:
        read: the bars; at least one.
        kernel: of E1 or E2.
    """

    read: VenueBars
    kernel: SeedKernel


class Forced(msgspec.Struct, frozen=True, kw_only=True):
    """Liquidations as numbers, oldest first.

    Attributes:
        rows: shape (E, 6): time (ms), place of the venue, 1 for a long, price, USD, 1 for one that
            came by a throttled feed.
    """

    rows: FloatArray

    def of(self, *, is_long: bool, venue: int | None = None) -> FloatArray:
        """The rows of one side, and of one venue."""
        chosen = self.rows[:, 2] == (1.0 if is_long else 0.0)
        if venue is not None:
            chosen &= self.rows[:, 1] == venue
        found: FloatArray = self.rows[chosen]
        return found


def buckets_for(venues: Sequence[VenueBars]) -> PriceBuckets:
    """Buckets of a four-hundredth of the first known price, or the next nice height above."""
    first = float(venues[0].bars.price[0])
    return PriceBuckets.of_width(nice_width(_SMALLEST_TICK, first / WIDTH_SHARE))


def entries_range(read: VenueBars) -> tuple[float, float]:
    """Lowest and highest price at which positions were opened or the market stood."""
    prices = [read.bars.price, read.bars.entry_price.ravel()]
    known = np.concatenate([one[~np.isnan(one)] for one in prices])
    return float(known.min()), float(known.max())


def grid_of(
    buckets: PriceBuckets, venues: Sequence[VenueKernel], columns: int, *, is_band: bool = False
) -> PriceGrid:
    """A grid that holds every price at which a position could be liquidated.

    Args:
        buckets: of the price.
        venues: at least one.
        columns: that are shown.
        is_band: whether it must hold the `band_of` every price, too.

    Raises:
        RequestError: more buckets or cells than an answer may have.
    """
    lows, highs = [], []
    for one in venues:
        low, high = entries_range(one.read)
        ends = np.array([low, high])
        below = one.kernel.targets(PositionSide.LONG, ends)
        above = one.kernel.targets(PositionSide.SHORT, ends)
        lows.append(np.nanmin(np.append(below, low)))
        highs.append(np.nanmax(np.append(above, high)))
        if is_band:
            lows.append(low * (1.0 - BAND))
            highs.append(high * (1.0 + BAND))
    width = buckets.width
    # Rounding may move a price into the next bucket: one more on both sides.
    low, high = max(0.0, min(lows) - width), max(highs) + width
    most = min(BUCKETS_MAX, CELLS_MAX // max(1, 2 * columns)) - 2
    if (high - low) / width > most:
        allowed = f"at least {(high - low) / most:.8g} for this span, or fewer bars"
        raise RequestError("price_bin_size", width, allowed)
    try:
        decimal = Decimal(buckets.units).scaleb(-buckets.places)
        return grid_between(decimal, low, high)
    except ValueError as error:
        allowed = "a height at which the edges of the buckets are exact"
        raise RequestError("price_bin_size", width, allowed) from error


def band_of(buckets: PriceBuckets, price: float) -> PriceGrid:
    """The buckets of which a baseline speaks at a price: `BAND` of it to both sides.

    A share is a part of all that is spoken of, so that must not depend on where the price went
    later.
    """
    low, high = price * (1.0 - BAND), price * (1.0 + BAND)
    return grid_between(Decimal(buckets.units).scaleb(-buckets.places), low, high)


def modelled(plan: BarPlan, venues: Sequence[VenueKernel], grid: PriceGrid) -> MadeColumns:
    """The sum of the venues' models over one grid.

    Args:
        plan: which bars.
        venues: at least one; their order decides whose price is shown.
        grid: see `grid_of`.
    """
    count = plan.bars_count - plan.shown_from
    models = LiquidationModels(grid, [one.kernel for one in venues])
    run = models.run([one.read.bars for one in venues], shown=count)
    created, consumed = run.flows[:, 4].sum(axis=(1, 2)), run.flows[:, 2].sum(axis=(1, 2))
    return MadeColumns(
        grid=grid,
        price=prices_of(plan, [one.read for one in venues]),
        held=run.held,
        created_usd=created,
        consumed_usd=consumed,
    )


def prices_of(plan: BarPlan, venues: Sequence[VenueBars]) -> FloatArray:
    """Price at the end of each shown bar: the first venue's that has one, NaN for none."""
    price = np.full(plan.bars_count - plan.shown_from, np.nan)
    for one in venues:
        own = one.bars.price[one.shown_from :]
        begin = len(price) - len(own)
        price[begin:] = np.where(np.isnan(price[begin:]), own, price[begin:])
    return price


def observed(
    plan: BarPlan, price: FloatArray, grid: PriceGrid, known: Sequence[KnownPosition]
) -> MadeColumns:
    """The newest bar of what is known of single positions; earlier bars are empty.

    Args:
        plan: which bars.
        price: of each shown bar.
        grid: price axis; a position outside is left out.
        known: open positions; one that no price liquidates has no place.
    """
    count = plan.bars_count - plan.shown_from
    held = np.zeros((count, 2, grid.count))
    for one in known:
        if one.liquidation_price is None:
            continue
        bucket = int(grid.positions(np.array([one.liquidation_price]))[0])
        if bucket >= 0 and count:
            held[-1, 0 if one.side is PositionSide.LONG else 1, bucket] += one.liquidation_usd
    return MadeColumns(
        grid=grid,
        price=price,
        held=held,
        created_usd=np.zeros(count),
        consumed_usd=np.zeros(count),
    )


def baseline(
    model: MapModel, plan: BarPlan, venues: Sequence[VenueKernel], grid: PriceGrid, forced: Forced
) -> MadeColumns:
    """A baseline at the end of each bar, of what was known then.

    Args:
        model: B0 to B4.
        plan: which bars.
        venues: at least one; B4 draws the ladder of the first.
        grid: price axis.
        forced: liquidations, for B1 and B3.
    """
    price = prices_of(plan, [one.read for one in venues])
    held = np.zeros((len(price), 2, grid.count))
    lookup = _Lookup(model, venues, forced)
    for number, at_price in enumerate(price.tolist()):
        if math.isnan(at_price):
            continue
        issued_ms = plan.start_ms + (number + 1) * plan.interval.nominal_ms
        band = band_of(grid.buckets, at_price)
        made = lookup.map_of(band, at_price, issued_ms)
        begin = band.first_index - grid.first_index
        held[number, :, begin : begin + band.count] = made.long, made.short
    nothing = np.zeros(len(price))
    return MadeColumns(grid=grid, price=price, held=held, created_usd=nothing, consumed_usd=nothing)


class _Lookup:
    """What a baseline looks back on, sorted by time."""

    def __init__(self, model: MapModel, venues: Sequence[VenueKernel], forced: Forced) -> None:
        self._model = model
        self._kernel = venues[0].kernel
        self._sides = [forced.of(is_long=True), forced.of(is_long=False)]
        if model is MapModel.B1:
            self._sides = [_distances(rows, venues[0].read) for rows in self._sides]
        if model is MapModel.B2:
            rows = np.concatenate([volume_rows(one.read) for one in venues])
            self._volume = rows[np.argsort(rows[:, 0], kind="stable")]

    def map_of(self, grid: PriceGrid, price: float, issued_ms: int) -> PriceMap:
        """The forecast of one moment."""
        if self._model is MapModel.B0:
            return uniform(grid, price)
        if self._model is MapModel.B1:
            near = [_within(one, issued_ms, DISTANCE_WINDOW_MS)[:, 1:] for one in self._sides]
            return of_distances(grid, price, near)
        if self._model is MapModel.B2:
            traded = _within(self._volume, issued_ms, VOLUME_WINDOW_MS)[:, 1:]
            return of_amounts(grid, price, [traded, traded])
        if self._model is MapModel.B3:
            faded = []
            for one in self._sides:
                rows = _within(one, issued_ms, RECENT_WINDOW_MS)
                age_ms = issued_ms - rows[:, 0]
                usd = rows[:, 4] * np.exp2(-age_ms / RECENT_HALF_LIFE_MS)
                faded.append(np.column_stack([rows[:, 3], usd]))
            return of_amounts(grid, price, faded)
        return by_ladder(grid, price, self._kernel)


def volume_rows(read: VenueBars) -> FloatArray:
    """What was traded in each step: rows of (end in ms, price, base units), oldest first."""
    bars = read.bars
    count, steps = bars.entry_price.shape
    step_ms = (bars.ends_ms - bars.opened_ms)[:, None] // max(1, steps)
    ends = bars.opened_ms[:, None] + step_ms * np.arange(1, steps + 1)[None, :]
    traded = bars.entry_volume.ravel() > 0.0
    table = np.column_stack([ends.ravel(), bars.entry_price.ravel(), bars.entry_volume.ravel()])
    rows: FloatArray = table[traded]
    assert count == len(bars)
    return rows


def _distances(rows: FloatArray, read: VenueBars) -> FloatArray:
    """Rows of (time, distance, USD): from the price at the end of the last bar before each."""
    bars = read.bars
    before = np.searchsorted(bars.ends_ms, rows[:, 0], side="right") - 1
    known = before >= 0
    reference = bars.price[before[known]]
    distance = np.abs(rows[known, 3] / reference - 1.0)
    return np.column_stack([rows[known, 0], distance, rows[known, 4]])


def _within(rows: FloatArray, until_ms: int, window_ms: int) -> FloatArray:
    """Rows whose first column lies in the window before a moment; sorted by it."""
    times = rows[:, 0]
    first = np.searchsorted(times, until_ms - window_ms, side="left")
    found: FloatArray = rows[first : np.searchsorted(times, until_ms, side="left")]
    return found
