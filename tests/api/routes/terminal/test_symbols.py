"""`/api/v1/symbols`, `/api/v1/refresh-symbols`, `/api/v1/symbol-cache-stats`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from tests.api.served import Platform

from headwater.core.errors import VenueUnavailable, WireError

PATH = "/api/v1/symbols"
REFRESH = "/api/v1/refresh-symbols"
STATS = "/api/v1/symbol-cache-stats"


@pytest.fixture
async def listing() -> AsyncIterator[Platform]:
    """Two venues, listed."""
    async with Platform(lists_symbols=True, venues=("binance", "okx")).served() as platform:
        for name in platform.sources:
            await platform.symbols.listed(name)
        yield platform


async def rows(platform: Platform, target: str = PATH) -> list[dict[str, Any]]:
    reply = await platform.get(target)
    assert reply.status == 200, reply
    return cast("list[dict[str, Any]]", reply.json())


async def stats(platform: Platform) -> dict[str, dict[str, Any]]:
    reply = await platform.get(STATS)
    found = cast("dict[str, Any]", reply.json())
    assert found["ttlSeconds"] == 300
    return {one["exchange"]: one for one in found["exchanges"]}


async def test_o_r1_binance_when_no_venue_is_named(listing: Platform) -> None:
    found = await rows(listing)
    assert [row["id"] for row in found] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert {row["exchange"] for row in found} == {"binance"}
    assert await rows(listing, f"{PATH}?exchange=Binance") == found
    assert {row["exchange"] for row in await rows(listing, f"{PATH}?exchange=okx")} == {"okx"}


async def test_o_r1_all_venues_together_by_volume(listing: Platform) -> None:
    listing.sources["okx"].error = VenueUnavailable("okx", "is down")
    assert (await listing.request("POST", f"{REFRESH}?exchange=okx")).status == 503
    reply = await listing.get(f"{PATH}?exchange=all")
    found = cast("list[dict[str, Any]]", reply.json())
    assert [row["exchange"] for row in found] == ["binance"] * 3 + ["okx"] * 3
    assert [row["stale"] for row in found] == [False] * 3 + [True] * 3
    assert [row["volume24h"] for row in found] == [100_000.0] * 3 + [None] * 3
    assert "okx: is down" in reply.headers["x-data-incomplete"]
    own = await listing.get(f"{PATH}?exchange=binance")
    assert "x-data-incomplete" not in own.headers


async def test_o_d5_a_venue_that_was_never_reached_is_listed_by_name() -> None:
    platform = Platform(lists_symbols=True)
    platform.source.forget_instruments()
    platform.source.error = VenueUnavailable("binance", "is down")
    async with platform.served():
        reply = await platform.get(PATH)
        found = cast("list[dict[str, Any]]", reply.json())
        assert len(found) == 28
        assert all(row["stale"] and row["volume24h"] is None for row in found)
        assert "is down" in reply.headers["x-data-incomplete"]


@pytest.mark.parametrize(
    ("target", "status", "field"),
    [
        (f"{PATH}?exchange=nowhere", 404, "exchange"),
        (f"{PATH}?exchange=", 422, "exchange"),
        (f"{PATH}?exchange=okx&exchange=okx", 422, "exchange"),
        (f"{PATH}?limit=3", 422, "limit"),
        (f"{PATH}?exchange={'x' * 33}", 422, "exchange"),
        (f"{STATS}?exchange=okx", 422, "exchange"),
    ],
)
async def test_what_is_wrong_is_named(
    listing: Platform, target: str, status: int, field: str
) -> None:
    reply = await listing.get(target)
    assert reply.status == status
    problem = cast("dict[str, Any]", reply.json())
    assert problem["errors"][0]["field"] == field


async def test_a_wrong_venue_is_told_what_there_is(listing: Platform) -> None:
    problem = cast("dict[str, Any]", (await listing.get(f"{PATH}?exchange=al")).json())
    assert problem["errors"][0]["allowed"] == ["binance", "okx", "all"]
    assert problem["suggestions"] == ["all"]


async def test_the_same_list_is_not_sent_twice(listing: Platform) -> None:
    first = await listing.get(PATH)
    again = await listing.get(PATH, {"if-none-match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


async def test_o_r6_a_refresh_is_seen_at_once(listing: Platform) -> None:
    assert len(await rows(listing)) == 3
    listing.source.list_symbols("BTCUSDT", "NEWUSDT")
    reply = await listing.request("POST", REFRESH)
    assert reply.status == 200
    assert reply.json() == {
        "exchanges": [
            {
                "exchange": "binance",
                "reloaded": True,
                "symbols": 2,
                "message": "",
                "retryAfter": None,
            }
        ],
        "timestamp": listing.clock.now_ms(),
    }
    assert [row["id"] for row in await rows(listing)] == ["BTCUSDT", "NEWUSDT"]


async def test_o_r6_a_stampede_of_refreshes_loads_once_and_says_when_to_come_back(
    listing: Platform,
) -> None:
    before = listing.source.loads
    answers = await asyncio.gather(
        *(listing.request("POST", f"{REFRESH}?exchange=binance") for _ in range(30))
    )
    refused = [one for one in answers if one.status == 429]
    assert {one.status for one in answers} == {200, 429}
    assert all(int(one.headers["retry-after"]) == 10 for one in refused)
    assert listing.source.loads == before + 1
    listing.advance(9.5)
    late = await listing.request("POST", REFRESH)
    assert (late.status, late.headers["retry-after"]) == (429, "1")
    listing.advance(1.0)
    assert (await listing.request("POST", REFRESH)).status == 200
    assert listing.source.loads == before + 2


async def test_o_r6_of_all_venues_those_that_fail_say_so_beside_the_others(
    listing: Platform,
) -> None:
    assert (await listing.request("POST", f"{REFRESH}?exchange=binance")).status == 200
    reply = await listing.request("POST", f"{REFRESH}?exchange=all")
    found = {one["exchange"]: one for one in cast("dict[str, Any]", reply.json())["exchanges"]}
    assert reply.status == 200
    assert found["okx"]["reloaded"] is True
    assert found["binance"]["reloaded"] is False
    assert found["binance"]["retryAfter"] == 10
    assert found["binance"]["symbols"] == 3
    again = await listing.request("POST", f"{REFRESH}?exchange=all")
    assert again.status == 429, "none of them may be loaded"


async def test_o_r6_a_venue_that_fails_is_a_problem_and_no_success(listing: Platform) -> None:
    listing.source.error = WireError("binance", "exchangeInfo", "no JSON", b"<html>")
    reply = await listing.request("POST", REFRESH)
    assert reply.status == 502
    assert all(row["stale"] for row in await rows(listing))
    assert (await listing.request("POST", f"{REFRESH}?exchange=nowhere")).status == 404
    assert (await listing.request("POST", f"{REFRESH}?force=1")).status == 422
    assert (await listing.get(REFRESH)).status == 405


async def test_o_r6_what_was_asked_of_venues_is_counted(listing: Platform) -> None:
    before = (await stats(listing))["binance"]
    assert (before["marketCalls"], before["tickerCalls"], before["loads"]) == (1, 1, 1)
    assert (before["stale"], before["symbols"], before["message"]) == (False, 3, "")
    for _ in range(5):
        await rows(listing)
    await listing.request("POST", REFRESH)
    await listing.request("POST", REFRESH)
    listing.advance(60)
    after = (await stats(listing))["binance"]
    assert (after["forced"], after["refused"], after["loads"]) == (1, 1, 2)
    assert after["tickerCalls"] == 2
    assert after["ageSeconds"] == 60
    assert after["questions"] == before["questions"] + 1, "the others were ready answers"
    listing.source.error = VenueUnavailable("binance", "is down")
    await listing.request("POST", REFRESH)
    failed = (await stats(listing))["binance"]
    assert (failed["failures"], failed["stale"]) == (1, True)
    assert "is down" in failed["message"]
