"""Shapes of Bybit's REST replies. Nearly all values are strings; `time` and `u` are numbers.

Source: https://bybit-exchange.github.io/docs/v5/market/kline and its neighbours
"""

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

_LIMIT: Final = 1e18
"""No market has such a number; infinity is beyond it too."""

Price: TypeAlias = Annotated[float, Meta(gt=0, lt=_LIMIT)]
Amount: TypeAlias = Annotated[float, Meta(ge=0, lt=_LIMIT)]
Change: TypeAlias = Annotated[float, Meta(gt=-_LIMIT, lt=_LIMIT)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]


class Status(msgspec.Struct, frozen=True, rename={"code": "retCode", "message": "retMsg"}):
    """What every reply says of itself; success is code 0, HTTP is 200 nearly always."""

    code: int = 0
    message: str = ""


class Reply(msgspec.Struct, frozen=True, rename={"code": "retCode", "message": "retMsg"}):
    """`{"retCode":0,"retMsg":"OK","result":{…},"retExtInfo":{},"time":1700000000000}`."""

    result: msgspec.Raw
    code: int = 0
    message: str = ""
    time: Count = 0


class Time(msgspec.Struct, frozen=True, rename={"nanoseconds": "timeNano"}):
    """`{"timeSecond":"1700000000","timeNano":"1700000000123456789"}`."""

    nanoseconds: Count


class KlineRow(msgspec.Struct, frozen=True, array_like=True):
    """`["1700000000000","37000","37010","36990","37001","12.3","455000"]`, newest first."""

    opened_at_ms: Count
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Amount
    turnover: Amount


class Klines(msgspec.Struct, frozen=True):
    """Rows of one symbol."""

    list: list[KlineRow]
    symbol: str = ""


class MarkKlineRow(msgspec.Struct, frozen=True, array_like=True):
    """`["1670608800000","17164.16","17164.16","17121.5","17131.64"]`, newest first."""

    opened_at_ms: Count
    open: Price
    high: Price
    low: Price
    close: Price


class MarkKlines(msgspec.Struct, frozen=True):
    """Rows of one symbol's mark price."""

    list: list[MarkKlineRow]
    symbol: str = ""


class TradeRow(
    msgspec.Struct,
    frozen=True,
    rename={"trade_id": "execId", "traded_at_ms": "time", "quantity": "size"},
):
    """`{"execId":"…","symbol":"BTCUSDT","price":"37000","size":"0.01","side":"Buy","time":"…"}`."""

    trade_id: Name
    symbol: Name
    price: Price
    quantity: Amount
    side: str
    traded_at_ms: Count


class Trades(msgspec.Struct, frozen=True):
    """Newest first."""

    list: list[TradeRow]
    category: str = ""


class Book(msgspec.Struct, frozen=True, rename={"symbol": "s", "bids": "b", "asks": "a"}):
    """`u` is that of the 1000-level stream: it does not line up with other depths."""

    symbol: Name
    bids: list[tuple[Price, Amount]]
    asks: list[tuple[Price, Amount]]
    ts: Count
    u: Count
    cts: Count = 0


class TickerRow(
    msgspec.Struct,
    frozen=True,
    rename={
        "last": "lastPrice",
        "index": "indexPrice",
        "mark": "markPrice",
        "change": "price24hPcnt",
        "open_interest": "openInterest",
        "open_interest_value": "openInterestValue",
        "single_open_interest": "singleOpenInterest",
        "single_open_interest_value": "singleOpenInterestValue",
        "turnover": "turnover24h",
        "volume": "volume24h",
        "funding_rate": "fundingRate",
        "next_funding_ms": "nextFundingTime",
        "funding_interval_h": "fundingIntervalHour",
        "bid": "bid1Price",
        "bid_quantity": "bid1Size",
        "ask": "ask1Price",
        "ask_quantity": "ask1Size",
    },
):
    """One symbol of `/v5/market/tickers`; a value may be the empty text.

    `{"symbol":"BTCUSDT","lastPrice":"37000","markPrice":"37001","fundingRate":"0.0001",…}`
    """

    symbol: Name
    last: str = ""
    index: str = ""
    mark: str = ""
    change: str = ""
    open_interest: str = ""
    open_interest_value: str = ""
    single_open_interest: str = ""
    single_open_interest_value: str = ""
    turnover: str = ""
    volume: str = ""
    funding_rate: str = ""
    next_funding_ms: str = ""
    funding_interval_h: str = ""
    bid: str = ""
    bid_quantity: str = ""
    ask: str = ""
    ask_quantity: str = ""


