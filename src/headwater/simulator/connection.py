"""The wire end of one simulated WebSocket connection: frames, delays, a bounded backlog, cuts.

Frames are written straight to the transport, many in one write, so that a fault can send half of
one. What a client does not read is bounded: beyond the bound the venue cuts it, as real ones do.
"""

import asyncio
import socket
import struct
from collections import deque

from headwater.simulator.fault_line import FrameLine
from headwater.venues.side import ServerFrames, ServerSocket

MAX_BACKLOG_BYTES = 4 * 1024 * 1024
"""Bytes that may wait for a client; one that leaves more unread is cut."""

CLOSE_WITHIN_S = 5.0
"""A client that does not answer a closing handshake for so long is cut."""

_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A
_LINGER_ZERO = struct.pack("ii", 1, 0)


def frame(opcode: int, payload: bytes) -> bytes:
    """A final, unmasked WebSocket frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", opcode, 126, size) + payload
    return struct.pack("!BBQ", opcode, 127, size) + payload


class Connection:
    """One client.

    Args:
        transport: its TCP connection.
        side: the venue's end of the conversation.
        line: applies frame faults.
        target: name in the journal of faults.
    """

    def __init__(
        self, transport: asyncio.Transport, side: ServerSocket, line: FrameLine, target: str
    ) -> None:
        self.side = side
        self.target = target
        self._transport = transport
        self._line = line
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._waiting_bytes = 0
        self._stalled_until_s = 0.0
        self._closing_until_s: float | None = None

    @property
    def is_gone(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._transport.is_closing()

    @property
    def is_closing(self) -> bool:
        """Whether we sent a close frame."""
        return self._closing_until_s is not None

    @property
    def backlog_bytes(self) -> int:
        """Bytes that the client has not taken yet."""
        return self._waiting_bytes + self._transport.get_write_buffer_size()

    def reply(self, frames: ServerFrames, now_s: float) -> None:
        """Sends what answers the client: frame faults do not touch it."""
        self._put([(frame(_TEXT, text.encode()), 0.0) for text in frames.texts], now_s)
        self.control(frames, now_s)

    def data(self, texts: list[str], now_ms: int, now_s: float, *, is_fair: bool) -> None:
        """Sends market data; `is_fair` says that no frame fault is switched on."""
        if is_fair:
            held = self._line.release()
            sent = [(text, 0.0) for text in (texts if held is None else [held, *texts])]
        else:
            sent = self._line.pass_on(texts, now_ms, now_s)
        self._put([(frame(_TEXT, text.encode()), wait_s) for text, wait_s in sent], now_s)

    def control(self, frames: ServerFrames, now_s: float) -> None:
        """Sends the ping and the close frame that a venue's socket wants."""
        if frames.ping is not None:
            self._put([(frame(_PING, frames.ping), 0.0)], now_s)
        if frames.close_code is not None:
            self.close(frames.close_code, frames.close_reason, now_s)

    def pong(self, payload: bytes, now_s: float) -> None:
        """Answers a ping."""
        self._put([(frame(_PONG, payload), 0.0)], now_s)

    def flush(self, now_s: float) -> None:
        """Sends what has waited long enough; cuts a client that never closes or never reads."""
        if self._closing_until_s is not None and now_s >= self._closing_until_s:
            self.cut(is_reset=True)
        if self._waiting and now_s >= self._stalled_until_s:
            due: list[bytes] = []
            while self._waiting and self._waiting[0][0] <= now_s:
                due.append(self._waiting.popleft()[1])
            self._write(due)
            self._waiting_bytes -= sum(map(len, due))

    def stall(self, until_s: float) -> None:
        """Sends nothing until then."""
        self._stalled_until_s = max(self._stalled_until_s, until_s)

    def cut(self, *, is_reset: bool) -> None:
        """Ends the connection without a closing handshake, by RST or by FIN."""
        if self._transport.is_closing():
            return
        if not is_reset:
            self._transport.close()
            return
        peer = self._transport.get_extra_info("socket")
        if peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._transport.abort()

    def cut_in_frame(self) -> None:
        """Sends the first half of a text frame, then ends the stream."""
        if not self._transport.is_closing():
            whole = frame(_TEXT, b'{"e":"aggTrade","E":1700000000000,"s":"BTCUSDT","a":1')
            self._transport.write(whole[: len(whole) // 2])
            self._transport.close()

    def close(self, code: int, reason: str, now_s: float) -> None:
        """Starts a closing handshake."""
        if self._closing_until_s is None:
            self._closing_until_s = now_s + CLOSE_WITHIN_S
            payload = struct.pack("!H", code) + reason.encode()[:120]
            self._put([(frame(_CLOSE, payload), 0.0)], now_s)

    def answer_close(self, code: int | None) -> None:
        """Ends the connection after the client's close frame, echoing it if we had not closed."""
        if self._transport.is_closing():
            return
        if self._closing_until_s is None:
            payload = b"" if code is None else struct.pack("!H", code)
            self._transport.write(frame(_CLOSE, payload))
        self._transport.close()

    def _put(self, parcels: list[tuple[bytes, float]], now_s: float) -> None:
        """Queues frames behind those that wait, or writes them at once."""
        if not parcels or self._transport.is_closing():
            return
        if not self._waiting and now_s >= self._stalled_until_s:
            ready = 0
            while ready < len(parcels) and parcels[ready][1] <= 0:
                ready += 1
            self._write([body for body, _ in parcels[:ready]])
            parcels = parcels[ready:]
        # TCP keeps the order: a frame never leaves before the one in front of it.
        floor_s = self._waiting[-1][0] if self._waiting else now_s
        for body, wait_s in parcels:
            floor_s = max(floor_s, now_s + wait_s)
            self._waiting.append((floor_s, body))
            self._waiting_bytes += len(body)
        if self.backlog_bytes > MAX_BACKLOG_BYTES:
            self._waiting.clear()
            self._waiting_bytes = 0
            self.cut(is_reset=True)

    def _write(self, bodies: list[bytes]) -> None:
        if bodies and not self._transport.is_closing():
            self._transport.write(b"".join(bodies) if len(bodies) > 1 else bodies[0])
