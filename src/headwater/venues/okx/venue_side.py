"""OKX's servers for public data of swaps, without sockets.

`OkxSide` answers REST requests and opens the venue's end of WebSocket connections. Written from
the notes on OKX, sections 1 to 5, independent of the client's parsers. Accounts are not simulated
yet: a request without a valid key is refused as the venue does it.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from headwater.core.enums import Channel
from headwater.core.records import Record
from headwater.venues.okx.venue_side_boards import Boards, Query, Refusal
from headwater.venues.okx.venue_side_rows import envelope
from headwater.venues.okx.venue_side_topics import BUSINESS, PUBLIC, endpoint_of, topic_of
from headwater.venues.side import (
    MarketView,
    ServerFrames,
    ServerReply,
    ServerRequest,
    ServerSocket,
    VenueSide,
)
from headwater.venues.side_desk import RollingLimit, SymbolText, TopicDesk

PATHS: Final = {"/ws/v5/public": PUBLIC, "/ws/v5/business": BUSINESS}
PREFIX: Final = "/api/v5/"
WINDOW_MS: Final = 2_000
CONNECTIONS_PER_S: Final = 3
REQUESTS_PER_HOUR: Final = 480
HOUR_MS: Final = 3_600_000
IDLE_MS: Final = 30_000
NOTICE_MS: Final = 60_000
"""From the notice of an upgrade to the end of the connection."""
ARGUMENT_BYTES: Final = 64 * 1024
MAX_OUTBOX: Final = 50_000
"""Frames that may wait for the next `tick`; beyond it the client is cut."""

_GOING_AWAY: Final = 1001
_POLICY: Final = 4008
_NOTHING: Final = ServerFrames()
_TOO_MANY: Final = ("50011", "Rate limit reached. Please refer to API documentation.")
_CHANNELS: Final = {
    Channel.TRADES: "trades",
    Channel.CANDLES: "candle1m",
    Channel.BOOK: "books",
    Channel.QUOTES: "bbo-tbt",
    Channel.TICKERS: "tickers",
    Channel.MARK_PRICES: "mark-price",
    Channel.OPEN_INTEREST: "open-interest",
}


class OkxSide(VenueSide):
    """The venue's servers over one market.

    Args:
        market: what is going on.
    """

    def __init__(self, market: MarketView) -> None:
        self._market = market
        self._texts = {one.native_symbol: SymbolText(one) for one in market.table}
        boards = self._boards = Boards(market, self._texts)
        self._desk = TopicDesk(lambda key: topic_of(market, boards, self._texts, key))
        self._limits = {
            path: RollingLimit(capacity, WINDOW_MS)
            for path, (_, capacity) in self._boards.endpoints.items()
        }
        self._connections = RollingLimit(CONNECTIONS_PER_S, 1000)
        self._opened = 0
        self.socket_breaches = 0

    def answer(self, request: ServerRequest) -> ServerReply:
        """Answers a REST request; each endpoint has its own limit."""
        path = request.path.removeprefix(PREFIX)
        known = self._boards.endpoints.get(path) if request.path.startswith(PREFIX) else None
        if known is None:
            if request.path.startswith(PREFIX):
                body = envelope([], "50103", "Request header OK-ACCESS-KEY can not be empty.")
                return ServerReply(status=401, headers={}, body=body)
            return ServerReply(status=404, headers={}, body=b"404 page not found")
        if not self._limits[path].charge(request.client, 1, self._market.now_ms()):
            return ServerReply(status=429, headers={}, body=envelope([], *_TOO_MANY))
        try:
            return _reply(envelope(known[0](Query(request.query, self._texts))))
        except Refusal as refusal:
            return _reply(envelope([], refusal.code, refusal.message))

    def open(self, path: str, query: Sequence[tuple[str, str]], client: str) -> ServerSocket | None:  # noqa: ARG002
        """Opens the venue's end of a WebSocket; None for another path or too many at once."""
        endpoint, now_ms = PATHS.get(path), self._market.now_ms()
        if endpoint is None or not self._connections.charge(client, 1, now_ms):
            return None
        self._opened += 1
        return OkxSocket(self, self._desk, endpoint, f"{self._opened:08x}", now_ms)

    def breaches(self) -> int:
        """Requests and connections that were too many, and sockets that broke a rule."""
        rest = sum(limit.breaches for limit in self._limits.values())
        return rest + self._connections.breaches + self.socket_breaches

    def frame_marks(self, channel: Channel, symbol: str) -> tuple[str, ...]:
        """The argument as it stands in the frames of a channel and symbol."""
        native = next(one.native for one in self._texts.values() if one.symbol == symbol)
        if channel is Channel.LIQUIDATIONS:
            return ('"channel":"liquidation-orders"', f'"instId":"{native}"')
        return (f'"arg":{{"channel":"{_CHANNELS[channel]}","instId":"{native}"}}',)

    def trouble(self, status: int, client: str, retry_after_s: int | None) -> ServerReply:  # noqa: ARG002
        """The venue's words for limits and failures; it bans nobody."""
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        if status in (418, 429):
            return ServerReply(status=429, headers=headers, body=envelope([], *_TOO_MANY))
        body = envelope([], "50001", "Service temporarily unavailable. Try again later")
        return ServerReply(status=status, headers=headers, body=body)


