"""The bars that the estimated map is made of, from storage.

Stored are minutes of candles, minutes of the mark price, and readings of open interest. They become
`BarColumns` of one venue: arrays, no record per row. A bar's path has steps of a minute up to bars
of an hour, of 15 minutes up to 8 hours, of an hour above (`step_of`); longer steps are read as
stored, and folded of minutes where they are not.

The model must have seen what was opened before the first column that is shown, so bars begin
earlier: `warm_up_ms` before the UTC day (for bars above an hour: the span of 8 days) of the first
shown column. Within that day every question starts from the same bar, so its columns are the same.

What is not known stays unknown: a step without marks consumes nothing, a bar without a reading of
open interest opens and closes nothing, a bar without any price has the one before it. Bars before
the first known price are left out.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray
from headwater.analytics.bar_columns import BarColumns
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.storage import step_columns
from headwater.storage.store import Store

_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000

INTERVALS: Final = tuple(
    one for one in Interval if one.nominal_ms <= _DAY_MS and _DAY_MS % one.nominal_ms == 0
)
"""Lengths of a bar that the models take: those of which a day is a whole number."""

WARM_UP_BARS_MAX: Final = 1_500
"""Most bars before the first one that is shown."""
WARM_UP_FINE_MS: Final = 7 * _DAY_MS
"""Longest past before the first shown day, for bars of up to an hour."""
WARM_UP_LONG_MS: Final = 56 * _DAY_MS
"""The same for longer bars."""
STEPS_MAX: Final = 400_000
"""Most steps of one venue's path; a span that needs more is refused."""


_ROWS_NONE: Final = np.zeros((0, 4))


class BarPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Which bars an answer is made of; made by `plan_of`.

    Attributes:
        interval: length of a bar.
        step: length of a step of its path.
        model_start_ms: opening of the first bar that the model sees.
        start_ms: opening of the first bar that is shown.
        end_ms: end of the last bar, which has ended; `start_ms` for none.
    """

    interval: Interval
    step: Interval
    model_start_ms: int
    start_ms: int
    end_ms: int

    @property
    def bars_count(self) -> int:
        """Bars that the model sees."""
        return max(0, self.end_ms - self.model_start_ms) // self.interval.nominal_ms

    @property
    def shown_from(self) -> int:
        """Bars at the beginning that are not shown."""
        return (self.start_ms - self.model_start_ms) // self.interval.nominal_ms

    @property
    def steps_per_bar(self) -> int:
        """Steps of a bar's path."""
        return self.interval.nominal_ms // self.step.nominal_ms


class VenueBars(msgspec.Struct, frozen=True, kw_only=True):
    """The bars of one venue.

    Attributes:
        exchange: venue id.
        bars: oldest first, without a hole, up to the plan's end; none when no price is stored.
        shown_from: number of `bars` at the beginning that are not shown.
        priced_share: share of the shown bars with a price of their own, 0 … 1.
        marked_share: share of the shown steps with a mark price.
        interest_share: share of the shown bars with a reading of open interest.
    """

    exchange: str
    bars: BarColumns
    shown_from: int
    priced_share: float
    marked_share: float
    interest_share: float


def step_of(interval: Interval) -> Interval:
    """Length of a step of the path of a bar."""
    if interval.nominal_ms <= Interval.H1.nominal_ms:
        return Interval.M1
    return Interval.M15 if interval.nominal_ms <= Interval.H8.nominal_ms else Interval.H1


