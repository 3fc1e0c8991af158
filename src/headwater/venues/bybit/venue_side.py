"""Bybit's servers for public data of category linear, without sockets.

`BybitSide` answers REST requests and opens the venue's end of WebSocket connections. Written from
the notes on Bybit, sections 1 to 5, independent of the client's parsers. Accounts are not
simulated yet: a request without a valid key is refused as the venue does it.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from headwater.core.enums import Channel
from headwater.core.records import Record
from headwater.venues.bybit.venue_side_boards import BAD_KEY, Boards, Query, Refusal
from headwater.venues.bybit.venue_side_rows import envelope
from headwater.venues.bybit.venue_side_topics import topic_of
from headwater.venues.side import (
    MarketView,
    ServerFrames,
    ServerReply,
    ServerRequest,
    ServerSocket,
    VenueSide,
)
from headwater.venues.side_desk import RollingLimit, SymbolText, TopicDesk

STREAM_PATH: Final = "/v5/public/linear"
REQUESTS: Final = 600
REQUESTS_WINDOW_MS: Final = 5_000
BAN_MS: Final = 10 * 60_000
CONNECTIONS: Final = 500
CONNECTIONS_WINDOW_MS: Final = 5 * 60_000
ARGS_CHARS: Final = 21_000
IDLE_MS: Final = 10 * 60_000
MAX_OUTBOX: Final = 50_000
"""Frames that may wait for the next `tick`; beyond it the client is cut."""
MAX_BANNED: Final = 10_000

_GOING_AWAY: Final = 1001
_POLICY: Final = 1008
_NOTHING: Final = ServerFrames()
_FORBIDDEN: Final = b"403 Forbidden: access too frequent"
_TOPICS: Final = {
    Channel.TRADES: "publicTrade",
    Channel.CANDLES: "kline.1",
    Channel.BOOK: "orderbook.200",
    Channel.QUOTES: "orderbook.1",
    Channel.TICKERS: "tickers",
    Channel.MARK_PRICES: "tickers",
    Channel.OPEN_INTEREST: "tickers",
    Channel.LIQUIDATIONS: "allLiquidation",
}


class BybitSide(VenueSide):
    """The venue's servers over one market.

    Args:
        market: what is going on.
    """

    def __init__(self, market: MarketView) -> None:
        self._market = market
        self._texts = {one.native_symbol: SymbolText(one) for one in market.table}
        self._boards = Boards(market, self._texts)
        self._desk = TopicDesk(lambda key: topic_of(market, self._texts, key))
        self._requests = RollingLimit(REQUESTS, REQUESTS_WINDOW_MS)
        self._connections = RollingLimit(CONNECTIONS, CONNECTIONS_WINDOW_MS)
        self._banned_until_ms: dict[str, int] = {}
        self._opened = 0
        self.socket_breaches = 0

    def answer(self, request: ServerRequest) -> ServerReply:
        """Answers a REST request; the address's limit comes first."""
        now_ms = self._market.now_ms()
        if not self._may_ask(request.client, now_ms):
            return ServerReply(status=403, headers={"Content-Type": "text/plain"}, body=_FORBIDDEN)
        endpoint = self._boards.endpoints.get(request.path)
        if endpoint is None:
            if request.path.startswith("/v5/") and not request.path.startswith("/v5/market/"):
                return _reply(envelope({}, now_ms, BAD_KEY, "API key is invalid."))
            return ServerReply(status=404, headers={}, body=b"404 page not found")
        try:
            result = endpoint(Query(request.query, self._texts))
        except Refusal as refusal:
            return _reply(envelope({}, now_ms, refusal.code, refusal.message))
        return _reply(envelope(result, now_ms))

    def open(self, path: str, query: Sequence[tuple[str, str]], client: str) -> ServerSocket | None:  # noqa: ARG002
        """Opens the venue's end of a WebSocket; None for another path or too many of them."""
        now_ms = self._market.now_ms()
        if path != STREAM_PATH or not self._connections.charge(client, 1, now_ms):
            return None
        self._opened += 1
        return BybitSocket(self, self._desk, f"sim-{self._opened:06d}", now_ms)

    def breaches(self) -> int:
        """Requests and connections that were too many, and sockets that broke a rule."""
        return self._requests.breaches + self._connections.breaches + self.socket_breaches

    def frame_marks(self, channel: Channel, symbol: str) -> tuple[str, ...]:
        """The topic as it stands in the frames of a channel and symbol."""
        native = next(one.native for one in self._texts.values() if one.symbol == symbol)
        return (f'"topic":"{_TOPICS[channel]}.{native}"',)

    def trouble(self, status: int, client: str, retry_after_s: int | None) -> ServerReply:  # noqa: ARG002
        """The venue's words: a ban is 403, a limit a code, a failure of servers 5xx."""
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        now_ms = self._market.now_ms()
        if status in (403, 418):
            return ServerReply(status=403, headers=headers, body=_FORBIDDEN)
        if status == 429:
            body = envelope({}, now_ms, 10006, "Too many visits!")
            return ServerReply(status=429, headers=headers, body=body)
        body = envelope({}, now_ms, 10016, "Internal system error.")
        return ServerReply(status=status, headers=headers, body=body)

    def _may_ask(self, client: str, now_ms: int) -> bool:
        if now_ms < self._banned_until_ms.get(client, 0):
            return False
        if self._requests.charge(client, 1, now_ms):
            return True
        self._banned_until_ms.pop(client, None)
        self._banned_until_ms[client] = now_ms + BAN_MS
        if len(self._banned_until_ms) > MAX_BANNED:
            del self._banned_until_ms[next(iter(self._banned_until_ms))]
        return False


