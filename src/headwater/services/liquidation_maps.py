"""Liquidation maps that a model makes, from storage: estimated, empirical, observed, baselines.

Each venue has its own model with its own open interest, mark prices and margin tiers; the map of
several venues is the sum of theirs on one grid. What was really liquidated is another map
(`liquidation_history`) and never part of these.

Only closed bars are shown. Their columns are a function of what is stored, of the question and of
the UTC day in which it begins (`model_bars`): asked again later with more bars stored, a column is
the same to the last digit. It changes when its own inputs do, such as by a back-fill.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.distance_density import DistanceDensity
from headwater.analytics.entry_inference import WINDOW_MS, infer_ratios, pooled
from headwater.analytics.leverage_ladder import LeverageLadder, SeedKernel
from headwater.analytics.leverage_weights import leverage_classes
from headwater.analytics.liquidation_baselines import DISTANCE_WINDOW_MS
from headwater.analytics.price_buckets import PriceBuckets
from headwater.analytics.venue_ladder import ASSUMED_TIERS, ladder_of, offered, price_by
from headwater.core.clock import Clock
from headwater.core.errors import NotSupported, PlatformError, RequestError, StorageError
from headwater.core.intervals import Interval
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
    KnownPositions,
    LiquidationMap,
    MapLevel,
    MapModel,
    MapQuestion,
    NewestMap,
    TierSource,
    VenueCoverage,
)
from headwater.services.model_bars import BarPlan, ModelBars, VenueBars, plan_of
from headwater.storage import step_columns
from headwater.storage.store import Store

CLOSED_AFTER_MS: Final = 15_000
"""A bar is looked at so long after its end: by then its last minute and reading are stored."""
NEWEST_INTERVAL: Final = Interval.M15
"""Length of the bars behind `newest`."""
NEWEST_KEPT_MAX: Final = 256
"""Newest maps kept until their next bar; beyond it the one asked for longest ago goes."""
LEARNT_MS: Final = 30 * 86_400_000
"""How far before its first bar the empirical model looks for liquidations to learn from."""
EVENTS_MAX: Final = 100_000
"""Most liquidations that are looked at; of more, the newest."""
_CENT: Final = 0.005
_LEAST_SHARE: Final = 1e-9
_NO_POSITIONS: Final = "no positions are known one by one on this venue"
_NO_BARS: Final = "no candles and no mark prices are stored"
_TOO_FEW: Final = "too few liquidations are stored to learn from (100 of each side)"
_LADDERS: Final = (MapModel.ESTIMATED, MapModel.B4)
"""Models that use the venues' margin tiers."""
_NOTHING: Final = np.zeros((0, 5))


