"""Margin over HTTP: golden answers, batches, tiers, and a table of bad input."""

from typing import Any

import msgspec
import pytest
from tests.api.fake_source import THREE_TIERS, make_instrument
from tests.api.served import Platform, Reply

from headwater.api.schemas.margin_bodies import BATCH_MAX
from headwater.core.errors import VenueUnavailable
from headwater.core.instruments import InstrumentTable
from headwater.venues.facts import Support

CALCULATE = "/margin/calculate"
BATCH = "/margin/batch"
TIERS = "/margin/tiers/BTCUSDT"
LONG = {"symbol": "BTCUSDT", "entry_price": 50_000, "position_size": 20, "leverage": 10,
        "side": "long"}  # fmt: skip


def body_of(reply: Reply, status: int = 200) -> dict[str, Any]:
    assert reply.status == status, reply
    body = reply.json()
    assert isinstance(body, dict)
    return body


async def test_a_position_by_hand(platform: Platform) -> None:
    """1 000 000 in tier 3: 1 % − 3 050 = 6 950; (900 000 − 3 050) / 19.8 = 45 300.51."""
    body = body_of(await platform.post(CALCULATE, LONG))
    price = body.pop("liquidation_price")
    assert price == pytest.approx(45_300.505, abs=0.001)
    assert body == {
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "notional": 1e6,
        "margin": pytest.approx(6_950.0),
        "initial_margin": 1e5,
        "tier": 3,
        "margin_rate": 0.01,
        "maintenance_amount": pytest.approx(3_050.0),
        "is_liquidable": True,
        "source": "GET /tiers",
        "tier_details": None,
        "display": None,
    }


async def test_details_and_text_are_added_when_asked_for(platform: Platform) -> None:
    asked = LONG | {"include_tier_details": True, "include_display": True, "symbol": "btc-usdt"}
    body = body_of(await platform.post(CALCULATE, asked))
    assert body["tier_details"]["max_notional"] == 3e6
    assert body["display"] == {
        "notional": "1,000,000.00 USDT",
        "margin": "6,950.00 USDT",
        "initial_margin": "100,000.00 USDT",
        "margin_rate": "1 %",
        "maintenance_amount": "3,050.00 USDT",
        "liquidation_price": "45,300.51 USDT",
    }


async def test_a_notional_alone(platform: Platform) -> None:
    """250 000 × 0.5 % − 50 = 1 200."""
    body = body_of(await platform.post(CALCULATE, {"symbol": "BTC", "notional": 250_000}))
    assert (body["tier"], body["margin"]) == (2, pytest.approx(1_200.0))
    assert body["liquidation_price"] is body["is_liquidable"] is body["initial_margin"] is None


async def test_a_long_without_borrowing_is_never_liquidated(platform: Platform) -> None:
    body = body_of(await platform.post(CALCULATE, LONG | {"leverage": 1}))
    assert body["liquidation_price"] is None
    assert body["is_liquidable"] is False


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"notional": 5}, "notional"),
        ({"notional": -5}, "notional"),
        ({"entry_price": 0}, "entry_price"),
        ({"entry_price": None}, "entry_price"),
        ({"entry_price": "50000"}, "entry_price"),
        ({"entry_price": True}, "entry_price"),
        ({"entry_price": 1e16}, "entry_price"),
        ({"position_size": -1}, "position_size"),
        ({"position_size": None}, "position_size"),
        ({"position_size": 10**9}, "position_size"),
        ({"leverage": 0}, "leverage"),
        ({"leverage": 51}, "leverage"),
        ({"leverage": 100_000}, "leverage"),
        ({"side": "up"}, "side"),
        ({"side": 1}, "side"),
        ({"symbol": ""}, "symbol"),
        ({"symbol": None}, "symbol"),
        ({"taker_fee_rate": 0.5}, "taker_fee_rate"),
        ({"include_display": "maybe"}, "include_display"),
        ({"include_tier_details": 0}, "include_tier_details"),
        ({"Leverage": 5}, "Leverage"),
    ],
)
async def test_bad_values_are_422_and_name_field_and_value(
    platform: Platform, change: dict[str, object], field: str
) -> None:
    body = body_of(await platform.post(CALCULATE, LONG | change), 422)
    assert body["code"] == "bad_parameter"
    assert body["errors"][0]["field"] == field
    assert body["errors"][0]["allowed"]


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (b"", {422}),
        (b"{", {422}),
        (b"[]", {422}),
        (b"null", {422}),
        (b"\xff\xfe", {400, 422}),
        (b"[" * 5_000, {400, 422}),
        (b'{"symbol":"BTC","notional":NaN}', {422}),
        (b'{"symbol":"BTC","notional":Infinity}', {422}),
        (b'{"symbol":"BTC","notional":1e999}', {422}),
        (b'{"symbol":"BTC","notional":' + b"9" * 4_000 + b"}", {422}),
        (b'{"symbol":"BTC","notional":' + b"9" * 5_000 + b"}", {400, 422}),
        (b'{"symbol":"\\ud800","notional":1}', {404, 422}),
        (b'{"\\ud800":1}', {422}),
        (b'{"symbol":' + b"[" * 400 + b"]" * 400 + b"}", {422}),
        *[(b'{"symbol":' + b"[" * n + b"]" * n + b"}", {400, 422}) for n in range(800, 1000, 20)],
        (b" " * 70_000, {413}),
    ],
)
async def test_bytes_that_mean_nothing_are_problems(
    platform: Platform, sent: bytes, statuses: set[int]
) -> None:
    reply = await platform.post(CALCULATE, sent)
    assert reply.status in statuses, reply
    assert reply.headers["content-type"] == "application/problem+json"


