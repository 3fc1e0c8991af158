"""Stream messages of Binance USD-M futures with the venue's own field names.

The short names occur nowhere else. Each type carries a sample of its message; fields stand in the
order of the wire, which is what the decoder expects first. Bounds are part of the types, so that
NaN, infinities, negative prices and numbers beyond 63 bits never leave this module; unknown fields
are skipped. Decode with `strict=False`: prices are text on the wire.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures
"""

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

_LIMIT: Final = 1e18
_INT63_MAX: Final = 2**63 - 1

Price = Annotated[float, Meta(gt=0, lt=_LIMIT)]
"""A price that must be there, quote currency."""
Amount = Annotated[float, Meta(ge=0, lt=_LIMIT)]
"""A quantity, a volume, or a price that is 0 where there is none."""
Change = Annotated[float, Meta(gt=-_LIMIT, lt=_LIMIT)]
"""A signed number."""
Count = Annotated[int, Meta(ge=0, le=_INT63_MAX)]
"""An id, a count or a time in ms since the epoch."""
WireLevel = tuple[Price, Amount]
"""`["37000.0","1.2"]`: price and absolute quantity."""

COIN_MARGINED: Final = 2
"""Value of `st` on messages about coin-margined contracts, whose quantities are contracts."""


class Event(msgspec.Struct, tag_field="e", frozen=True, gc=False, kw_only=True):
    """What every stream event has in common: its name in `e`."""


class AggTrade(
    Event,
    tag="aggTrade",
    frozen=True,
    kw_only=True,
    rename={
        "trade_id": "a",
        "symbol": "s",
        "price": "p",
        "quantity": "q",
        "last_fill_id": "l",
        "traded_at_ms": "T",
        "buyer_is_maker": "m",
        "market": "st",
    },
):
    """Fills of one taker order at one price, every 100 ms. `a` is missing in 2019.

    `{"e":"aggTrade","E":1768644497528,"a":3057600382,"s":"BTCUSDT","p":"95208.60","q":"0.020",
    "nq":"0.020","f":7111099183,"l":7111099183,"T":1768644497374,"m":true}`
    """

    trade_id: Count | None = None
    symbol: str
    price: Price
    quantity: Price
    last_fill_id: Count | None = None
    traded_at_ms: Count
    buyer_is_maker: bool
    market: int = 1


class DepthUpdate(
    Event,
    tag="depthUpdate",
    frozen=True,
    kw_only=True,
    rename={
        "sent_at_ms": "E",
        "matched_at_ms": "T",
        "symbol": "s",
        "first_update_id": "U",
        "last_update_id": "u",
        "previous_update_id": "pu",
        "bids": "b",
        "asks": "a",
        "market": "st",
    },
):
    """A change of the book, or (on `@depth5|10|20`) its top as a whole.

    `{"e":"depthUpdate","E":1,"T":1,"s":"BTCUSDT","U":151,"u":160,"pu":150,
    "b":[["37000","1.2"]],"a":[["37001","0"]]}`
    """

    sent_at_ms: Count = 0
    matched_at_ms: Count = 0
    symbol: str
    first_update_id: Count
    last_update_id: Count
    previous_update_id: Count
    bids: tuple[WireLevel, ...]
    asks: tuple[WireLevel, ...]
    market: int = 1


class BookTicker(
    Event,
    tag="bookTicker",
    frozen=True,
    kw_only=True,
    rename={
        "update_id": "u",
        "symbol": "s",
        "bid": "b",
        "bid_quantity": "B",
        "ask": "a",
        "ask_quantity": "A",
        "matched_at_ms": "T",
        "sent_at_ms": "E",
        "market": "st",
    },
):
    """Best bid and ask. A price of 0 means that side is empty.

    `{"e":"bookTicker","u":185130926750,"s":"BTCUSDT","b":"33134.42","B":"0.170","a":"33139.39",
    "A":"0.380","T":1612137603568,"E":1612137603571}`
    """

    update_id: Count
    symbol: str
    bid: Amount
    bid_quantity: Amount
    ask: Amount
    ask_quantity: Amount
    matched_at_ms: Count = 0
    sent_at_ms: Count = 0
    market: int = 1


class SingleTrade(
    Event,
    tag="trade",
    frozen=True,
    kw_only=True,
    rename={
        "traded_at_ms": "T",
        "symbol": "s",
        "trade_id": "t",
        "price": "p",
        "quantity": "q",
        "origin": "X",
        "buyer_is_maker": "m",
        "market": "st",
    },
):
    """One fill of the undocumented `@trade` stream; `X` other than MARKET is no market trade.

    `{"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","t":5266583935,
    "p":"61800.30","q":"0.006","X":"MARKET","m":false}`
    """

    traded_at_ms: Count
    symbol: str
    trade_id: Count
    price: Amount
    quantity: Amount
    origin: str = "MARKET"
    buyer_is_maker: bool
    market: int = 1