class LiquidationMaps:
    """Makes liquidation maps.

    Args:
        store: where candles, mark candles, open interest and liquidations lie.
        clock: tells which bars have ended.
        tiers: margin tiers of the venues.
        exchanges: ids of all venues.
        positions: positions known one by one, by venue id.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tiers: TierSource,
        exchanges: tuple[str, ...],
        positions: Mapping[str, KnownPositions] = MappingProxyType({}),
    ) -> None:
        self.exchanges: Final = exchanges
        self._store = store
        self._bars = ModelBars(store)
        self._clock = clock
        self._tiers = tiers
        self._positions = positions
        self._newest: OrderedDict[tuple[str, tuple[str, ...]], NewestMap] = OrderedDict()

    @property
    def closed_until_ms(self) -> int:
        """Bars that end until then can be looked at, ms since the epoch, UTC."""
        return self._clock.now_ms() - CLOSED_AFTER_MS

    async def make(self, question: MapQuestion) -> LiquidationMap:
        """The map of a span.

        Args:
            question: which.

        Raises:
            RequestError: the span, the length of a bar and the height of a bucket do not go
                together.
            StorageError: the database does not answer.
        """
        plan = plan_of(
            question.interval,
            question.start_ms,
            question.end_ms,
            self.closed_until_ms,
            warm_up_ms=DISTANCE_WINDOW_MS if question.model is MapModel.B1 else None,
        )
        await self._written()
        read = await self._bars.read(question.exchanges, question.symbol, plan)
        tiers = await asyncio.gather(*(self._tiers_of(one, question) for one in question.exchanges))
        known = {one: await self._known(one, question, plan) for one in question.exchanges}
        forced, density = Forced(rows=_NOTHING), None
        if question.model is MapModel.EMPIRICAL:
            density = await self._density(question, plan)
        elif question.model in (MapModel.B1, MapModel.B3):
            forced = await self._forced(question, plan.model_start_ms, plan.end_ms)
        making = _Making(question, plan, read, tiers, density, forced, known)
        return await asyncio.to_thread(making.make)

    async def newest(self, symbol: str, exchanges: tuple[str, ...] | None = None) -> NewestMap:
        """The estimated map at the end of the newest closed bar of `NEWEST_INTERVAL`.

        Args:
            symbol: canonical symbol.
            exchanges: venue ids; None for all.

        Raises:
            RequestError: nothing of the symbol is stored.
            StorageError: the database does not answer.
        """
        chosen = self.exchanges if exchanges is None else exchanges
        end_ms = NEWEST_INTERVAL.opens_at_ms(self.closed_until_ms)
        kept = self._newest.get((symbol, chosen))
        if kept is not None and kept.timestamp_ms == end_ms:
            self._newest.move_to_end((symbol, chosen))
            return kept
        question = MapQuestion(
            symbol=symbol,
            exchanges=chosen,
            model=MapModel.ESTIMATED,
            interval=NEWEST_INTERVAL,
            start_ms=end_ms - NEWEST_INTERVAL.nominal_ms,
            end_ms=end_ms,
            classes=leverage_classes(),
        )
        made = await self.make(question)
        if not len(made):
            raise RequestError("symbol", symbol, "one of which candles are stored")
        newest = NewestMap(
            symbol=symbol,
            timestamp_ms=end_ms,
            levels=tuple(levels_of(made, len(made) - 1)),
            current_price=float(made.price[-1]),
            positions_created_usd=float(made.created_usd[-1]),
            positions_consumed_usd=float(made.consumed_usd[-1]),
        )
        if not made.is_partial:
            self._newest[symbol, chosen] = newest
            while len(self._newest) > NEWEST_KEPT_MAX:
                self._newest.popitem(last=False)
        return newest

    async def _written(self) -> None:
        """Waits until what was heard is stored; while that fails, what is stored must do."""
        try:
            await self._store.flush()
        except StorageError:
            return

    async def _tiers_of(
        self, exchange: str, question: MapQuestion
    ) -> MarginTiers | PlatformError | None:
        """Tiers of a venue; None where it publishes none or the model uses none, else the error."""
        if question.model not in _LADDERS:
            return None
        try:
            return await self._tiers.margin_tiers(exchange, question.symbol)
        except NotSupported:
            return None
        except PlatformError as error:
            return error

    async def _known(
        self, exchange: str, question: MapQuestion, plan: BarPlan
    ) -> Sequence[KnownPosition]:
        source = self._positions.get(exchange)
        if source is None or question.model is not MapModel.OBSERVED:
            return ()
        return await source.at(exchange, question.symbol, plan.end_ms)

    async def _forced(self, question: MapQuestion, start_ms: int, end_ms: int) -> Forced:
        """Liquidations of a span, oldest first."""
        query = step_columns.liquidated(
            question.symbol, question.exchanges, start_ms, end_ms, EVENTS_MAX
        )
        return Forced(rows=(await self._store.columns(query))[::-1])

    async def _density(self, question: MapQuestion, plan: BarPlan) -> DistanceDensity | None:
        """What liquidations before the first bar teach; None for too few.

        Only what was known when the first bar opened: later ones would tell the map its future.
        """
        end_ms = plan.model_start_ms
        start_ms = max(0, end_ms - LEARNT_MS)
        forced = await self._forced(question, start_ms, end_ms)
        hour_ms = Interval.H1.nominal_ms
        volumes = await asyncio.gather(
            *(
                self._store.columns(
                    step_columns.traded_folded(
                        one, question.symbol, hour_ms, max(0, start_ms - WINDOW_MS), end_ms
                    )
                )
                for one in question.exchanges
            )
        )

        def learn() -> DistanceDensity | None:
            sides = []
            for is_long in (True, False):
                parts = []
                for place, volume in enumerate(volumes):
                    rows = forced.of(is_long=is_long, venue=place)
                    traded = volume[volume[:, 2] > 0.0] + np.array([hour_ms, 0.0, 0.0])
                    parts.append(
                        infer_ratios(rows[:, 0], rows[:, 3], rows[:, 4], traded, is_long=is_long)
                    )
                sides.append(pooled(parts))
            return DistanceDensity.of_ratios(sides[0], sides[1])

        return await asyncio.to_thread(learn)


class _Making:
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
        elif model in _LADDERS:
            source = "assumed: 0.5 % at every size" if tiers is None else tiers.source
            told = msgspec.structs.replace(told, tiers=source, leverages_left_out=wanted.left_out)
        if not wanted.classes:
            reason = f"the venue offers a leverage of at most {table[0].leverage_max:g}"
            return None, msgspec.structs.replace(told, reason=reason)
        is_fee_demanded = tiers is not None and tiers.is_fee_demanded
        price_of = price_by(table, is_fee_demanded=is_fee_demanded)
        return ladder_of(wanted.classes, price_of, buckets, *entries_range(read)), told

    def _known_share(self, read: VenueBars) -> float:
        """Notional of known positions over open interest, at the end; 0 where that is unknown."""
        known_usd = sum(one.notional_usd for one in self._known[read.exchange])
        interest_usd = float(read.bars.open_interest[-1] * read.bars.price[-1])
        return known_usd / interest_usd if interest_usd > 0.0 else 0.0

    def _columns(self, venues: Sequence[VenueKernel], buckets: PriceBuckets) -> MadeColumns:
        plan, model = self._plan, self._question.model
        grid = grid_of(buckets, venues, plan.bars_count - plan.shown_from)
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
            is_share=model not in (MapModel.ESTIMATED, MapModel.EMPIRICAL, MapModel.OBSERVED),
            coverage=tuple(coverage),
        )


def levels_of(made: LiquidationMap, number: int) -> list[MapLevel]:
    """The buckets of a column that hold half a cent, of a baseline anything, by price."""
    if made.grid is None:
        return []
    longs, shorts = made.held[number]
    least = _LEAST_SHARE if made.is_share else _CENT
    filled = np.flatnonzero((longs >= least) | (shorts >= least))
    return [
        MapLevel(price=price, long_usd=long_usd, short_usd=short_usd)
        for price, long_usd, short_usd in zip(
            made.grid.edges[filled].tolist(),
            longs[filled].tolist(),
            shorts[filled].tolist(),
            strict=True,
        )
    ]
