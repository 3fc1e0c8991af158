"""Views of the maps that a model makes: over time, in Coinglass' shape, and what they cover (L-R3).

Every map says which model made it, of what, and how much of that was known. A stock, what is held,
is told of the last column and never added up over columns; flows are added up.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from headwater.analytics.leverage_weights import weights_text
from headwater.api.schemas.base import IsoTime, View, iso_of
from headwater.api.schemas.liquidations import HeatLevelView, PriceRangeView
from headwater.api.schemas.market import NotNegative
from headwater.core.intervals import Interval
from headwater.services.map_making import filled_of
from headwater.services.map_question import LiquidationMap, MapModel, VenueCoverage

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=0)]


class CoverageView(View, frozen=True, kw_only=True, gc=False):
    """How much of what the model needs a venue told; shares of the shown span.

    Attributes:
        exchange: venue id.
        bars: share of the bars with a price of their own.
        marks: share of the steps of the path with a mark price; the others consume nothing.
        open_interest: share of the bars with a reading; the others open and close nothing.
        known_positions: notional of positions known one by one over open interest; of the observed
            map only, else null.
        tiers: where the maintenance rates come from; null where the model uses none.
        leverages_left_out: leverages asked for that the venue does not offer; the others share
            their weight.
        reason: why the venue adds nothing to the map; empty when it does.
    """

    exchange: str
    bars: Share
    marks: Share
    open_interest: Share
    known_positions: NotNegative | None
    tiers: str | None
    leverages_left_out: tuple[NotNegative, ...]
    reason: str


class MapColumnView(View, frozen=True, kw_only=True, gc=False):
    """One closed bar of a map; it never changes unless its own inputs are completed.

    Attributes:
        timestamp: beginning of the bar.
        is_closed: true: a model's map has closed bars only.
        price: mark price at the end of the bar, quote currency.
        levels: buckets that are not empty, lowest price first.
        long_volume: longs held at the end of the bar, all levels.
        short_volume: shorts held.
        positions_created: USD opened in the bar, both sides; null for a baseline.
        positions_consumed: USD reached by the mark price in the bar; null for a baseline.
    """

    timestamp: IsoTime
    is_closed: Literal[True]
    price: NotNegative
    levels: tuple[HeatLevelView, ...]
    long_volume: NotNegative
    short_volume: NotNegative
    positions_created: NotNegative | None
    positions_consumed: NotNegative | None


class MapMetaView(View, frozen=True, kw_only=True, gc=False):
    """What a model's map is made of.

    Attributes:
        symbol: canonical symbol.
        model: estimated (open interest as positions that live), empirical (the same, distances
            learnt from liquidations), observed (positions known one by one), b0 to b4 (baselines).
        version: of the model.
        unit: of densities and volumes: `usd`, or `share`, 1 being all of a side.
        exchanges: venues that were asked for; the map is the sum over them.
        start_time: beginning of the first bar.
        end_time: end of the last closed bar of the span.
        interval: length of a bar.
        step: length of a step of the path within a bar.
        model_start: where the model began: what was opened before is not in the map.
        price_bin_size: height of a price bucket, quote currency; null for an empty map.
        leverage_weights: leverages with their shares, as the parameter takes them.
        total_snapshots: columns in `data`.
        price_range: null when there are none.
        total_long_volume: longs held at the end of the last column: each position once.
        total_short_volume: shorts held at the end of the last column.
        total_created: opened over all columns, USD.
        total_consumed: reached by the mark price over all columns, USD.
        coverage: of each venue.
        is_estimate: true: nobody publishes where positions are liquidated.
    """

    symbol: str
    model: MapModel
    version: str
    unit: Literal["usd", "share"]
    exchanges: tuple[str, ...]
    start_time: IsoTime
    end_time: IsoTime
    interval: Interval
    step: Interval
    model_start: IsoTime
    price_bin_size: NotNegative | None
    leverage_weights: str
    total_snapshots: Count
    price_range: PriceRangeView | None
    total_long_volume: NotNegative
    total_short_volume: NotNegative
    total_created: NotNegative
    total_consumed: NotNegative
    coverage: tuple[CoverageView, ...]
    is_estimate: Literal[True]


class MapView(View, frozen=True, kw_only=True, gc=False):
    """A model's map of price by time.

    Attributes:
        data: closed bars, oldest first.
        meta: what it is made of.
    """

    data: tuple[MapColumnView, ...]
    meta: MapMetaView


def map_view(made: LiquidationMap) -> MapView:
    """The view of a model's map."""
    # Bucket by bucket: empty ones beyond the map must change no digit of a closed column.
    volumes = made.held.cumsum(axis=2)[:, :, -1].tolist() if len(made) else []
    rows = zip(volumes, _levels(made), strict=True)
    return MapView(
        data=tuple(
            _column_view(made, number, held, levels) for number, (held, levels) in enumerate(rows)
        ),
        meta=meta_view(made),
    )


