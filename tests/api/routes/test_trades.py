"""Recent trades."""

from tests.api.served import Platform


async def test_newest_first(platform: Platform) -> None:
    rows = (await platform.get("/binance/trades/BTCUSDT?limit=3")).json()
    assert isinstance(rows, list)
    assert [row["trade_id"] for row in rows] == ["3", "2", "1"]


async def test_a_hundred_by_default(platform: Platform) -> None:
    rows = (await platform.get("/binance/trades/BTCUSDT")).json()
    assert isinstance(rows, list)
    assert len(rows) == 100
