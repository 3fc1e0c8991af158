"""Contracts that are listed when somebody names them."""

from decimal import Decimal

from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.listings import LISTINGS
from headwater.simulator.more_listings import LISTING_BY_SYMBOL, MORE_LISTINGS


def test_more_contracts_are_listed_on_demand() -> None:
    """Fifty in all, none twice, each on a grid that its price fits."""
    assert len(LISTING_BY_SYMBOL) == len(LISTINGS) + len(MORE_LISTINGS) == 50
    for listing in MORE_LISTINGS:
        assert Decimal(str(listing.price)) % listing.price_tick == 0
        assert listing.taker_rate > 0
    market = SimulatedExchange(seed=1, start_ms=1_790_000_000_000, symbols=["ZECUSDT"])
    assert market.advance_to(1_790_000_030_000)
    assert [one.symbol for one in market.table] == ["ZECUSDT"]
