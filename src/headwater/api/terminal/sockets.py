"""The table of terminal sockets: which name of a path begins which kind of client."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from headwater.api.stream_contract import StreamAccepted
from headwater.api.terminal.candles import CANDLES, open_candles
from headwater.api.terminal.declaration import TerminalSocket
from headwater.api.terminal.desk import FeedDesk
from headwater.api.terminal.journal import SocketJournal
from headwater.api.terminal.liquidation_past import LiquidationPast
from headwater.api.terminal.liquidations import LIQUIDATIONS, open_liquidations
from headwater.api.terminal.order_book import ORDER_BOOK, open_order_book
from headwater.api.terminal.routes import Opener, TerminalRoutes
from headwater.api.terminal.trades import TRADES, open_trades
from headwater.services.candle_history import CandleHistory
from headwater.services.past_liquidations import PastLiquidations

TEST: Final = TerminalSocket(
    name="test",
    description="Sends back what it is sent, for trying a connection.",
    takes_symbol=False,
    addresses=("test",),
    said=('{"type":"ping"}', "hello"),
)
"""The socket that sends back."""

SOCKETS: Final[tuple[TerminalSocket, ...]] = (
    ORDER_BOOK,
    TRADES,
    CANDLES,
    LIQUIDATIONS,
    TEST,
)
"""Every terminal socket's declaration, as documents and clients show them."""


def terminal_routes(
    desk: FeedDesk,
    journal: SocketJournal,
    *,
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
        ORDER_BOOK.name: partial(open_order_book, desk),
        TRADES.name: partial(open_trades, desk),
        CANDLES.name: partial(open_candles, desk, candles),
        LIQUIDATIONS.name: partial(open_liquidations, desk, LiquidationPast(past)),
        TEST.name: open_echo,
    }
    assert set(openers) == {one.name for one in SOCKETS}, "every socket is declared and served"
    return TerminalRoutes(desk, openers, journal)


def open_echo(_rest: str, _query: str) -> StreamAccepted:
    """`/api/v1/ws/test`: sends back what it is sent, for trying a connection (O-W5)."""
    return StreamAccepted(topics=(), on_message=lambda text: [text.encode()])
