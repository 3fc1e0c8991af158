"""OKX's public stream messages, with the venue's own field names in `rename`.

Source: https://www.okx.com/docs-v5/en/#overview-websocket
"""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from headwater.venues.okx.wire_rest import (
    CandleRow,
    Count,
    FundingRow,
    IndexRow,
    InterestRow,
    LevelRow,
    MarkRow,
    Name,
    Price,
    TickerRow,
    TradeRow,
)

Previous: TypeAlias = Annotated[int, Meta(ge=-1, le=2**63 - 1)]
"""Number of the message before; -1 where there was none."""


class Argument(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"native_symbol": "instId", "kind": "instType", "family": "instFamily"},
):
    """What was subscribed to: `{"channel":"trades","instId":"BTC-USDT-SWAP"}`."""

    channel: str
    native_symbol: str = ""
    kind: str = ""
    family: str = ""

    @property
    def key(self) -> str:
        """One text that tells it from others."""
        return f"{self.channel}:{self.native_symbol or self.kind or self.family}"


class Trades(msgspec.Struct, frozen=True, gc=False):
    """`trades`: fills of one taker order at one price, `count` of them; each names its swap."""

    data: list[TradeRow]


class BookData(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"sequence": "seqId", "previous_sequence": "prevSeqId"},
):
    """`{"asks":[…],"bids":[…],"ts":"…","checksum":0,"prevSeqId":-1,"seqId":100}`.

    Recordings of 2022 have a checksum and no numbers; since June 2026 the checksum is always 0.
    """

    asks: list[LevelRow]
    bids: list[LevelRow]
    ts: Count
    sequence: Count | None = None
    previous_sequence: Previous | None = None
    checksum: int = 0


class Book(msgspec.Struct, frozen=True, gc=False):
    """`books`: `snapshot`, then `update`s. `bbo-tbt` and `books5` have no action."""

    arg: Argument
    data: list[BookData]
    action: str = ""


class Candles(msgspec.Struct, frozen=True):
    """`candle1m` and so on."""

    arg: Argument
    data: list[CandleRow]


class Tickers(msgspec.Struct, frozen=True):
    """`tickers`."""

    arg: Argument
    data: list[TickerRow]


class Marks(msgspec.Struct, frozen=True):
    """`mark-price`."""

    arg: Argument
    data: list[MarkRow]


class Indexes(msgspec.Struct, frozen=True):
    """`index-tickers`."""

    arg: Argument
    data: list[IndexRow]


class Fundings(msgspec.Struct, frozen=True):
    """`funding-rate`."""

    arg: Argument
    data: list[FundingRow]


class Interests(msgspec.Struct, frozen=True):
    """`open-interest`."""

    arg: Argument
    data: list[InterestRow]


class LiquidationDetail(
    msgspec.Struct,
    frozen=True,
    rename={
        "position": "posSide",
        "bankruptcy_price": "bkPx",
        "size": "sz",
        "closed_at_ms": "ts",
    },
):
    """`side` is that of the closing order; `posSide` is net in one-way accounts.

    `{"side":"buy","posSide":"short","bkPx":"0.007831","sz":"13","bkLoss":"0","ts":"1692266434010"}`
    """

    side: str
    bankruptcy_price: Price
    size: Price
    closed_at_ms: Count
    position: str = ""


class LiquidationRow(
    msgspec.Struct, frozen=True, rename={"kind": "instType", "native_symbol": "instId"}
):
    """Forced closes of one instrument."""

    native_symbol: Name
    details: list[LiquidationDetail]
    kind: str = ""


class Liquidations(msgspec.Struct, frozen=True):
    """`liquidation-orders` of all swaps."""

    arg: Argument
    data: list[LiquidationRow]


class Control(
    msgspec.Struct, frozen=True, rename={"request_id": "id", "message": "msg", "operation": "op"}
):
    """Anything that is no known data: an answer, a notice, an account event, something new.

    `{"id":"1","event":"subscribe","arg":{"channel":"trades","instId":"…"},"connId":"a4d3ae55"}`
    """

    event: str = ""
    arg: Argument | None = None
    request_id: str = ""
    code: str = ""
    message: str = ""
    operation: str = ""
    data: msgspec.Raw | UnsetType = UNSET
