"""Views of past liquidations: their volume by time, and the realised heat map (L-R3, L-R7)."""

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from headwater.analytics.liquidation_heatmap import HeatColumn, LateVolume
from headwater.analytics.liquidation_volume import LiquidationVolume
from headwater.analytics.price_buckets import PriceBuckets
from headwater.analytics.realised_map import RealisedMap
from headwater.api.schemas.base import IsoTime, View, iso_of
from headwater.api.schemas.market import NotNegative
from headwater.core.enums import Side
from headwater.core.intervals import Interval
from headwater.services.liquidation_history import Wanted

DataSource: TypeAlias = Literal["own", "external"]
"""Who told: `own` is the platform's memory, `external` the external service."""


class LiquidationSumView(View, frozen=True, kw_only=True, gc=False):
    """Liquidations of one bucket of time on one side.

    Attributes:
        timestamp: beginning of the bucket.
        side: side of the closing orders: sell = longs were liquidated.
        total_volume: USD.
        num_levels: how many liquidations; null where the source does not say.
        avg_price: total volume by base units, quote currency; null where the source does not say.
        is_floor: true when one of them came by a throttled stream: the volume is a lower bound.
        source: who told of them.
    """

    timestamp: IsoTime
    side: Side
    total_volume: NotNegative
    num_levels: Annotated[int, Meta(ge=1)] | None
    avg_price: NotNegative | None
    is_floor: bool
    source: DataSource


class LiquidationVolumeView(View, frozen=True, kw_only=True, gc=False):
    """Liquidated volume of one bucket of time; zero where nothing was liquidated.

    Attributes:
        timestamp: beginning of the bucket.
        buy_volume: shorts liquidated, USD.
        sell_volume: longs liquidated, USD.
        total_volume: both, USD.
        buy_quantity: shorts liquidated, base units; null where the source does not say.
        sell_quantity: longs liquidated, base units; null where the source does not say.
        buy_count: liquidations of shorts; null where the source does not say.
        sell_count: liquidations of longs; null where the source does not say.
        is_floor: true when one of them came by a throttled stream: the volumes are a lower bound.
        source: who told of them.
    """

    timestamp: IsoTime
    buy_volume: NotNegative
    sell_volume: NotNegative
    total_volume: NotNegative
    buy_quantity: NotNegative | None
    sell_quantity: NotNegative | None
    buy_count: Annotated[int, Meta(ge=0)] | None
    sell_count: Annotated[int, Meta(ge=0)] | None
    is_floor: bool
    source: DataSource


class HeatLevelView(View, frozen=True, kw_only=True, gc=False):
    """One price bucket of a column.

    Attributes:
        price: lower edge of the bucket, quote currency; the upper one is `price_bin_size` above.
        long_density: longs, USD.
        short_density: shorts, USD.
    """

    price: NotNegative
    long_density: NotNegative
    short_density: NotNegative


class HeatColumnView(View, frozen=True, kw_only=True, gc=False):
    """One bar of a heat map.

    Attributes:
        timestamp: beginning of the bar.
        is_closed: whether it can still change; a closed column never does.
        levels: buckets that are not empty, lowest price first.
        long_volume: longs of all levels, USD.
        short_volume: shorts of all levels, USD.
        bankruptcy_volume: part of both that stands at a bankruptcy price (Bybit, OKX), USD.
        is_floor: true when part of it came by a throttled stream: a lower bound.
        positions_created: USD of positions that a model saw opening; null in the realised map.
        positions_consumed: USD of positions that were closed by force in the bar.
    """

    timestamp: IsoTime
    is_closed: bool
    levels: tuple[HeatLevelView, ...]
    long_volume: NotNegative
    short_volume: NotNegative
    bankruptcy_volume: NotNegative
    is_floor: bool
    positions_created: NotNegative | None
    positions_consumed: NotNegative


class PriceRangeView(View, frozen=True, kw_only=True, gc=False):
    """Lowest and highest price of a map.

    Attributes:
        min: lower edge of the lowest bucket, quote currency.
        max: upper edge of the highest one.
    """

    min: NotNegative
    max: NotNegative


