"""One connected client: its life from the upgrade to the end of its socket.

The asyncio protocol of a streaming socket. Reads and judges what the client sends; what it is
sent is the work of its `Outbox`. It has no task of its own: the hub looks at `deadline` now and
then and calls `expire`.

Phases: RESOLVING (the application decides) → LOADING (initial messages are made) → OPEN ⇄ PINGED,
OPEN ⇄ SLOW → CLOSING (close sent or HTTP answer written) → ENDED.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from enum import IntEnum
from math import inf
from typing import Final, Protocol

from headwater.api.errors import make_problem
from headwater.api.stream_contract import HubCounters, StreamAccepted, StreamLimits
from headwater.api.stream_outbox import Outbox
from headwater.api.stream_topics import Audience
from headwater.api.websocket_frames import (
    BinaryMessage,
    CloseCode,
    CloseReceived,
    FrameDecoder,
    FrameEvent,
    Opcode,
    Ping,
    TextMessage,
    Violation,
    encode_close,
    encode_frame,
)
from headwater.api.websocket_handshake import encode_problem

_logger = logging.getLogger(__name__)

_PING: Final = encode_frame(Opcode.PING, b"")
_RATE_WINDOW_S: Final = 1.0


class Phase(IntEnum):
    """Where a client is in its life."""

    RESOLVING = 0
    LOADING = 1
    OPEN = 2
    PINGED = 3
    SLOW = 4
    CLOSING = 5
    ENDED = 6


class ClientOwner(Protocol):
    """What a client needs of the hub."""

    limits: StreamLimits
    counters: HubCounters

    def now(self) -> float:
        """Monotonic seconds."""

    def client_lost(self, client: "StreamClient") -> None:
        """The socket of `client` has ended."""

    def audience_of(self, keys: tuple[str, ...]) -> Audience:
        """The audience of topics that exist, without a filter."""


class StreamClient(asyncio.Protocol):
    """One socket.

    Args:
        owner: the hub.
        transport: of the connection.
        connections: the server's set of connections, which its shutdown goes through.
        host: the client's address; empty when unknown.
    """

    __slots__ = (
        "_connections",
        "_decoder",
        "_if_silent",
        "_on_close",
        "_on_drained",
        "_on_message",
        "_outbox",
        "_owner",
        "_silence_told",
        "_transport",
        "_window_frames",
        "_window_until",
        "close_code",
        "deadline",
        "host",
        "phase",
    )

    def __init__(
        self,
        owner: ClientOwner,
        transport: asyncio.Transport,
        connections: set[asyncio.Protocol],
        host: str,
    ) -> None:
        self.host = host
        self.phase = Phase.RESOLVING
        self.deadline = inf
        """When `expire` is due, in the hub's monotonic seconds."""
        self.close_code: int | None = None
        self._owner = owner
        self._transport = transport
        self._connections = connections
        self._decoder: FrameDecoder | None = None
        self._outbox: Outbox | None = None
        self._on_close: Callable[[], None] | None = None
        self._on_drained: Callable[[], None] | None = None
        self._on_message: Callable[[str], Sequence[bytes]] | None = None
        self._if_silent: tuple[bytes, ...] = ()
        self._silence_told = False
        self._window_until = 0.0
        self._window_frames = 0
        connections.add(self)

    @property
    def buffered_bytes(self) -> int:
        """Memory that waits for this client: in the socket's buffer and held back."""
        if self._outbox is None:
            return self._transport.get_write_buffer_size()
        return self._outbox.buffered_bytes

    # What the hub calls

    def answer(self, response: bytes) -> None:
        """Refuses the upgrade with a whole HTTP answer and ends the connection."""
        if self.phase is Phase.RESOLVING:
            self._enter_closing()
            self._transport.write(response)
            self._transport.close()

    def open(self, response: bytes, accepted: StreamAccepted, audience: Audience) -> None:
        """Accepts the upgrade and joins `audience`; events wait until `start`.

        Args:
            response: the 101 answer.
            accepted: the application's decision.
            audience: where the client's events come from.
        """
        owner = self._owner
        self._start_reading()
        self._on_message = accepted.on_message
        self._on_drained = accepted.on_drained
        self._if_silent = accepted.if_silent
        self.phase = Phase.LOADING
        self._outbox = Outbox(self, self._transport, audience, owner.limits, owner.counters)
        self._transport.write(response)

    def own(self, on_close: Callable[[], None] | None) -> None:
        """Takes the duty to call `on_close` once; at once when the socket has already ended."""
        self._on_close = on_close
        if self.phase is Phase.ENDED:
            self._call_on_close()

    def start(self, initial: Sequence[bytes]) -> None:
        """Sends the initial messages, then what was published meanwhile, then lives on."""
        if self.phase is Phase.LOADING and self._outbox is not None:
            self._outbox.start(initial)

    def refuse(self, response: bytes, code: int, reason: str) -> None:
        """Accepts the upgrade only to close it with a code and words a client can read."""
        if self.phase is Phase.RESOLVING:
            self._start_reading()
            self._transport.write(response)
            self.phase = Phase.LOADING
            self.begin_close(code, reason)

    def begin_close(self, code: int, reason: str = "") -> None:
        """Starts the closing handshake; what is held back is discarded. Harmless when repeated.

        A client still being resolved gets 503 instead. One that does not answer in time is cut.
        """
        if self.phase is Phase.RESOLVING:
            problem = make_problem(503, "shutting_down", reason or "shutting down")
            self.answer(encode_problem(problem))
        elif self.phase < Phase.CLOSING:
            self._enter_closing(code)
            self._transport.write(encode_close(code, reason))

    def expire(self, now: float) -> None:
        """Does what is due at `deadline`: pings, or closes, or cuts."""
        limits = self._owner.limits
        if self.phase is Phase.OPEN:
            self.phase = Phase.PINGED
            self.deadline = now + limits.ping_timeout_s
            self._silence_told = False
            self._transport.write(_PING)
        elif self.phase is Phase.PINGED and self._if_silent and not self._silence_told:
            self._silence_told = True
            self.deadline = now + limits.ping_timeout_s
            self.send(self._if_silent)
        elif self.phase is Phase.PINGED:
            self.begin_close(CloseCode.INTERNAL_ERROR, "ping timeout")
        elif self.phase is Phase.SLOW:
            self._close_slow(f"no reading for {limits.slow_close_s:g} s")
        elif self.phase is Phase.CLOSING:
            self._transport.abort()

    def abort(self) -> None:
        """Cuts the connection without a word."""
        self._transport.abort()

    # What the application calls: a `StreamHandle`

    @property
    def is_behind(self) -> bool:
        """Whether messages wait for the client, or it has ended."""
        return self._outbox is None or self._outbox.is_behind

    def send(self, payloads: Sequence[bytes]) -> None:
        """Sends text messages to this client alone, after every event published before."""
        if self._outbox is not None and payloads:
            self._outbox.send(payloads)

    def listen(self, topics: Sequence[str]) -> None:
        """From now on the client hears these topics and no others."""
        if self._outbox is not None:
            self._outbox.flush()
        if self._outbox is not None:
            self._outbox.move(self._owner.audience_of(tuple(topics)))

    # What the outbox calls

    def became_slow(self) -> None:
        """The time to take what was sent starts."""
        if self.phase < Phase.CLOSING:
            self.phase = Phase.SLOW
            self.deadline = self._owner.now() + self._owner.limits.slow_close_s

    def caught_up(self) -> None:
        """Nothing waits any more: the application may have more to send."""
        self._be_alive()
        if self._on_drained is not None:
            try:
                self._on_drained()
            except Exception:
                _logger.exception("a stream's on_drained failed")
                self.begin_close(CloseCode.INTERNAL_ERROR, "Internal error")

    def overflowed(self) -> None:
        """What must not be lost does not fit."""
        self._close_slow("buffer full")

    # What the transport calls

    def data_received(self, data: bytes) -> None:
        """Reads what the client sent."""
        if self.phase is Phase.RESOLVING:
            detail = "data before the handshake was answered"
            self.answer(encode_problem(make_problem(400, "early_data", detail)))
            return
        decoder = self._decoder
        if decoder is None:
            return
        if self.phase is Phase.PINGED:
            self._be_alive()
        frames = decoder.frames
        events = decoder.feed(data)
        if self._is_flood(decoder.frames - frames):
            limit = self._owner.limits.max_inbound_frames_per_s
            self._fail(CloseCode.POLICY_VIOLATION, f"more than {limit} frames in a second")
            return
        for event in events:
            self._handle(event)

    def eof_received(self) -> bool:
        """The client will send no more: the socket is closed."""
        return False

    def pause_writing(self) -> None:
        """The kernel takes no more."""
        if self._outbox is not None:
            self._outbox.pause()

    def resume_writing(self) -> None:
        """The kernel has taken all."""
        if self._outbox is not None:
            self._outbox.resume(loading=self.phase is Phase.LOADING)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The socket has ended, whatever the cause."""
        if self.phase is Phase.ENDED:
            return
        self._leave()
        self.phase = Phase.ENDED
        self.deadline = inf
        self._decoder = self._on_message = self._on_drained = None
        self._connections.discard(self)
        self._owner.client_lost(self)
        self._call_on_close()

    def shutdown(self) -> None:
        """The server ends; uvicorn calls this for every connection in its set."""
        self.begin_close(CloseCode.SERVICE_RESTART, "service restart")

    # Inside

    def _handle(self, event: FrameEvent) -> None:
        """Acts on what the client sent."""
        if isinstance(event, CloseReceived):
            if self.phase < Phase.CLOSING:
                self._enter_closing(event.code)
                self._transport.write(encode_close(event.code))
            self._transport.close()
        elif self.phase is Phase.CLOSING:
            if isinstance(event, Violation):
                self._transport.close()
        elif isinstance(event, Violation):
            self._fail(event.code, event.reason)
        elif isinstance(event, Ping):
            if self.phase is not Phase.SLOW:  # it could not read the pong anyway
                self._transport.write(encode_frame(Opcode.PONG, event.payload))
        elif isinstance(event, TextMessage | BinaryMessage) and self._on_message is not None:
            if isinstance(event, BinaryMessage):
                self._fail(CloseCode.UNSUPPORTED_DATA, "only text messages are understood")
            else:
                self._ask(self._on_message, event.text)

    def _ask(self, on_message: Callable[[str], Sequence[bytes]], text: str) -> None:
        """Lets the application answer a message; its failure ends this client only."""
        try:
            replies = on_message(text)
        except Exception:
            _logger.exception("a stream's on_message failed")
            self.begin_close(CloseCode.INTERNAL_ERROR, "Internal error")
            return
        self.send(replies)

    def _be_alive(self) -> None:
        """The next ping is due after the interval."""
        if self.phase < Phase.CLOSING:
            self.phase = Phase.OPEN
            self.deadline = self._owner.now() + self._owner.limits.ping_interval_s

    def _start_reading(self) -> None:
        """From now on what the client sends are frames."""
        limits = self._owner.limits
        self._decoder = FrameDecoder(limits.max_frame_bytes, limits.max_message_bytes)

    def _is_flood(self, frames: int) -> bool:
        """Counts frames; whether they are more than a second may bring."""
        limits = self._owner.limits
        now = self._owner.now()
        if now >= self._window_until:
            self._window_until = now + _RATE_WINDOW_S
            self._window_frames = 0
        self._window_frames += frames
        return self._window_frames > limits.max_inbound_frames_per_s

    def _close_slow(self, reason: str) -> None:
        """Closes a client whose events do not fit or have waited for too long."""
        if self.phase < Phase.CLOSING:
            self._owner.counters.closed_slow += 1
            self.begin_close(CloseCode.TRY_AGAIN_LATER, f"too slow: {reason}")

    def _fail(self, code: CloseCode, reason: str) -> None:
        """Closes on a breach; what follows is read and thrown away.

        Closing the socket at once would reset it, and the client might never see the close frame.
        """
        if self.phase < Phase.CLOSING:
            self._owner.counters.refuse(f"close_{int(code)}")
            self.begin_close(code, reason)
        self._decoder = None
        if self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()

    def _enter_closing(self, code: int | None = None) -> None:
        """Leaves the audience and starts the time to answer a close."""
        self._leave()
        self.close_code = code
        self.phase = Phase.CLOSING
        self.deadline = self._owner.now() + self._owner.limits.close_timeout_s

    def _leave(self) -> None:
        """Gets no more events; what is held back is discarded."""
        outbox, self._outbox = self._outbox, None
        if outbox is not None:
            outbox.leave()

    def _call_on_close(self) -> None:
        """Tells the application, once."""
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            try:
                on_close()
            except Exception:
                _logger.exception("a stream's on_close failed")