class Bar(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    rename={
        "opened_at_ms": "t",
        "interval": "i",
        "open": "o",
        "close": "c",
        "high": "h",
        "low": "l",
        "volume": "v",
        "trades_count": "n",
        "is_closed": "x",
        "quote_volume": "q",
        "taker_buy_volume": "V",
    },
):
    """The `k` of a `Kline`."""

    opened_at_ms: Count
    interval: str
    open: Price
    close: Price
    high: Price
    low: Price
    volume: Amount
    trades_count: Count
    is_closed: bool
    quote_volume: Amount
    taker_buy_volume: Amount


class Kline(
    Event,
    tag="kline",
    frozen=True,
    kw_only=True,
    rename={"symbol": "s", "bar": "k", "market": "st"},
):
    """A forming or just closed candle, every 250 ms while it changes.

    `{"e":"kline","E":1,"s":"BTCUSDT","k":{"t":1638747660000,"T":1638747719999,"s":"BTCUSDT",
    "i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0015","v":"1000",
    "n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}`
    """

    symbol: str
    bar: Bar
    market: int = 1


class DayTicker(
    Event,
    tag="24hrTicker",
    frozen=True,
    kw_only=True,
    rename={
        "sent_at_ms": "E",
        "symbol": "s",
        "change_percent": "P",
        "last": "c",
        "volume": "v",
        "quote_volume": "q",
        "market": "st",
    },
):
    """24-hour figures, every 2 s. No quotes in it.

    `{"e":"24hrTicker","E":1672515782136,"s":"BTCUSDT","p":"-131.40","P":"-0.786","w":"16628.9",
    "c":"16584.6","Q":"0.002","o":"16716.0","h":"16764.89","l":"16456.51","v":"122474.816",
    "q":"2036102085.7","O":1672429382136,"C":1672515782136,"F":2289691,"L":2432543,"n":142853}`
    """

    sent_at_ms: Count
    symbol: str
    change_percent: Change
    last: Amount
    volume: Amount
    quote_volume: Amount
    market: int = 1


class DayMiniTicker(
    Event,
    tag="24hrMiniTicker",
    frozen=True,
    kw_only=True,
    rename={
        "sent_at_ms": "E",
        "symbol": "s",
        "last": "c",
        "open": "o",
        "volume": "v",
        "quote_volume": "q",
        "market": "st",
    },
):
    """24-hour figures, the short form.

    `{"e":"24hrMiniTicker","E":1,"s":"BTCUSDT","c":"0.0025","o":"0.0010","h":"0.0025",
    "l":"0.0010","v":"10000","q":"18"}`
    """

    sent_at_ms: Count
    symbol: str
    last: Amount
    open: Amount
    volume: Amount
    quote_volume: Amount
    market: int = 1


class MarkPriceUpdate(
    Event,
    tag="markPriceUpdate",
    frozen=True,
    kw_only=True,
    rename={
        "sent_at_ms": "E",
        "symbol": "s",
        "mark": "p",
        "index": "i",
        "funding_rate": "r",
        "next_funding_ms": "T",
        "market": "st",
    },
):
    """Mark and index price; `r` "" or `T` 0 on dated contracts; no `i` in 2019.

    `{"e":"markPriceUpdate","E":1768644498002,"s":"BTCUSDT","p":"95209.55336957",
    "P":"95252.48709172","i":"95252.46195652","r":"0.00005383","T":1768665600000}`
    """

    sent_at_ms: Count
    symbol: str
    mark: Amount
    index: Amount = 0.0
    funding_rate: str = ""
    next_funding_ms: Count = 0
    market: int = 1


class ForcedOrder(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    rename={
        "symbol": "s",
        "side": "S",
        "quantity": "q",
        "order_price": "p",
        "average_price": "ap",
        "filled": "z",
        "traded_at_ms": "T",
        "market": "st",
    },
):
    """The `o` of a `ForceOrder`; `S` is the side of the closing order."""

    symbol: str
    side: Literal["BUY", "SELL"]
    quantity: Amount
    order_price: Amount
    average_price: Amount = 0.0
    filled: Amount = 0.0
    traded_at_ms: Count
    market: int = 1


class ForceOrder(
    Event,
    tag="forceOrder",
    frozen=True,
    kw_only=True,
    rename={"order": "o", "market": "st"},
):
    """A liquidation order, the latest of its second and symbol.

    `{"e":"forceOrder","E":1584059031426,"o":{"s":"BTCUSDT","S":"BUY","o":"LIMIT","f":"IOC",
    "q":"0.014","p":"4793.91","ap":"4706.04","X":"FILLED","l":"0.015","z":"0.014",
    "T":1584059031421}}`
    """

    order: ForcedOrder
    market: int = 1

    @property
    def symbol(self) -> str:
        """The native symbol, where the other events have it."""
        return self.order.symbol


StreamMessage: TypeAlias = (
    AggTrade
    | DepthUpdate
    | BookTicker
    | SingleTrade
    | Kline
    | DayTicker
    | DayMiniTicker
    | MarkPriceUpdate
    | ForceOrder
)
"""Every event that is read."""


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """Combined mode: `{"stream":"btcusdt@aggTrade","data":{…}}`; `!…@arr` streams send a list."""

    stream: str = ""
    data: StreamMessage | list[StreamMessage] | UnsetType = UNSET
