"""Maps of this moment over HTTP: worked by hand, from a real database."""

from typing import Any

import pytest
from tests.api.routes.test_heatmap import FADED, Market, market
from tests.api.served import Platform

from headwater.core.errors import VenueUnavailable

__all__ = ["market"]

USD = 1500.0 * FADED
"""Held on each side at the end of the last bar: 1,500 opened, one bar faded."""


async def test_l_r5_levels_go_outwards_from_the_price(market: Market) -> None:
    """Everybody at 10× or 25×, half each: longs at 90.36 and 96.39, shorts at 109.56 and 103.59.

    The mark price of now is the venue's, 100.01. The class of 25× has a half-life of 5 days.
    """
    body = await market.get("/liquidations/levels?symbol=BTCUSDT&leverage_weights=10:1,25:1")
    near = 750.0 * 2.0 ** (-1.0 / 480.0)
    far = 750.0 * FADED
    longs = [(one["price_level"], one["volume"]) for one in body["long_liquidations"]]
    assert longs == [(96.375, pytest.approx(near)), (90.375, pytest.approx(far))]
    assert body["long_liquidations"][1]["cumulative_volume"] == pytest.approx(near + far)
    assert [one["price_level"] for one in body["short_liquidations"]] == [103.625, 109.625]
    assert (body["current_price"], body["price_source"]) == (100.01, "mark")
    assert body["max_pain"]["price_level"] == 109.625
    assert body["timestamp"] == "2026-09-21T00:45:00.000Z"


async def test_l_d13_the_model_and_the_venues_have_an_effect(market: Market) -> None:
    one = await market.get("/liquidations/levels?symbol=BTCUSDT&model=b0")
    other = await market.get("/liquidations/levels?symbol=BTCUSDT&exchanges=okx")
    assert one["model"] == "b0"
    assert len(one["long_liquidations"]) > 50
    total = other["long_liquidations"][-1]["cumulative_volume"]
    assert total == pytest.approx(500.0, rel=1e-2)


async def test_without_a_venue_the_last_bar_has_the_price(market: Market) -> None:
    await market.get("/liquidations/levels?symbol=BTCUSDT")
    market.platform.advance(60.0)
    for source in market.platform.sources.values():
        source.error = VenueUnavailable("bybit", "away")
    body = await market.get("/liquidations/levels?symbol=BTCUSDT")
    assert (body["current_price"], body["price_source"]) == (100.0, "last_bar")


async def test_max_pain_is_the_largest_bucket(market: Market) -> None:
    body = await market.get("/liquidations/max-pain?symbol=BTCUSDT&leverage_weights=10:1")
    assert body["max_pain_long"] == {
        "side": "long", "price_level": 90.375, "volume": pytest.approx(USD)
    }  # fmt: skip
    assert body["max_pain_short"]["price_level"] == 109.625
    # Equal amounts: the nearer one, 109.625 − 100.01 against 100.01 − 90.375.
    assert body["max_pain"]["side"] == "short"
    assert (body["total_long"], body["total_short"]) == (pytest.approx(USD), pytest.approx(USD))
    empty = await market.get("/liquidations/max-pain?symbol=ETHUSDT")
    assert (empty["max_pain"], empty["total_long"], empty["timestamp"]) == (None, 0.0, None)


async def test_l_r6_cells_of_the_newest_hours(market: Market) -> None:
    body = await market.get("/liquidations/heatmap?symbol=BTCUSDT&timeframe=4h")
    assert body["timeframe"] == "4h"
    assert body["model"] == "estimated"
    last = [one for one in body["data"] if one["time"] == "2026-09-21T00:30:00.000Z"]
    assert sum(one["density"] for one in last) == pytest.approx(1.0, abs=1e-4)
    summary = body["metadata"]
    assert summary["total_volume"] == pytest.approx(sum(one["volume"] for one in last), abs=1.0)
    assert summary["time_range_hours"] == 0.75
    assert 0.0 < summary["data_quality_score"] <= 1.0
    none = await market.get("/liquidations/heatmap?symbol=BTCUSDT&model=binance_standard")
    assert (none["data"], none["exchanges"]) == ([], [])


async def test_l_r8_models_side_by_side(market: Market) -> None:
    body = await market.get("/liquidations/compare-models?symbol=BTCUSDT")
    by_name = {one["name"]: one for one in body["models"]}
    assert set(by_name) == {"estimated", "empirical", "b0", "b1", "b2", "b3", "b4"}
    assert by_name["empirical"]["levels"] == []
    assert "too few" in by_name["empirical"]["reason"]
    assert by_name["estimated"]["mean_price"] == pytest.approx(100.0, rel=0.01)
    assert 0.0 <= body["agreement_percentage"] <= 100.0
    assert body["current_price"] == 100.01


@pytest.mark.parametrize(
    ("target", "status", "field"),
    [
        ("levels", 422, "symbol"),
        ("levels?symbol=NOPE", 404, "symbol"),
        ("levels?symbol=BTCUSDT&model=realised", 422, "model"),
        ("levels?symbol=BTCUSDT&whale_threshold=1", 422, "whale_threshold"),
        ("levels?symbol=BTCUSDT&leverage_weights=3:1", 422, "leverage_weights"),
        ("max-pain?symbol=BTCUSDT&exchanges=kraken", 422, "exchanges"),
        ("heatmap?symbol=BTCUSDT&timeframe=2h", 422, "timeframe"),
        ("heatmap?symbol=BTCUSDT&model=ml", 422, "model"),
        ("compare-models?symbol=", 422, "symbol"),
        ("compare-models?symbol=BTCUSDT&exchanges=,", 422, "exchanges"),
    ],
)
async def test_bad_input_is_told_by_its_name(
    market: Market, target: str, status: int, field: str
) -> None:
    reply = await market.platform.get(f"/liquidations/{target}")
    assert reply.status == status, reply
    body: Any = reply.json()
    assert body["errors"][0]["field"] == field


async def test_where_nothing_is_stored_the_reason_is_told(platform: Platform) -> None:
    for route in ("levels", "max-pain", "heatmap", "compare-models"):
        reply = await platform.get(f"/liquidations/{route}?symbol=BTCUSDT")
        assert reply.status == 404
        assert b"stores nothing" in reply.body
