"""One simulated venue on a real port: REST and WebSocket, with faults.

Puts the venue's end of its protocol (`venues/<venue>/venue_side.py`) on a socket. Faults are
injected here and in `fault_line.py`, never in the market. Knows nothing of any venue.
"""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec
from aiohttp import WSMsgType, web

from headwater.core.clock import Clock
from headwater.core.enums import Channel
from headwater.core.errors import NotSupported
from headwater.core.records import Liquidation, Record
from headwater.simulator.connection import Connection
from headwater.simulator.fault_line import AgedMarket, FrameLine
from headwater.simulator.faults import (
    FaultInjector,
    FaultPlan,
    HttpFault,
    Mute,
    SocketFault,
)
from headwater.venues.facts import Addresses
from headwater.venues.side import (
    MarketView,
    ServerReply,
    ServerRequest,
    VenueSide,
)

ADMIN_PATH = "/_simulator"
"""Prefix of the paths that no real venue has."""

MAX_LIQUIDATIONS = 100_000
"""Liquidations remembered for `/_simulator/liquidations`."""

SLICE_MS = 50
"""Longest stretch of simulated time between two looks of the streams at the market."""

SHUTDOWN_S = 0.5
"""How long `stop` waits for requests that are being answered."""

MAX_FRAME_BYTES = 256 * 1024
_HTML = b"<!DOCTYPE html><html><head><title>Just a moment</title></head><body></body></html>"


class MovingMarket(MarketView, Protocol):
    """A market that can be moved on."""

    def advance_to(self, now_ms: int) -> list[Record]:
        """Moves the market's clock to `now_ms`; returns what happened meanwhile, in order."""
        ...


class HostedVenue(msgspec.Struct, frozen=True, kw_only=True):
    """What is put on one port.

    Attributes:
        venue_id: its id.
        market: the market it trades.
        side_of: makes the venue's end of the protocol over a market.
        stream_paths: path of each WebSocket endpoint by its name.
    """

    venue_id: str
    market: MovingMarket
    side_of: Callable[[MarketView], VenueSide]
    stream_paths: Mapping[str, str]


Admin = Callable[["VenueServer", web.BaseRequest], Awaitable[web.StreamResponse]]
"""Answers the paths below `ADMIN_PATH`."""


