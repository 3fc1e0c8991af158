"""The newest map with the price of now."""

from headwater.services.live_heatmap import LiveHeatmap
from headwater.services.map_question import MapLevel, NewestMap

MADE = NewestMap(
    symbol="BTCUSDT",
    timestamp_ms=1_731_000_000_000,
    levels=(MapLevel(price=100.0, long_usd=1.0, short_usd=2.0),),
    current_price=101.0,
    positions_created_usd=3.0,
    positions_consumed_usd=4.0,
)


class OneMap:
    async def newest(self, symbol: str) -> NewestMap:
        assert symbol == "BTCUSDT"
        return MADE


async def test_only_the_price_is_of_now() -> None:
    prices = {"BTCUSDT": 105.5}
    live = LiveHeatmap(OneMap(), prices.get)
    found = await live.newest("BTCUSDT")
    assert found.current_price == 105.5
    assert (found.levels, found.timestamp_ms) == (MADE.levels, MADE.timestamp_ms)
    assert MADE.current_price == 101.0
    prices.clear()
    assert await live.newest("BTCUSDT") is MADE
