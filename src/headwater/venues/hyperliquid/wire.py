"""Hyperliquid's stream messages, with the venue's own field names in `rename`.

Source: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket/subscriptions
"""

from enum import Enum
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


class TakerSide(Enum):
    """`B`, the taker buys, or `A`, it sells; nothing else."""

    BUYS = "B"
    SELLS = "A"


class TradeRow(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"price": "px", "quantity": "sz", "traded_at_ms": "time", "trade_id": "tid"},
):
    """A fill; `side` is the taker's, B buys and A sells.

    `{"coin":"SOL","side":"A","px":"128.5","sz":"0.42","time":1765887848009,"hash":"0x…",
    "tid":867891549538215,"users":["0xbuyer","0xseller"]}`
    """

    coin: Name
    side: TakerSide
    price: Price
    quantity: Price
    traded_at_ms: Count
    trade_id: Count


class Trades(msgspec.Struct, frozen=True, gc=False):
    """`trades`: fills; the first message after subscribing is history."""

    data: list[TradeRow]


class Level(msgspec.Struct, frozen=True, gc=False, rename={"price": "px", "quantity": "sz"}):
    """`{"px":"105055.0","sz":"3.03622","n":5}`; `n` counts orders."""

    price: Price
    quantity: Amount


class BookData(msgspec.Struct, frozen=True, gc=False, rename={"taken_at_ms": "time"}):
    """`{"coin":"BTC","time":1737918843000,"levels":[[bids],[asks]]}`, the same by REST."""

    coin: Name
    taken_at_ms: Count
    levels: tuple[list[Level], list[Level]]


class Book(msgspec.Struct, frozen=True, gc=False):
    """`l2Book`: the whole book, up to 20 levels a side."""

    data: BookData


class QuoteData(msgspec.Struct, frozen=True, gc=False, rename={"changed_at_ms": "time"}):
    """`{"coin":"SOL","time":1765887848009,"bbo":[{…}|null,{…}|null]}`: bid, ask."""

    coin: Name
    changed_at_ms: Count
    bbo: Annotated[list[Level | None], Meta(max_length=2)]


class Quote(msgspec.Struct, frozen=True, gc=False):
    """`bbo`: best bid and ask, when they changed."""

    data: QuoteData


class Bar(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "opened_at_ms": "t",
        "ends_at_ms": "T",
        "coin": "s",
        "interval": "i",
        "open": "o",
        "close": "c",
        "high": "h",
        "low": "l",
        "volume": "v",
        "trades_count": "n",
    },
):
    """A candle, the same by REST; nothing says whether it is closed.

    `{"t":1764806400000,"T":1764892799999,"s":"HYPE","i":"1d","o":"34.668","c":"34.868",
    "h":"36.219","l":"34.251","v":"3495670.8","n":102895}`
    """

    opened_at_ms: Count
    ends_at_ms: Count
    coin: Name
    interval: str
    open: Price
    close: Price
    high: Price
    low: Price
    volume: Amount
    trades_count: Count


class Candle(msgspec.Struct, frozen=True, gc=False):
    """`candle`: one candle, at each change."""

    data: Bar


class Context(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "funding_rate": "funding",
        "open_interest": "openInterest",
        "price_day_ago": "prevDayPx",
        "quote_volume": "dayNtlVlm",
        "volume": "dayBaseVlm",
        "index": "oraclePx",
        "mark": "markPx",
    },
):
    """A coin's context, the same by REST; `funding` is per hour, interest of one side in coins.

    `{"funding":"0.0000125","openInterest":"5259.34","prevDayPx":"132.32","dayNtlVlm":"965843.7",
    "premium":"0.0003","oraclePx":"128.41","markPx":"128.45","midPx":"128.48",
    "impactPxs":["128.4583","128.5099"],"dayBaseVlm":"7543.61"}`
    """

    mark: Price
    funding_rate: Change | None = None
    open_interest: Amount | None = None
    price_day_ago: Amount | None = None
    quote_volume: Amount | None = None
    volume: Amount | None = None
    index: Price | None = None


class ContextData(msgspec.Struct, frozen=True, gc=False):
    """`{"coin":"SOL","ctx":{…}}`, without a time."""

    coin: Name
    ctx: Context


class ActiveContext(msgspec.Struct, frozen=True, gc=False):
    """`activeAssetCtx`: mark, oracle, funding, open interest, 24 h figures."""

    data: ContextData


class Forced(msgspec.Struct, frozen=True, gc=False, rename={"liquidated_user": "liquidatedUser"}):
    """`{"liquidatedUser":"0x…","markPx":"66607.0","method":"market"|"backstop"}`.

    It is on the fills of both parties; `liquidatedUser` is missing in old data.
    """

    method: str
    liquidated_user: str | None = None


class Fill(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"price": "px", "quantity": "sz", "traded_at_ms": "time", "trade_id": "tid"},
):
    """A fill of an address; `side` is that address's, B bought and A sold.

    `{"coin":"BTC","px":"66653.0","sz":"0.001","side":"A","time":1781528065899,
    "startPosition":"-0.0213","dir":"Open Short","tid":745210434703679,"liquidation":{…},…}`
    """

    coin: Name
    side: str
    price: Price
    quantity: Price
    traded_at_ms: Count
    trade_id: Count
    liquidation: Forced | None = None


class FillsData(msgspec.Struct, frozen=True, gc=False, rename={"is_snapshot": "isSnapshot"}):
    """`{"isSnapshot":true,"user":"0x…","fills":[…]}`; a snapshot is history."""

    user: str
    fills: list[Fill]
    is_snapshot: bool = False


class Fills(msgspec.Struct, frozen=True, gc=False):
    """`userFills`: fills of one address, which anybody may follow."""

    data: FillsData


class Asked(msgspec.Struct, frozen=True, gc=False):
    """What was subscribed to: `{"type":"trades","coin":"SOL"}`; echoes may have more fields."""

    type: str
    coin: str = ""
    interval: str = ""
    user: str = ""


class Request(msgspec.Struct, frozen=True, gc=False):
    """`{"method":"subscribe","subscription":{…}}`, as answers and errors echo it."""

    subscription: Asked
    method: str = ""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """`subscriptionResponse`: the request is accepted."""

    data: Request


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """`{"channel":"error","data":"Already subscribed: {…}"}`."""

    data: str


class Head(msgspec.Struct, frozen=True, gc=False):
    """The kind of a message; one without is no stream message."""

    channel: str = ""