class Tickers(msgspec.Struct, frozen=True):
    """All symbols of a category, or one."""

    list: list[TickerRow]
    category: str = ""


class InterestRow(
    msgspec.Struct,
    frozen=True,
    rename={
        "open_interest": "openInterest",
        "single_open_interest": "singleOpenInterest",
        "timestamp_ms": "timestamp",
    },
):
    """`{"openInterest":"461134384.00","timestamp":"1669571400000"}`, newest first."""

    open_interest: Amount
    timestamp_ms: Count
    single_open_interest: Amount | None = None


class Interests(msgspec.Struct, frozen=True):
    """Rows of one symbol."""

    list: list[InterestRow]
    symbol: str = ""


class FundingRow(
    msgspec.Struct,
    frozen=True,
    rename={"rate": "fundingRate", "settled_at_ms": "fundingRateTimestamp"},
):
    """`{"symbol":"BTCUSDT","fundingRate":"0.0001","fundingRateTimestamp":"1700000000000"}`."""

    symbol: Name
    rate: Change
    settled_at_ms: Count


class Fundings(msgspec.Struct, frozen=True):
    """Newest first."""

    list: list[FundingRow]
    category: str = ""


class PriceFilter(msgspec.Struct, frozen=True, rename={"tick_size": "tickSize"}):
    """Smallest price step."""

    tick_size: str


class LotSizeFilter(
    msgspec.Struct,
    frozen=True,
    rename={
        "quantity_step": "qtyStep",
        "min_quantity": "minOrderQty",
        "min_notional": "minNotionalValue",
    },
):
    """Smallest quantity step, quantity and value. Spot has other fields."""

    quantity_step: str = "0.00000001"
    min_quantity: str = ""
    min_notional: str = ""


class InstrumentRow(
    msgspec.Struct,
    frozen=True,
    rename={
        "contract_type": "contractType",
        "base_coin": "baseCoin",
        "quote_coin": "quoteCoin",
        "settle_coin": "settleCoin",
        "launched_at_ms": "launchTime",
        "delivered_at_ms": "deliveryTime",
        "price_filter": "priceFilter",
        "lot_size_filter": "lotSizeFilter",
        "funding_interval_min": "fundingInterval",
    },
):
    """One contract of `/v5/market/instruments-info`; `fundingInterval` is in minutes."""

    symbol: Name
    status: str
    base_coin: Name
    quote_coin: Name
    price_filter: PriceFilter
    lot_size_filter: LotSizeFilter
    contract_type: str = ""
    settle_coin: str = ""
    launched_at_ms: Count = 0
    delivered_at_ms: Count = 0
    funding_interval_min: Count = 0


class RiskLimit(
    msgspec.Struct,
    frozen=True,
    rename={
        "notional_cap": "riskLimitValue",
        "maintenance": "maintenanceMargin",
        "initial": "initialMargin",
        "leverage_max": "maxLeverage",
        "deduction": "mmDeduction",
    },
):
    """One tier of `/v5/market/risk-limit`; `riskLimitValue` is where it ends, in quote currency.

    `{"id":1,"symbol":"BTCUSDT","riskLimitValue":"2000000","maintenanceMargin":"0.005",
    "initialMargin":"0.01","isLowestRisk":1,"maxLeverage":"100.00","mmDeduction":""}`. The example
    in the documents has percents ("0.5", "1") where the servers send shares: initial margin ×
    leverage tells which it is.
    """

    symbol: Name
    notional_cap: Price
    maintenance: Amount
    initial: Price
    leverage_max: Price
    deduction: str = ""


class RiskLimits(msgspec.Struct, frozen=True):
    """Tiers of one symbol, in any order."""

    list: list[RiskLimit]


class Instruments(msgspec.Struct, frozen=True, rename={"cursor": "nextPageCursor"}):
    """A page of the listing; an empty or absent cursor is the end."""

    list: list[InstrumentRow]
    category: str = ""
    cursor: str | None = None
