"""What a venue lists."""

from tests.api.served import Platform


async def test_all_contracts_with_exact_steps(platform: Platform) -> None:
    rows = (await platform.get("/binance/symbols")).json()
    assert isinstance(rows, list)
    assert len(rows) == 3
    assert (rows[0]["price_tick"], rows[0]["min_notional"]) == ("0.10", "100")


async def test_before_they_are_loaded_it_says_when_to_come_back(platform: Platform) -> None:
    platform.source.forget_instruments()
    for target in ("/binance/symbols", "/binance/oi/BTCUSDT"):
        reply = await platform.get(target)
        assert reply.status == 503
        assert reply.headers["retry-after"] == "2"
