"""Single fills of a simulated market: what OKX's REST lists where its stream gathers.

The stream has one message for the fills of one taker order at one price, with the id of the last
of them and their number; REST lists each under its own id.
"""

from headwater.core.records import Trade
from headwater.venues.side import FillPrint, MarketView
from headwater.venues.side_desk import SymbolText, shares_of


def newest_fills(
    market: MarketView, text: SymbolText, limit: int, before_id: int | None
) -> list[dict[str, str]]:
    """Rows of the newest `limit` fills, newest first.

    Args:
        market: what is going on.
        text: the swap.
        limit: most rows, ≥ 1.
        before_id: only fills with lower ids, None for all.
    """
    rows = [
        _row(text, found.trade, fill_id, size)
        for found in reversed(_prints(market, text.symbol, limit, before_id))
        for fill_id, size in reversed(_sizes(text, found))
        if before_id is None or fill_id < before_id
    ]
    return rows[:limit]


def _prints(market: MarketView, symbol: str, limit: int, before_id: int | None) -> list[FillPrint]:
    """Prints that hold the fills wanted: each has at least one."""
    newest = market.prints(symbol, limit=1)
    if before_id is None or (newest and before_id > newest[-1].last_fill_id):
        return market.prints(symbol, limit=limit)
    last = market.print_of_fill(symbol, before_id - 1)
    if last is None:
        return []
    first = max(1, (last.trade.sequence or 0) - limit + 1)
    found = market.prints(symbol, limit=limit, first_sequence=first)
    return [one for one in found if one.first_fill_id < before_id]


def _sizes(text: SymbolText, found: FillPrint) -> list[tuple[int, float]]:
    """Id and base units of each fill of a print, by rising id."""
    count = found.last_fill_id - found.first_fill_id + 1
    step = float(text.instrument.quantity_step)
    sizes = shares_of(found.trade.quantity, count, step)
    return list(enumerate(sizes, start=found.first_fill_id))


def _row(text: SymbolText, trade: Trade, fill_id: int, quantity: float) -> dict[str, str]:
    return {
        "instId": text.native,
        "tradeId": str(fill_id),
        "px": text.price(trade.price),
        "sz": text.size(quantity),
        "side": trade.side.value,
        "source": "0",
        "ts": str(trade.timestamp_ms),
    }
