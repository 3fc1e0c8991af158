"""Accounts of a simulated Hyperliquid: `clearinghouseState` of the market's traders.

The simulated crowd is anonymous: its positions only have numbers. Trader N holds position number N
of each contract, and its address is N in hexadecimal, so every open position is somebody's. All
are isolated; cash that lies idle is not simulated, so the value of an account is that of its
positions' margin.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from headwater.core.enums import PositionSide
from headwater.venues.side import HeldPosition, MarketView
from headwater.venues.side_desk import SymbolText

_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_USD_PLACES: Final = 6
_PRICE_PLACES: Final = 8


def address_of(trader: int) -> str:
    """The address of a trader: its number, ≥ 0, as 40 hexadecimal digits."""
    return f"0x{trader:040x}"


def trader_of(address: object) -> int | None:
    """The number behind an address; None for what is no address."""
    if not isinstance(address, str) or _ADDRESS.fullmatch(address) is None:
        return None
    return int(address, 16)


def trimmed(value: float, places: int) -> str:
    """A number without trailing zeros but one: `128.5`, `105055.0`."""
    text = f"{value:.{max(places, 1)}f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def account_of(market: MarketView, texts: Iterable[SymbolText], trader: int) -> dict[str, Any]:
    """What the venue says of a trader's account; of one without positions, that it has none.

    Args:
        market: what is going on.
        texts: the coins.
        trader: number of the trader.
    """
    rows = []
    value = notional = cash = 0.0
    for text in texts:
        held = market.position(text.symbol, trader)
        if held is None:
            continue
        mark = market.mark_price(text.symbol).mark
        size = held.quantity if held.position_side is PositionSide.LONG else -held.quantity
        own_cash = held.entry * held.quantity / held.leverage - size * held.entry
        value += size * mark + own_cash
        notional += held.quantity * mark
        cash += own_cash
        rows.append({"type": "oneWay", "position": _position(held, text, size, mark, own_cash)})
    margin = {
        "accountValue": trimmed(value, _USD_PLACES),
        "totalNtlPos": trimmed(notional, _USD_PLACES),
        "totalRawUsd": trimmed(cash, _USD_PLACES),
        "totalMarginUsed": trimmed(value, _USD_PLACES),
    }
    return {
        "marginSummary": margin,
        "crossMarginSummary": dict.fromkeys(margin, "0.0"),
        "crossMaintenanceMarginUsed": "0.0",
        "withdrawable": "0.0",
        "assetPositions": rows,
        "time": market.now_ms(),
    }


def _position(
    held: HeldPosition, text: SymbolText, size: float, mark: float, cash: float
) -> dict[str, Any]:
    """One row: size in coins, short below 0; `cash` is what it owes (below 0) or was paid."""
    gain = size * (mark - held.entry)
    margin = held.entry * held.quantity / held.leverage
    price = held.liquidation_price
    return {
        "coin": text.native,
        "szi": trimmed(size, text.size_places),
        "leverage": {
            "type": "isolated",
            "value": held.leverage,
            "rawUsd": trimmed(cash, _USD_PLACES),
        },
        "entryPx": trimmed(held.entry, _PRICE_PLACES),
        "positionValue": trimmed(held.quantity * mark, _USD_PLACES),
        "unrealizedPnl": trimmed(gain, _USD_PLACES),
        "returnOnEquity": trimmed(gain / margin, _PRICE_PLACES),
        "liquidationPx": trimmed(price, _PRICE_PLACES) if price > 0.0 else None,
        "marginUsed": trimmed(margin + gain, _USD_PLACES),
    }
