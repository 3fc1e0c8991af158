"""The table of terminal sockets: which name of a path begins which kind of client."""

from functools import partial

from headwater.api.stream_contract import StreamAccepted
from headwater.api.terminal.candles import candles_opener
from headwater.api.terminal.desk import FeedDesk
from headwater.api.terminal.journal import SocketJournal
from headwater.api.terminal.order_book import open_order_book
from headwater.api.terminal.routes import TerminalRoutes
from headwater.api.terminal.trades import trades_opener
from headwater.services.candle_history import CandleHistory


def terminal_routes(
    desk: FeedDesk, journal: SocketJournal, candles: CandleHistory | None = None
) -> TerminalRoutes:
    """Every terminal socket.

    Args:
        desk: what their clients share.
        journal: writes about each.
        candles: past candles; None where nothing is stored.
    """
    openers = {
        "test": open_echo,
        "orderbook": partial(open_order_book, desk),
        "trades": trades_opener(desk),
        "candles": candles_opener(desk, candles),
    }
    return TerminalRoutes(desk, openers, journal)


def open_echo(_rest: str, _query: str) -> StreamAccepted:
    """`/api/v1/ws/test`: sends back what it is sent, for trying a connection (O-W5)."""
    return StreamAccepted(topics=(), on_message=lambda text: [text.encode()])
