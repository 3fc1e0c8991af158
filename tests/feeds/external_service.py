"""An external service of liquidations on loopback: it answers O-S20's two questions, or fails."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import msgspec

from headwater.core.clock import Clock
from headwater.core.intervals import Interval
from headwater.transport.http import MAX_REPLY_BYTES, HttpClient

NONE_FOUND = {"detail": "No data found for the given parameters"}


class ExternalService:
    """Holds closing orders; answers from them, or with `reply` when that is set.

    Args:
        orders: rows of `/liquidation-orders`, in any order.
    """

    def __init__(self, orders: Sequence[dict[str, Any]] = ()) -> None:
        self.orders = list(orders)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.reply: bytes | None = None
        self.is_silent = False
        self.heard = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.port = 0

    @property
    def base_url(self) -> str:
        """Where it listens; its questions stand behind a path."""
        return f"http://127.0.0.1:{self.port}/api"

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Self]:
        """Listens on a free port while the block runs."""
        writers: list[asyncio.StreamWriter] = []

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            try:
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(await self._answer(head.split(b" ", 2)[1].decode()))
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in writers:
                writer.transport.abort()
            await server.wait_closed()

    async def _answer(self, target: str) -> bytes:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        self.asked.append((parts.path, query))
        self.heard.set()
        await self.go_on.wait()
        if self.is_silent:
            await asyncio.get_running_loop().create_future()
        if self.reply is not None:
            return self.reply
        if parts.path == "/api/liquidation-orders":
            return self._found(self._newest(query))
        if parts.path == "/api/liquidations":
            return self._found(self._sums(query))
        return http_reply(b'{"detail":"Not Found"}', HTTPStatus.NOT_FOUND)

    def _found(self, rows: list[dict[str, Any]]) -> bytes:
        if not rows:
            return http_reply(msgspec.json.encode(NONE_FOUND), HTTPStatus.NOT_FOUND)
        return http_reply(msgspec.json.encode(rows))

    def _newest(self, query: dict[str, str]) -> list[dict[str, Any]]:
        found = [one for one in self.orders if one["symbol"] == query["symbol"]]
        found.sort(key=lambda one: -one["order_trade_time"])
        return found[: int(query["limit"])]

    def _sums(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """Buckets are counted from the start, and the end belongs to the span."""
        length_ms = Interval(query["timeframe"]).nominal_ms
        start_ms, end_ms = int(query["start_timestamp"]), int(query["end_timestamp"])
        sums: dict[tuple[int, str], float] = {}
        for one in self.orders:
            at_ms = one["order_trade_time"]
            if one["symbol"] != query["symbol"] or not start_ms <= at_ms <= end_ms:
                continue
            key = (start_ms + (at_ms - start_ms) // length_ms * length_ms, one["side"])
            usd = one["order_filled_accumulated_quantity"] * one["average_price"]
            sums[key] = sums.get(key, 0.0) + usd
        return [
            {"timestamp": opened_ms, "side": side, "cumulated_usd_size": usd}
            for (opened_ms, side), usd in sums.items()
        ]


@asynccontextmanager
async def client(
    clock: Clock, *, max_reply_bytes: int = MAX_REPLY_BYTES
) -> AsyncIterator[HttpClient]:
    """The platform's own HTTP client, started."""
    http = HttpClient(clock, max_reply_bytes=max_reply_bytes)
    await http.start()
    try:
        yield http
    finally:
        await http.close()


def http_reply(body: bytes, status: HTTPStatus = HTTPStatus.OK, *, headers: bytes = b"") -> bytes:
    """A whole HTTP answer."""
    first = f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
    length = b"Content-Length: %d\r\n" % len(body)
    return first + b"Content-Type: application/json\r\n" + headers + length + b"\r\n" + body


def order_row(
    at_ms: int, price: float, side: str = "SELL", quantity: float = 1.0, symbol: str = "BTCUSDT"
) -> dict[str, Any]:
    """A closing order as the service lists it, with a field that nobody reads."""
    return {
        "symbol": symbol,
        "side": side,
        "order_status": "FILLED",
        "order_filled_accumulated_quantity": quantity,
        "average_price": price,
        "order_trade_time": at_ms,
    }