class BybitSocket(ServerSocket):
    """One connection.

    Args:
        side: counts its breaches.
        desk: makes the topics' messages.
        conn_id: as answers name it.
        now_ms: the venue's clock.
    """

    def __init__(self, side: BybitSide, desk: TopicDesk, conn_id: str, now_ms: int) -> None:
        self._side = side
        self._desk = desk
        self._conn_id = conn_id
        self._heard_ms = now_ms
        self._now_ms = now_ms
        self._keys: dict[str, None] = {}
        self._outbox: list[str] = []
        self._close: tuple[int, str] | None = None

    def receive(self, text: str, now_ms: int) -> ServerFrames:
        """Answers a request."""
        self._heard_ms = self._now_ms = now_ms
        try:
            request = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            request = None
        if not isinstance(request, dict):
            return self._drain(self._answer("", "", error="error:request fmt err"))
        operation = str(request.get("op", ""))
        request_id = str(request.get("req_id", ""))
        if operation == "ping":
            return self._drain(self._answer("ping", request_id, message="pong"))
        arguments = request.get("args")
        if operation not in ("subscribe", "unsubscribe") or not isinstance(arguments, list):
            return self._drain(self._answer(operation, request_id, error="error:request fmt err"))
        names = [str(one) for one in arguments]
        problem = self._problem(operation, names)
        if problem:
            return self._drain(self._answer(operation, request_id, error=problem))
        first = self._answer(operation, request_id)
        for name in names:
            if operation == "unsubscribe":
                self._keys.pop(name, None)
                self._desk.leave(self, name)
            else:
                self._keys[name] = None
                self._desk.join(self, name, now_ms)
        return self._drain(first)

    def receive_pong(self, now_ms: int) -> ServerFrames:
        """Notes that the client lives."""
        self._heard_ms = now_ms
        return _NOTHING

    def closed(self) -> None:
        """Gives all topics up."""
        for name in self._keys:
            self._desk.leave(self, name)
        self._outbox.clear()

    def deliver(self, record: Record) -> ServerFrames:
        """Passes a market event to the topics, once for all sockets."""
        self._desk.note(record)
        return _NOTHING

    def tick(self, now_ms: int) -> ServerFrames:
        """Sends what is due; cuts a client that was silent for too long."""
        self._now_ms = now_ms
        self._desk.tick(now_ms)
        if now_ms - self._heard_ms >= IDLE_MS and self._close is None:
            self._close = (_GOING_AWAY, "idle")
        return self._drain()

    def push(self, text: str) -> None:
        """Takes a topic's message."""
        if len(self._outbox) >= MAX_OUTBOX:
            self._close = (_POLICY, "too slow")
            return
        self._outbox.append(text)

    def _problem(self, operation: str, names: Sequence[str]) -> str:
        """Why a request is refused as a whole; empty when it is not."""
        if operation == "unsubscribe":
            return ""
        for name in names:
            if not self._desk.knows(name):
                return f"error:handler not found,topic:{name[:80]}"
            if name in self._keys:
                return f"error:already subscribed,topic:{name[:80]}"
        if sum(map(len, (*self._keys, *names))) > ARGS_CHARS:
            self._side.socket_breaches += 1
            return "error:args of a connection are too long"
        return ""

    def _answer(
        self, operation: str, request_id: str, *, message: str = "", error: str = ""
    ) -> str:
        body: dict[str, object] = {
            "success": not error,
            "ret_msg": error or message,
            "conn_id": self._conn_id,
        }
        if request_id:
            body["req_id"] = request_id
        return msgspec.json.encode(body | {"op": operation}).decode()

    def _drain(self, first: str | None = None) -> ServerFrames:
        """Empties the outbox into frames, an answer before it."""
        if first is None and not self._outbox and self._close is None:
            return _NOTHING
        texts = tuple(self._outbox) if first is None else (first, *self._outbox)
        self._outbox.clear()
        if self._close is None:
            return ServerFrames(texts=texts)
        return ServerFrames(texts=texts, close_code=self._close[0], close_reason=self._close[1])


def _reply(body: bytes) -> ServerReply:
    return ServerReply(status=200, headers={"Content-Type": "application/json"}, body=body)
