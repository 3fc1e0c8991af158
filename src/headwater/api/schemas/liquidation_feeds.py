"""The view of a venue's liquidation feed: how much it brought, and how whole it was."""

from typing import Annotated

from msgspec import Meta

from headwater.api.schemas.base import IsoTime, View, iso_of
from headwater.api.schemas.market import NotNegative
from headwater.core.enums import FeedCompleteness
from headwater.services.liquidation_feeds import FeedStatistics


class LiquidationFeedView(View, frozen=True, kw_only=True, gc=False):
    """One venue's liquidations of a symbol in a span.

    Attributes:
        exchange: venue id.
        completeness: what the feed tells at best: all of them (`full`), one a second and contract
            (`1-per-second`), or a kind of them only (`partial`).
        count: number of liquidations.
        total_volume: their sum, USD.
        first_time: time of the first one, null without any.
        last_time: time of the last one.
        floor_share: part of them that came by a throttled feed, 0 to 1: where it is not 0 the sum
            is a lower bound. Null without any.
        holes: interruptions of the feed that touch the span and were not repaired.
        missing_s: how much of the span lies in them, seconds.
        heard_since: when the platform heard the feed for the first time: of what was earlier
            nothing is known but what archives told. Null for never.
    """

    exchange: str
    completeness: FeedCompleteness
    count: Annotated[int, Meta(ge=0)]
    total_volume: NotNegative
    first_time: IsoTime | None
    last_time: IsoTime | None
    floor_share: Annotated[float, Meta(ge=0, le=1)] | None
    holes: Annotated[int, Meta(ge=0)]
    missing_s: NotNegative
    heard_since: IsoTime | None


def feed_view(found: FeedStatistics, completeness: FeedCompleteness) -> LiquidationFeedView:
    """The view of a venue's statistics.

    Args:
        found: what was counted.
        completeness: what the venue's feed tells at best.
    """
    return LiquidationFeedView(
        exchange=found.exchange,
        completeness=completeness,
        count=found.count,
        total_volume=found.value_usd,
        first_time=None if found.first_ms is None else iso_of(found.first_ms),
        last_time=None if found.last_ms is None else iso_of(found.last_ms),
        floor_share=found.floor_share,
        holes=found.holes,
        missing_s=found.missing_ms / 1_000,
        heard_since=None if found.heard_since_ms is None else iso_of(found.heard_since_ms),
    )
