"""The log lines of terminal sockets: one when a socket opens, one when it ends, one for a refusal.

Each socket has an id: the client's `X-Request-ID` when it is sane, else one of ours. It is on all
of its lines, so that what a person reports can be found again. Knows nothing of what is sent.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

import msgspec
import structlog

from headwater.api.request_log import request_id_of
from headwater.api.stream_contract import (
    StreamAccepted,
    StreamHandle,
    StreamRefused,
    StreamRequest,
)
from headwater.api.terminal.addresses import PREFIX, QUERY_FIELDS_MAX, is_length
from headwater.api.terminal.symbols import DEFAULT_EXCHANGE
from headwater.core.clock import Clock

_CUT_CHARS: Final = 64

_log: Final = structlog.stdlib.get_logger("headwater.api.terminal")


class SocketLines:
    """The lines of one socket.

    Args:
        request: what the client asked for; symbol and exchange are logged as it spelled them.
        request_id: of all its lines.
        clock: measures how long it is open.
    """

    def __init__(self, request: StreamRequest, request_id: str, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._handle: StreamHandle | None = None
        self._words = {"request_id": request_id, **_words_of(request)}

    def refused(self, outcome: StreamRefused) -> None:
        """The client is turned away."""
        status = outcome.http_status or outcome.close_code
        _log.info("terminal socket refused", **self._words, status=status, reason=outcome.reason)

    def opened(self, handle: StreamHandle) -> None:
        """The client is connected."""
        self._handle = handle
        _log.info("terminal socket opened", **self._words)

    def ended(self) -> None:
        """Its socket has ended: after how many seconds, and which close code was given first."""
        handle, self._handle = self._handle, None
        seconds = round(self._clock.monotonic() - self._began, 3)
        code = None if handle is None else handle.close_code
        _log.info("terminal socket ended", **self._words, seconds=seconds, close_code=code)


class SocketJournal:
    """Writes about every socket.

    Args:
        clock: measures.
        new_id: makes ids.
    """

    def __init__(self, clock: Clock, new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._new_id = new_id

    def follow(
        self, request: StreamRequest, outcome: StreamAccepted | StreamRefused
    ) -> StreamAccepted | StreamRefused:
        """The same decision, with lines written when it takes effect."""
        request_id = request_id_of(request.headers, self._new_id)
        lines = SocketLines(request, request_id, self._clock)
        if isinstance(outcome, StreamRefused):
            lines.refused(outcome)
            return outcome
        on_open, on_close = outcome.on_open, outcome.on_close

        def opened(handle: StreamHandle) -> None:
            lines.opened(handle)
            if on_open is not None:
                on_open(handle)

        def ended() -> None:
            try:
                if on_close is not None:
                    on_close()
            finally:
                lines.ended()

        return msgspec.structs.replace(outcome, on_open=opened, on_close=ended)


def _words_of(request: StreamRequest) -> dict[str, str]:
    """Which socket of which symbol, as far as the address says so; whatever it is, cut short."""
    name, _, rest = request.path.removeprefix(PREFIX).partition("/")
    try:
        given = dict(parse_qsl(request.query, max_num_fields=QUERY_FIELDS_MAX))
    except ValueError:
        given = {}
    path = rest.strip("/")
    head, slash, tail = path.rpartition("/")
    symbol = head if slash and is_length(tail) else path or given.get("symbol", "")
    words = {
        "socket": name,
        "exchange": given.get("exchange", DEFAULT_EXCHANGE),
        "symbol": symbol,
    }
    return {key: value[:_CUT_CHARS] for key, value in words.items()}
