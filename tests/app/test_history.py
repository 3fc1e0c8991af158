"""What is kept whole of each venue follows from its facts and the settings."""

import pytest

from headwater.app.history import live_streams, offer_of
from headwater.app.live_feeds import LiveFeeds
from headwater.app.settings import load
from headwater.bus.memory import MemoryBus
from headwater.core.clock import SystemClock
from headwater.core.intervals import Interval
from headwater.services.stream_life import FormerLife
from headwater.venues.discovery import venue


def nowhere(name: str) -> dict[str, object]:
    """Addresses where nobody answers."""
    streams = venue(name).facts.environments["live"].streams
    return {"rest": "http://127.0.0.1:9", "streams": dict.fromkeys(streams, "ws://127.0.0.1:9")}


@pytest.mark.parametrize(
    ("name", "intervals", "kept", "period"),
    [
        ("binance", "1m", (Interval.M1, Interval.M15), Interval.M5),
        ("okx", "5m", (Interval.M1, Interval.M15, Interval.M5), Interval.M5),
        # OKX has no 8h; the venue is not asked for what it lacks.
        ("okx", "8h", (Interval.M1, Interval.M15), Interval.M5),
        ("hyperliquid", "1m,1d", (Interval.M1, Interval.M15, Interval.D1), None),
    ],
)
async def test_what_a_venue_gives_of_what_is_wanted(
    name: str, intervals: str, kept: tuple[Interval, ...], period: Interval | None
) -> None:
    settings = load(
        options={
            "venues": name,
            "venue_addresses": {name: nowhere(name)},
            "supported_intervals": intervals,
        },
        environ={},
    )
    former = {name: FormerLife(last_gap_id=41)}
    feeds = LiveFeeds(settings, bus=MemoryBus(), clock=SystemClock(), simulated=True, former=former)
    async with feeds as by_venue:
        feed = by_venue[name]
        offer = offer_of(feed, settings)
        assert (offer.exchange, offer.candles, offer.interest_period) == (name, kept, period)
        assert offer.funding
        assert live_streams(feed) == [], "nothing is live where nobody answers"
        assert feed.rest_load <= 1