class VenueServer:
    """One venue on one port.

    Args:
        hosted: what to serve.
        admin: answers our own paths.
        clock: the real clock.
        plan: fault switches at the start.
        host: address to listen on.
        port: 0 for any free one.
    """

    def __init__(
        self,
        hosted: HostedVenue,
        *,
        admin: Admin,
        clock: Clock,
        plan: FaultPlan,
        host: str,
        port: int,
    ) -> None:
        self.venue_id = hosted.venue_id
        self.market = hosted.market
        self.injector = FaultInjector(plan)
        self.liquidations: deque[Liquidation] = deque(maxlen=MAX_LIQUIDATIONS)
        self.connections: dict[Connection, None] = {}
        self.connections_opened = 0
        self._aged = AgedMarket(hosted.market)
        self._side = hosted.side_of(self._aged)
        self._stream_paths = hosted.stream_paths
        self._admin = admin
        self._clock = clock
        self._host = host
        self._port = port
        self._runner: web.ServerRunner | None = None
        self._site: web.SockSite | None = None
        self._refusing_until_s: float | None = None

    @property
    def addresses(self) -> Addresses:
        """Where clients find it; the port is known after `start`."""
        where = f"{self._host}:{self._port}"
        return Addresses(
            rest=f"http://{where}",
            streams={name: f"ws://{where}{path}" for name, path in self._stream_paths.items()},
        )

    @property
    def admin_url(self) -> str:
        """Base URL of the paths that tell the truth."""
        return f"http://{self._host}:{self._port}{ADMIN_PATH}"

    async def start(self) -> None:
        """Opens the port.

        Raises:
            OSError: it is taken.
        """
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        await self._listen()

    async def stop(self) -> None:
        """Closes the port and all connections."""
        for connection in list(self.connections):
            connection.cut(is_reset=False)
        if self._runner is not None:
            await self._runner.cleanup()

    async def step(self, now_ms: int, elapsed_s: float) -> None:
        """Moves the market to `now_ms` and sends what that means to every connection.

        Args:
            now_ms: simulated time.
            elapsed_s: wall seconds since the last step, for fault rates.
        """
        now_s = self._clock.monotonic()
        self.begin_step(now_s, elapsed_s)
        while self.advance(now_ms, now_s):
            pass
        await self.end_step(now_ms, now_s, elapsed_s)

    def begin_step(self, now_s: float, elapsed_s: float) -> None:
        """First part of `step`: faults that begin before the market moves."""
        self._draw_mutes(now_s, elapsed_s)
        if self.injector.plan.http.stale_book > 0:
            self._aged.take_images(now_s)

    def advance(self, target_ms: int, now_s: float) -> bool:
        """Second part of `step`, one slice of simulated time: call until it returns False.

        A venue that is asked to hurry still sends its streams at their own speeds. A market that
        does not move (somebody holds it) ends the step.
        """
        from_ms = self.market.now_ms()
        moment_ms = min(from_ms + SLICE_MS, target_ms)
        self._advance(moment_ms, now_s)
        return from_ms < self.market.now_ms() < target_ms

    async def end_step(self, now_ms: int, now_s: float, elapsed_s: float) -> None:
        """Last part of `step`: what waits leaves, faults strike."""
        for connection in list(self.connections):
            connection.flush(now_s)
            if not connection.is_gone and not connection.is_closing:
                self._strike(connection, now_ms, now_s, elapsed_s)
        await self._turn_refusal(now_s, elapsed_s)

    def mute(self, channel: Channel, symbol: str, seconds: float) -> None:
        """Silences one channel of one symbol (canonical) for `seconds` of wall time.

        Raises:
            NotSupported: the venue has no stream of it.
        """
        self.injector.mutes.append(
            Mute(
                channel=channel,
                symbol=symbol,
                marks=self._side.frame_marks(channel, symbol),
                until_s=self._clock.monotonic() + seconds,
            )
        )
        self.injector.note("mute_begun", self.market.now_ms(), f"{channel} {symbol}")

    def cut_all(self, fault: SocketFault) -> int:
        """Strikes every connection at once; returns how many there were."""
        now_s = self._clock.monotonic()
        struck = list(self.connections)
        for connection in struck:
            self._apply(connection, fault, self.market.now_ms(), now_s)
        return len(struck)

    async def refuse(self, seconds: float) -> None:
        """Cuts everybody and accepts no connections for `seconds`."""
        now_s = self._clock.monotonic()
        self._refusing_until_s = now_s + seconds
        self.injector.note("refusal", self.market.now_ms(), self.venue_id, f"{seconds:.3f} s")
        if self._site is not None:
            await self._site.stop()
            self._site = None
        for connection in list(self.connections):
            connection.cut(is_reset=True)

    def _advance(self, now_ms: int, now_s: float) -> None:
        """Moves the market a short way on and gives every connection what it has to hear."""
        records = self.market.advance_to(now_ms)
        self.liquidations.extend(r for r in records if isinstance(r, Liquidation))
        is_fair = not self.injector.touches_frames
        for connection in list(self.connections):
            if connection.is_gone or connection.is_closing:
                continue
            deliver = connection.side.deliver
            texts: list[str] = []
            for record in records:
                texts += deliver(record).texts
            frames = connection.side.tick(now_ms)
            texts += frames.texts
            connection.data(texts, now_ms, now_s, is_fair=is_fair)
            connection.control(frames, now_s)

    async def _listen(self) -> None:
        """Opens the listening socket, on the same port when there was one."""
        assert self._runner is not None
        listener = socket.create_server((self._host, self._port))
        self._port = listener.getsockname()[1]
        self._site = web.SockSite(self._runner, listener)
        await self._site.start()

    async def _turn_refusal(self, now_s: float, elapsed_s: float) -> None:
        """Begins or ends a time without connections."""
        if self._refusing_until_s is not None:
            if now_s >= self._refusing_until_s:
                self._refusing_until_s = None
                await self._listen()
            return
        seconds = self.injector.refusal_s(elapsed_s)
        if seconds is not None:
            await self.refuse(seconds)

    def _draw_mutes(self, now_s: float, elapsed_s: float) -> None:
        injector = self.injector
        if injector.mutes:
            injector.mutes = [mute for mute in injector.mutes if now_s < mute.until_s]
        if injector.plan.mutes.mutes_per_min > 0:
            symbols = [instrument.symbol for instrument in self.market.table]
            drawn = injector.mute_drawn(elapsed_s, symbols)
            if drawn is not None:
                # A venue without such a stream cannot be muted: the draw has no effect.
                with contextlib.suppress(NotSupported):
                    self.mute(*drawn)

    def _strike(self, connection: Connection, now_ms: int, now_s: float, elapsed_s: float) -> None:
        fault = self.injector.socket_fault(elapsed_s)
        if fault is not None:
            self._apply(connection, fault, now_ms, now_s)

    def _apply(self, connection: Connection, fault: SocketFault, now_ms: int, now_s: float) -> None:
        self.injector.note(fault.value, now_ms, connection.target)
        if fault is SocketFault.RESET:
            connection.cut(is_reset=True)
        elif fault is SocketFault.CLOSE:
            connection.close(1001, "going away", now_s)
        elif fault is SocketFault.HALF_FRAME:
            connection.cut_in_frame()
        elif fault is SocketFault.RETIRE:
            connection.reply(connection.side.retire(now_ms), now_s)
        else:
            connection.stall(now_s + self.injector.draw(self.injector.plan.sockets.stall_s))

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers one HTTP request or serves one WebSocket."""
        if request.path.startswith(ADMIN_PATH):
            return await self._admin(self, request)
        if self._refusing_until_s is not None:
            return _abandon(request)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._serve_socket(request)
        reply = await self._reply(request)
        if reply is None:
            return _abandon(request)
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)

    async def _reply(self, request: web.BaseRequest) -> ServerReply | None:
        """The venue's reply with the fault that strikes it; None for no reply at all."""
        client = request.remote or ""
        injector, http = self.injector, self.injector.plan.http
        asked = ServerRequest(
            method=request.method,
            path=request.path,
            query=tuple(request.query.items()),
            client=client,
            body=await request.read(),
            headers={name.lower(): value for name, value in request.headers.items()},
        )
        fault = injector.http_fault()
        if fault is None:
            return self._side.answer(asked)
        if fault is HttpFault.STALE_BOOK:
            self._aged.show_older(self._clock.monotonic() - injector.draw(http.stale_s))
            try:
                return self._side.answer(asked)
            finally:
                if self._aged.show_now():
                    injector.note(fault.value, self.market.now_ms(), request.path)
        injector.note(fault.value, self.market.now_ms(), request.path, request.query_string)
        if fault is HttpFault.TOO_MANY:
            return self._side.trouble(429, client, http.retry_after_s)
        if fault is HttpFault.TOO_MANY_SILENT:
            return self._side.trouble(429, client, None)
        if fault is HttpFault.BANNED:
            return self._side.trouble(418, client, http.ban_s)
        if fault is HttpFault.ERROR_BEFORE:
            return self._side.trouble(503, client, None)
        if fault is HttpFault.TIMEOUT_BEFORE:
            await asyncio.sleep(injector.draw(http.timeout_s))
            return None
        if fault is HttpFault.HTML:
            return ServerReply(status=200, headers={"Content-Type": "text/html"}, body=_HTML)
        reply = self._side.answer(asked)
        if fault is HttpFault.ERROR_AFTER:
            return self._side.trouble(503, client, None)
        if fault is HttpFault.TIMEOUT_AFTER:
            await asyncio.sleep(injector.draw(http.timeout_s))
            return None
        if fault is HttpFault.DELAY:
            await asyncio.sleep(injector.draw(http.delay_ms) / 1000)
        return reply

    async def _serve_socket(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serves one WebSocket until either end closes it."""
        side = self._side.open(request.path, tuple(request.query.items()), request.remote or "")
        if side is None:
            return web.Response(status=404)
        peer = web.WebSocketResponse(
            autoping=False, autoclose=False, compress=False, max_msg_size=MAX_FRAME_BYTES
        )
        await peer.prepare(request)
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            side.closed()
            return peer
        self.connections_opened += 1
        target = f"{request.path}#{self.connections_opened}"
        connection = Connection(transport, side, FrameLine(self.injector, target), target)
        self.connections[connection] = None
        try:
            await self._converse(peer, connection)
        finally:
            del self.connections[connection]
            side.closed()
        return peer

    async def _converse(self, peer: web.WebSocketResponse, connection: Connection) -> None:
        """Takes the client's frames until the connection ends."""
        side = connection.side
        while True:
            message = await peer.receive()
            now_ms, now_s = self.market.now_ms(), self._clock.monotonic()
            if message.type is WSMsgType.TEXT:
                connection.reply(side.receive(message.data, now_ms), now_s)
            elif message.type is WSMsgType.PING:
                connection.pong(message.data, now_s)
                connection.reply(side.receive_ping(now_ms), now_s)
            elif message.type is WSMsgType.PONG:
                connection.reply(side.receive_pong(now_ms), now_s)
            elif message.type is WSMsgType.BINARY:
                connection.close(1003, "text only", now_s)
            else:
                is_close = message.type is WSMsgType.CLOSE
                connection.answer_close(message.data if is_close else None)
                return


def _abandon(request: web.BaseRequest) -> web.StreamResponse:
    """Cuts a connection in place of an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
