"""Hyperliquid's servers for public data, without sockets.

`HyperliquidSide` answers `POST /info` and opens the venue's end of WebSocket connections. Written
from the notes on Hyperliquid, independent of the client's parsers. Accounts are not simulated: an
action is refused as one of an unknown wallet.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from headwater.core.enums import Channel
from headwater.core.records import Record
from headwater.venues.hyperliquid.venue_side_boards import LIGHT, Boards, Refusal, malformed
from headwater.venues.hyperliquid.venue_side_topics import topic_of
from headwater.venues.side import (
    MarketView,
    ServerFrames,
    ServerReply,
    ServerRequest,
    ServerSocket,
    VenueSide,
)
from headwater.venues.side_desk import RollingLimit, SymbolText, TopicDesk

STREAM_PATH: Final = "/ws"
WEIGHT: Final = 1200
MESSAGES: Final = 2000
MINUTE_MS: Final = 60_000
CONNECTIONS: Final = 100
SUBSCRIPTIONS: Final = 1000
USERS: Final = 10
IDLE_MS: Final = 60_000
MAX_OUTBOX: Final = 50_000
"""Frames that may wait for the next `tick`; beyond it the client is cut."""

_NOTHING: Final = ServerFrames()
_NORMAL: Final = 1000
_POLICY: Final = 1008
_ORDINARY: Final = 20
_LIGHT: Final = 2
_HEADERS: Final = {"Content-Type": "application/json"}
_NO_WALLET: Final = (
    b'{"status":"err","response":"User or API Wallet '
    b'0x0000000000000000000000000000000000000000 does not exist."}'
)
_CHANNELS: Final = {
    Channel.TRADES: "trades",
    Channel.CANDLES: "candle",
    Channel.BOOK: "l2Book",
    Channel.QUOTES: "bbo",
    Channel.TICKERS: "activeAssetCtx",
    Channel.MARK_PRICES: "activeAssetCtx",
    Channel.OPEN_INTEREST: "activeAssetCtx",
    Channel.LIQUIDATIONS: "userFills",
}


class HyperliquidSide(VenueSide):
    """The venue's servers over one market.

    Args:
        market: what is going on.
    """

    def __init__(self, market: MarketView) -> None:
        self._market = market
        self._texts = {one.native_symbol: SymbolText(one) for one in market.table}
        self.boards = Boards(market, self._texts)
        self._desk = TopicDesk(lambda key: topic_of(market, self._texts, key))
        self.weights = RollingLimit(WEIGHT, MINUTE_MS)
        self.messages = RollingLimit(MESSAGES, MINUTE_MS)
        self.sockets: dict[str, set[HyperliquidSocket]] = {}
        self.limit_breaches = 0

    def answer(self, request: ServerRequest) -> ServerReply:
        """Answers a REST request; its weight comes first, that of its rows after."""
        if request.path == "/exchange":
            return ServerReply(status=200, headers=_HEADERS, body=_NO_WALLET)
        if request.path != "/info" or request.method != "POST":
            return ServerReply(status=404, headers={}, body=b"")
        try:
            asked = msgspec.json.decode(request.body)
        except (msgspec.MsgspecError, RecursionError):
            asked = None
        try:
            return ServerReply(status=200, headers=_HEADERS, body=self.info(asked, request.client))
        except Refusal as refusal:
            return ServerReply(status=refusal.status, headers={}, body=refusal.body)

    def info(self, asked: object, client: str) -> bytes:
        """The reply to a request for information.

        Raises:
            Refusal: too many, malformed, or of an unknown coin.
        """
        now_ms = self._market.now_ms()
        kind = asked.get("type") if isinstance(asked, dict) else None
        if not self.weights.charge(client, _LIGHT if kind in LIGHT else _ORDINARY, now_ms):
            raise Refusal(429, b"null")
        body, extra = self.boards.reply(asked)
        if extra:
            # What rows cost is known too late to refuse them; it is used up all the same.
            self.weights.charge(client, min(extra, self.weights.left(client)), now_ms)
        return body

    def open(self, path: str, query: Sequence[tuple[str, str]], client: str) -> ServerSocket | None:  # noqa: ARG002
        """Opens the venue's end of a WebSocket; None for another path or too many of them."""
        held = self.sockets.setdefault(client, set())
        if path != STREAM_PATH:
            return None
        if len(held) >= CONNECTIONS:
            self.limit_breaches += 1
            return None
        socket = HyperliquidSocket(self, self._desk, client, self._market.now_ms())
        held.add(socket)
        return socket

    def breaches(self) -> int:
        """Requests, messages, subscriptions and connections that were too many."""
        return self.weights.breaches + self.messages.breaches + self.limit_breaches

    def frame_marks(self, channel: Channel, symbol: str) -> tuple[str, ...]:
        """The message's kind and coin as they stand in the frames."""
        native = next(one.native for one in self._texts.values() if one.symbol == symbol)
        name = "s" if channel is Channel.CANDLES else "coin"
        return (f'"channel":"{_CHANNELS[channel]}"', f'"{name}":"{native}"')

    def trouble(self, status: int, client: str, retry_after_s: int | None) -> ServerReply:  # noqa: ARG002
        """The venue's words: none to speak of."""
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        return ServerReply(
            status=429 if status == 418 else status, headers=headers, body=b"unavailable"
        )


