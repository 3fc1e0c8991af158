"""Decides on requests for terminal sockets: `/api/v1/ws/{name}…` (requirements O-W1 to O-W6).

A refusal is an `error` message and close code 4000, so that a browser, which cannot read the answer
to a failed handshake, learns what is wrong; 1011 when it is our side that failed.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from headwater.api.errors import make_problem, wrong_field
from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.common import TerminalErrorView
from headwater.api.stream_contract import StreamAccepted, StreamRefused, StreamRequest
from headwater.api.terminal.addresses import PREFIX
from headwater.api.terminal.desk import INTERNAL_CLOSE, REFUSED_CLOSE, FeedDesk
from headwater.api.terminal.journal import SocketJournal
from headwater.api.terminal.requests import TooMany, error_view
from headwater.core.errors import PlatformError

Opener = Callable[[str, str], StreamAccepted]
"""Begins a client of one kind of socket: of the rest of its path and its query."""

_PATH_CUT_CHARS: Final = 200

_logger = logging.getLogger(__name__)


class TerminalRoutes:
    """The terminal's part of the hub's resolver.

    Args:
        desk: the feeds.
        openers: by the name of the socket.
        journal: writes a line when a socket opens, ends or is refused.
    """

    def __init__(
        self, desk: FeedDesk, openers: Mapping[str, Opener], journal: SocketJournal
    ) -> None:
        self._desk = desk
        self._openers = openers
        self._journal = journal

    def resolve(self, request: StreamRequest) -> StreamAccepted | StreamRefused:
        """Decides on one request; waits for nothing. A refusal leaves nothing behind."""
        return self._journal.follow(request, self._decide(request))

    def _decide(self, request: StreamRequest) -> StreamAccepted | StreamRefused:
        name, slash, rest = request.path.removeprefix(PREFIX).partition("/")
        opener = self._openers.get(name)
        if opener is None:
            allowed = [f"{PREFIX}{one}" for one in self._openers]
            field = wrong_field("path", request.path, allowed)
            problem = make_problem(404, "not_found", "no such socket", errors=[field])
            return StreamRefused(http_status=404, body=encode(problem))
        try:
            with self._desk.all_or_nothing():
                return opener(slash + rest, request.query)
        except TooMany as error:
            return _refused(error_view(error, self._desk.clock.now_ms()), INTERNAL_CLOSE)
        except PlatformError as error:
            return _refused(error_view(error, self._desk.clock.now_ms()), REFUSED_CLOSE)
        except Exception:
            _logger.exception("the decision on %s failed", request.path[:_PATH_CUT_CHARS])
            return _refused(self._desk.internal_error(), INTERNAL_CLOSE)


def _refused(error: TerminalErrorView, close_code: int) -> StreamRefused:
    return StreamRefused(close_code=close_code, reason=error.message, messages=(encode(error),))
