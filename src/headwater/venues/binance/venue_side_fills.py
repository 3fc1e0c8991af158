"""Prints as single fills and by time: what `trades`, `aggTrades` and `@trade` need.

A print (aggregate trade) holds the fills of one taker order at one price. The market counts fills
without holes but keeps only prints, so the split of a print's quantity is made here: even, on the
quantity step, the rest with the last fill. The same print always splits the same way.
"""

import msgspec

from headwater.core.enums import Side
from headwater.venues.binance.venue_side_text import SymbolText
from headwater.venues.side import FillPrint, MarketView


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
    step = float(text.instrument.quantity_step)
    # Rounded before it is divided: 0.043 / 0.001 is a little less than 43.
    share = round(trade.quantity / step) // count * step
    sizes = [share] * (count - 1)
    sizes.append(trade.quantity - share * (count - 1))
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
