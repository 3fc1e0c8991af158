"""Hyperliquid's replies to `POST /info`, with the venue's own field names in `rename`.

Source: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint
"""

import msgspec

from headwater.venues.hyperliquid.wire import Amount, Change, Count, Name, Price


class AssetRow(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "size_decimals": "szDecimals",
        "is_delisted": "isDelisted",
        "leverage_max": "maxLeverage",
        "margin_table": "marginTableId",
    },
):
    """A coin of the universe; its place in the list is the asset's id, delisted ones stay.

    `{"name":"BTC","szDecimals":5,"maxLeverage":40,"isDelisted":true}`
    """

    name: Name
    size_decimals: int
    is_delisted: bool | None = None
    leverage_max: Price | None = None
    margin_table: Count | None = None


class Meta(msgspec.Struct, frozen=True, gc=False):
    """`meta`: `{"universe":[…],"marginTables":[…]}`."""

    universe: list[AssetRow]


class MarginRow(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"notional_floor": "lowerBound", "leverage_max": "maxLeverage"},
):
    """`{"lowerBound":"150000000.0","maxLeverage":20}`: from which notional, in USDC."""

    notional_floor: Amount
    leverage_max: Price


class MarginTable(msgspec.Struct, frozen=True, gc=False, rename={"rows": "marginTiers"}):
    """`{"description":"tiered 40x","marginTiers":[…]}`."""

    rows: list[MarginRow]


class MarginMeta(msgspec.Struct, frozen=True, gc=False, rename={"tables": "marginTables"}):
    """`meta` with its tables: `{"universe":[…],"marginTables":[[56,{…}],…]}`.

    A table whose id is below 50 is not listed: it is one tier at that leverage.
    """

    universe: list[AssetRow]
    tables: list[tuple[Count, MarginTable]]


class LeverageRow(msgspec.Struct, frozen=True, gc=False, rename={"kind": "type"}):
    """`{"type":"cross","value":20}`; an isolated one carries `rawUsd`, too."""

    kind: Name
    value: Price


class PositionRow(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "signed_size": "szi",
        "entry_price": "entryPx",
        "liquidation_price": "liquidationPx",
        "notional": "positionValue",
    },
):
    """A position, in coins (a short below 0) and USDC; no price liquidates: `liquidationPx` null.

    `{"coin":"BTC","szi":"-0.00785","entryPx":"26951.0","positionValue":"211.64542",
    "liquidationPx":"173198.69592357","leverage":{"type":"cross","value":20}}`
    """

    coin: Name
    signed_size: Change
    notional: Amount
    leverage: LeverageRow
    entry_price: Price | None = None
    liquidation_price: Change | None = None


class HeldRow(msgspec.Struct, frozen=True, gc=False):
    """`{"position":{…},"type":"oneWay"}`."""

    position: PositionRow


class Account(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={"held": "assetPositions", "told_at_ms": "time"},
):
    """`clearinghouseState`: `{"assetPositions":[…],"marginSummary":{…},"time":1790000000000}`.

    An address without an account has no positions; recordings of 2023 have no time.
    """

    held: list[HeldRow]
    told_at_ms: Count | None = None


class Contexts(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """`metaAndAssetCtxs`: `[{"universe":[…]},[context,…]]` in the same order.

    Contexts are decoded one by one: those of delisted coins may hold anything.
    """

    meta: Meta
    contexts: list[msgspec.Raw]


class Status(msgspec.Struct, frozen=True, gc=False):
    """`exchangeStatus`: `{"time":1790000000000,"specialStatuses":null}`."""

    time: Count


class FundingRow(
    msgspec.Struct, frozen=True, gc=False, rename={"rate": "fundingRate", "paid_at_ms": "time"}
):
    """`fundingHistory`: `{"coin":"BTC","fundingRate":"0.0000125","premium":"…","time":…}`."""

    coin: Name
    rate: Change
    paid_at_ms: Count


class Prediction(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "rate": "fundingRate",
        "next_funding_ms": "nextFundingTime",
        "interval_h": "fundingIntervalHours",
    },
):
    """`predictedFundings`: `{"fundingRate":"0.0000125","nextFundingTime":1733958000000}`."""

    rate: Change | None = None
    next_funding_ms: Count | None = None
    interval_h: Price | None = None


Predictions = list[tuple[str, list[tuple[str, Prediction | None]]]]
"""`[["BTC",[["HlPerp",{…}],["BinPerp",null]]],…]`."""
