"""The receiving half of a WebSocket client: frames in, whole messages out.

Sits directly under picows' parser (https://picows.readthedocs.io): picows cuts the byte stream
into frames and checks opcode, length and masking; this module joins fragments, answers pings,
runs the closing handshake of RFC 6455 section 7 and calls the listener. It knows nothing of
venues, addresses or reconnecting.

The ordinary case, one unfragmented text frame, is the hot path of the platform: one copy, one
time stamp, one call.
"""

import asyncio
import ssl
from typing import Protocol, cast

import msgspec
import structlog
from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSProtocolError,
    WSTransport,
)

from headwater.core.clock import Clock

CONNECT_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 3.0
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
MAX_SEND_BUFFER_BYTES = 1024 * 1024
MAX_REASON_BYTES = 123  # a control frame carries 125 bytes, two of them the code (RFC 6455 5.5)

CLOSE_NORMAL = 1000
CLOSE_PROTOCOL_ERROR = 1002
CLOSE_MESSAGE_TOO_BIG = 1009
CLOSE_INTERNAL_ERROR = 1011

_TEXT = WSMsgType.TEXT
_CODE_BYTES = 2

_log = structlog.get_logger(__name__)


class CloseInfo(msgspec.Struct, frozen=True, kw_only=True):
    """How a connection ended.

    Attributes:
        code: close code of whoever began the closing handshake; None when the connection was
            cut without one, or the peer's close frame carried none.
        reason: in words, for people and logs.
        clean: both sides sent a close frame.
    """

    code: int | None
    reason: str
    clean: bool


class SocketListener(Protocol):
    """What a connection tells its owner. Calls come one at a time, in the order of the bytes."""

    def on_frame(self, frame: bytes, received_ns: int) -> None:
        """One complete message, fragments joined; never after `close` or `on_close`.

        The first may come before `open_socket` has returned. An exception closes the connection
        with code 1011 and is logged; `on_close` names it.

        Args:
            frame: payload, a copy of its own; UTF-8 is not checked here, decoders do.
            received_ns: wall time when its last byte was read.
        """
        ...

    def on_control(self, received_ns: int) -> None:
        """A ping or pong came: a sign of life, no data. Pings have been answered already."""
        ...

    def on_close(self, info: CloseInfo) -> None:
        """The connection is gone. Exactly once for each socket that `open_socket` returned."""
        ...


class SocketOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one connection.

    Attributes:
        connect_timeout_s: for name, TCP, TLS and upgrade together.
        close_timeout_s: the peer's time to answer our close frame; then the connection is cut.
        max_message_bytes: a longer message, fragments counted together, closes with 1009.
        max_send_buffer_bytes: more unsent bytes than this cut the connection.
        headers: extra headers of the upgrade request.
        tls: context for `wss:`; None for the machine's trusted certificates.
    """

    connect_timeout_s: float = CONNECT_TIMEOUT_S
    close_timeout_s: float = CLOSE_TIMEOUT_S
    max_message_bytes: int = MAX_MESSAGE_BYTES
    max_send_buffer_bytes: int = MAX_SEND_BUFFER_BYTES
    headers: tuple[tuple[str, str], ...] = ()
    tls: ssl.SSLContext | None = None


class FrameReader(WSListener):
    """picows' listener of one connection; the owner talks to `headwater.transport.ws.Socket`.

    Args:
        listener: told of messages, signs of life and the end.
        clock: stamps messages, once each.
        options: bounds.
    """

    __slots__ = (
        "_close_timer",
        "_listener",
        "_muted",
        "_now_ns",
        "_on_frame",
        "_options",
        "_parts",
        "_peer_closed",
        "_verdict",
        "transport",
    )

    def __init__(self, listener: SocketListener, clock: Clock, options: SocketOptions) -> None:
        super().__init__()
        self.transport: WSTransport | None = None
        self._listener = listener
        self._on_frame = listener.on_frame
        self._now_ns = clock.now_ns
        self._options = options
        self._parts: bytearray | None = None
        self._muted = False
        self._peer_closed = False
        self._verdict: tuple[int | None, str] | None = None
        self._close_timer: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether messages may still be sent."""
        transport = self.transport
        if transport is None or self._muted:
            return False
        return not (transport.is_close_frame_sent or transport.is_disconnected)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade succeeded."""
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame; its memory is valid only during this call."""
        if (
            frame.fin
            and frame.msg_type is _TEXT
            and self._parts is None
            and not frame.rsv1
            and not transport.is_close_frame_sent
        ):
            try:
                self._on_frame(frame.get_payload_as_bytes(), self._now_ns())
            except Exception as error:  # noqa: BLE001 - whatever it is ends this connection, said aloud
                self._listener_failed(error)
            return
        self._on_other_frame(transport, frame)

    def pause_writing(self) -> None:
        """The send buffer passed its high-water mark; `make_room` keeps its bound instead."""

    def resume_writing(self) -> None:
        """The send buffer is low again."""

    def make_room(self, size_bytes: int) -> bool:
        """Whether `size_bytes` more may wait to be sent; if not, the connection is cut."""
        waiting = self._open_transport.underlying_transport.get_write_buffer_size()
        if waiting + size_bytes <= self._options.max_send_buffer_bytes:
            return True
        self.cut(f"send buffer full: the peer left {waiting} bytes unread")
        return False

    def begin_close(self, code: int, reason: str) -> None:
        """Sends a close frame and gives the peer `close_timeout_s`; harmless when repeated."""
        was_open = self.is_open
        self._muted = True
        if not was_open:
            return
        self._decide(code, reason)
        text = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
        self._open_transport.send_close(cast("WSCloseCode", code), text)
        self._cut_later(f"{reason}; no answer to the close frame")

    def cut(self, reason: str) -> None:
        """Drops the connection at once, without a closing handshake."""
        self._muted = True
        self._decide(None, reason)
        self._open_transport.disconnect(graceful=False)

    def finish(self, violation: BaseException | None) -> CloseInfo:
        """The transport is gone: tells the listener and returns how it ended.

        Args:
            violation: what picows found wrong with the peer's bytes, else None.
        """
        if self._close_timer is not None:
            self._close_timer.cancel()
        if violation is not None:
            code = violation.code if isinstance(violation, WSProtocolError) else None
            self._decide(code, f"protocol error: {violation}")
        code, reason = self._verdict or (None, "connection lost without a close frame")
        clean = self._peer_closed and self._open_transport.is_close_frame_sent
        info = CloseInfo(code=None if code is None else int(code), reason=reason, clean=clean)
        try:
            self._listener.on_close(info)
        except Exception:  # noqa: BLE001 - the owner's fault must not hide how the connection ended
            _log.exception("socket_listener_failed", callback="on_close")
        return info

    @property
    def _open_transport(self) -> WSTransport:
        assert self.transport is not None, "used before the upgrade"
        return self.transport

    def _decide(self, code: int | None, reason: str) -> None:
        """The first cause is what the owner is told."""
        if self._verdict is None:
            self._verdict = (code, reason)

    def _cut_later(self, reason: str) -> None:
        loop = asyncio.get_running_loop()
        self._close_timer = loop.call_later(self._options.close_timeout_s, self._on_late, reason)

    def _on_late(self, reason: str) -> None:
        code = self._verdict[0] if self._verdict else None
        self._verdict = (code, reason)
        self._open_transport.disconnect(graceful=False)

    def _listener_failed(self, error: Exception) -> None:
        _log.error("socket_listener_failed", callback="on_frame", exc_info=error)
        reason = f"listener failed: {type(error).__name__}: {error}"
        self.begin_close(CLOSE_INTERNAL_ERROR, reason)

    def _on_other_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            self._on_peer_close(transport, frame.get_payload_as_bytes())
        elif self._muted:
            return
        elif frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.begin_close(CLOSE_PROTOCOL_ERROR, "protocol error: reserved bit without extension")
        elif kind is WSMsgType.PING:
            payload = frame.get_payload_as_bytes()
            if self.make_room(len(payload)):
                transport.send_pong(payload)
                self._tell_control()
        elif kind is WSMsgType.PONG:
            self._tell_control()
        else:
            self._on_part(frame, starts=kind is not WSMsgType.CONTINUATION)

    def _on_part(self, frame: WSFrame, *, starts: bool) -> None:
        """A binary message, or one part of a fragmented one (RFC 6455 section 5.4).

        Also the message before a breach, which picows hands over after its close frame for it,
        and a frame over the bound, if the rest of it comes while picows hangs up.
        """
        if starts is not (self._parts is None):
            problem = "new message inside another" if starts else "continuation of nothing"
            self.begin_close(CLOSE_PROTOCOL_ERROR, f"protocol error: {problem}")
            return
        parts = self._parts if self._parts is not None else bytearray()
        if len(parts) + frame.payload_size > self._options.max_message_bytes:
            limit = self._options.max_message_bytes
            self.begin_close(CLOSE_MESSAGE_TOO_BIG, f"message longer than {limit} bytes")
            return
        parts += frame.get_payload_as_bytes()
        if not frame.fin:
            self._parts = parts
            return
        self._parts = None
        try:
            self._on_frame(bytes(parts), self._now_ns())
        except Exception as error:  # noqa: BLE001 - as in on_ws_frame
            self._listener_failed(error)

    def _on_peer_close(self, transport: WSTransport, payload: bytes) -> None:
        """The peer closes, or answers our close frame."""
        self._peer_closed = True
        code = int.from_bytes(payload[:_CODE_BYTES], "big") if payload else None
        text = payload[_CODE_BYTES:].decode("utf-8", "replace")
        if not transport.is_close_frame_sent:
            self._decide(code, f"closed by the venue: {text}" if text else "closed by the venue")
            transport.send_close(cast("WSCloseCode", CLOSE_NORMAL if code is None else code))
            self._cut_later("closed by the venue; our answer could not be sent")
        transport.disconnect()

    def _tell_control(self) -> None:
        try:
            self._listener.on_control(self._now_ns())
        except Exception as error:  # noqa: BLE001 - as in on_ws_frame
            self._listener_failed(error)
