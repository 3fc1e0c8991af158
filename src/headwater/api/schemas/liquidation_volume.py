"""Views of liquidated volume for a terminal's chart (O-R2, O-M2, O-M3).

As all of the terminal API: camelCase, numbers as text too, `time` in seconds and `timestamp` in
milliseconds.
"""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta

from headwater.analytics.liquidation_volume import LiquidationVolume
from headwater.api.schemas.base import View
from headwater.api.schemas.liquidations import DataSource
from headwater.api.schemas.market import NotNegative
from headwater.core.external_liquidations import EXTERNAL, ExternalVolume
from headwater.core.intervals import Interval
from headwater.services.liquidation_history import Wanted
from headwater.services.past_liquidations import FoundVolumes

_STEPS: Final = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))


class VolumeBucketView(View, frozen=True, kw_only=True, gc=False, rename="camel"):
    """Liquidated volume of one bucket of time; zero where nothing was liquidated.

    Attributes:
        time: beginning of the bucket, seconds since 1970.
        timestamp: the same in milliseconds.
        buyVolume: shorts liquidated, USD.
        sellVolume: longs liquidated, USD.
        totalVolume: both, USD.
        deltaVolume: shorts minus longs, USD.
        buyVolumeFormatted: as text, such as 1.25M; ≥ before it where it is a lower bound.
        sellVolumeFormatted: the same of longs.
        totalVolumeFormatted: the same of both.
        deltaVolumeFormatted: as text, with its sign.
        count: number of liquidations; null where the source does not say.
        isFloor: true when one of them came by a throttled stream: volumes are a lower bound.
        source: who told of them.
    """

    time: Annotated[int, Meta(ge=0)]
    timestamp: Annotated[int, Meta(ge=0)]
    buy_volume: NotNegative
    sell_volume: NotNegative
    total_volume: NotNegative
    delta_volume: float
    buy_volume_formatted: str
    sell_volume_formatted: str
    total_volume_formatted: str
    delta_volume_formatted: str
    count: Annotated[int, Meta(ge=0)] | None
    is_floor: bool
    source: DataSource


class LiquidationVolumesView(View, frozen=True, kw_only=True, gc=False, rename="camel"):
    """Liquidated volume of a span of time.

    Attributes:
        symbol: canonical symbol.
        timeframe: length of a bucket.
        exchanges: venues whose liquidations are in it, and `external` where that service's are.
        data: from the first bucket with a liquidation to the last, oldest first.
        startTime: beginning of the span, ms since 1970, inclusive.
        endTime: its end, ms, inclusive.
    """

    symbol: str
    timeframe: Interval
    exchanges: tuple[str, ...]
    data: tuple[VolumeBucketView, ...]
    start_time: Annotated[int, Meta(ge=0)]
    end_time: Annotated[int, Meta(ge=0)]


def compact(value: float) -> str:
    """A number with two decimals and K, M, B or T for its thousands: 1234567 is 1.23M.

    Args:
        value: any finite number.
    """
    size = abs(value)
    for step, letter in _STEPS:
        # Where two decimals would round up to 1000.00 the next letter takes over.
        if size >= step * 0.999995:
            return f"{value / step:.2f}{letter}"
    return f"{value:.2f}"


def bucket_view(row: LiquidationVolume) -> VolumeBucketView:
    """The view of a bucket of time."""
    return _view(
        row.opened_at_ms,
        row.buy_usd,
        row.sell_usd,
        count=row.buy_count + row.sell_count,
        is_floor=row.is_floor,
        source="own",
    )


def external_bucket_view(row: ExternalVolume) -> VolumeBucketView:
    """The view of a bucket of time of which the external service told: at least so much."""
    return _view(
        row.opened_at_ms, row.buy_usd, row.sell_usd, count=None, is_floor=True, source="external"
    )


def _view(
    opened_at_ms: int,
    buy_usd: float,
    sell_usd: float,
    *,
    count: int | None,
    is_floor: bool,
    source: DataSource,
) -> VolumeBucketView:
    total = buy_usd + sell_usd
    delta = buy_usd - sell_usd
    # The difference of two lower bounds is no bound at all.
    mark = "≥" if is_floor else ""
    return VolumeBucketView(
        time=opened_at_ms // 1_000,
        timestamp=opened_at_ms,
        buy_volume=buy_usd,
        sell_volume=sell_usd,
        total_volume=total,
        delta_volume=delta,
        buy_volume_formatted=mark + compact(buy_usd),
        sell_volume_formatted=mark + compact(sell_usd),
        total_volume_formatted=mark + compact(total),
        delta_volume_formatted=compact(delta),
        count=count,
        is_floor=is_floor,
        source=source,
    )


def volumes_view(
    wanted: Wanted,
    timeframe: Interval,
    found: FoundVolumes,
    connected: Sequence[str],
) -> LiquidationVolumesView:
    """The answer.

    Args:
        wanted: which liquidations were summed.
        timeframe: length of a bucket.
        found: the buckets.
        connected: ids of all venues.
    """
    return LiquidationVolumesView(
        symbol=wanted.symbol,
        timeframe=timeframe,
        exchanges=(*(wanted.chosen or connected), *((EXTERNAL,) if found.external else ())),
        data=(
            *(external_bucket_view(row) for row in found.external),
            *(bucket_view(row) for row in found.own),
        ),
        start_time=wanted.start_ms,
        end_time=wanted.end_ms - 1,
    )
