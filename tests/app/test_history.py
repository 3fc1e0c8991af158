"""What is kept whole of each venue follows from its facts and the settings."""

import pytest

from headwater.app.history import KEPT_INTERVALS, interest_periods, live_streams, offer_of
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
        assert (offer.exchange, offer.candles) == (name, kept)
        assert (offer.interest[0].period if offer.interest else None) is period
        assert offer.mark_candles == (() if name == "hyperliquid" else KEPT_INTERVALS)
        assert offer.funding
        assert live_streams(feed) == [], "nothing is live where nobody answers"
        assert feed.rest_load <= 1


@pytest.mark.parametrize(
    ("name", "days", "periods"),
    [
        # 1,440 rows: 5 days by 5 minutes, 15 by 15, 60 by the hour.
        ("okx", 5, [Interval.M5]),
        ("okx", 7, [Interval.M5, Interval.M15]),
        ("okx", 400, None),
        # 30 days whatever the period: a longer one brings nothing.
        ("binance", 365, [Interval.M5]),
        ("bybit", 365, [Interval.M5]),
        ("hyperliquid", 7, []),
        ("okx", 0, []),
    ],
)
def test_open_interest_is_asked_by_periods_that_reach_back_far_enough(
    name: str, days: int, periods: list[Interval] | None
) -> None:
    found = interest_periods(venue(name).facts, days * 86_400_000)
    if periods is not None:
        assert [one.period for one in found] == periods
        return
    reaches = [one.reach_ms or 0 for one in found]
    assert reaches == sorted(set(reaches))
    assert reaches[0] == 5 * 86_400_000
