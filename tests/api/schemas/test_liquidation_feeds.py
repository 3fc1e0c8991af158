"""The view of a feed: times as text, holes in seconds, nothing made up where nothing was told."""

from headwater.api.schemas.liquidation_feeds import feed_view
from headwater.core.enums import FeedCompleteness
from headwater.services.liquidation_feeds import FeedStatistics


def test_a_view_by_hand() -> None:
    """1.5 s after the beginning of 1970, and 90 s of holes."""
    made = FeedStatistics(
        exchange="okx",
        count=4,
        value_usd=12.5,
        first_ms=1_500,
        last_ms=None,
        floor_share=0.25,
        holes=2,
        missing_ms=90_000,
        heard_since_ms=60_000,
    )
    view = feed_view(made, FeedCompleteness.ONE_PER_SECOND)
    assert (view.first_time, view.last_time) == ("1970-01-01T00:00:01.500Z", None)
    assert view.heard_since == "1970-01-01T00:01:00.000Z"
    assert (view.missing_s, view.floor_share, view.completeness.value) == (
        90.0,
        0.25,
        "1-per-second",
    )
