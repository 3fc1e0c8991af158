"""Shapes of OKX's REST replies. Every value is a text, a missing one is empty.

Source: https://www.okx.com/docs-v5/en/#public-data-rest-api
"""

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from headwater.core.enums import Side

LIMIT: Final = 1e18
"""No market has such a number; infinity is beyond it too."""

Price: TypeAlias = Annotated[float, Meta(gt=0, lt=LIMIT)]
Amount: TypeAlias = Annotated[float, Meta(ge=0, lt=LIMIT)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Digits: TypeAlias = Annotated[str, Meta(pattern="^[0-9]{0,15}$")]
"""A moment in ms since the epoch; the empty text where there is none."""
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]


class Status(msgspec.Struct, frozen=True, rename={"message": "msg"}):
    """What every reply says of itself; success is code "0"."""

    code: str = "0"
    message: str = ""


class Reply(msgspec.Struct, frozen=True, rename={"message": "msg"}):
    """`{"code":"0","msg":"","data":[…]}`."""

    data: msgspec.Raw
    code: str = "0"
    message: str = ""


class Time(msgspec.Struct, frozen=True):
    """`{"ts":"1700000000000"}`."""

    ts: Count


class CandleRow(msgspec.Struct, frozen=True, array_like=True):
    """`[ts,o,h,l,c,vol,volCcy,volCcyQuote,confirm]`: contracts, base coin, quote; "1" is closed."""

    opened_at_ms: Count
    open: Price
    high: Price
    low: Price
    close: Price
    contracts: Amount
    volume: Amount
    quote_volume: Amount
    confirm: str


class MarkCandleRow(msgspec.Struct, frozen=True, array_like=True):
    """`["1597026383085","3.721","3.743","3.677","3.708","0"]`: `[ts,o,h,l,c,confirm]`."""

    opened_at_ms: Count
    open: Price
    high: Price
    low: Price
    close: Price
    confirm: str


class TradeRow(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "native_symbol": "instId",
        "trade_id": "tradeId",
        "price": "px",
        "size": "sz",
        "traded_at_ms": "ts",
    },
):
    """`{"instId":"BTC-USDT-SWAP","tradeId":"1","px":"37000","sz":"3","side":"buy","ts":"…"}`.

    `side` is the taker's; the venue's two words for it are ours.
    """

    native_symbol: Name
    trade_id: Count
    price: Price
    size: Price
    side: Side
    traded_at_ms: Count


class LevelRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`["41006.8","60","0","1"]`: price, contracts, a dead field, orders."""

    price: Price
    size: Amount


class BookRow(msgspec.Struct, frozen=True, rename={"sequence": "seqId"}):
    """`{"asks":[…],"bids":[…],"ts":"…","seqId":123}`."""

    asks: list[LevelRow]
    bids: list[LevelRow]
    ts: Count
    sequence: Count | None = None


class TickerRow(
    msgspec.Struct,
    frozen=True,
    rename={
        "native_symbol": "instId",
        "ask": "askPx",
        "ask_size": "askSz",
        "bid": "bidPx",
        "bid_size": "bidSz",
        "open": "open24h",
        "volume": "volCcy24h",
    },
):
    """`volCcy24h` is base coin for swaps, `vol24h` contracts."""

    native_symbol: Name
    ts: Count
    last: str = ""
    ask: str = ""
    ask_size: str = ""
    bid: str = ""
    bid_size: str = ""
    open: str = ""
    volume: str = ""


class InterestRow(
    msgspec.Struct,
    frozen=True,
    rename={"native_symbol": "instId", "coins": "oiCcy", "value": "oiUsd"},
):
    """`{"instId":"…","oi":"…","oiCcy":"…","oiUsd":"…","ts":"…"}`: contracts, coins, USD."""

    native_symbol: Name
    coins: Amount
    ts: Count
    value: str = ""


class InterestHistoryRow(msgspec.Struct, frozen=True, array_like=True):
    """`[ts, oi, oiCcy, oiUsd]`."""

    timestamp_ms: Count
    contracts: Amount
    coins: Amount
    value: Amount


class FundingRow(
    msgspec.Struct,
    frozen=True,
    rename={
        "native_symbol": "instId",
        "rate": "fundingRate",
        "realized_rate": "realizedRate",
        "settles_at_ms": "fundingTime",
        "after_that_ms": "nextFundingTime",
    },
):
    """Now: `fundingRate` of the settlement at `fundingTime`. Past: `realizedRate` was charged."""

    native_symbol: Name
    settles_at_ms: Count
    rate: str = ""
    after_that_ms: Digits = ""
    realized_rate: str = ""
    ts: Digits = ""


class MarkRow(msgspec.Struct, frozen=True, rename={"native_symbol": "instId", "mark": "markPx"}):
    """`{"instType":"SWAP","instId":"BTC-USDT-SWAP","markPx":"37000.5","ts":"…"}`."""

    native_symbol: Name
    mark: Price
    ts: Count


class PositionTierRow(
    msgspec.Struct,
    frozen=True,
    rename={
        "size_cap": "maxSz",
        "maintenance": "mmr",
        "leverage_max": "maxLever",
    },
):
    """One tier of `public/position-tiers`; sizes are contracts, rates shares of 1.

    `{"instFamily":"BTC-USDT","instId":"","tier":"1","minSz":"0","maxSz":"1000","mmr":"0.004",
    "imr":"0.01","maxLever":"100","uly":"BTC-USDT",…}`. The next one's `minSz` may be one contract
    higher than this `maxSz`: what lies between belongs to the higher tier.
    """

    size_cap: Price
    maintenance: Amount
    leverage_max: Price


class IndexRow(msgspec.Struct, frozen=True, rename={"name": "instId", "index": "idxPx"}):
    """`{"instId":"BTC-USDT","idxPx":"37000.1","ts":"…"}`."""

    name: Name
    index: Price
    ts: Count


class InstrumentRow(
    msgspec.Struct,
    frozen=True,
    rename={
        "kind": "instType",
        "native_symbol": "instId",
        "underlying": "uly",
        "contract_kind": "ctType",
        "contract_value": "ctVal",
        "contract_multiplier": "ctMult",
        "settle_asset": "settleCcy",
        "tick_size": "tickSz",
        "lot_size": "lotSz",
        "min_size": "minSz",
    },
):
    """One instrument; `lotSz` and `minSz` are contracts and may be fractions."""

    kind: str
    native_symbol: Name
    tick_size: str
    lot_size: str
    underlying: str = ""
    contract_kind: str = ""
    contract_value: str = ""
    contract_multiplier: str = "1"
    settle_asset: str = ""
    min_size: str = ""
    listed_at: str = msgspec.field(default="", name="listTime")
    state: str = ""

    @property
    def listed_at_ms(self) -> int:
        """Start of trading, 0 when it is not told."""
        return int(self.listed_at) if self.listed_at.isdigit() else 0