def _levels(made: LiquidationMap) -> list[tuple[HeatLevelView, ...]]:
    """Levels of each column, to the cent (of a baseline to 9 places).

    From arrays of all columns at once: a year has a million levels.
    """
    filled = filled_of(made)
    views = [
        HeatLevelView(price=price, long_density=long_usd, short_density=short_usd)
        for price, long_usd, short_usd in zip(
            filled.price.tolist(), filled.long.tolist(), filled.short.tolist(), strict=True
        )
    ]
    return [tuple(views[begin:end]) for begin, end in pairwise(filled.begins.tolist())]


def coverage_view(one: VenueCoverage) -> CoverageView:
    """The view of a venue's coverage."""
    return CoverageView(
        exchange=one.exchange,
        bars=one.bars,
        marks=one.marks,
        open_interest=one.open_interest,
        known_positions=one.known_positions,
        tiers=one.tiers,
        leverages_left_out=one.leverages_left_out,
        reason=one.reason,
    )


def meta_view(made: LiquidationMap) -> MapMetaView:
    """What a map is made of."""
    question, count = made.question, len(made)
    interval_ms = question.interval.nominal_ms
    start_ms = question.interval.opens_at_ms(question.start_ms)
    end_ms = int(made.opened_ms[-1]) + interval_ms if count else start_ms
    last = made.held[-1].cumsum(axis=1)[:, -1].tolist() if count else [0.0, 0.0]
    return MapMetaView(
        symbol=question.symbol,
        model=question.model,
        version=str(made.version),
        unit="share" if made.is_share else "usd",
        exchanges=question.exchanges,
        start_time=iso_of(start_ms),
        end_time=iso_of(end_ms),
        interval=question.interval,
        step=made.step,
        model_start=iso_of(made.model_start_ms),
        price_bin_size=None if made.grid is None else made.grid.buckets.width,
        leverage_weights=weights_text(question.classes),
        total_snapshots=count,
        price_range=_range_of(made),
        total_long_volume=last[0],
        total_short_volume=last[1],
        total_created=float(made.created_usd.sum()),
        total_consumed=float(made.consumed_usd.sum()),
        coverage=tuple(coverage_view(one) for one in made.coverage),
        is_estimate=True,
    )


def _column_view(
    made: LiquidationMap, number: int, held: Sequence[float], levels: tuple[HeatLevelView, ...]
) -> MapColumnView:
    flows = (float(made.created_usd[number]), float(made.consumed_usd[number]))
    created, consumed = (None, None) if made.is_share else flows
    return MapColumnView(
        timestamp=iso_of(int(made.opened_ms[number])),
        is_closed=True,
        price=float(made.price[number]),
        levels=levels,
        long_volume=held[0],
        short_volume=held[1],
        positions_created=created,
        positions_consumed=consumed,
    )


def _range_of(made: LiquidationMap) -> PriceRangeView | None:
    """Lowest and highest price of what is held in any column."""
    if made.grid is None or not len(made):
        return None
    filled = np.flatnonzero((made.held > 0.0).any(axis=(0, 1)))
    if not len(filled):
        return None
    edges = made.grid.edges
    return PriceRangeView(min=float(edges[filled[0]]), max=float(edges[filled[-1] + 1]))
