"""The route of trades for screens."""

from typing import Any, cast

from tests.api.served import Platform
from tests.api.terminal.viewing import viewing

from headwater.core.errors import VenueUnavailable


async def rows_of(platform: Platform, target: str) -> list[dict[str, Any]]:
    reply = await platform.get(target)
    assert reply.status == 200, reply
    return cast("list[dict[str, Any]]", reply.json())


async def test_the_newest_trades_come_first_as_on_the_socket(platform: Platform) -> None:
    rows = await rows_of(platform, "/api/v1/trades/btc-usdt?limit=100")
    assert [row["id"] for row in rows] == [str(number) for number in range(100, 0, -1)]
    async with viewing(platform.port, "trades/BTCUSDT") as client:
        assert (await client.hear())["trades"] == rows


async def test_the_venue_is_asked_for_as_many_as_are_wanted(platform: Platform) -> None:
    assert len(await rows_of(platform, "/api/v1/trades/BTCUSDT?exchange=binance&limit=7")) == 7
    assert len(await rows_of(platform, "/api/v1/trades/BTCUSDT")) == 100
    assert platform.source.calls == ["trades BTCUSDT 7", "trades BTCUSDT 100"]


async def test_o_s7_a_venue_that_is_down_is_a_problem_and_never_an_empty_list(
    platform: Platform,
) -> None:
    platform.source.error = VenueUnavailable("binance", "connection refused")
    reply = await platform.get("/api/v1/trades/BTCUSDT")
    assert reply.status == 503
    assert reply.headers["content-type"] == "application/problem+json"


async def test_wrong_parameters_are_named(platform: Platform) -> None:
    for target, status, word in (
        ("/api/v1/trades/NOPE", 404, b"symbol"),
        ("/api/v1/trades/BTCUSDT?exchange=nope", 404, b"exchange"),
        ("/api/v1/trades/BTCUSDT?limit=0", 422, b"limit"),
        ("/api/v1/trades/BTCUSDT?limit=1001", 422, b"limit"),
        ("/api/v1/trades/BTCUSDT?depth=5", 422, b"depth"),
    ):
        reply = await platform.get(target)
        assert (reply.status, word in reply.body) == (status, True), target