class HyperliquidSocket(ServerSocket):
    """One connection.

    Args:
        side: counts what addresses do.
        desk: makes the topics' messages.
        client: the address.
        now_ms: the venue's clock.
    """

    def __init__(self, side: HyperliquidSide, desk: TopicDesk, client: str, now_ms: int) -> None:
        self._side = side
        self._desk = desk
        self._client = client
        self._sent_ms = now_ms
        self.keys: dict[str, None] = {}
        self._outbox: list[str] = []
        self._close: tuple[int, str] | None = None

    def receive(self, text: str, now_ms: int) -> ServerFrames:
        """Answers a request."""
        if not self._side.messages.charge(self._client, 1, now_ms):
            self._close = (_POLICY, "too many messages")
            return self._drain(now_ms)
        try:
            request = msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError):
            request = None
        method = request.get("method") if isinstance(request, dict) else None
        if method == "ping":
            return self._drain(now_ms, '{"channel":"pong"}')
        if isinstance(request, dict) and method == "post":
            return self._drain(now_ms, self._post(request))
        asked = request.get("subscription") if isinstance(request, dict) else None
        if method not in ("subscribe", "unsubscribe") or not isinstance(asked, dict):
            problem = f"Error parsing JSON into valid websocket request: {text[:2000]}"
            return self._drain(now_ms, _error(problem))
        return self._drain(now_ms, self._change(method, asked, now_ms))

    def receive_pong(self, now_ms: int) -> ServerFrames:  # noqa: ARG002
        """Means nothing here."""
        return _NOTHING

    def closed(self) -> None:
        """Gives all topics up."""
        for key in self.keys:
            self._desk.leave(self, key)
        self.keys.clear()
        self._outbox.clear()
        self._side.sockets.get(self._client, set()).discard(self)

    def deliver(self, record: Record) -> ServerFrames:
        """Passes a market event to the topics, once for all sockets."""
        self._desk.note(record)
        return _NOTHING

    def tick(self, now_ms: int) -> ServerFrames:
        """Sends what is due; closes a connection to which nothing was sent for a minute."""
        self._desk.tick(now_ms)
        if not self._outbox and now_ms - self._sent_ms >= IDLE_MS and self._close is None:
            self._close = (_NORMAL, "Inactive")
        return self._drain(now_ms)

    def push(self, text: str) -> None:
        """Takes a topic's message."""
        if len(self._outbox) >= MAX_OUTBOX:
            self._close = (_POLICY, "too slow")
            return
        self._outbox.append(text)

    def _change(self, method: str, asked: dict[str, Any], now_ms: int) -> str:
        """Takes a topic on or gives it up; returns the answer."""
        kind, user = str(asked.get("type", "")), str(asked.get("user", "")).lower()
        key = f"{kind}:{user or asked.get('coin', '')}:{asked.get('interval', '')}"
        echo = msgspec.json.encode(asked).decode()
        if method == "unsubscribe":
            if key not in self.keys:
                return _error(f"Already unsubscribed: {echo}")
            del self.keys[key]
            self._desk.leave(self, key)
        else:
            if key in self.keys:
                return _error(f"Already subscribed: {echo}")
            if not self._desk.knows(key):
                return _error(f"Invalid subscription {echo}")
            problem = self._too_many(user)
            if problem:
                self._side.limit_breaches += 1
                return _error(f"{problem}: {echo}")
            self.keys[key] = None
            self._desk.join(self, key, now_ms)
        if kind == "l2Book":
            asked = {"nSigFigs": None, "mantissa": None} | asked
        data = {"method": method, "subscription": asked}
        return msgspec.json.encode({"channel": "subscriptionResponse", "data": data}).decode()

    def _too_many(self, user: str) -> str:
        """Which limit of the address another subscription breaks; empty for none."""
        held = [key for one in self._side.sockets.get(self._client, ()) for key in one.keys]
        if len(held) >= SUBSCRIPTIONS:
            return "Cannot subscribe to more than 1000 channels"
        users = {key.split(":")[1] for key in held if key.startswith("userFills:")}
        if user and len(users | {user}) > USERS:
            return "Cannot track more than 10 total users"
        return ""

    def _post(self, request: dict[str, Any]) -> str:
        """Answers a request for information over the socket."""
        asked = request.get("request")
        try:
            if not isinstance(asked, dict) or asked.get("type") != "info":
                raise malformed()
            payload = asked.get("payload")
            body = self._side.info(payload, self._client)
            kind = payload["type"] if isinstance(payload, dict) else ""
            response: dict[str, Any] = {
                "type": "info",
                "payload": {"type": kind, "data": msgspec.Raw(body)},
            }
        except Refusal as refusal:
            response = {"type": "error", "payload": refusal.body.decode()}
        data = {"id": request.get("id"), "response": response}
        return msgspec.json.encode({"channel": "post", "data": data}).decode()

    def _drain(self, now_ms: int, first: str | None = None) -> ServerFrames:
        """Empties the outbox into frames, an answer before it."""
        if first is None and not self._outbox and self._close is None:
            return _NOTHING
        texts = tuple(self._outbox) if first is None else (first, *self._outbox)
        self._outbox.clear()
        if texts:
            self._sent_ms = now_ms
        if self._close is None:
            return ServerFrames(texts=texts)
        return ServerFrames(texts=texts, close_code=self._close[0], close_reason=self._close[1])


def _error(words: str) -> str:
    return msgspec.json.encode({"channel": "error", "data": words}).decode()
