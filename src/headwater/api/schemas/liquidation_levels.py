"""Views of a map of this moment: levels, max pain, and the newest hours as cells (L-R5, L-R6)."""

from collections.abc import Sequence
from statistics import fmean
from typing import Annotated, Literal

from msgspec import Meta

from headwater.analytics.max_pain import FuelCurve, FuelPoint, MaxPain
from headwater.api.schemas.base import IsoTime, View, iso_of
from headwater.api.schemas.liquidation_maps import CoverageView, Share, coverage_view
from headwater.api.schemas.market import NotNegative
from headwater.core.enums import PositionSide
from headwater.services.map_making import levels_of
from headwater.services.map_question import LiquidationMap, MapModel


class FuelLevelView(View, frozen=True, kw_only=True, gc=False):
    """One price bucket on the way from the current price.

    Attributes:
        price_level: middle of the bucket, quote currency.
        volume: would be liquidated in it, USD.
        cumulative_volume: would be liquidated from the current price up to and with it, USD.
    """

    price_level: NotNegative
    volume: NotNegative
    cumulative_volume: NotNegative


class MaxPainPointView(View, frozen=True, kw_only=True, gc=False):
    """The bucket with the most.

    Attributes:
        side: whose positions.
        price_level: middle of the bucket, quote currency.
        volume: would be liquidated in it, USD.
    """

    side: PositionSide
    price_level: NotNegative
    volume: NotNegative


class NowView(View, frozen=True, kw_only=True, gc=False):
    """What every answer about this moment says first.

    Attributes:
        symbol: canonical symbol.
        model: how the map is made; an estimate, whatever its name.
        exchanges: venues that were asked for; the map is the sum over them.
        current_price: mark price, quote currency; null when none is known.
        price_source: `mark` for the venue's mark price of now, `last_bar` for that of the last
            closed bar, when no venue could be asked.
        timestamp: end of the last closed bar: the map's moment; null for an empty map.
        coverage: of each venue.
    """

    symbol: str
    model: MapModel
    exchanges: tuple[str, ...]
    current_price: NotNegative | None
    price_source: Literal["mark", "last_bar"] | None
    timestamp: IsoTime | None
    coverage: tuple[CoverageView, ...]


class LevelsView(NowView, frozen=True, kw_only=True, gc=False):
    """A liquidation map of this moment.

    Attributes:
        long_liquidations: longs below the current price, nearest first.
        short_liquidations: shorts above it, nearest first.
        max_pain: the largest bucket of both sides; null for an empty map.
        price_bin_size: height of a bucket, quote currency; null for an empty map.
    """

    long_liquidations: tuple[FuelLevelView, ...]
    short_liquidations: tuple[FuelLevelView, ...]
    max_pain: MaxPainPointView | None
    price_bin_size: NotNegative | None


class MaxPainView(NowView, frozen=True, kw_only=True, gc=False):
    """Where most would be liquidated. It says nothing about whether price goes there.

    Attributes:
        max_pain: the larger of both sides; null for an empty map.
        max_pain_long: the largest bucket of longs, below the price.
        max_pain_short: the largest bucket of shorts, above it.
        total_long: longs below the price, USD.
        total_short: shorts above it, USD.
    """

    max_pain: MaxPainPointView | None
    max_pain_long: MaxPainPointView | None
    max_pain_short: MaxPainPointView | None
    total_long: NotNegative
    total_short: NotNegative


class HeatCellView(View, frozen=True, kw_only=True, gc=False):
    """One cell of a map (L-R6).

    Attributes:
        time: beginning of the bar.
        price_bucket: lower edge of the bucket, quote currency.
        density: share of all that is held in its bar.
        volume: USD, both sides.
    """

    time: IsoTime
    price_bucket: NotNegative
    density: Share
    volume: NotNegative


class HeatmapSummaryView(View, frozen=True, kw_only=True, gc=False):
    """What a map amounts to (L-R6).

    Attributes:
        total_volume: held at the end of the last bar, USD, each position once.
        highest_density_price: bucket with the most in the last bar; null for an empty map.
        num_buckets: buckets of the price axis.
        data_quality_score: how much of its inputs was known: over the venues, the mean of the
            product of the shares of bars, of marks and of open interest.
        time_range_hours: length of the span.
    """

    total_volume: NotNegative
    highest_density_price: NotNegative | None
    num_buckets: Annotated[int, Meta(ge=0)]
    data_quality_score: Share
    time_range_hours: NotNegative


class HeatmapNowView(NowView, frozen=True, kw_only=True, gc=False):
    """A map of the newest hours or days as a list of cells (L-R6).

    Attributes:
        timeframe: length of the span.
        data: cells that are not empty, by time and price.
        metadata: what they amount to.
    """

    timeframe: str
    data: tuple[HeatCellView, ...]
    metadata: HeatmapSummaryView


