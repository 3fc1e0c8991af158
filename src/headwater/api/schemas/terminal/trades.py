"""Trades as a screen shows them (requirement O-W2)."""

from headwater.api.schemas.market import NotNegative
from headwater.api.schemas.terminal.common import Moment, Second, TerminalView
from headwater.core.enums import Side
from headwater.core.formatting import SymbolFormat, clock_text
from headwater.core.records import Trade


class TerminalTradeView(TerminalView, frozen=True, kw_only=True, gc=False):
    """One public trade.

    Attributes:
        id: the venue's id.
        price: quote currency per base unit.
        amount: base units.
        side: the taker's side.
        timestamp: the venue's time, ms since 1970.
        time: the same in whole seconds.
        price_formatted: the price with the contract's decimal places.
        amount_formatted: the amount with the contract's decimal places.
        time_formatted: the time of day, UTC, such as `17:20:00`.
    """

    id: str
    price: NotNegative
    amount: NotNegative
    side: Side
    timestamp: Moment
    time: Second
    price_formatted: str
    amount_formatted: str
    time_formatted: str


class TradesUpdateView(
    TerminalView, frozen=True, kw_only=True, gc=False, tag="trades_update", tag_field="type"
):
    """The newest trades of a contract, all of them each time.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        trades: newest first, without holes and doubles.
        initial: whether this is the first message.
        timestamp: when it was made, ms since 1970.
    """

    exchange: str
    symbol: str
    trades: tuple[TerminalTradeView, ...]
    initial: bool
    timestamp: Moment


def terminal_trade(record: Trade, written: SymbolFormat) -> TerminalTradeView:
    """The view of a trade.

    Args:
        record: the trade.
        written: how numbers of its contract are written.
    """
    return TerminalTradeView(
        id=str(record.trade_id),
        price=record.price,
        amount=record.quantity,
        side=record.side,
        timestamp=record.timestamp_ms,
        time=record.timestamp_ms // 1000,
        price_formatted=written.price(record.price),
        amount_formatted=written.amount(record.quantity),
        time_formatted=clock_text(record.timestamp_ms),
    )
