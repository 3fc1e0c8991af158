"""Decides on requests for terminal sockets: `/api/v1/ws/{name}…` (requirements O-W1 to O-W6).

A refusal is an `error` message and close code 4000, so that a browser, which cannot read the answer
to a failed handshake, learns what is wrong; 1011 when it is our side that failed.
"""

from collections.abc import Callable, Mapping
from typing import Final

import structlog

from headwater.api.errors import make_problem, wrong_field
from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.common import TerminalErrorView
from headwater.api.stream_contract import StreamAccepted, StreamRefused, StreamRequest
from headwater.api.terminal.addresses import PREFIX
from headwater.api.terminal.desk import INTERNAL_CLOSE, REFUSED_CLOSE, FeedDesk, TooManyFeeds
from headwater.api.terminal.requests import error_view
from headwater.core.errors import PlatformError

Opener = Callable[[str, str], StreamAccepted]
"""Begins a client of one kind of socket: of the rest of its path and its query."""

_log: Final = structlog.stdlib.get_logger("headwater.api.terminal")


class TerminalRoutes:
    """The terminal's part of the hub's resolver.

    Args:
        desk: the feeds.
        openers: by the name of the socket.
    """

    def __init__(self, desk: FeedDesk, openers: Mapping[str, Opener]) -> None:
        self._desk = desk
        self._openers = openers

    def resolve(self, request: StreamRequest) -> StreamAccepted | StreamRefused:
        """Decides on one request; waits for nothing."""
        name, slash, rest = request.path.removeprefix(PREFIX).partition("/")
        opener = self._openers.get(name)
        if opener is None:
            allowed = [f"{PREFIX}{one}" for one in self._openers]
            field = wrong_field("path", request.path, allowed)
            problem = make_problem(404, "not_found", "no such socket", errors=[field])
            return StreamRefused(http_status=404, body=encode(problem))
        try:
            return opener(slash + rest, request.query)
        except TooManyFeeds as error:
            view = TerminalErrorView(
                code="TOO_MANY_STREAMS",
                message="this server shows as many things as it may; try again later",
                timestamp=self._desk.clock.now_ms(),
            )
            _log.warning("terminal socket refused", path=request.path[:200], reason=str(error))
            return _refused(view, INTERNAL_CLOSE)
        except PlatformError as error:
            return _refused(error_view(error, self._desk.clock.now_ms()), REFUSED_CLOSE)


def _refused(error: TerminalErrorView, close_code: int) -> StreamRefused:
    return StreamRefused(close_code=close_code, reason=error.message, messages=(encode(error),))
