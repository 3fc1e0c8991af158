"""Rows and envelopes of Bybit's REST replies and stream messages, made from a simulated market.

Leverage, maximum sizes, fees and caps of funding are invented.
"""

from typing import Final

import msgspec

from headwater.venues.side import MarketView
from headwater.venues.side_desk import SymbolText

QUOTE_PLACES: Final = 4
"""Decimals of a turnover."""
RATE_PLACES: Final = 8
"""Decimals of a funding rate."""


def ticker_fields(market: MarketView, text: SymbolText) -> dict[str, str]:
    """The fields of a ticker that REST and stream share, as the venue writes them."""
    stats, mark = market.day_stats(text.symbol), market.mark_price(text.symbol)
    interest, book = market.open_interest(text.symbol), market.book(text.symbol, 1)
    value = interest.open_interest * mark.mark
    bid, ask = (book.bids or ((0.0, 0.0),))[0], (book.asks or ((0.0, 0.0),))[0]
    return {
        "lastPrice": text.price(stats.last),
        "indexPrice": text.price(mark.index or mark.mark),
        "markPrice": text.price(mark.mark),
        "prevPrice24h": text.price(stats.open),
        "price24hPcnt": f"{stats.last / stats.open - 1:.6f}",
        "highPrice24h": text.price(stats.high),
        "lowPrice24h": text.price(stats.low),
        "prevPrice1h": text.price(stats.open),
        "openInterest": text.size(2 * interest.open_interest),
        "openInterestValue": f"{2 * value:.2f}",
        "singleOpenInterest": text.size(interest.open_interest),
        "singleOpenInterestValue": f"{value:.2f}",
        "turnover24h": f"{stats.quote_volume:.{QUOTE_PLACES}f}",
        "volume24h": text.size(stats.volume),
        "fundingRate": f"{mark.funding_rate or 0.0:.{RATE_PLACES}f}",
        "nextFundingTime": str(mark.next_funding_ms or 0),
        "bid1Price": text.price(bid[0]),
        "bid1Size": text.size(bid[1]),
        "ask1Price": text.price(ask[0]),
        "ask1Size": text.size(ask[1]),
    }


def hours_of(text: SymbolText) -> str:
    """Hours between settlements."""
    return str(int(text.instrument.funding_interval_h or 8))


def instrument_row(text: SymbolText) -> dict[str, object]:
    """A row of the listing; leverage and maximum sizes are invented."""
    one = text.instrument
    return {
        "symbol": text.native,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": one.base_asset,
        "quoteCoin": one.quote_asset,
        "launchTime": str(one.listed_at_ms or 0),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(text.price_places),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {
            "minPrice": str(one.price_tick),
            "maxPrice": str(one.price_tick * 10_000_000),
            "tickSize": str(one.price_tick),
        },
        "lotSizeFilter": {
            "maxOrderQty": str(one.quantity_step * 1_000_000),
            "minOrderQty": str(one.quantity_step),
            "qtyStep": str(one.quantity_step),
            "postOnlyMaxOrderQty": str(one.quantity_step * 1_000_000),
            "maxMktOrderQty": str(one.quantity_step * 100_000),
            "minNotionalValue": str(one.min_notional or 5),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": int((one.funding_interval_h or 8) * 60),
        "settleCoin": one.settle_asset,
        "copyTrading": "both",
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
        "isPreListing": False,
    }


def envelope(result: object, now_ms: int, code: int = 0, message: str = "OK") -> bytes:
    """A reply around a result."""
    return msgspec.json.encode(
        {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": now_ms}
    )
