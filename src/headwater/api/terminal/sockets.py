"""The table of terminal sockets: which name of a path begins which kind of client."""

from headwater.api.stream_contract import StreamAccepted
from headwater.api.terminal.desk import FeedDesk
from headwater.api.terminal.liquidation_past import LiquidationPast
from headwater.api.terminal.liquidations import NAME as LIQUIDATIONS
from headwater.api.terminal.liquidations import LiquidationOpener
from headwater.api.terminal.routes import TerminalRoutes
from headwater.services.past_liquidations import PastLiquidations


def terminal_routes(desk: FeedDesk, past: PastLiquidations | None = None) -> TerminalRoutes:
    """Every terminal socket.

    Args:
        desk: what their clients share.
        past: past liquidations; None where nothing is stored.
    """
    liquidations = LiquidationOpener(desk, LiquidationPast(past))
    return TerminalRoutes(desk, {"test": open_echo, LIQUIDATIONS: liquidations})


def open_echo(_rest: str, _query: str) -> StreamAccepted:
    """`/api/v1/ws/test`: sends back what it is sent, for trying a connection (O-W5)."""
    return StreamAccepted(topics=(), on_message=lambda text: [text.encode()])
