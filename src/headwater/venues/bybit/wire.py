"""Bybit's public stream messages, with the venue's own field names in `rename`.

Source: https://bybit-exchange.github.io/docs/v5/ws/connect and the pages of each topic
"""

from enum import Enum
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

LIMIT: Final = 1e18
"""No market has such a number; infinity is beyond it too."""

Price: TypeAlias = Annotated[float, Meta(gt=0, lt=LIMIT)]
Amount: TypeAlias = Annotated[float, Meta(ge=0, lt=LIMIT)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
Pair: TypeAlias = tuple[Price, Amount]


class TakerSide(Enum):
    """`Buy` or `Sell`, nothing else."""

    BUYS = "Buy"
    SELLS = "Sell"


class TradeRow(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "traded_at_ms": "T",
        "symbol": "s",
        "side": "S",
        "quantity": "v",
        "price": "p",
        "trade_id": "i",
    },
):
    """A fill; `S` is the taker's side.

    `{"T":1680688979983,"s":"LTCUSDT","S":"Buy","v":"0.4","p":"94.53","L":"ZeroMinusTick","i":"…"}`
    """

    traded_at_ms: Count
    symbol: Name
    side: TakerSide
    quantity: Price
    price: Price
    trade_id: Name


class Trades(msgspec.Struct, frozen=True, gc=False):
    """`publicTrade.{symbol}`: up to 1,024 fills, ascending; each names its symbol."""

    data: list[TradeRow]


class BookData(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"symbol": "s", "bids": "b", "asks": "a", "update_id": "u"},
):
    """`{"s":"BTCUSDT","b":[["16493.5","0.006"]],"a":[["16611","0.029"]],"u":18521288,"seq":7}`."""

    symbol: Name
    bids: list[Pair]
    asks: list[Pair]
    update_id: Count


class Book(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"kind": "type", "sent_at_ms": "ts", "matched_at_ms": "cts"},
):
    """`orderbook.{depth}.{symbol}`: a `snapshot`, then `delta`s; `u` 1 is a snapshot too."""

    topic: str
    kind: str
    data: BookData
    sent_at_ms: Count
    matched_at_ms: Count = 0


class Bar(
    msgspec.Struct,
    frozen=True,
    rename={"opened_at_ms": "start", "is_closed": "confirm"},
):
    """`{"start":1700000100000,"interval":"5","open":"…","volume":"…","confirm":false,…}`."""

    opened_at_ms: Count
    interval: str
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Amount
    turnover: Amount
    is_closed: bool


class Klines(msgspec.Struct, frozen=True):
    """`kline.{interval}.{symbol}`."""

    topic: str
    data: list[Bar]


class TickerData(
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
        "bid": "bid1Price",
        "bid_quantity": "bid1Size",
        "ask": "ask1Price",
        "ask_quantity": "ask1Size",
    },
):
    """A ticker: a snapshot has every field, a delta only those that changed."""

    symbol: Name
    last: str | UnsetType = UNSET
    index: str | UnsetType = UNSET
    mark: str | UnsetType = UNSET
    change: str | UnsetType = UNSET
    open_interest: str | UnsetType = UNSET
    open_interest_value: str | UnsetType = UNSET
    single_open_interest: str | UnsetType = UNSET
    single_open_interest_value: str | UnsetType = UNSET
    turnover: str | UnsetType = UNSET
    volume: str | UnsetType = UNSET
    funding_rate: str | UnsetType = UNSET
    next_funding_ms: str | UnsetType = UNSET
    bid: str | UnsetType = UNSET
    bid_quantity: str | UnsetType = UNSET
    ask: str | UnsetType = UNSET
    ask_quantity: str | UnsetType = UNSET


class Ticker(msgspec.Struct, frozen=True, rename={"kind": "type", "sent_at_ms": "ts"}):
    """`tickers.{symbol}`: `snapshot` first, then `delta`."""

    topic: str
    data: TickerData
    sent_at_ms: Count
    kind: str = "snapshot"


class LiquidationRow(
    msgspec.Struct,
    frozen=True,
    rename={
        "closed_at_ms": "T",
        "symbol": "s",
        "position": "S",
        "quantity": "v",
        "bankruptcy_price": "p",
    },
):
    """A forced close; `S` is the side of the position: `Buy`, a long was liquidated.

    `{"T":1739502302929,"s":"ROSEUSDT","S":"Sell","v":"20000","p":"0.04499"}`
    """

    closed_at_ms: Count
    symbol: Name
    position: str
    quantity: Price
    bankruptcy_price: Price


class Liquidations(msgspec.Struct, frozen=True):
    """`allLiquidation.{symbol}`, every 500 ms, all of them."""

    topic: str
    data: list[LiquidationRow]


class OldLiquidation(
    msgspec.Struct,
    frozen=True,
    rename={
        "closed_at_ms": "updatedTime",
        "position": "side",
        "quantity": "size",
        "bankruptcy_price": "price",
    },
):
    """One forced close of the topic `liquidation.{symbol}`, gone since 2025.

    `{"updatedTime":1673251091822,"symbol":"GALAUSDT","side":"Buy","size":"1637","price":"0.03803"}`
    """

    closed_at_ms: Count
    symbol: Name
    position: str
    quantity: Price
    bankruptcy_price: Price


class OldLiquidations(msgspec.Struct, frozen=True):
    """`liquidation.{symbol}`: at most one a second and symbol."""

    topic: str
    data: OldLiquidation


class Control(
    msgspec.Struct,
    frozen=True,
    rename={
        "operation": "op",
        "message": "ret_msg",
        "request_id": "req_id",
        "code": "retCode",
        "order_request_id": "reqId",
    },
):
    """Anything that is no known data: an answer, a pong, an account event, something new.

    `{"success":true,"ret_msg":"","conn_id":"…","req_id":"1","op":"subscribe"}`
    """

    topic: str = ""
    operation: str = ""
    success: bool | UnsetType = UNSET
    message: str = ""
    request_id: str | None = None
    code: int | UnsetType = UNSET
    order_request_id: str | UnsetType = UNSET
    result: msgspec.Raw | UnsetType = UNSET
