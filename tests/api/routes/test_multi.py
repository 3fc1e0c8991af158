"""All venues in one answer: data beside errors, in time, whatever one of them does."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from tests.api import fake_source as fake
from tests.api.served import Platform, Reply

from headwater.api.settings import ApiSettings
from headwater.core.errors import (
    NotSupported,
    RateLimited,
    VenueRejected,
    VenueTimeout,
    VenueUnavailable,
    WireError,
)
from headwater.core.instruments import InstrumentTable

VENUES = ("binance", "bybit", "okx")
OHLC = "/multi/ohlc/BTCUSDT/1m"
READINGS = ["/multi/funding/BTCUSDT", "/multi/oi/BTCUSDT"]


@pytest.fixture
async def many() -> AsyncIterator[Platform]:
    """Three venues; a slow one is given up at once."""
    settings = ApiSettings(multi_timeout_s=0.05)
    async with Platform(settings, venues=VENUES).served() as served:
        yield served


async def joined(platform: Platform, target: str) -> dict[str, Any]:
    reply = await platform.get(target)
    assert reply.status == 200, reply
    return body_of(reply)


def body_of(reply: Reply) -> dict[str, Any]:
    body = reply.json()
    assert isinstance(body, dict)
    return body


@pytest.mark.parametrize("route", ["ohlc", "funding", "oi"])
async def test_each_venue_answers_as_its_own_route_does(many: Platform, route: str) -> None:
    rest = "BTCUSDT/1h?limit=3" if route == "ohlc" else "BTCUSDT"
    body = await joined(many, f"/multi/{route}/{rest}")
    assert list(body) == [*VENUES, "errors"]
    assert body["errors"] == {}
    for venue in VENUES:
        alone = await many.get(f"/{venue}/{route}/{rest}")
        assert alone.json() == body[venue]
        assert len(many.sources[venue].calls) == 1  # the kept answer served both routes


async def test_parameters_reach_every_venue(many: Platform) -> None:
    await joined(many, "/multi/ohlc/btc-usdt/1m")
    await joined(many, f"{OHLC}?limit=1000&start_time=1731000000&end_time=1731000000123")
    for source in many.sources.values():
        assert source.calls == [
            "candles BTCUSDT 1m 200 None None",
            "candles BTCUSDT 1m 1000 1731000000000 1731000000123",
        ]


async def test_one_venues_own_spelling_finds_the_contract_on_all(many: Platform) -> None:
    own = msgspec.structs.replace(
        fake.make_instrument("1000PEPEUSDT", "okx"), native_symbol="kPEPE"
    )
    many.sources["binance"].list_symbols("1000PEPEUSDT")
    many.sources["okx"].take_table(InstrumentTable("okx", [own]))
    body = await joined(many, "/multi/funding/kPEPE")
    assert body["binance"]["symbol"] == body["okx"]["symbol"] == "1000PEPEUSDT"
    assert body["errors"]["bybit"]["code"] == "unknown_symbol"


async def test_a_choice_of_venues(many: Platform) -> None:
    body = await joined(many, f"{OHLC}?exchanges=OKX,binance,okx")
    assert list(body) == ["binance", "okx", "errors"]
    assert not many.sources["bybit"].calls


@pytest.mark.parametrize(
    ("query", "field", "status"),
    [
        ("exchanges=binance,mtgox", "exchanges", 422),
        ("exchanges=", "exchanges", 422),
        ("exchanges=binance,", "exchanges", 422),
        ("limit=1001", "limit", 422),
        ("limit=0", "limit", 422),
        ("start_time=9&end_time=8", "end_time", 422),
        ("exchange=binance", "exchange", 422),
    ],
)
async def test_a_wrong_parameter_asks_nobody(
    many: Platform, query: str, field: str, status: int
) -> None:
    reply = await many.get(f"{OHLC}?{query}")
    assert reply.status == status
    [error] = body_of(reply)["errors"]
    assert error["field"] == field
    assert error["allowed"]
    assert not any(source.calls for source in many.sources.values())


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (VenueUnavailable("okx", "closed", retry_after_s=7.0), 503, "venue_unavailable"),
        (VenueTimeout("okx", "nothing came"), 504, "venue_timeout"),
        (RateLimited("okx", "slowly", retry_after_s=7.0), 429, "rate_limited"),
        (VenueRejected("okx", "no"), 502, "venue_rejected"),
        (WireError("okx", "candles", "cut", b"{"), 502, "venue_unreadable"),
        (NotSupported("okx", "ohlc", "there are none"), 404, "not_supported"),
        (ZeroDivisionError("secret words"), 500, "internal_error"),
        (TimeoutError("secret words"), 500, "internal_error"),
    ],
)
@pytest.mark.parametrize("target", [OHLC, *READINGS])
async def test_what_goes_wrong_with_one_stands_beside_the_others_data(
    many: Platform, target: str, error: Exception, status: int, code: str
) -> None:
    many.sources["okx"].error = error
    body = await joined(many, target)
    assert list(body) == ["binance", "bybit", "errors"]
    problem = body["errors"].pop("okx")
    assert not body["errors"]
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem.get("retry_after") == getattr(error, "retry_after_s", None) or status == 503
    assert "secret" not in str(problem)


async def test_a_venue_that_lacks_the_thing_has_no_data_key(many: Platform) -> None:
    many.sources["binance"].list_symbols("ETHUSDT")
    many.sources["bybit"].forget_instruments()
    body = await joined(many, OHLC)
    assert list(body) == ["okx", "errors"]
    assert body["errors"]["binance"]["code"] == "unknown_symbol"
    assert body["errors"]["binance"]["status"] == 404
    assert body["errors"]["bybit"]["status"] == 503


async def test_a_silent_venue_is_given_up_in_time(many: Platform) -> None:
    never = asyncio.Event()
    many.sources["okx"].wait_for = never
    body = await joined(many, OHLC)
    assert list(body) == ["binance", "bybit", "errors"]
    problem = body["errors"]["okx"]
    assert (problem["status"], problem["code"]) == (504, "venue_timeout")
    assert "0.04 s" in problem["detail"]
    page = (await many.get("/metrics")).body.decode()
    assert 'call="candles",exchange="okx"' in page
    assert 'error="CancelledError"' in page


async def test_venues_are_asked_at_the_same_time() -> None:
    """Each waits until all have been asked."""
    platform = Platform(venues=VENUES)
    asked = asyncio.Event()

    def note() -> None:
        if all(source.calls for source in platform.sources.values()):
            asked.set()

    for source in platform.sources.values():
        source.wait_for, source.before_answer = asked, note
    async with platform.served():
        assert (await joined(platform, OHLC))["errors"] == {}


async def test_an_error_is_told_for_a_second_at_most(many: Platform) -> None:
    okx = many.sources["okx"]
    okx.error = VenueUnavailable("okx", "closed")
    for target in READINGS:
        assert "okx" in (await joined(many, target))["errors"]
    okx.error = None
    many.advance(1.0)
    for target in READINGS:
        body = await joined(many, target)
        assert "okx" in body
        assert not body["errors"]
    assert len(many.sources["binance"].calls) == 2  # its own part was still good


async def test_nobody_lists_the_symbol(many: Platform) -> None:
    reply = await many.get("/multi/oi/BTCUSDTT")
    body = body_of(reply)
    assert (reply.status, body["code"]) == (404, "unknown_symbol")
    assert "BTCUSDT" in body["suggestions"]
    assert body["errors"][0]["field"] == "symbol"
    assert all(venue in body["detail"] for venue in VENUES)
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("errors", "status", "code"),
    [
        ((503, 503, 504), 503, "venue_unavailable"),
        ((504, 503, 504), 504, "venue_timeout"),
        ((502, 503, 504), 503, "venue_unavailable"),
        ((429, 429, 502), 429, "rate_limited"),
        ((404, 404, 502), 502, "venue_rejected"),
        ((404, 404, 404), 404, "not_supported"),
        ((500, 500, 500), 500, "internal_error"),
    ],
)
async def test_when_all_fail_the_status_is_the_one_they_share(
    many: Platform, errors: tuple[int, ...], status: int, code: str
) -> None:
    kinds: dict[int, Exception] = {
        404: NotSupported("v", "ohlc", "none"),
        429: RateLimited("v", "slowly", retry_after_s=3.0),
        500: ZeroDivisionError("secret words"),
        502: VenueRejected("v", "no"),
        503: VenueUnavailable("v", "closed"),
        504: VenueTimeout("v", "nothing came"),
    }
    for source, kind in zip(many.sources.values(), errors, strict=True):
        source.error = kinds[kind]
    reply = await many.get(OHLC)
    body = body_of(reply)
    assert (reply.status, body["status"], body["code"]) == (status, status, code)
    assert all(f"{venue}: " in body["detail"] for venue in VENUES)
    assert ("retry-after" in reply.headers) == (status in (429, 503))
    assert b"secret" not in reply.body


async def test_it_is_kept_and_tagged_like_other_answers(many: Platform) -> None:
    first = await many.get(OHLC)
    again = await many.get(OHLC, {"if-none-match": first.headers["etag"]})
    assert again.status == 304


async def test_wildcards_do_not_swallow_it(many: Platform) -> None:
    await many.get(OHLC)
    page = (await many.get("/metrics")).body.decode()
    assert 'route="/multi/ohlc/{symbol}/{interval}"' in page
    document = many.app.openapi()
    paths = list(document["paths"])
    for word in ("ohlc/{symbol}/{interval}", "funding/{symbol}", "oi/{symbol}"):
        assert paths.index(f"/multi/{word}") < paths.index(f"/{{exchange}}/{word}")
    schema = document["paths"]["/multi/ohlc/{symbol}/{interval}"]["get"]["responses"]["200"]
    described = schema["content"]["application/json"]["schema"]
    assert set(described["properties"]) == {*VENUES, "errors"}
