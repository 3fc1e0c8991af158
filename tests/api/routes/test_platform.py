"""The platform about itself."""

import pytest
from tests.api.served import Platform

from headwater.api.settings import ApiSettings
from headwater.venues.discovery import venues


async def test_root_says_what_this_is(platform: Platform) -> None:
    assert (await platform.get("/")).json() == {
        "name": "headwater",
        "version": platform.settings.version,
        "status": "operational",
        "docs": "/docs",
        "exchanges": ["binance"],
        "simulated": True,
        "stores": False,
    }


@pytest.mark.parametrize(("dashboard", "target"), [(False, "docs"), (True, "dashboard/")])
async def test_a_browser_is_sent_to_a_page(dashboard: bool, target: str) -> None:
    """By a relative address, so that it is right under any prefix of a proxy."""
    async with Platform(ApiSettings(dashboard=dashboard)).served() as platform:
        reply = await platform.get("/", {"accept": "text/html,*/*"})
        assert (reply.status, reply.headers["location"]) == (307, target)
        assert "accept" in reply.headers["vary"]
        # 503 where the modules are not installed.
        assert ((await platform.get("/dashboard/")).status != 404) is dashboard


async def test_exchanges_tell_what_they_offer_and_why_not(platform: Platform) -> None:
    body = (await platform.get("/exchanges")).json()
    assert isinstance(body, dict)
    assert (body["count"], body["active_count"], body["simulated"]) == (1, 1, True)
    [venue] = body["exchanges"]
    assert (venue["name"], venue["display_name"], venue["status"]) == (
        "binance",
        "Binance",
        "active",
    )
    assert venue["data_source"] == "simulated"
    wanted = {"ohlc", "funding_rate", "open_interest", "liquidations", "large_trades"}
    assert {name for name, there in venue["capabilities"].items() if there} >= wanted
    assert venue["capabilities"]["funding_history"] is False
    assert venue["support"]["funding_history"]["note"] == "the venue keeps none"
    assert "tape" in venue["features"]
    assert venue["intervals"] == ["1m", "5m", "1h"]
    assert venue["symbols_count"] == 3


async def test_every_venue_there_is_tells_the_same_things_of_itself() -> None:
    found = venues()
    platform = Platform(venues=tuple(found))
    for name, venue in found.items():
        platform.sources[name].take_facts(venue.facts)
    async with platform.served():
        body = (await platform.get("/exchanges")).json()
    assert isinstance(body, dict)
    assert {"binance", "bybit", "okx", "hyperliquid"} <= set(found)
    assert [one["name"] for one in body["exchanges"]] == list(found)
    assert body["count"] == body["active_count"] == len(found)
    for one in body["exchanges"]:
        wanted = {"ohlc", "funding_rate", "open_interest", "liquidations", "large_trades"}
        assert wanted <= set(one["capabilities"]), one["name"]
        assert all(isinstance(there, bool) for there in one["capabilities"].values())
        assert {"display_name", "status", "features", "data_source"} <= set(one)
        assert set(one["support"]) >= set(one["capabilities"]) - {"liquidations", "large_trades"}
        assert all(entry["note"] for entry in one["support"].values() if not entry["available"]), (
            one["name"]
        )
