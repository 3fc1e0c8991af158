"""Server side of the WebSocket framing, without sockets: bytes in, events out.

`FrameDecoder` takes what a client sent in pieces of any size and returns what it means;
`encode_frame` and `encode_close` make the frames a server sends (never masked). Extensions are
never negotiated, so a reserved bit is an error. Every breach of the protocol is a value
(`Violation`, with the close code to answer), not an exception, and always the last event.

Knows nothing of the opening handshake (`websocket_handshake`), of time and of rate limits.
Source: RFC 6455, https://www.rfc-editor.org/rfc/rfc6455 (sections 5, 7.4 and 8.1).
"""

import codecs
from enum import IntEnum
from typing import Final, TypeAlias

import msgspec

CONTROL_PAYLOAD_MAX_BYTES: Final = 125
"""Longest payload of a ping, pong or close frame (RFC 6455 section 5.5)."""

_LENGTH_16_BIT: Final = 126
_LENGTH_64_BIT: Final = 127
_CLOSE_CODES_DEFINED: Final = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
_CLOSE_CODES_FREE: Final = range(3000, 5000)


class Opcode(IntEnum):
    """What a frame is (RFC 6455 section 5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class CloseCode(IntEnum):
    """Why a connection ends: the codes this server sends (RFC 6455 section 7.4, IANA registry)."""

    NORMAL = 1000
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013


class TextMessage(msgspec.Struct, frozen=True, gc=False):
    """A whole text message, its fragments joined.

    Attributes:
        text: the message; may be empty.
    """

    text: str


class BinaryMessage(msgspec.Struct, frozen=True, gc=False):
    """A whole binary message, its fragments joined.

    Attributes:
        data: the message; may be empty.
    """

    data: bytes


class Ping(msgspec.Struct, frozen=True, gc=False):
    """The client asks for a pong.

    Attributes:
        payload: at most 125 bytes, to be sent back.
    """

    payload: bytes


class Pong(msgspec.Struct, frozen=True, gc=False):
    """The client is alive.

    Attributes:
        payload: at most 125 bytes.
    """

    payload: bytes


class CloseReceived(msgspec.Struct, frozen=True, gc=False):
    """The client starts or answers the closing handshake; nothing it sends later counts.

    Attributes:
        code: its close code, None when it gave none.
        reason: its words, empty when it gave none.
    """

    code: int | None
    reason: str


class Violation(msgspec.Struct, frozen=True, gc=False):
    """The client broke the protocol or a limit; the decoder reads nothing after it.

    Attributes:
        code: close code to answer with.
        reason: what was wrong, in words for the client's developer.
    """

    code: CloseCode
    reason: str


FrameEvent: TypeAlias = TextMessage | BinaryMessage | Ping | Pong | CloseReceived | Violation


class _Header(msgspec.Struct, frozen=True, gc=False):
    """A frame's header: `start` is where its payload begins, `length` how long it is."""

    opcode: int
    final: bool
    mask: bytes
    start: int
    length: int


def encode_frame(opcode: Opcode, payload: bytes) -> bytes:
    """A whole unmasked frame.

    Args:
        opcode: kind of the frame; TEXT wants UTF-8 in `payload`, which is not checked again.
        payload: at most 125 bytes for a control frame.

    Returns:
        Header and payload, ready for any number of clients.
    """
    length = len(payload)
    first = 0x80 | opcode
    if length < _LENGTH_16_BIT:
        return bytes((first, length)) + payload
    if length < 1 << 16:
        return bytes((first, _LENGTH_16_BIT)) + length.to_bytes(2, "big") + payload
    return bytes((first, _LENGTH_64_BIT)) + length.to_bytes(8, "big") + payload


def encode_close(code: int | None, reason: str = "") -> bytes:
    """A close frame.

    Args:
        code: close code, None for a frame without one.
        reason: words for the peer, cut to the 123 bytes that fit, never inside a character.
    """
    if code is None:
        return encode_frame(Opcode.CLOSE, b"")
    words = reason.encode()[: CONTROL_PAYLOAD_MAX_BYTES - 2].decode("utf-8", "ignore").encode()
    return encode_frame(Opcode.CLOSE, code.to_bytes(2, "big") + words)