def plan_of(
    interval: Interval,
    start_ms: int,
    end_ms: int,
    closed_until_ms: int,
    *,
    warm_up_ms: int | None = None,
) -> BarPlan:
    """Which bars a span means.

    Args:
        interval: length of a bar, one of `INTERVALS`.
        start_ms: in the first bar that is shown.
        end_ms: bars open before this.
        closed_until_ms: bars that end later are not looked at.
        warm_up_ms: how far back to read; None for what a model of its own life needs.

    Raises:
        RequestError: another length, or more than `STEPS_MAX` steps.
    """
    if interval not in INTERVALS:
        allowed = f"for a model one of {', '.join(one.value for one in INTERVALS)}"
        raise RequestError("interval", interval.value, allowed)
    length_ms = interval.nominal_ms
    first_ms = interval.opens_at_ms(start_ms)
    end_ms = min(-(-end_ms // length_ms) * length_ms, interval.opens_at_ms(closed_until_ms))
    if length_ms <= Interval.H1.nominal_ms:
        anchor_ms, longest_ms = _DAY_MS, WARM_UP_FINE_MS
    else:
        anchor_ms, longest_ms = 8 * _DAY_MS, WARM_UP_LONG_MS
    if warm_up_ms is None:
        warm_up_ms = min(longest_ms, WARM_UP_BARS_MAX * length_ms)
    model_start_ms = max(0, interval.opens_at_ms(first_ms - first_ms % anchor_ms - warm_up_ms))
    step = step_of(interval)
    if (end_ms - model_start_ms) // step.nominal_ms > STEPS_MAX:
        most_days = STEPS_MAX * step.nominal_ms // _DAY_MS
        raise RequestError(
            "interval", interval.value, f"a span of at most {most_days} days, or a longer one"
        )
    return BarPlan(
        interval=interval,
        step=step,
        model_start_ms=model_start_ms,
        start_ms=first_ms,
        end_ms=max(first_ms, end_ms),
    )


class ModelBars:
    """Reads bars from storage.

    Args:
        store: where candles, mark candles and open interest lie.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, exchanges: Sequence[str], symbol: str, plan: BarPlan) -> list[VenueBars]:
        """The bars of some venues, in their order.

        Args:
            exchanges: venue ids.
            symbol: canonical symbol.
            plan: which bars.

        Raises:
            StorageError: the database does not answer.
        """
        if plan.end_ms <= plan.start_ms:
            none = msgspec.structs.replace(plan, start_ms=0, end_ms=0, model_start_ms=0)
            return [_bars_of(one, none, _ROWS_NONE, _ROWS_NONE, _ROWS_NONE) for one in exchanges]
        span, length_ms = (plan.model_start_ms, plan.end_ms), plan.interval.nominal_ms
        queries = [
            query
            for one in exchanges
            for query in (
                step_columns.traded_steps(one, symbol, plan.step, *span),
                step_columns.marked_steps(one, symbol, plan.step, *span),
                step_columns.interest_at_ends(one, symbol, length_ms, *span),
            )
        ]
        found = await self._store.columns_of(queries)
        tables = [_Stored(*found[at : at + 3]) for at in range(0, len(found), 3)]
        if plan.step is not Interval.M1:
            pairs = zip(exchanges, tables, strict=True)
            tables = list(
                await asyncio.gather(*(self._filled(one, symbol, plan, it) for one, it in pairs))
            )

        def placed() -> list[VenueBars]:
            return [
                _bars_of(one, plan, it.traded, it.marked, it.interest)
                for one, it in zip(exchanges, tables, strict=True)
            ]

        return await asyncio.to_thread(placed)

    async def _filled(
        self, exchange: str, symbol: str, plan: BarPlan, stored: "_Stored"
    ) -> "_Stored":
        """The same with steps that are not stored made of minutes."""
        traded, marked = await asyncio.gather(
            self._steps("candles", exchange, symbol, plan, stored.traded),
            self._steps("mark_candles", exchange, symbol, plan, stored.marked),
        )
        return msgspec.structs.replace(stored, traded=traded, marked=marked)

    async def _steps(
        self, table: str, exchange: str, symbol: str, plan: BarPlan, stored: FloatArray
    ) -> FloatArray:
        """Rows of (opening, two numbers, close) of the steps that are known, oldest first."""
        span = _missing(stored, plan)
        if span is None:
            return stored
        is_traded = table == "candles"
        fold = step_columns.traded_folded if is_traded else step_columns.marked_folded
        # Databases group on their own, without the interpreter: here two readers are faster.
        folded, closes = await asyncio.gather(
            self._store.columns(fold(exchange, symbol, plan.step.nominal_ms, *span)),
            self._store.columns(
                step_columns.closes_at_ends(
                    table, exchange, symbol, plan.interval.nominal_ms, *span
                )
            ),
        )
        return _completed(stored, folded, closes, span[0], plan)


class _Stored(msgspec.Struct, frozen=True):
    """What is stored of one venue: rows as `step_columns` gives them."""

    traded: FloatArray
    marked: FloatArray
    interest: FloatArray


def _missing(stored: FloatArray, plan: BarPlan) -> tuple[int, int] | None:
    """The bars from the first step that is not stored to the last such; None where all are."""
    is_there = np.zeros(plan.bars_count * plan.steps_per_bar, np.bool_)
    is_there[((stored[:, 0] - plan.model_start_ms) // plan.step.nominal_ms).astype(np.int64)] = True
    missing = np.flatnonzero(~is_there) // plan.steps_per_bar
    if not len(missing):
        return None
    first, after = int(missing[0]), int(missing[-1]) + 1
    length_ms = plan.interval.nominal_ms
    return plan.model_start_ms + first * length_ms, plan.model_start_ms + after * length_ms


def _completed(
    stored: FloatArray, folded: FloatArray, closes: FloatArray, start_ms: int, plan: BarPlan
) -> FloatArray:
    """Stored steps, and those folded from `start_ms` on where none is stored.

    A folded step's close is that of its bar where it is the last of the bar, else unknown: closes
    matter at the ends of bars only.
    """
    length_ms = plan.interval.nominal_ms
    missing = folded[~np.isin(folded[:, 0], stored[:, 0])]
    close = np.full(len(missing), np.nan)
    bars = ((missing[:, 0] - start_ms) // length_ms).astype(np.int64)
    is_last = np.append(bars[1:] != bars[:-1], True)[: len(bars)]
    close[is_last] = closes[bars[is_last], 1]
    rows = np.concatenate([stored, np.column_stack([missing, close])])
    ordered: FloatArray = rows[np.argsort(rows[:, 0], kind="stable")]
    return ordered


def _bars_of(
    exchange: str, plan: BarPlan, traded: FloatArray, marked: FloatArray, interest: FloatArray
) -> VenueBars:
    """Puts what was read into its bars and steps."""
    count, steps = plan.bars_count, plan.steps_per_bar
    typical, volume, trade_close = _placed(traded, plan)
    low, high, mark_close = _placed(marked, plan)
    volume = np.nan_to_num(volume)
    volume[np.isnan(typical)] = 0.0
    shape = (count, steps)
    price = _last(mark_close.reshape(shape))
    missing = np.isnan(price)
    price[missing] = _last(trade_close.reshape(shape))[missing]
    priced = ~np.isnan(price)
    first = int(np.argmax(priced)) if priced.any() else count
    price = _carried(price)
    readings = np.full(count, np.nan)
    readings[: len(interest)] = interest[:, 1]
    shown = max(plan.shown_from, 0)
    opened = plan.model_start_ms + np.arange(count, dtype=np.int64) * plan.interval.nominal_ms
    bars = BarColumns(
        opened_ms=opened[first:],
        ends_ms=opened[first:] + plan.interval.nominal_ms,
        price=price[first:],
        open_interest=readings[first:],
        mark_low=low.reshape(shape)[first:],
        mark_high=high.reshape(shape)[first:],
        entry_price=typical.reshape(shape)[first:],
        entry_volume=volume.reshape(shape)[first:],
    )
    return VenueBars(
        exchange=exchange,
        bars=bars.checked(),
        shown_from=max(0, shown - first),
        priced_share=_share(priced[shown:]),
        marked_share=_share(~np.isnan(low[shown * steps :])),
        interest_share=_share(~np.isnan(readings[shown:])),
    )


def _placed(rows: FloatArray, plan: BarPlan) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Three columns of rows (opening, a, b, c) by step of the plan; NaN where there is no row."""
    table = np.full((plan.bars_count * plan.steps_per_bar, 3), np.nan)
    if len(rows):
        steps = (rows[:, 0] - plan.model_start_ms) // plan.step.nominal_ms
        table[steps.astype(np.int64)] = rows[:, 1:4]
    return table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy()


def _last(values: FloatArray) -> FloatArray:
    """The last known of each row of shape (N, S); NaN for none."""
    known = ~np.isnan(values)
    steps = values.shape[1]
    place = steps - 1 - np.argmax(known[:, ::-1], axis=1)
    last: FloatArray = values[np.arange(len(values)), place]
    return last


def _carried(values: FloatArray) -> FloatArray:
    """The same with unknown ones replaced by the one before."""
    known = np.where(np.isnan(values), 0, np.arange(len(values)))
    carried: FloatArray = values[np.maximum.accumulate(known)] if len(values) else values
    return carried


def _share(known: BoolArray) -> float:
    """Share of what is known; 0 of nothing."""
    return float(known.mean()) if len(known) else 0.0
