"""One liquidation map on its way: from what was read to the answer; runs in a thread."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.distance_density import DistanceDensity
from headwater.analytics.leverage_ladder import LeverageLadder, SeedKernel
from headwater.analytics.price_buckets import PriceBuckets
from headwater.analytics.venue_ladder import ASSUMED_TIERS, ladder_of, offered, price_by
from headwater.core.errors import PlatformError, RequestError
from headwater.core.margin_tiers import MarginTiers
from headwater.services.map_columns import (
    BASELINE_VERSION,
    Forced,
    MadeColumns,
    VenueKernel,
    baseline,
    buckets_for,
    entries_range,
    grid_of,
    modelled,
    observed,
    prices_of,
)
from headwater.services.map_question import (
    UNREACHED,
    KnownPosition,
    LiquidationMap,
    MapLevel,
    MapModel,
    MapQuestion,
    VenueCoverage,
)
from headwater.services.model_bars import BarPlan, VenueBars

_CENT: Final = 0.005
_LEAST_SHARE: Final = 1e-9
_NO_POSITIONS: Final = "no positions are known one by one on this venue"
_NO_BARS: Final = "no candles and no mark prices are stored"
_TOO_FEW: Final = "too few liquidations are stored to learn from (100 of each side)"
BASELINES: Final = (MapModel.B0, MapModel.B1, MapModel.B2, MapModel.B3, MapModel.B4)
"""Models whose maps are shares of 1 a side."""
LADDERS: Final = (MapModel.ESTIMATED, MapModel.B4)
"""Models that use the venues' margin tiers."""


class MapMaking:
    """One map on its way; runs in a thread."""

    def __init__(
        self,
        question: MapQuestion,
        plan: BarPlan,
        read: Sequence[VenueBars],
        tiers: Sequence[MarginTiers | PlatformError | None],
        density: DistanceDensity | None,
        forced: Forced,
        known: Mapping[str, Sequence[KnownPosition]],
    ) -> None:
        self._question = question
        self._plan = plan
        self._read = read
        self._tiers = tiers
        self._density = density
        self._forced = forced
        self._known = known
        self._version = BASELINE_VERSION

    def make(self) -> LiquidationMap:
        """The map."""
        venues: list[VenueKernel] = []
        coverage: list[VenueCoverage] = []
        stored = [one for one in self._read if len(one.bars)]
        buckets = self._question.buckets or (buckets_for(stored) if stored else None)
        for read, tiers in zip(self._read, self._tiers, strict=True):
            kernel, told = self._kernel(read, tiers, buckets)
            coverage.append(told)
            if kernel is not None:
                venues.append(VenueKernel(read=read, kernel=kernel))
        made = self._columns(venues, buckets) if venues and buckets is not None else None
        return self._answer(made, coverage)

    def _kernel(
        self,
        read: VenueBars,
        tiers: MarginTiers | PlatformError | None,
        buckets: PriceBuckets | None,
    ) -> tuple[SeedKernel | None, VenueCoverage]:
        """What spreads the positions of a venue, None for a venue that is not in the map."""
        told = VenueCoverage(
            exchange=read.exchange,
            bars=read.priced_share,
            marks=read.marked_share,
            open_interest=read.interest_share,
        )
        model = self._question.model
        if not len(read.bars) or buckets is None:
            return None, msgspec.structs.replace(told, reason=_NO_BARS)
        if model is MapModel.EMPIRICAL:
            if self._density is None:
                return None, msgspec.structs.replace(told, reason=_TOO_FEW)
            return self._density, told
        if isinstance(tiers, PlatformError):
            words = str(tiers) if isinstance(tiers, RequestError) else f"{UNREACHED}: {tiers}"
            return None, msgspec.structs.replace(told, reason=words[:200])
        table = ASSUMED_TIERS if tiers is None else tiers.tiers
        wanted = offered(self._question.classes, table)
        if model is MapModel.OBSERVED:
            share = self._known_share(read)
            reason = "" if self._known[read.exchange] else _NO_POSITIONS
            told = msgspec.structs.replace(told, known_positions=share, reason=reason)
        elif model in LADDERS:
            source = "assumed: 0.5 % at every size" if tiers is None else tiers.source
            told = msgspec.structs.replace(told, tiers=source, leverages_left_out=wanted.left_out)
        if not wanted.classes:
            reason = f"the venue offers a leverage of at most {table[0].leverage_max:g}"
            return None, msgspec.structs.replace(told, reason=reason)
        is_fee_demanded = tiers is not None and tiers.is_fee_demanded
        price_of = price_by(table, is_fee_demanded=is_fee_demanded)
        return ladder_of(wanted.classes, price_of, buckets_for([read]), *entries_range(read)), told

    def _known_share(self, read: VenueBars) -> float:
        """Notional of known positions over open interest, at the end; 0 where that is unknown."""
        known_usd = sum(one.notional_usd for one in self._known[read.exchange])
        interest_usd = float(read.bars.open_interest[-1] * read.bars.price[-1])
        return known_usd / interest_usd if interest_usd > 0.0 else 0.0

    def _columns(self, venues: Sequence[VenueKernel], buckets: PriceBuckets) -> MadeColumns:
        plan, model = self._plan, self._question.model
        grid = grid_of(
            buckets, venues, plan.bars_count - plan.shown_from, is_band=model in BASELINES
        )
        if model in (MapModel.ESTIMATED, MapModel.EMPIRICAL):
            is_first = model is MapModel.ESTIMATED
            self._version = LeverageLadder.version if is_first else DistanceDensity.version
            return modelled(plan, venues, grid)
        if model is MapModel.OBSERVED:
            price = prices_of(plan, [one.read for one in venues])
            known = [position for one in self._known.values() for position in one]
            return observed(plan, price, grid, known)
        return baseline(model, plan, venues, grid, self._forced)

    def _answer(
        self, made: MadeColumns | None, coverage: Sequence[VenueCoverage]
    ) -> LiquidationMap:
        plan, model = self._plan, self._question.model
        length_ms = plan.interval.nominal_ms
        opened = np.arange(plan.start_ms, plan.end_ms, length_ms, dtype=np.int64)
        count = 0 if made is None else len(made.price)
        # Bars before the first known price are no columns: nothing was known then.
        first = int((~np.isnan(made.price)).argmax()) if made is not None and count else 0
        return LiquidationMap(
            question=self._question,
            version=self._version,
            step=plan.step,
            model_start_ms=plan.model_start_ms,
            grid=None if made is None else made.grid,
            opened_ms=opened[first:count],
            price=np.zeros(0) if made is None else made.price[first:],
            held=np.zeros((0, 2, 0)) if made is None else made.held[first:],
            created_usd=np.zeros(0) if made is None else made.created_usd[first:],
            consumed_usd=np.zeros(0) if made is None else made.consumed_usd[first:],
            is_share=model in BASELINES,
            coverage=tuple(coverage),
        )


