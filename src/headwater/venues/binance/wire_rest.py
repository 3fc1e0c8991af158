"""REST replies, and answers on a socket, of Binance USD-M futures with the venue's field names.

The counterpart of `wire.py`; the same conventions hold. Lists ascend in time, prices are text,
ids and times numbers (text is taken too: the documents and the servers have disagreed on it).

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from headwater.venues.binance.wire import Amount, Change, Count, Price, WireLevel

Precision = Annotated[int, Meta(ge=0, le=30)]
"""Decimal places."""


class ServerTime(msgspec.Struct, frozen=True, rename="camel"):
    """`/fapi/v1/time`: `{"serverTime":1700000000000}`."""

    server_time: Count


class KlineRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A candle; the close time is its last millisecond.

    `[1700000000000,"37000.1","37010","36990","37001.5","12.345",1700000059999,"456789.01",321,
    "6.1","225700.5","0"]`
    """

    opened_at_ms: Count
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Amount
    closes_at_ms: Count
    quote_volume: Amount
    trades_count: Count
    taker_buy_volume: Amount


class MarkKlineRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A bar of the mark price; nothing behind the closing time means anything.

    `[1591256460000,"9653.29201333","9654.56401333","9653.07367333","9653.07367333","0",
    1591256519999,"0",60,"0","0","0"]`
    """

    opened_at_ms: Count
    open: Price
    high: Price
    low: Price
    close: Price
    ignored: msgspec.Raw
    closes_at_ms: Count


class AggTradeRow(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "trade_id": "a",
        "price": "p",
        "quantity": "q",
        "traded_at_ms": "T",
        "buyer_is_maker": "m",
    },
):
    """A trade with the ids of the live channel.

    `{"a":26129,"p":"0.01633102","q":"4.70","f":27781,"l":27781,"T":1498793709153,"m":true}`
    """

    trade_id: Count
    price: Price
    quantity: Price
    traded_at_ms: Count
    buyer_is_maker: bool


class FillRow(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A single fill, as `/fapi/v1/trades` lists them.

    `{"id":1,"price":"37000.1","qty":"0.01","quoteQty":"370.00","time":1700000000000,
    "isBuyerMaker":true,"isRPITrade":false}`
    """

    id: Count
    price: Price
    qty: Price
    time: Count
    is_buyer_maker: bool


class DepthReply(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    rename={"last_update_id": "lastUpdateId", "sent_at_ms": "E", "matched_at_ms": "T"},
):
    """The book. It does not name its symbol; on the coin-margined market it does.

    `{"lastUpdateId":100,"E":1,"T":1,"bids":[["37000.0","1.2"]],"asks":[["37000.1","0.8"]]}`
    """

    last_update_id: Count
    sent_at_ms: Count = 0
    matched_at_ms: Count = 0
    symbol: str = ""
    bids: tuple[WireLevel, ...]
    asks: tuple[WireLevel, ...]


class DayTickerRow(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """24-hour figures, without quotes.

    `{"symbol":"BTCUSDT","lastPrice":"4.00","priceChangePercent":"-95.960","volume":"8913.3",
    "quoteVolume":"15.3","closeTime":1499869899040,…}`
    """

    symbol: str
    price_change_percent: Change
    last_price: Amount
    volume: Amount
    quote_volume: Amount
    close_time: Count


class BookTickerRow(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Best quotes; a price of 0 means that side is empty.

    `{"symbol":"BTCUSDT","bidPrice":"4.0","bidQty":"431","askPrice":"4.2","askQty":"9",
    "time":1589437530011}`
    """

    symbol: str
    bid_price: Amount
    bid_qty: Amount
    ask_price: Amount
    ask_qty: Amount
    time: Count = 0


class PremiumIndexRow(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """Mark price and coming funding; rate "" and next time 0 on dated contracts.

    `{"symbol":"BTCUSDT","markPrice":"11793.63","indexPrice":"11781.80","lastFundingRate":
    "0.00038246","nextFundingTime":1597392000000,"interestRate":"0.0001","time":1597370495002}`
    """

    symbol: str
    mark_price: Amount
    index_price: Amount = 0.0
    last_funding_rate: str = ""
    next_funding_time: Count = 0
    time: Count


class FundingRow(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A past settlement.

    `{"symbol":"BTCUSDT","fundingRate":"0.0001","fundingTime":1698768000000,"markPrice":"…"}`
    """

    symbol: str
    funding_rate: Change
    funding_time: Count


class FundingInfoRow(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """An adjusted symbol: `{"symbol":"BLZUSDT","fundingIntervalHours":8,…}`."""

    symbol: str
    funding_interval_hours: Annotated[float, Meta(gt=0, le=8784)]


class OpenInterestReply(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Now: `{"openInterest":"10659.509","symbol":"BTCUSDT","time":1589437530011}`."""

    open_interest: Amount
    symbol: str
    time: Count


class OpenInterestRow(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """At the end of a period; the value is in USDT. Coin-margined rows name a pair instead.

    `{"symbol":"BTCUSDT","sumOpenInterest":"20403.637","sumOpenInterestValue":"150570784.07",
    "timestamp":"1583127900000"}`
    """

    sum_open_interest: Amount
    sum_open_interest_value: Amount
    timestamp: Count
    symbol: str = ""


class SymbolFilter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One entry of `filters`: PRICE_FILTER, LOT_SIZE, MIN_NOTIONAL and kinds that are not read."""

    filter_type: str
    tick_size: str | None = None
    step_size: str | None = None
    min_qty: str | None = None
    notional: str | None = None


class SymbolInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One contract of `exchangeInfo`. The precisions are no tick and step, only their fallback."""

    symbol: str
    contract_type: str = ""
    delivery_date: Count = 0
    onboard_date: Count = 0
    status: str = ""
    base_asset: str
    quote_asset: str
    margin_asset: str = ""
    price_precision: Precision = 8
    quantity_precision: Precision = 8
    filters: tuple[SymbolFilter, ...] = ()


class ExchangeInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All contracts: `{"serverTime":1634122324532,"rateLimits":[…],"symbols":[…]}`."""

    server_time: Count = 0
    symbols: tuple[SymbolInfo, ...]


class ErrorBody(msgspec.Struct, frozen=True):
    """What is wrong: `{"code":2,"msg":"Invalid request: …"}`."""

    code: int | None = None
    msg: str = ""


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """Any object, as far as it takes to tell what it is: event, answer to a request, or neither.

    `{"result":null,"id":1}`, `{"code":2,"msg":"…","id":1}`, `{"error":{"code":2,"msg":"…"},…}`
    """

    stream: str = ""
    data: Raw | UnsetType = UNSET
    event: str | UnsetType = msgspec.field(default=UNSET, name="e")
    result: Raw | UnsetType = UNSET
    request_id: Raw | UnsetType = msgspec.field(default=UNSET, name="id")
    error: Raw | UnsetType = UNSET
    code: Raw | UnsetType = UNSET
    msg: Raw | UnsetType = UNSET