def fuel_views(points: Sequence[FuelPoint]) -> tuple[FuelLevelView, ...]:
    """The views of one side of a fuel curve."""
    return tuple(
        FuelLevelView(price_level=one.price, volume=one.usd, cumulative_volume=one.cumulative_usd)
        for one in points
    )


def pain_view(pain: MaxPain | None) -> MaxPainPointView | None:
    """The view of a largest bucket."""
    if pain is None:
        return None
    return MaxPainPointView(side=pain.side, price_level=pain.price, volume=pain.usd)


def now_of(
    made: LiquidationMap, mark: float | None
) -> tuple[float | None, Literal["mark", "last_bar"] | None, str | None]:
    """Current price, where it comes from, and the map's moment.

    Args:
        made: the map.
        mark: mark price of now; None when no venue could be asked.
    """
    count = len(made)
    last_ms = int(made.opened_ms[-1]) + made.question.interval.nominal_ms if count else None
    timestamp = None if last_ms is None else iso_of(last_ms)
    if mark is not None:
        return mark, "mark", timestamp
    return (float(made.price[-1]), "last_bar", timestamp) if count else (None, None, None)


def levels_view(made: LiquidationMap, mark: float | None, curve: FuelCurve | None) -> LevelsView:
    """The map of this moment as levels; `curve` None for an empty map."""
    price, source, timestamp = now_of(made, mark)
    return LevelsView(
        symbol=made.question.symbol,
        model=made.question.model,
        exchanges=made.question.exchanges,
        current_price=price,
        price_source=source,
        timestamp=timestamp,
        coverage=tuple(coverage_view(one) for one in made.coverage),
        long_liquidations=() if curve is None else fuel_views(curve.longs),
        short_liquidations=() if curve is None else fuel_views(curve.shorts),
        max_pain=None if curve is None else pain_view(curve.max_pain),
        price_bin_size=None if made.grid is None else made.grid.buckets.width,
    )


def max_pain_view(made: LiquidationMap, mark: float | None, curve: FuelCurve | None) -> MaxPainView:
    """Where most would be liquidated; `curve` None for an empty map."""
    price, source, timestamp = now_of(made, mark)
    longs, shorts = ((), ()) if curve is None else (curve.longs, curve.shorts)
    return MaxPainView(
        symbol=made.question.symbol,
        model=made.question.model,
        exchanges=made.question.exchanges,
        current_price=price,
        price_source=source,
        timestamp=timestamp,
        coverage=tuple(coverage_view(one) for one in made.coverage),
        max_pain=None if curve is None else pain_view(curve.max_pain),
        max_pain_long=None if curve is None else pain_view(curve.max_pain_long),
        max_pain_short=None if curve is None else pain_view(curve.max_pain_short),
        total_long=longs[-1].cumulative_usd if longs else 0.0,
        total_short=shorts[-1].cumulative_usd if shorts else 0.0,
    )


def heatmap_now_view(made: LiquidationMap, mark: float | None, timeframe: str) -> HeatmapNowView:
    """The map of the newest hours or days as a list of cells."""
    price, source, timestamp = now_of(made, mark)
    cells: list[HeatCellView] = []
    for number in range(len(made)):
        total = float(made.held[number].sum())
        time = iso_of(int(made.opened_ms[number]))
        for one in levels_of(made, number):
            volume = one.long_usd + one.short_usd
            share = min(1.0, volume / total)
            cells.append(
                HeatCellView(time=time, price_bucket=one.price, density=share, volume=volume)
            )
    return HeatmapNowView(
        symbol=made.question.symbol,
        model=made.question.model,
        exchanges=made.question.exchanges,
        current_price=price,
        price_source=source,
        timestamp=timestamp,
        coverage=tuple(coverage_view(one) for one in made.coverage),
        timeframe=timeframe,
        data=tuple(cells),
        metadata=_summary(made),
    )


def _summary(made: LiquidationMap) -> HeatmapSummaryView:
    """What a map amounts to."""
    total, highest = 0.0, None
    if made.grid is not None and len(made):
        both = made.held[-1].sum(axis=0)
        total = float(both.sum())
        highest = float(made.grid.edges[int(both.argmax())]) if total > 0.0 else None
    known = [one.bars * one.marks * one.open_interest for one in made.coverage]
    length_ms = len(made) * made.question.interval.nominal_ms
    return HeatmapSummaryView(
        total_volume=total,
        highest_density_price=highest,
        num_buckets=0 if made.grid is None else made.grid.count,
        data_quality_score=fmean(known) if known else 0.0,
        time_range_hours=length_ms / 3_600_000,
    )
