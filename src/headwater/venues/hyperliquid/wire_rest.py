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
