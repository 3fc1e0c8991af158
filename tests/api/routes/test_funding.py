"""Funding, coming and past."""

from tests.api.served import Platform


async def test_the_coming_settlement(platform: Platform) -> None:
    body = (await platform.get("/binance/funding/BTCUSDT")).json()
    assert isinstance(body, dict)
    assert body["funding_rate"] == -0.0001
    assert body["funding_time"] == "2024-11-08T00:00:00.000Z"


async def test_history_takes_limit_and_span(platform: Platform) -> None:
    platform.source.offer_everything()
    reply = await platform.get("/binance/funding-hist/BTC?limit=2&end_time=1731000000")
    rows = reply.json()
    assert isinstance(rows, list)
    assert len(rows) == 2
    await platform.get("/binance/funding-hist/BTC")
    assert platform.source.calls == [
        "funding_history BTCUSDT 2 None 1731000000000",
        "funding_history BTCUSDT 100 None None",
    ]
