"""The table of terminal sockets: which name of a path begins which kind of client."""

from collections.abc import Mapping
from functools import partial

from headwater.api.stream_contract import StreamAccepted
from headwater.api.terminal.candles import candles_opener
from headwater.api.terminal.desk import FeedDesk
from headwater.api.terminal.journal import SocketJournal
from headwater.api.terminal.liquidation_past import LiquidationPast
from headwater.api.terminal.liquidations import NAME as LIQUIDATIONS
from headwater.api.terminal.liquidations import LiquidationOpener
from headwater.api.terminal.order_book import open_order_book
from headwater.api.terminal.routes import Opener, TerminalRoutes
from headwater.api.terminal.trades import trades_opener
from headwater.services.candle_history import CandleHistory
from headwater.services.past_liquidations import PastLiquidations


def terminal_routes(
    desk: FeedDesk,
    journal: SocketJournal,
    candles: CandleHistory | None = None,
    past: PastLiquidations | None = None,
) -> TerminalRoutes:
    """Every terminal socket.

    Args:
        desk: what their clients share.
        journal: writes about each.
        candles: past candles; None where nothing is stored.
        past: past liquidations; None where nothing is stored.
    """
    openers: Mapping[str, Opener] = {
        "test": open_echo,
        "orderbook": partial(open_order_book, desk),
        "trades": trades_opener(desk),
        "candles": candles_opener(desk, candles),
        LIQUIDATIONS: LiquidationOpener(desk, LiquidationPast(past)),
    }
    return TerminalRoutes(desk, openers, journal)


def open_echo(_rest: str, _query: str) -> StreamAccepted:
    """`/api/v1/ws/test`: sends back what it is sent, for trying a connection (O-W5)."""
    return StreamAccepted(topics=(), on_message=lambda text: [text.encode()])
