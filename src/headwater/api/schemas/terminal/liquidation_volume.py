"""Views of liquidated volume for a terminal's chart (O-R2, O-W4, O-M2, O-M3).

As all of the terminal API: camelCase, numbers as text too, `time` in seconds and `timestamp` in
milliseconds.
"""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta

from headwater.analytics.liquidation_series import LiquidationSeries, SeriesBucket
from headwater.analytics.liquidation_volume import BUCKETS_KEPT
from headwater.api.schemas.liquidations import DataSource
from headwater.api.schemas.market import NotNegative
from headwater.api.schemas.terminal.common import Moment, Second, TerminalView
from headwater.core.external_liquidations import EXTERNAL
from headwater.core.formatting import compact
from headwater.core.intervals import Interval
from headwater.services.liquidation_history import Wanted
from headwater.services.past_liquidations import FoundVolumes

DAYS_MAX: Final = {
    Interval.M1: 1, Interval.M5: 3, Interval.M15: 7, Interval.M30: 14,
    Interval.H1: 30, Interval.H4: 90, Interval.D1: 365,
}  # fmt: skip
"""The longest span of each timeframe, days (O-R2); there are no other timeframes."""

AT_LEAST: Final = "≥"
"""Stands before the text of a lower bound."""


class VolumeBucketView(TerminalView, frozen=True, kw_only=True, gc=False):
    """Liquidated volume of one bucket of time; zero where nothing was liquidated.

    Attributes:
        time: beginning of the bucket, seconds since 1970.
        timestamp: the same in milliseconds.
        buy_volume: shorts liquidated, USD.
        sell_volume: longs liquidated, USD.
        total_volume: both, USD.
        delta_volume: shorts minus longs, USD.
        buy_volume_formatted: as text, such as 1.25M; ≥ before it where it is a lower bound.
        sell_volume_formatted: the same of longs.
        total_volume_formatted: the same of both.
        delta_volume_formatted: as text, with its sign.
        count: number of liquidations; null where the source does not say.
        is_floor: true when one of them came by a throttled stream: volumes are a lower bound.
        source: who told of them.
        ma_value: moving average: mean of |deltaVolume| of the last 50 closed buckets in which it is
            not zero, as far as they are in the answer, this one included once it is closed, USD;
            null before the first one.
        ma_value_formatted: as text; null where there is none.
    """

    time: Second
    timestamp: Moment
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
    ma_value: NotNegative | None
    ma_value_formatted: str | None


class LiquidationVolumesView(TerminalView, frozen=True, kw_only=True, gc=False):
    """Liquidated volume of a span of time.

    Attributes:
        symbol: canonical symbol.
        timeframe: length of a bucket.
        exchanges: venues whose liquidations are in it, and `external` where that service's are.
        data: from the first bucket with a liquidation to the last, oldest first.
        start_time: beginning of the span, ms since 1970, inclusive.
        end_time: its end, ms, inclusive.
    """

    symbol: str
    timeframe: Interval
    exchanges: tuple[str, ...]
    data: tuple[VolumeBucketView, ...]
    start_time: Moment
    end_time: Moment


class TerminalLiquidationVolumeView(
    TerminalView, frozen=True, kw_only=True, gc=False, tag="liquidation_volume", tag_field="type"
):
    """Liquidated volume for a chart: first all of it, then what changed.

    Attributes:
        exchange: venue id, or `all`.
        symbol: canonical symbol.
        timeframe: length of a bucket.
        data: oldest first. First every bucket from the first with a liquidation to the last; in an
            update those that are new or changed, each of which takes the place of what was sent
            for its time.
        timestamp: when it was sent, ms since 1970.
        is_update: false at the beginning, and once more when a past that was missing is there: then
            it takes the place of everything.
        missing: what of the past could not be had and why; null when nothing.
    """

    exchange: str
    symbol: str
    timeframe: Interval
    data: tuple[VolumeBucketView, ...]
    timestamp: Moment
    is_update: bool
    missing: str | None


def bucket_view(bucket: SeriesBucket) -> VolumeBucketView:
    """The view of a bucket of time."""
    buy_usd, sell_usd = bucket.buy_usd, bucket.sell_usd
    total, delta = buy_usd + sell_usd, buy_usd - sell_usd
    average = bucket.average_usd
    # The difference of two lower bounds is no bound at all, and so is the mean of such.
    mark = AT_LEAST if bucket.is_floor else ""
    return VolumeBucketView(
        time=bucket.opened_at_ms // 1_000,
        timestamp=bucket.opened_at_ms,
        buy_volume=buy_usd,
        sell_volume=sell_usd,
        total_volume=total,
        delta_volume=delta,
        buy_volume_formatted=mark + compact(buy_usd),
        sell_volume_formatted=mark + compact(sell_usd),
        total_volume_formatted=mark + compact(total),
        delta_volume_formatted=compact(delta),
        count=bucket.count,
        is_floor=bucket.is_floor,
        source="external" if bucket.is_external else "own",
        ma_value=average,
        ma_value_formatted=None if average is None else compact(average),
    )


def volumes_view(
    wanted: Wanted,
    timeframe: Interval,
    found: FoundVolumes,
    connected: Sequence[str],
    now_ms: int,
) -> LiquidationVolumesView:
    """The answer.

    Args:
        wanted: which liquidations were summed.
        timeframe: length of a bucket.
        found: the buckets.
        connected: ids of all venues.
        now_ms: wall time: tells which buckets are closed.
    """
    series = LiquidationSeries(timeframe, BUCKETS_KEPT)
    series.seed(found.own, found.external)
    return LiquidationVolumesView(
        symbol=wanted.symbol,
        timeframe=timeframe,
        exchanges=(*(wanted.chosen or connected), *((EXTERNAL,) if found.external else ())),
        data=tuple(bucket_view(bucket) for bucket in series.settle(now_ms)),
        start_time=wanted.start_ms,
        end_time=wanted.end_ms - 1,
    )
