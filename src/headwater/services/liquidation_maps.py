"""Liquidation maps that a model makes, from storage: estimated, empirical, observed, baselines.

Each venue has its own model with its own open interest, mark prices and margin tiers; the map of
several venues is the sum of theirs on one grid. What was really liquidated is another map
(`liquidation_history`) and never part of these.

Only closed bars are shown. Their columns are a function of what is stored, of the question and of
the UTC day in which it begins (`model_bars`): asked again later with more bars stored, a column is
the same to the last digit. It changes when its own inputs do, such as by a back-fill.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.analytics.distance_density import DistanceDensity
from headwater.analytics.entry_inference import WINDOW_MS, infer_ratios, pooled
from headwater.analytics.leverage_weights import leverage_classes
from headwater.analytics.liquidation_baselines import DISTANCE_WINDOW_MS
from headwater.core.clock import Clock
from headwater.core.errors import NotSupported, PlatformError, RequestError, StorageError
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.services.map_columns import (
    Forced,
)
from headwater.services.map_making import LADDERS, MapMaking, levels_of
from headwater.services.map_question import (
    KnownPosition,
    KnownPositions,
    LiquidationMap,
    MapModel,
    MapQuestion,
    NewestMap,
    TierSource,
)
from headwater.services.model_bars import BarPlan, ModelBars, VenueBars, plan_of
from headwater.storage import step_columns
from headwater.storage.store import Store

CLOSED_AFTER_MS: Final = 15_000
"""A bar is looked at so long after its end: by then its last minute and reading are stored."""
NEWEST_INTERVAL: Final = Interval.M15
"""Length of the bars behind `newest`."""
MAKING_MAX: Final = 2
"""Maps that are made at a time; further questions wait. Each may take some hundred MB."""
NEWEST_KEPT_MAX: Final = 256
"""Newest maps kept until their next bar; beyond it the one asked for longest ago goes."""
PARTIAL_S: Final = 5.0
"""How long a newest map is given again in which a venue is missing that could not be asked."""
LEARNT_MS: Final = 30 * 86_400_000
"""How far before its first bar the empirical model looks for liquidations to learn from."""
EVENTS_MAX: Final = 100_000
"""Most liquidations that are looked at; of more, the newest."""
MINUTES_MAX: Final = 600_000
"""Most minutes of candles of one answer: more than a year."""
_NOTHING: Final = np.zeros((0, 6))


class _KeptMap(msgspec.Struct, frozen=True, kw_only=True):
    """A newest map that may be given again until a monotonic second."""

    map: NewestMap
    until: float

    def holds(self, end_ms: int, now: float) -> bool:
        """Whether it is that of the bar that ended then, and may be given now."""
        return self.map.timestamp_ms == end_ms and now < self.until


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
        self._places = asyncio.Semaphore(MAKING_MAX)
        self._newest: OrderedDict[tuple[str, tuple[str, ...]], _KeptMap] = OrderedDict()
        self._pending: dict[tuple[str, tuple[str, ...]], asyncio.Future[NewestMap]] = {}

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
        plan = _plan_of(question, self.closed_until_ms)
        async with self._places:
            await self.written()
            read = await self._bars.read(question.exchanges, question.symbol, plan)
            return await self._make(question, plan, read)

    async def make_each(
        self, question: MapQuestion, models: Sequence[MapModel]
    ) -> list[LiquidationMap]:
        """The maps of several models of one span; bars that they share are read once.

        They take one place among those that are made at a time: one is made after the other.

        Args:
            question: which span; its own model does not matter.
            models: how they are made.

        Raises:
            RequestError: as `make`.
            StorageError: the database does not answer.
        """
        closed_ms = self.closed_until_ms
        questions = [msgspec.structs.replace(question, model=model) for model in models]
        plans = [_plan_of(one, closed_ms) for one in questions]
        read: dict[BarPlan, list[VenueBars]] = {}
        made = []
        async with self._places:
            await self.written()
            for one, plan in zip(questions, plans, strict=True):
                if plan not in read:
                    read[plan] = await self._bars.read(one.exchanges, one.symbol, plan)
                made.append(await self._make(one, plan, read[plan]))
        return made

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
        key = (symbol, chosen)
        while True:
            kept = self._newest.get(key)
            if kept is not None and kept.holds(end_ms, self._clock.monotonic()):
                self._newest.move_to_end(key)
                return kept.map
            pending = self._pending.get(key)
            if pending is None:
                return await self._make_newest(key, end_ms)
            await asyncio.wait((pending,))
            if not pending.cancelled():  # else who made it went away, and somebody else has to
                return pending.result()

    async def _make_newest(self, key: tuple[str, tuple[str, ...]], end_ms: int) -> NewestMap:
        """Makes a newest map; who asks meanwhile waits for it, and gets its error, too."""
        pending: asyncio.Future[NewestMap] = asyncio.get_running_loop().create_future()
        self._pending[key] = pending
        try:
            newest, is_partial = await self._find_newest(*key, end_ms)
        except Exception as error:
            pending.set_exception(error)
            pending.exception()  # waiting for it is voluntary
            raise
        else:
            pending.set_result(newest)
        finally:
            del self._pending[key]
            if not pending.done():
                pending.cancel()
        until = self._clock.monotonic() + PARTIAL_S if is_partial else math.inf
        self._newest[key] = _KeptMap(map=newest, until=until)
        self._newest.move_to_end(key)
        while len(self._newest) > NEWEST_KEPT_MAX:
            self._newest.popitem(last=False)
        return newest

    async def _find_newest(
        self, symbol: str, chosen: tuple[str, ...], end_ms: int
    ) -> tuple[NewestMap, bool]:
        """The newest map, and whether a venue is missing in it that could not be asked."""
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
        return newest, made.is_partial

    async def minutes(
        self, exchanges: Sequence[str], symbol: str, start_ms: int, end_ms: int
    ) -> FloatArray:
        """Stored minutes of the first of some venues that has any in a span.

        Args:
            exchanges: venue ids.
            symbol: canonical symbol.
            start_ms: earliest opening.
            end_ms: openings are before this; cut to `MINUTES_MAX` after the start.

        Returns:
            Rows of (opening in ms, open, high, low, close, volume), oldest first.

        Raises:
            StorageError: the database does not answer.
        """
        end_ms = min(end_ms, start_ms + MINUTES_MAX * Interval.M1.nominal_ms)
        rows = np.zeros((0, 6))
        for one in exchanges:
            rows = await self._store.columns(step_columns.minutes(one, symbol, start_ms, end_ms))
            if len(rows):
                break
        return rows

    async def forced(
        self, exchanges: Sequence[str], symbol: str, start_ms: int, end_ms: int
    ) -> Forced:
        """Stored liquidations of a span, oldest first; of more than `EVENTS_MAX`, the newest.

        Args:
            exchanges: venue ids; a row's venue is a place in them.
            symbol: canonical symbol.
            start_ms: earliest time.
            end_ms: times are before this.

        Raises:
            StorageError: the database does not answer.
        """
        query = step_columns.liquidated(symbol, exchanges, start_ms, end_ms, EVENTS_MAX)
        return Forced(rows=(await self._store.columns(query))[::-1])

    async def written(self) -> None:
        """Waits until what was heard is stored; while that fails, what is stored must do."""
        try:
            await self._store.flush()
        except StorageError:
            return

    async def _make(
        self, question: MapQuestion, plan: BarPlan, read: Sequence[VenueBars]
    ) -> LiquidationMap:
        """Reads what else a map is made of, and makes it in a thread."""
        tiers = await asyncio.gather(*(self._tiers_of(one, question) for one in question.exchanges))
        known = {one: await self._known(one, question, plan) for one in question.exchanges}
        forced, density = Forced(rows=_NOTHING), None
        if question.model is MapModel.EMPIRICAL:
            density = await self._density(question, plan)
        elif question.model in (MapModel.B1, MapModel.B3):
            forced = await self.forced(
                question.exchanges, question.symbol, plan.model_start_ms, plan.end_ms
            )
        making = MapMaking(question, plan, read, tiers, density, forced, known)
        return await asyncio.to_thread(making.make)

    async def _tiers_of(
        self, exchange: str, question: MapQuestion
    ) -> MarginTiers | PlatformError | None:
        """Tiers of a venue; None where it publishes none or the model uses none, else the error."""
        if question.model not in LADDERS:
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

    async def _density(self, question: MapQuestion, plan: BarPlan) -> DistanceDensity | None:
        """What liquidations before the first bar teach; None for too few.

        Only what was known when the first bar opened: later ones would tell the map its future.
        """
        end_ms = plan.model_start_ms
        start_ms = max(0, end_ms - LEARNT_MS)
        forced = await self.forced(question.exchanges, question.symbol, start_ms, end_ms)
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


def _plan_of(question: MapQuestion, closed_until_ms: int) -> BarPlan:
    """Which bars a map is made of.

    Raises:
        RequestError: as `plan_of`.
    """
    return plan_of(
        question.interval,
        question.start_ms,
        question.end_ms,
        closed_until_ms,
        warm_up_ms=DISTANCE_WINDOW_MS if question.model is MapModel.B1 else None,
    )
