"""What Binance tells about its contracts: `exchangeInfo` and `fundingInfo`.

The shape is that of the recorded replies of 2021 and 2025; figures that the simulated market does
not have (fees of a liquidation, percent-price bands) are those of BTCUSDT.
"""

from decimal import Decimal

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.instruments import Instrument
from headwater.venues.binance.venue_side_limits import IP_WEIGHT_PER_MINUTE
from headwater.venues.binance.venue_side_text import SymbolText, SymbolTexts

PERPETUAL_DELIVERY_MS = 4_133_404_800_000
"""Delivery date that the venue gives contracts which never deliver (2100-12-25)."""

_STATUS = {
    InstrumentStatus.TRADING: "TRADING",
    InstrumentStatus.PENDING: "PENDING_TRADING",
    InstrumentStatus.HALTED: "SETTLING",
    InstrumentStatus.CLOSED: "CLOSE",
    InstrumentStatus.UNKNOWN: "TRADING",
}
_USUAL_FUNDING_HOURS = 8
_ORDERS_PER_10_S = 300
_ORDERS_PER_MINUTE = 1200
_MAX_STEPS = 10_000_000
_ORDER_TYPES = [
    "LIMIT",
    "MARKET",
    "STOP",
    "STOP_MARKET",
    "TAKE_PROFIT",
    "TAKE_PROFIT_MARKET",
    "TRAILING_STOP_MARKET",
]

JsonObject = dict[str, object]


def exchange_info(texts: SymbolTexts, now_ms: int) -> JsonObject:
    """Reply of `/fapi/v1/exchangeInfo`."""
    assets = sorted(
        {text.instrument.settle_asset for text in texts}
        | {text.instrument.base_asset for text in texts if text.twin is not None}
    )
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            _rate_limit("REQUEST_WEIGHT", "MINUTE", 1, IP_WEIGHT_PER_MINUTE),
            _rate_limit("ORDERS", "MINUTE", 1, _ORDERS_PER_MINUTE),
            _rate_limit("ORDERS", "SECOND", 10, _ORDERS_PER_10_S),
        ],
        "exchangeFilters": [],
        "assets": [
            {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"}
            for asset in assets
        ],
        "symbols": [_symbol(text) for text in texts],
    }


def funding_info(texts: SymbolTexts, now_ms: int) -> list[JsonObject]:
    """Reply of `/fapi/v1/fundingInfo`: only contracts that do not settle every 8 hours."""
    rows: list[JsonObject] = []
    for text in texts:
        hours = text.instrument.funding_interval_h
        if hours is None or hours == _USUAL_FUNDING_HOURS:
            continue
        rows.append(
            {
                "symbol": text.native,
                "adjustedFundingRateCap": "0.02000000",
                "adjustedFundingRateFloor": "-0.02000000",
                "fundingIntervalHours": int(hours),
                "disclaimer": False,
                "updateTime": now_ms - now_ms % 86_400_000,
            }
        )
    return rows


def contract_type(instrument: Instrument) -> str:
    """The venue's `contractType`."""
    if instrument.instrument_kind is InstrumentKind.FUTURE:
        return "CURRENT_QUARTER"
    return "PERPETUAL"


def _rate_limit(kind: str, interval: str, count: int, limit: int) -> JsonObject:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": limit}


def _symbol(text: SymbolText) -> JsonObject:
    """One entry of `symbols`."""
    instrument = text.instrument
    delivery_ms = instrument.expires_at_ms
    return {
        "symbol": text.native,
        "pair": text.pair,
        "contractType": contract_type(instrument),
        "deliveryDate": PERPETUAL_DELIVERY_MS if delivery_ms is None else delivery_ms,
        "onboardDate": instrument.listed_at_ms or 0,
        "status": _STATUS[instrument.status],
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base_asset,
        "quoteAsset": instrument.quote_asset,
        "marginAsset": instrument.settle_asset,
        "pricePrecision": text.price_places,
        "quantityPrecision": text.quantity_places,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10000,
        "filters": _filters(instrument),
        "orderTypes": _ORDER_TYPES,
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY"],
    }


def _filters(instrument: Instrument) -> list[JsonObject]:
    """The order rules of one symbol."""
    tick, step = instrument.price_tick, instrument.quantity_step
    smallest = instrument.min_quantity or step
    notional = instrument.min_notional if instrument.min_notional is not None else Decimal(5)
    return [
        {
            "filterType": "PRICE_FILTER",
            "tickSize": f"{tick:f}",
            "minPrice": f"{tick:f}",
            "maxPrice": f"{tick * _MAX_STEPS:f}",
        },
        {
            "filterType": "LOT_SIZE",
            "stepSize": f"{step:f}",
            "minQty": f"{smallest:f}",
            "maxQty": f"{step * _MAX_STEPS:f}",
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "stepSize": f"{step:f}",
            "minQty": f"{smallest:f}",
            "maxQty": f"{step * _MAX_STEPS / 10:f}",
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
        {"filterType": "MIN_NOTIONAL", "notional": f"{notional:f}"},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierDown": "0.9500",
            "multiplierUp": "1.0500",
            "multiplierDecimal": "4",
        },
        {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
    ]