class OkxSocket(ServerSocket):
    """One connection.

    Args:
        side: counts its breaches.
        desk: makes the topics' messages.
        endpoint: `public` or `business`; channels of the other one are refused.
        conn_id: as answers name it.
        now_ms: the venue's clock.
    """

    def __init__(
        self, side: OkxSide, desk: TopicDesk, endpoint: str, conn_id: str, now_ms: int
    ) -> None:
        self._side = side
        self._desk = desk
        self._endpoint = endpoint
        self._conn_id = conn_id
        self._alive_ms = now_ms
        self._requests: deque[int] = deque()
        self._keys: dict[str, None] = {}
        self._outbox: list[str] = []
        self._close: tuple[int, str] | None = None
        self._ends_ms: int | None = None

    def retire(self, now_ms: int) -> ServerFrames:
        """Announces an upgrade of the service; the connection lives on for a minute."""
        self._ends_ms = now_ms + NOTICE_MS
        notice = {
            "event": "notice",
            "code": "64008",
            "msg": "The connection will soon be closed for a service upgrade. Please reconnect.",
            "connId": self._conn_id,
        }
        return ServerFrames(texts=(msgspec.json.encode(notice).decode(),))

    def receive(self, text: str, now_ms: int) -> ServerFrames:
        """Answers a text: `ping`, or a request as JSON."""
        self._alive_ms = now_ms
        if text == "ping":
            return ServerFrames(texts=("pong",))
        try:
            request = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            request = None
        if not isinstance(request, dict):
            return self._answers([self._error("", "60012", f"Illegal request: {text[:200]}")])
        request_id = str(request.get("id", ""))
        operation, arguments = request.get("op"), request.get("args")
        if operation not in ("subscribe", "unsubscribe", "login"):
            return self._answers([self._error(request_id, "60019", f"Invalid op: {operation}")])
        if operation == "login":
            return self._answers([self._error(request_id, "60032", "API key doesn't exist")])
        if not isinstance(arguments, list) or len(text) > ARGUMENT_BYTES:
            return self._answers([self._error(request_id, "60012", "Illegal request")])
        if not self._may_ask(now_ms):
            words = "Requests too frequent."
            return self._answers([self._error(request_id, "60014", words)])
        answers: list[str] = []
        for argument in arguments:
            answers += self._obey(operation, request_id, argument, now_ms)
        return self._answers(answers)

    def receive_pong(self, now_ms: int) -> ServerFrames:
        """Notes that the client lives."""
        self._alive_ms = now_ms
        return _NOTHING

    def closed(self) -> None:
        """Gives all topics up."""
        for key in self._keys:
            self._desk.leave(self, key)
        self._outbox.clear()

    def deliver(self, record: Record) -> ServerFrames:
        """Passes a market event to the topics, once for all sockets."""
        self._desk.note(record)
        return _NOTHING

    def tick(self, now_ms: int) -> ServerFrames:
        """Sends what is due; cuts a connection on which nothing happens."""
        self._desk.tick(now_ms)
        if self._ends_ms is not None and now_ms >= self._ends_ms and self._close is None:
            self._close = (_GOING_AWAY, "service upgrade")
        if self._outbox:
            self._alive_ms = now_ms
        elif now_ms - self._alive_ms >= IDLE_MS and self._close is None:
            self._close = (_GOING_AWAY, "no data in 30s")
        return self._answers([])

    def push(self, text: str) -> None:
        """Takes a topic's message."""
        if len(self._outbox) >= MAX_OUTBOX:
            self._close = (_POLICY, "too slow")
            return
        self._outbox.append(text)

    def _obey(self, operation: str, request_id: str, argument: Any, now_ms: int) -> list[str]:
        """Carries one argument out; its answer."""
        if not isinstance(argument, dict):
            return [self._error(request_id, "60012", "Illegal request")]
        channel = str(argument.get("channel", ""))
        name = str(argument.get("instId") or argument.get("instType") or "")
        key = f"{channel}:{name}"
        if endpoint_of(channel) != self._endpoint or not self._desk.knows(key):
            words = (
                f"Wrong URL or channel:{channel[:40]},instId:{name[:40]} doesn't exist. Please use "
                "the correct URL, channel and parameters referring to API document."
            )
            return [self._error(request_id, "60018", words)]
        answer: dict[str, object] = {"id": request_id} if request_id else {}
        answer |= {"event": operation, "arg": argument, "connId": self._conn_id}
        self._outbox.append(msgspec.json.encode(answer).decode())
        if operation == "unsubscribe":
            self._keys.pop(key, None)
            self._desk.leave(self, key)
        else:
            self._keys[key] = None
            self._desk.join(self, key, now_ms)
        return []

    def _may_ask(self, now_ms: int) -> bool:
        """Counts a request against those of an hour."""
        requests = self._requests
        while requests and requests[0] <= now_ms - HOUR_MS:
            requests.popleft()
        if len(requests) >= REQUESTS_PER_HOUR:
            self._side.socket_breaches += 1
            return False
        requests.append(now_ms)
        return True

    def _error(self, request_id: str, code: str, words: str) -> str:
        body: dict[str, object] = {"id": request_id} if request_id else {}
        body |= {"event": "error", "code": code, "msg": words, "connId": self._conn_id}
        return msgspec.json.encode(body).decode()

    def _answers(self, first: Sequence[str]) -> ServerFrames:
        """Empties the outbox into frames, errors before it."""
        if not first and not self._outbox and self._close is None:
            return _NOTHING
        texts = (*first, *self._outbox)
        self._outbox.clear()
        if self._close is None:
            return ServerFrames(texts=texts)
        return ServerFrames(texts=texts, close_code=self._close[0], close_reason=self._close[1])


def _reply(body: bytes) -> ServerReply:
    return ServerReply(status=200, headers={"Content-Type": "application/json"}, body=body)
