"""Large trades: which trades are large, and what is said of them.

Knows nothing of where trades come from. The threshold is a setting (requirements A1: 50 000 USD).
"""

from headwater.core.enums import Side
from headwater.core.records import LargeTrade, Trade


def large_trade_of(trade: Trade, threshold_usd: float) -> LargeTrade | None:
    """Says whether a trade is large.

    Args:
        trade: any trade; its `value` is in the quote currency, taken as USD for the stablecoins
            that the four venues quote in.
        threshold_usd: least value of a large trade, ≥ 0.

    Returns:
        The large trade, or None when `trade` is smaller. The maker bought when the taker sold.
    """
    if trade.value < threshold_usd:
        return None
    return LargeTrade(
        exchange=trade.exchange,
        symbol=trade.symbol,
        native_symbol=trade.native_symbol,
        timestamp_ms=trade.timestamp_ms,
        received_ns=trade.received_ns,
        side=trade.side,
        price=trade.price,
        quantity=trade.quantity,
        value=trade.value,
        trade_id=trade.trade_id,
        sequence=trade.sequence,
        is_buyer_maker=trade.side is Side.SELL,
    )
