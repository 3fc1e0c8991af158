"""The venue's end of one Binance WebSocket connection: requests, limits, pings, end of life.

A socket only talks: what streams send is made once for all sockets in `venue_side_streams.py`.
Facts: the shared notes on Binance, section 4. Errors have the flat form of the documents.
"""

from collections import deque

import msgspec

from headwater.core.records import Record
from headwater.venues.binance.venue_side_streams import StreamDesk, StreamText
from headwater.venues.side import ServerFrames, ServerSocket

MAX_OUTBOX = 50_000
"""Frames that may wait for the next `tick`; a server that never calls it cuts the client."""

POLICY_VIOLATION = 1008
GOING_AWAY = 1001
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_BAD_PROPERTY = 0
_BAD_VALUE = 1
_BAD_REQUEST = 2
_BAD_JSON = 3


class StreamRules(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a connection.

    Attributes:
        max_age_ms: a connection lives no longer (24 h).
        ping_every_ms: interval of the server's pings (3 min).
        pong_within_ms: without a pong for so long the connection is cut (10 min).
        messages_per_s: incoming messages, pings and pongs counted.
        max_streams: subscriptions of a connection.
    """

    max_age_ms: int = 24 * 3_600_000
    ping_every_ms: int = 180_000
    pong_within_ms: int = 600_000
    messages_per_s: int = 10
    max_streams: int = 1024


class _BadRequest(Exception):
    """A request that gets an error body: (code, message)."""


class BinanceSocket(ServerSocket):
    """One connection.

    Args:
        desk: makes the streams' messages.
        endpoint: `public` or `market`: streams of the other one are acknowledged and silent.
        names: streams asked for in the URL.
        is_combined: whether messages are wrapped in `{"stream":…,"data":…}`.
        rules: limits.
        now_ms: the venue's clock.
    """

    def __init__(
        self,
        *,
        desk: StreamDesk,
        endpoint: str,
        names: list[str],
        is_combined: bool,
        rules: StreamRules,
        now_ms: int,
    ) -> None:
        self._desk = desk
        self._endpoint = endpoint
        self._is_combined = is_combined
        self._rules = rules
        self._opened_ms = now_ms
        self._last_ping_ms = now_ms
        self._last_pong_ms = now_ms
        self._incoming: deque[int] = deque()
        self._names: dict[str, None] = {}
        self._outbox: list[str] = []
        self._close: tuple[int, str] | None = None
        self._subscribe(names)

    def receive(self, text: str, now_ms: int) -> ServerFrames:
        """Answers a request."""
        self._count(now_ms)
        if self._close is None:
            self._outbox.append(self._reply_to(text))
        return self._drain()

    def receive_pong(self, now_ms: int) -> ServerFrames:
        """Notes a pong; unsolicited ones are allowed."""
        self._last_pong_ms = now_ms
        self._count(now_ms)
        return self._drain()

    def receive_ping(self, now_ms: int) -> ServerFrames:
        """Counts a ping."""
        self._count(now_ms)
        return self._drain()

    def deliver(self, record: Record) -> ServerFrames:
        """Passes a market event to the streams, once for all sockets."""
        self._desk.note(record)
        return self._drain()

    def tick(self, now_ms: int) -> ServerFrames:
        """Sends what is due: throttled streams, pings, the end of the connection."""
        self._desk.tick(now_ms)
        rules = self._rules
        if now_ms - self._opened_ms >= rules.max_age_ms:
            self._end(GOING_AWAY, "connection lived 24 hours")
        elif now_ms - self._last_pong_ms >= rules.pong_within_ms:
            self._end(POLICY_VIOLATION, "Pong timeout")
        elif now_ms - self._last_ping_ms >= rules.ping_every_ms:
            self._last_ping_ms = now_ms
            return self._drain(str(now_ms).encode())
        return self._drain()

    def closed(self) -> None:
        """Gives all streams up."""
        self._desk.leave_all(self)
        self._outbox.clear()

    def push(self, message: StreamText) -> None:
        """Takes a stream's message; the desk calls it."""
        if len(self._outbox) >= MAX_OUTBOX:
            self._end(POLICY_VIOLATION, "too slow")
            return
        self._outbox.append(message.wrapped if self._is_combined else message.raw)

    def _drain(self, ping: bytes | None = None) -> ServerFrames:
        """Empties the outbox into frames."""
        if not self._outbox and ping is None and self._close is None:
            return _NOTHING
        texts = tuple(self._outbox)
        self._outbox.clear()
        if self._close is None:
            return ServerFrames(texts=texts, ping=ping)
        code, reason = self._close
        return ServerFrames(texts=texts, close_code=code, close_reason=reason)

    def _end(self, code: int, reason: str) -> None:
        """Closes the connection with the next frames."""
        if self._close is None:
            self._close = (code, reason)
            self._desk.leave_all(self)

    def _breach(self, reason: str) -> None:
        """Ends a connection whose client broke a limit, and counts it once."""
        if self._close is None:
            self._desk.breaches += 1
        self._end(POLICY_VIOLATION, reason)

    def _count(self, now_ms: int) -> None:
        """Counts an incoming message; too many in a second end the connection."""
        incoming = self._incoming
        incoming.append(now_ms)
        while incoming[0] <= now_ms - 1000:
            incoming.popleft()
        if len(incoming) > self._rules.messages_per_s:
            self._breach("Too many requests")

    def _subscribe(self, names: list[str]) -> None:
        for name in names:
            if name in self._names:
                continue
            if len(self._names) >= self._rules.max_streams:
                self._breach("Too many streams")
                return
            self._names[name] = None
            self._desk.join(self, name, self._endpoint)

    def _reply_to(self, text: str) -> str:
        """The answer to one text frame."""
        try:
            request = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return _encode(
                {"code": _BAD_JSON, "msg": "Invalid JSON: expected value at line 1 column 1"}
            )
        identity = request.get("id") if isinstance(request, dict) else None
        try:
            result = self._obey(request)
        except _BadRequest as error:
            code, message = error.args
            body = {"code": code, "msg": message}
            return _encode(body if identity is None else {**body, "id": identity})
        return _encode({"result": result, "id": identity})

    def _obey(self, request: object) -> object:
        """Carries a request out; returns its result.

        Raises:
            _BadRequest: it is none.
        """
        if not isinstance(request, dict):
            raise _BadRequest(_BAD_REQUEST, "Invalid request: invalid type, expected a request")
        method = request.get("method")
        if method is None:
            raise _BadRequest(_BAD_REQUEST, "Invalid request: missing field `method`")
        if method not in _METHODS:
            raise _BadRequest(
                _BAD_REQUEST,
                f"Invalid request: unknown variant `{str(method)[:40]}`, "
                f"expected one of {', '.join(_METHODS)}",
            )
        identity = request.get("id")
        is_number = isinstance(identity, int) and not isinstance(identity, bool) and identity >= 0
        if not (is_number or isinstance(identity, str)):
            raise _BadRequest(
                _BAD_REQUEST, "Invalid request: request ID must be an unsigned integer"
            )
        parameters = request.get("params", [])
        if not isinstance(parameters, list):
            raise _BadRequest(_BAD_REQUEST, "Invalid request: invalid type, expected a sequence")
        if method == "LIST_SUBSCRIPTIONS":
            return list(self._names)
        if method.endswith("_PROPERTY"):
            return self._property(method, parameters)
        if not all(isinstance(name, str) for name in parameters):
            raise _BadRequest(_BAD_REQUEST, "Invalid request: stream names must be strings")
        if method == "SUBSCRIBE":
            self._subscribe(parameters)
        else:
            for name in parameters:
                if name in self._names:
                    del self._names[name]
                    self._desk.leave(self, name)
        return None

    def _property(self, method: str, parameters: list[object]) -> bool | None:
        """Reads or sets `combined`, the only property there is.

        Raises:
            _BadRequest: another property, or not a boolean.
        """
        wanted = 2 if method == "SET_PROPERTY" else 1
        if len(parameters) > wanted:
            raise _BadRequest(_BAD_REQUEST, "Invalid request: too many parameters")
        if not parameters or not isinstance(parameters[0], str):
            raise _BadRequest(_BAD_REQUEST, "Invalid request: property name must be a string")
        if parameters[0] != "combined":
            raise _BadRequest(_BAD_PROPERTY, "Unknown property")
        if method == "GET_PROPERTY":
            return self._is_combined
        if len(parameters) < wanted or not isinstance(parameters[1], bool):
            raise _BadRequest(_BAD_VALUE, "Invalid value type: expected Boolean")
        self._is_combined = parameters[1]
        return None


_NOTHING = ServerFrames()


def _encode(payload: object) -> str:
    return msgspec.json.encode(payload).decode()