class HeatmapMetaView(View, frozen=True, kw_only=True, gc=False):
    """What a heat map is made of.

    Attributes:
        symbol: canonical symbol.
        model: how it was made: `realised` is what was liquidated, without any model.
        version: of the model.
        exchanges: venues whose liquidations are in it.
        start_time: beginning of the span, inclusive.
        end_time: its end, exclusive.
        interval: length of a bar.
        price_bin_size: height of a price bucket, quote currency.
        total_snapshots: columns in `data`.
        price_range: null when there are none.
        total_long_volume: longs liquidated in the span, each counted once, USD.
        total_short_volume: shorts liquidated in the span, USD.
        total_consumed: both, USD.
        late_volume: liquidated, but told after its column was frozen, and so in no column, USD.
        late_count: how many such.
        is_floor: true when any of it came by a throttled stream: a lower bound.
    """

    symbol: str
    model: Literal["realised"]
    version: str
    exchanges: tuple[str, ...]
    start_time: IsoTime
    end_time: IsoTime
    interval: Interval
    price_bin_size: NotNegative
    total_snapshots: Annotated[int, Meta(ge=0)]
    price_range: PriceRangeView | None
    total_long_volume: NotNegative
    total_short_volume: NotNegative
    total_consumed: NotNegative
    late_volume: NotNegative
    late_count: Annotated[int, Meta(ge=0)]
    is_floor: bool


class HeatmapView(View, frozen=True, kw_only=True, gc=False):
    """A map of price by time.

    Attributes:
        data: columns that are not empty, oldest first.
        meta: what it is made of.
    """

    data: tuple[HeatColumnView, ...]
    meta: HeatmapMetaView


def volume_view(row: LiquidationVolume) -> LiquidationVolumeView:
    """The view of a bucket of time."""
    return LiquidationVolumeView(
        timestamp=iso_of(row.opened_at_ms),
        buy_volume=row.buy_usd,
        sell_volume=row.sell_usd,
        total_volume=row.buy_usd + row.sell_usd,
        buy_quantity=row.buy_quantity,
        sell_quantity=row.sell_quantity,
        buy_count=row.buy_count,
        sell_count=row.sell_count,
        is_floor=row.is_floor,
        source="own",
    )


def sum_views(row: LiquidationVolume) -> list[LiquidationSumView]:
    """The same a side; sides on which nothing was liquidated are left out."""
    sides = (
        (Side.BUY, row.buy_usd, row.buy_quantity, row.buy_count),
        (Side.SELL, row.sell_usd, row.sell_quantity, row.sell_count),
    )
    return [
        LiquidationSumView(
            timestamp=iso_of(row.opened_at_ms),
            side=side,
            total_volume=usd,
            num_levels=count,
            avg_price=usd / quantity if quantity else 0.0,
            is_floor=row.is_floor,
            source="own",
        )
        for side, usd, quantity, count in sides
        if count
    ]


def heatmap_view(wanted: Wanted, heatmap: RealisedMap, connected: tuple[str, ...]) -> HeatmapView:
    """The answer, from the realised map.

    Args:
        wanted: which liquidations it was made of.
        heatmap: the map.
        connected: ids of all venues.
    """
    columns, late = heatmap.columns, heatmap.late
    longs = sum(column.long_usd for column in columns) + late.long_usd
    shorts = sum(column.short_usd for column in columns) + late.short_usd
    meta = HeatmapMetaView(
        symbol=wanted.symbol,
        model="realised",
        version="1",
        exchanges=connected if wanted.chosen is None else tuple(wanted.chosen),
        start_time=iso_of(wanted.start_ms),
        end_time=iso_of(wanted.end_ms),
        interval=heatmap.interval,
        price_bin_size=heatmap.buckets.width,
        total_snapshots=len(columns),
        price_range=price_range_view(columns, heatmap.buckets),
        total_long_volume=longs,
        total_short_volume=shorts,
        total_consumed=longs + shorts,
        late_volume=late_total(late),
        late_count=late.count,
        is_floor=any(column.is_floor for column in columns),
    )
    return HeatmapView(
        data=tuple(column_view(column, heatmap.buckets) for column in columns), meta=meta
    )


def column_view(column: HeatColumn, buckets: PriceBuckets) -> HeatColumnView:
    """The view of a column of the realised map."""
    return HeatColumnView(
        timestamp=iso_of(column.opened_at_ms),
        is_closed=column.is_closed,
        levels=tuple(
            HeatLevelView(
                price=buckets.lower_edge(cell.bucket_index),
                long_density=cell.long_usd,
                short_density=cell.short_usd,
            )
            for cell in column.cells
        ),
        long_volume=column.long_usd,
        short_volume=column.short_usd,
        bankruptcy_volume=column.bankruptcy_usd,
        is_floor=column.is_floor,
        positions_created=None,
        positions_consumed=column.long_usd + column.short_usd,
    )


def price_range_view(columns: Sequence[HeatColumn], buckets: PriceBuckets) -> PriceRangeView | None:
    """Lowest and highest price of the columns, None without any."""
    indices = [cell.bucket_index for column in columns for cell in column.cells]
    if not indices:
        return None
    return PriceRangeView(
        min=buckets.lower_edge(min(indices)), max=buckets.lower_edge(max(indices) + 1)
    )


def late_total(late: LateVolume) -> float:
    """What came too late for its column, both sides, USD."""
    return late.long_usd + late.short_usd
