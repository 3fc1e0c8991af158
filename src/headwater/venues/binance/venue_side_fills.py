"""Prints as single fills and by time: what `trades`, `aggTrades` and `@trade` need.

A print (aggregate trade) holds the fills of one taker order at one price. The market counts fills
without holes but keeps only prints, so a print's quantity is split (`side_desk.shares_of`). The
same print always splits the same way.
"""

import msgspec

from headwater.core.enums import Side
from headwater.venues.binance.venue_side_text import SymbolText
from headwater.venues.side import FillPrint, MarketView
from headwater.venues.side_desk import shares_of


class Fill(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One single trade.

    Attributes:
        fill_id: its id.
        price: quote currency.
        quantity: base units.
        timestamp_ms: when.
        is_buyer_maker: true when the taker sold.
    """

    fill_id: int
    price: float
    quantity: float
    timestamp_ms: int
    is_buyer_maker: bool


def fills_of(text: SymbolText, fill_print: FillPrint) -> list[Fill]:
    """The single fills of a print, by rising id."""
    trade = fill_print.trade
    count = fill_print.last_fill_id - fill_print.first_fill_id + 1
    sizes = shares_of(trade.quantity, count, float(text.instrument.quantity_step))
    return [
        Fill(
            fill_id=fill_print.first_fill_id + index,
            price=trade.price,
            quantity=size,
            timestamp_ms=trade.timestamp_ms,
            is_buyer_maker=trade.side is Side.SELL,
        )
        for index, size in enumerate(sizes)
    ]


def sequence_of(fill_print: FillPrint) -> int:
    """Number of a print among its symbol's, without holes; 0 where the market does not count."""
    return fill_print.trade.sequence or 0


def first_sequence_at(market: MarketView, symbol: str, moment_ms: int) -> int | None:
    """Finds the first print at or after a moment.

    Args:
        market: where to look.
        symbol: canonical.
        moment_ms: ms since the epoch.

    Returns:
        Its sequence; one more than the newest when all are earlier; None when there is no print.
    """
    newest = market.prints(symbol, limit=1)
    if not newest:
        return None
    oldest = market.prints(symbol, limit=1, first_sequence=0)
    low = sequence_of(oldest[0]) if oldest else sequence_of(newest[0])
    high = sequence_of(newest[0]) + 1
    while low < high:
        middle = (low + high) // 2
        found = market.prints(symbol, limit=1, first_sequence=middle)
        if found and found[0].trade.timestamp_ms < moment_ms:
            low = middle + 1
        else:
            high = middle
    return low
