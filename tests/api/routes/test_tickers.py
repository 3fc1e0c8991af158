"""24-hour figures of all symbols."""

from tests.api.served import Platform


async def test_one_per_symbol(platform: Platform) -> None:
    rows = (await platform.get("/binance/tickers")).json()
    assert isinstance(rows, list)
    assert [row["symbol"] for row in rows] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert rows[0]["change_24h"] == -0.0125
