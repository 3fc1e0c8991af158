"""Order books."""

import pytest
from tests.api.served import Platform


@pytest.mark.parametrize(("query", "depth"), [("", 100), ("?limit=1", 1), ("?limit=1000", 1000)])
async def test_depth_is_what_was_asked_for(platform: Platform, query: str, depth: int) -> None:
    body = (await platform.get(f"/binance/orderbook/BTCUSDT{query}")).json()
    assert isinstance(body, dict)
    assert len(body["bids"]) == len(body["asks"]) == depth
    assert body["bids"] == sorted(body["bids"], reverse=True)
    assert body["asks"] == sorted(body["asks"])
    assert platform.source.calls == [f"book BTCUSDT {depth}"]
