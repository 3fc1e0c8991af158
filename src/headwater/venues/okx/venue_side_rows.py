"""Rows of OKX's REST replies and stream messages, made from a simulated market.

Sizes are contracts. Premium, impact value, leverage and maximum sizes are invented.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from headwater.core.records import Candle, MarkCandle
from headwater.venues.side import MarketView
from headwater.venues.side_desk import SymbolText

_HOUR_MS: Final = 3_600_000
RATE_PLACES: Final = 10
"""Decimals of a funding rate."""


def index_of(text: SymbolText) -> str:
    """The index behind a swap."""
    return f"{text.instrument.base_asset}-{text.instrument.quote_asset}"


def candle_row(text: SymbolText, row: Candle) -> list[str]:
    """`[ts,o,h,l,c,vol,volCcy,volCcyQuote,confirm]`."""
    return [
        str(row.timestamp_ms),
        *map(text.price, (row.open, row.high, row.low, row.close)),
        text.size(row.volume),
        text.base(row.volume),
        f"{row.quote_volume or 0.0:.4f}",
        "1" if row.is_closed else "0",
    ]


def price_row(text: SymbolText, row: Candle | MarkCandle) -> list[str]:
    """`[ts,o,h,l,c,confirm]` of a price that nobody trades, with one more decimal than trades."""
    places = text.price_places + 1
    prices = [f"{price:.{places}f}" for price in (row.open, row.high, row.low, row.close)]
    return [str(row.timestamp_ms), *prices, "1" if row.is_closed else "0"]


def mark_row(market: MarketView, text: SymbolText) -> dict[str, str]:
    """A mark price, with one more decimal than trades."""
    mark = market.mark_price(text.symbol).mark
    return {
        "instType": "SWAP",
        "instId": text.native,
        "markPx": f"{mark:.{text.price_places + 1}f}",
        "ts": str(market.now_ms()),
    }


def index_row(market: MarketView, text: SymbolText) -> dict[str, str]:
    """An index price."""
    stats, mark = market.day_stats(text.symbol), market.mark_price(text.symbol)
    return {
        "instId": index_of(text),
        "idxPx": f"{mark.index or mark.mark:.{text.price_places + 1}f}",
        "high24h": text.price(stats.high),
        "low24h": text.price(stats.low),
        "open24h": text.price(stats.open),
        "sodUtc0": text.price(stats.open),
        "sodUtc8": text.price(stats.open),
        "ts": str(market.now_ms()),
    }


def interest_row(market: MarketView, text: SymbolText) -> dict[str, str]:
    """Open interest in contracts, coins and USD."""
    found = market.open_interest(text.symbol)
    return {
        "instType": "SWAP",
        "instId": text.native,
        "oi": text.size(found.open_interest),
        "oiCcy": text.base(found.open_interest),
        "oiUsd": f"{found.value or 0.0:.4f}",
        "ts": str(market.now_ms()),
    }


def funding_row(market: MarketView, text: SymbolText) -> dict[str, str]:
    """The running estimate; premium and impact value are invented."""
    mark = market.mark_price(text.symbol)
    settles_ms = mark.next_funding_ms or 0
    past = market.funding_history(text.symbol, limit=1)
    hours_ms = int((text.instrument.funding_interval_h or 8) * _HOUR_MS)
    return {
        "instType": "SWAP",
        "instId": text.native,
        "formulaType": "withRate",
        "method": "current_period",
        "fundingRate": f"{mark.funding_rate or 0.0:.{RATE_PLACES}f}",
        "nextFundingRate": "",
        "fundingTime": str(settles_ms),
        "nextFundingTime": str(settles_ms + hours_ms),
        "minFundingRate": "-0.00375",
        "maxFundingRate": "0.00375",
        "interestRate": "0.0001",
        "impactValue": "10000.0",
        "settState": "settled",
        "settFundingRate": f"{past[-1].rate:.{RATE_PLACES}f}" if past else "",
        "premium": "0.0001",
        "ts": str(market.now_ms()),
    }


def instrument_row(text: SymbolText) -> dict[str, object]:
    """A row of the listing."""
    one = text.instrument
    lot = Decimal(str(one.quantity_step)) / Decimal(str(one.contract_size))
    return {
        "instType": "SWAP",
        "instId": text.native,
        "instIdCode": 10_000 + sum(text.native.encode()),
        "uly": index_of(text),
        "instFamily": index_of(text),
        "baseCcy": "",
        "quoteCcy": "",
        "settleCcy": one.settle_asset,
        "ctVal": f"{one.contract_size:g}",
        "ctMult": "1",
        "ctValCcy": one.base_asset,
        "ctType": "linear",
        "optType": "",
        "stk": "",
        "listTime": str(one.listed_at_ms or 0),
        "expTime": "",
        "lever": "100",
        "tickSz": str(one.price_tick.normalize()),
        "lotSz": str(lot.normalize()),
        "minSz": str(lot.normalize()),
        "maxLmtSz": "100000000",
        "maxMktSz": "10000",
        "alias": "",
        "state": "live",
        "ruleType": "normal",
    }


def envelope(data: object, code: str = "0", message: str = "") -> bytes:
    """A reply around rows."""
    return msgspec.json.encode({"code": code, "msg": message, "data": data})


def tier_rows(
    market: MarketView, texts: Mapping[str, SymbolText], family: str | None
) -> list[object]:
    """Position tiers of a family, in whole contracts: the market's notionals at the mark price."""
    rows: list[object] = []
    for text in texts.values():
        if index_of(text) != family:
            continue
        contract = market.mark_price(text.symbol).mark * text.instrument.contract_size
        least = 0
        for number, tier in enumerate(market.margin_tiers(text.symbol), 1):
            most = round(tier.notional_cap / contract)
            rows.append(
                {
                    "baseMaxLoan": "",
                    "imr": f"{1 / tier.leverage_max:.6g}",
                    "instFamily": family,
                    "instId": "",
                    "maxLever": f"{tier.leverage_max:g}",
                    "maxSz": str(most),
                    "minSz": str(least),
                    "mmr": f"{tier.maintenance_rate:g}",
                    "optMgnFactor": "0",
                    "quoteMaxLoan": "",
                    "tier": str(number),
                    "uly": family,
                }
            )
            least = most + 1
    return rows