async def test_what_does_not_exist_is_404(platform: Platform) -> None:
    for change, code in (
        ({"symbol": "BTCC"}, "unknown_symbol"),
        ({"exchange": "mtgox"}, "unknown_exchange"),
    ):
        assert body_of(await platform.post(CALCULATE, LONG | change), 404)["code"] == code
    facts = platform.source.facts
    missing = Support(available=False, note="it keeps them secret")
    platform.source.take_facts(
        msgspec.structs.replace(facts, capabilities={**facts.capabilities, "margin_tiers": missing})
    )
    body = body_of(await platform.post(CALCULATE, LONG), 404)
    assert (body["code"], body["errors"][0]["allowed"]) == (
        "not_supported",
        ["it keeps them secret"],
    )


async def test_an_inverse_contract_is_not_answered_by_the_linear_formula(
    platform: Platform,
) -> None:
    inverse = msgspec.structs.replace(make_instrument("BTCUSD", "binance"), is_linear=False)
    platform.source.take_table(InstrumentTable("binance", [inverse]))
    body = body_of(await platform.post(CALCULATE, LONG | {"symbol": "BTCUSD"}), 404)
    assert body["code"] == "not_supported"
    assert "inverse" in body["detail"]


async def test_a_venue_that_fails_is_no_answer(platform: Platform) -> None:
    platform.source.error = VenueUnavailable("binance", "closed")
    assert (await platform.post(CALCULATE, LONG)).status == 503
    assert (await platform.get(TIERS)).status == 503


async def test_a_batch_answers_each_by_itself(platform: Platform) -> None:
    asked = [LONG, LONG | {"symbol": "NOPE"}, LONG | {"leverage": 99}, {"symbol": "ETH",
             "notional": 1_000}]  # fmt: skip
    body = body_of(await platform.post(BATCH, {"calculations": asked}))
    assert (body["total_count"], body["success_count"]) == (4, 2)
    assert [item["index"] for item in body["results"]] == [0, 1, 2, 3]
    assert [item["error"] and item["error"]["code"] for item in body["results"]] == [
        None,
        "unknown_symbol",
        "bad_parameter",
        None,
    ]
    assert body["results"][0]["result"] == body_of(await platform.post(CALCULATE, LONG))
    assert body["results"][3]["result"]["symbol"] == "ETHUSDT"


@pytest.mark.parametrize("count", [0, BATCH_MAX + 1])
async def test_a_batch_is_bounded(platform: Platform, count: int) -> None:
    body = body_of(await platform.post(BATCH, {"calculations": [LONG] * count}), 422)
    assert body["errors"][0]["field"] == "calculations"
    assert not platform.source.calls


async def test_a_bad_value_in_a_batch_is_named_with_its_place(platform: Platform) -> None:
    sent = {"calculations": [LONG, LONG | {"leverage": "ten"}]}
    body = body_of(await platform.post(BATCH, sent), 422)
    assert body["errors"][0]["field"] == "calculations.1.leverage"