class FilledLevels(msgspec.Struct, frozen=True, kw_only=True):
    """The L buckets of N columns that are not empty, by column and price.

    Attributes:
        begins: shape (N + 1,): where each column begins, and the end of the last.
        price: shape (L,): lower edge of the bucket, quote currency.
        long: shape (L,): USD to the cent, shares to 9 places.
        short: shape (L,): likewise.
    """

    begins: IndexArray
    price: FloatArray
    long: FloatArray
    short: FloatArray


def filled_of(made: LiquidationMap, columns: slice = slice(None)) -> FilledLevels:
    """The buckets of some columns that are not empty."""
    held = made.held[columns]
    places, least = (9, _LEAST_SHARE) if made.is_share else (2, _CENT)
    numbers, buckets = np.nonzero((held >= least).any(axis=1))
    edges = np.zeros(0) if made.grid is None else made.grid.edges
    return FilledLevels(
        begins=np.searchsorted(numbers, np.arange(len(held) + 1)),
        price=edges[buckets],
        long=held[numbers, 0, buckets].round(places),
        short=held[numbers, 1, buckets].round(places),
    )


def levels_of(made: LiquidationMap, number: int) -> list[MapLevel]:
    """The buckets of a column that are not empty, by price: USD to the cent, shares to 9 places."""
    filled = filled_of(made, slice(number, number + 1))
    rows = zip(filled.price.tolist(), filled.long.tolist(), filled.short.tolist(), strict=True)
    return [
        MapLevel(price=price, long_usd=long_usd, short_usd=short_usd)
        for price, long_usd, short_usd in rows
    ]
