"""What Binance tells about its contracts."""

from tests.venues.binance.hand_market import START_MS, HandMarket

from headwater.venues.binance.venue_side_listing import exchange_info, funding_info
from headwater.venues.binance.venue_side_text import SymbolTexts

TEXTS = SymbolTexts(HandMarket().table)


def test_a_contract_has_every_field_that_clients_read() -> None:
    info = exchange_info(TEXTS, START_MS)
    symbols = info["symbols"]
    assert isinstance(symbols, list)
    bitcoin = symbols[0]
    assert bitcoin["contractType"] == "PERPETUAL"
    assert bitcoin["deliveryDate"] == 4_133_404_800_000
    assert (bitcoin["pricePrecision"], bitcoin["quantityPrecision"]) == (2, 3)
    filters = {row["filterType"]: row for row in bitcoin["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.10"
    assert filters["LOT_SIZE"]["stepSize"] == "0.001"
    assert filters["MIN_NOTIONAL"]["notional"] == "5"
    assert set(filters) >= {"MARKET_LOT_SIZE", "MAX_NUM_ORDERS", "PERCENT_PRICE"}


def test_only_unusual_funding_intervals_are_listed() -> None:
    (row,) = funding_info(TEXTS, START_MS)
    assert (row["symbol"], row["fundingIntervalHours"]) == ("DOGEUSDT", 4)
