"""Mark prices of all symbols."""

from tests.api.served import Platform


async def test_one_per_symbol(platform: Platform) -> None:
    rows = (await platform.get("/binance/mark-prices")).json()
    assert isinstance(rows, list)
    assert [row["symbol"] for row in rows] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert (rows[0]["mark_price"], rows[0]["index_price"]) == (100.01, 100.02)
