"""Clusters of what was liquidated, over HTTP from a real database (L-R18)."""

from typing import Any

import numpy as np
import pytest
from tests.api.routes.test_heatmap import Market, market
from tests.services.map_market import put_liquidation

from headwater.api.routes.liquidation_clusters import levels_of_prices, warning_of

__all__ = ["market"]


async def test_l_r18_clusters_of_what_was_liquidated(market: Market) -> None:
    """Three of 90 to 90.2 and three of 110, equally large, and a stray at 100.

    The range is 20, the reach a tenth of it, 2. Levels weigh 1 on average: three make a core.
    """
    for number, price in enumerate((90.0, 90.1, 90.2, 100.0, 109.8, 109.9, 110.0)):
        put_liquidation(market.store, 10 + number, price)
    body = await market.get("/liquidations/clusters?symbol=BTCUSDT")
    assert [one["level_count"] for one in body["clusters"]] == [3, 3]
    assert body["clusters"][0]["total_volume"] == 3000.0
    assert body["clusters"][0]["centroid_price"] == pytest.approx(90.1, abs=0.03)
    assert [one["volume"] for one in body["noise_points"]] == [1000.0]
    assert body["metadata"]["level_count"] == 7
    assert (body["fallback_used"], body["warning"]) == (False, None)
    also = await market.get("/api/liquidations/clusters?symbol=BTCUSDT&auto_tune=true")
    assert also["metadata"]["auto_tuned"]
    assert also["metadata"]["epsilon"] is None
    only = await market.get("/liquidations/clusters?symbol=BTCUSDT&exchanges=okx")
    assert only["clusters"] == []
    assert "nothing was liquidated" in only["warning"]


async def test_l_d15_only_the_span_counts(market: Market) -> None:
    put_liquidation(market.store, 1, 90.0)
    put_liquidation(market.store, 44, 95.0)
    body = await market.get("/liquidations/clusters?symbol=BTCUSDT&timeframe_minutes=10")
    assert body["metadata"]["level_count"] == 1


def test_liquidations_of_one_bucket_are_one_level() -> None:
    """Prices a billionth apart are one level; no prices are none."""
    levels = levels_of_prices(np.array([100.0, 100.0 + 1e-7]), np.array([1.0, 2.0]))
    assert [one.volume_usd for one in levels] == [3.0]
    assert levels_of_prices(np.zeros(0), np.zeros(0)) == []
    many = levels_of_prices(np.linspace(1.0, 2.0, 50_000), np.ones(50_000))
    assert len(many) <= 1_002
    assert sum(one.volume_usd for one in many) == 50_000.0


def test_what_limits_an_answer_is_told() -> None:
    assert warning_of(5, is_floor=False) is None
    assert "lower bound" in (warning_of(5, is_floor=True) or "")
    assert "newest" in (warning_of(100_000, is_floor=False) or "")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("timeframe_minutes=0", "timeframe_minutes"),
        ("timeframe_minutes=1.5", "timeframe_minutes"),
        ("epsilon=0", "epsilon"),
        ("epsilon=nan", "epsilon"),
        ("epsilon=1.01", "epsilon"),
        ("min_samples=1", "min_samples"),
        ("min_samples=11", "min_samples"),
        ("auto_tune=maybe", "auto_tune"),
        ("distance_metric=cosine", "distance_metric"),
        ("exchanges=kraken", "exchanges"),
    ],
)
async def test_bad_input_is_told_by_its_name(market: Market, query: str, field: str) -> None:
    for root in ("", "/api"):
        reply = await market.platform.get(f"{root}/liquidations/clusters?symbol=BTCUSDT&{query}")
        assert reply.status == 422, reply
        body: Any = reply.json()
        assert body["errors"][0]["field"] == field