async def test_tiers_alone(platform: Platform) -> None:
    body = body_of(await platform.get(TIERS))
    assert body["comparison_table"] is None
    assert [tier["tier_number"] for tier in body["tiers"]] == [1, 2, 3]
    assert body["tiers"][1] == {
        "tier_number": 2,
        "min_notional": 50e3,
        "max_notional": 600e3,
        "margin_rate": 0.005,
        "maintenance_amount": pytest.approx(50.0),
        "max_leverage": 100.0,
        "min_quantity": None,
        "max_quantity": None,
    }


async def test_a_last_tier_without_an_end_is_null(platform: Platform) -> None:
    endless = msgspec.structs.replace(THREE_TIERS[-1], notional_cap=float("inf"))
    platform.source.tiers = (*THREE_TIERS[:-1], endless)
    body = body_of(await platform.get(TIERS))
    assert body["tiers"][-1]["max_notional"] is None


async def test_tiers_side_by_side(platform: Platform) -> None:
    """At 600 000 tier 2 demands 3 000 − 50 = 2 950; from 250 000 it is 350 000 to tier 3."""
    target = f"{TIERS}?exchange=binance&format=comparison&current_notional=250000"
    rows = body_of(await platform.get(target))["comparison_table"]
    assert [row["is_current"] for row in rows] == [False, True, False]
    assert [row["notional_to_go"] for row in rows] == [0.0, 0.0, 350e3]
    assert rows[1]["margin"] == pytest.approx(2_950.0)
    assert rows[1]["margin_share"] == pytest.approx(2_950 / 600e3)
    unmarked = body_of(await platform.get(f"{TIERS}?format=comparison"))["comparison_table"]
    assert [row["is_current"] for row in unmarked] == [None] * 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("format=long", "format"),
        ("current_notional=-5", "current_notional"),
        ("current_notional=0", "current_notional"),
        ("current_notional=NaN", "current_notional"),
        ("current_notional=inf", "current_notional"),
        ("current_notional=1_000", "current_notional"),
        ("current_notional=1e99", "current_notional"),
        ("current_notional=%205", "current_notional"),
        ("currentNotional=5", "currentNotional"),
    ],
)
async def test_bad_queries_of_tiers(platform: Platform, query: str, field: str) -> None:
    body = body_of(await platform.get(f"{TIERS}?{query}"), 422)
    assert body["errors"][0]["field"] == field


async def test_unknown_symbols_and_venues_of_tiers(platform: Platform) -> None:
    assert (await platform.get("/margin/tiers/BTCC")).status == 404
    assert (await platform.get(f"{TIERS}?exchange=mtgox")).status == 404


async def test_health_is_what_every_venue_answered() -> None:
    """One tells three tiers, one is away, one offers none: two of them count, one is well."""
    async with Platform(venues=("binance", "bybit", "okx")).served() as platform:
        platform.sources["bybit"].error = VenueUnavailable("bybit", "closed")
        facts = platform.sources["okx"].facts
        kinds = dict(facts.capabilities) | {"margin_tiers": Support(available=False, note="secret")}
        platform.sources["okx"]._facts = msgspec.structs.replace(facts, capabilities=kinds)
        body = body_of(await platform.get("/margin/health"))
        assert body["status"] == "degraded"
        assert body["exchanges"]["binance"] == {
            "exchange": "binance",
            "is_offered": True,
            "healthy": True,
            "symbol": "BTCUSDT",
            "tier_count": 3,
            "source": "GET /tiers",
            "reason": "",
        }
        away, none = body["exchanges"]["bybit"], body["exchanges"]["okx"]
        assert (away["is_offered"], away["healthy"], away["tier_count"]) == (True, False, None)
        assert "closed" in away["reason"]
        assert (none["is_offered"], none["healthy"]) == (False, False)
        assert "secret" in none["reason"]
        assert (await platform.get("/margin/health?exchange=okx")).status == 422


async def test_health_of_no_answer_and_of_all(platform: Platform) -> None:
    assert body_of(await platform.get("/margin/health"))["status"] == "healthy"
    async with Platform().served() as other:
        other.source.error = VenueUnavailable("binance", "closed")
        assert body_of(await other.get("/margin/health"))["status"] == "unhealthy"