def apply_mask(payload: bytes, mask: bytes) -> bytes:
    """`payload` with the 4 bytes of `mask` applied; its own inverse (RFC 6455 section 5.3)."""
    length = len(payload)
    key = (mask * (length // 4 + 1))[:length]
    joined = int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")
    return joined.to_bytes(length, "little")


class FrameDecoder:
    """Reads one client's frames; one object per connection, almost nothing while it is idle.

    Args:
        max_frame_bytes: longest payload of one frame; a longer one is refused by its header,
            before it is buffered.
        max_message_bytes: longest message, all its fragments together.
    """

    __slots__ = (
        "_buffer",
        "_fragments",
        "_max_frame_bytes",
        "_max_message_bytes",
        "_stopped",
        "_text_check",
        "frames",
    )

    def __init__(self, max_frame_bytes: int, max_message_bytes: int) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._max_message_bytes = max_message_bytes
        self._buffer: bytearray | None = None
        self._fragments: bytearray | None = None
        self._text_check: codecs.IncrementalDecoder | None = None
        self._stopped = False
        self.frames = 0
        """Frames read so far, for a rate limit."""

    def feed(self, data: bytes) -> list[FrameEvent]:
        """Takes the next bytes of the connection.

        Args:
            data: any number of bytes, cut anywhere.

        Returns:
            What became complete, in order; a `Violation` or `CloseReceived` is the last event
            this decoder ever gives.
        """
        events: list[FrameEvent] = []
        if self._stopped:
            return events
        work: bytes | bytearray = data
        if self._buffer is not None:
            self._buffer += data
            work = self._buffer
        position = 0
        while not self._stopped:
            header = self._read_header(work, position)
            if header is None:
                break
            event: FrameEvent | None
            if isinstance(header, Violation):
                event = header
            else:
                end = header.start + header.length
                if len(work) < end:
                    break
                event = self._accept(header, bytes(work[header.start : end]))
                position = end
            if event is not None:
                events.append(event)
                self._stopped = isinstance(event, Violation | CloseReceived)
        self._keep(work, position)
        return events

    def _keep(self, work: bytes | bytearray, position: int) -> None:
        """Keeps what does not make a whole frame yet."""
        if self._stopped or position == len(work):
            self._buffer = None
        elif self._buffer is None:
            self._buffer = bytearray(work[position:])
        else:
            del self._buffer[:position]

    def _read_header(self, work: bytes | bytearray, position: int) -> _Header | Violation | None:
        """The header at `position`; None when more bytes are needed to read or to refuse it."""
        have = len(work) - position
        if have < 1:
            return None
        first = work[position]
        opcode = first & 0x0F
        wrong = self._wrong_first_byte(first, opcode)
        if wrong:
            return Violation(CloseCode.PROTOCOL_ERROR, wrong)
        if have < 2:
            return None
        second = work[position + 1]
        length = second & 0x7F
        if not second & 0x80:
            return Violation(CloseCode.PROTOCOL_ERROR, "client frames must be masked")
        if opcode >= Opcode.CLOSE and length > CONTROL_PAYLOAD_MAX_BYTES:
            return Violation(CloseCode.PROTOCOL_ERROR, "control frame longer than 125 bytes")
        start = position + 2
        if length >= _LENGTH_16_BIT:
            extra, least = (2, _LENGTH_16_BIT) if length == _LENGTH_16_BIT else (8, 1 << 16)
            if have < 2 + extra:
                return None
            length = int.from_bytes(work[start : start + extra], "big")
            start += extra
            if length < least or length >> 63:
                return Violation(CloseCode.PROTOCOL_ERROR, "length not in its shortest form")
        if opcode < Opcode.CLOSE and (wrong := self._too_big(length)):
            return Violation(CloseCode.MESSAGE_TOO_BIG, wrong)
        if len(work) < start + 4:
            return None
        mask = bytes(work[start : start + 4])
        return _Header(opcode, bool(first & 0x80), mask, start + 4, length)

    def _wrong_first_byte(self, first: int, opcode: int) -> str:
        """What is wrong with a frame that begins with `first`; empty when nothing is."""
        if first & 0x70:
            return "reserved bit set, no extension was negotiated"
        if opcode >= Opcode.CLOSE:
            if opcode > Opcode.PONG:
                return f"unknown opcode {opcode}"
            return "" if first & 0x80 else "fragmented control frame"
        if opcode > Opcode.BINARY:
            return f"unknown opcode {opcode}"
        if opcode == Opcode.CONTINUATION:
            return "" if self._fragments is not None else "continuation without a start"
        return "new message inside a fragmented one" if self._fragments is not None else ""

    def _too_big(self, length: int) -> str:
        """Which limit a data frame of `length` bytes breaks; empty when none."""
        if length > self._max_frame_bytes:
            return f"frame of {length} bytes, allowed: {self._max_frame_bytes}"
        if len(self._fragments or b"") + length > self._max_message_bytes:
            return f"message longer than {self._max_message_bytes} bytes"
        return ""

    def _accept(self, header: _Header, masked: bytes) -> FrameEvent | None:
        """What a whole frame means; None for a fragment that is not the last."""
        self.frames += 1
        payload = apply_mask(masked, header.mask)
        if header.opcode >= Opcode.CLOSE:
            if header.opcode == Opcode.PING:
                return Ping(payload)
            return Pong(payload) if header.opcode == Opcode.PONG else _read_close(payload)
        if header.opcode != Opcode.CONTINUATION:
            if header.final:
                return _read_whole(header.opcode, payload)
            self._fragments = bytearray()
            if header.opcode == Opcode.TEXT:
                self._text_check = codecs.getincrementaldecoder("utf-8")()
        return self._add_fragment(payload, final=header.final)

    def _add_fragment(self, payload: bytes, *, final: bool) -> FrameEvent | None:
        """Adds a fragment; the whole message when it was the last one."""
        fragments, check = self._fragments, self._text_check
        assert fragments is not None
        if check is not None:
            try:
                check.decode(payload, final)
            except UnicodeDecodeError:
                return Violation(CloseCode.INVALID_DATA, "text is not UTF-8")
        fragments += payload
        if not final:
            return None
        self._fragments = self._text_check = None
        return BinaryMessage(bytes(fragments)) if check is None else TextMessage(fragments.decode())


def _read_whole(opcode: int, payload: bytes) -> FrameEvent:
    """The message of a frame that is not fragmented."""
    if opcode == Opcode.BINARY:
        return BinaryMessage(payload)
    try:
        return TextMessage(payload.decode())
    except UnicodeDecodeError:
        return Violation(CloseCode.INVALID_DATA, "text is not UTF-8")


def _read_close(payload: bytes) -> CloseReceived | Violation:
    """The meaning of a close frame's payload."""
    if not payload:
        return CloseReceived(None, "")
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or not (code in _CLOSE_CODES_DEFINED or code in _CLOSE_CODES_FREE):
        return Violation(CloseCode.PROTOCOL_ERROR, "invalid close code")
    try:
        return CloseReceived(code, payload[2:].decode())
    except UnicodeDecodeError:
        return Violation(CloseCode.INVALID_DATA, "close reason is not UTF-8")
