"""The layouts of recordings: lines of a file in, recorded messages with their receive time out.

Understands, line by line and mixed: our own tape, `<ns> <json>` (hftbacktest), `<url> <-> <s>` and
`<s>: <json>` and `<url> -> <s>: <json>` and `<url> <- <s>: <json>` (cryptofeed), objects that hold
one message (`{n,batch,message}` tardis, `{test,message}` roq), `>`, `<` and `=` lines with blocks
(JKorf), one JSON a line, and JSON printed over many lines. Knows nothing of what messages mean and
opens no file.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from headwater.core.errors import WireError

LINE_BYTES_MAX: Final = 32 * 1024 * 1024
"""Longest line, and longest message over many lines; beyond it the text is refused."""
_NS_MAX: Final = 2**63 - 1
_FORMAT: Final = "tape"

_NS_LINE: Final = re.compile(rb"(\d{16,19}) +(?=[\[{])")
_SECONDS_LINE: Final = re.compile(rb"(\d{9,11}(?:\.\d{1,9})?): ")
_OPENED_LINE: Final = re.compile(rb"(\S+) <-> \d+(?:\.\d+)?\s*$")
_REPLY_LINE: Final = re.compile(rb"(\S+) -> (\d{9,11}(?:\.\d{1,9})?): ")
_SENT_LINE: Final = re.compile(rb"(\S+) <- (\d{9,11}(?:\.\d{1,9})?): ")
_ENDPOINT_METHODS: Final = frozenset({b"GET", b"POST", b"PUT", b"DELETE"})
_OPENER: Final = re.compile(rb"[\[{][\[{\s]*$")
_STARTS_ANOTHER: Final = re.compile(rb"[{\[<>=]|(GET|POST|PUT|DELETE)$")
_PLACEHOLDER: Final = re.compile(rb"(?<!\")\|(\w+|\*)\|(?!\")")
_BRACKETS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


class TapeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded message.

    Attributes:
        number: 1-based line of the file it begins on; 0 before it is written.
        received_ns: wall time of its arrival, ns since the epoch; None where the layout has none.
        endpoint: name of the venue's WebSocket endpoint, or `rest`; None where unknown.
        url: of the connection or the request; None where unknown.
        payload: its bytes as they came.
        note: why it is no message of the venue (sent by the client, the recorder's own), else "".
    """

    number: int = 0
    received_ns: int | None
    endpoint: str | None = None
    url: str | None = None
    payload: bytes
    note: str = ""


class _Own(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A line of our own tape; `payload_b64` holds what is not one line of JSON."""

    received_ns: int
    endpoint: str
    url: str | None = None
    payload: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    payload_b64: str | msgspec.UnsetType = msgspec.UNSET


class _Holder(msgspec.Struct):
    """What other recorders put around a message."""

    received_ns: int | None = None
    endpoint: str | None = None
    url: str | None = None
    payload: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    payload_b64: str | msgspec.UnsetType = msgspec.UNSET
    message: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    test: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    batch: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decode_holder = msgspec.json.Decoder(_Holder).decode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)


def encode_tape_line(line: TapeLine) -> bytes:
    """Writes a message as a line of our own tape.

    Args:
        line: with a receive time and an endpoint; `number` and `note` are not kept.

    Returns:
        One line of JSON with its line feed: `{"received_ns":…,"endpoint":…,"url":…,"payload":…}`.
        A payload that is not one line of JSON is kept byte for byte as `payload_b64`.

    Raises:
        ValueError: no receive time or endpoint.
    """
    if line.received_ns is None or line.endpoint is None:
        raise ValueError("a tape line needs received_ns and endpoint")
    own = _Own(received_ns=line.received_ns, endpoint=line.endpoint, url=line.url)
    if _is_one_line_of_json(line.payload):
        own.payload = msgspec.Raw(line.payload)
    else:
        own.payload_b64 = base64.b64encode(line.payload).decode("ascii")
    return msgspec.json.encode(own) + b"\n"


def read_tape(lines: Iterable[bytes]) -> Iterator[TapeLine | WireError]:
    """Reads a recording.

    Args:
        lines: its lines, with or without line feeds. Blank ones are passed over.

    Yields:
        A message, or, for a line that no layout explains, the error it would raise.
    """
    decoder = TapeDecoder()
    for line in lines:
        yield from decoder.feed(line)
    yield from decoder.finish()


class TapeDecoder:
    """Reads a recording line by line, whatever its layout."""

    def __init__(self) -> None:
        self._number = 0
        self._url: str | None = None
        self._block: list[bytes] = []
        self._block_start = 0
        self._block_bytes = 0
        self._depth = 0
        self._header: list[bytes] = []

    def feed(self, line: bytes) -> list[TapeLine | WireError]:
        """Takes the next line; returns what it completes: nothing, one message or one error."""
        self._number += 1
        text = line.strip()
        if not text:
            return []
        found: list[TapeLine | WireError] = []
        if self._block and not (len(self._block) > 1 or _may_follow(self._block[0], text)):
            # A lone bracket was the rest of a broken line, not the beginning of a message.
            problem = "the line ends inside a message"
            found.append(self._error(problem, self._block[0], self._block_start))
            self._block = []
        rest = text
        if self._block:
            rest = self._extend(line.rstrip(b"\r\n"), found)
        # Files put one after the other may lack a line feed between them.
        while rest:
            rest = self._outside(rest, found)
        return found

    def _outside(self, text: bytes, found: list[TapeLine | WireError]) -> bytes:
        """What stands outside a message over many lines; returns what is left of it."""
        if len(text) > LINE_BYTES_MAX:
            found.append(self._error(f"line longer than {LINE_BYTES_MAX} bytes", text))
            return b""
        end = _end_of_document(text, 0) if text[:1] in (b"{", b"[") else None
        rest = b"" if end is None else text[end:].strip()
        if rest and not _STARTS_ANOTHER.match(rest):
            end, rest = None, b""
        try:
            read = self._read(text if end is None else text[:end])
        except _UNREADABLE as error:
            found.append(self._error(str(error), text))
        else:
            if read is not None:
                found.append(read)
        return rest

    def finish(self) -> list[TapeLine | WireError]:
        """Ends the recording; a message whose end is missing is an error."""
        if not self._block:
            return []
        text = b"\n".join(self._block)
        self._block = []
        return [self._error("the recording ends inside a message", text, self._block_start)]

    def _read(self, text: bytes) -> TapeLine | None:
        """One line outside a block; None when it only says something about later ones."""
        first = text[:1]
        if first in (b"{", b"["):
            return self._json(text)
        if first.isdigit():
            matched = _NS_LINE.match(text)
            if matched is not None:
                return self._message(text[matched.end() :], received_ns=_ns_of(matched[1]))
            matched = _SECONDS_LINE.match(text)
            if matched is not None:
                return self._message(text[matched.end() :], received_ns=_seconds_of(matched[1]))
        if first in (b"<", b"=", b">") or text in _ENDPOINT_METHODS or self._header:
            return self._sample_line(text)
        if text.startswith(b"configuration: "):
            return self._message(text, note="the recorder's own configuration")
        return self._url_line(text)

    def _url_line(self, text: bytes) -> TapeLine | None:
        matched = _OPENED_LINE.match(text)
        if matched is not None:
            self._url = matched[1].decode()
            return None
        matched = _REPLY_LINE.match(text)
        if matched is not None:
            return self._message(
                text[matched.end() :], url=matched[1].decode(), received_ns=_seconds_of(matched[2])
            )
        matched = _SENT_LINE.match(text)
        if matched is not None:
            return self._message(
                text[matched.end() :],
                url=matched[1].decode(),
                received_ns=_seconds_of(matched[2]),
                note="sent by the client",
            )
        raise ValueError("no known layout")

    def _sample_line(self, text: bytes) -> TapeLine | None:
        """A line of a JKorf file: method, path and signed flag, or a marked message."""
        if text[:1] in (b"<", b"=", b">"):
            marker, payload = text[:1], text[1:].lstrip(b"0123456789").strip()
            if not payload:
                return None
            if marker == b">":
                self._url = None
                return self._message(payload, note="sent by the client")
            return self._json(_PLACEHOLDER.sub(rb'"\1"', payload))
        self._header.append(text)
        if len(self._header) == 2 and text.startswith(b"/"):
            self._url = text.decode()
        if len(self._header) >= 3:
            known = self._header[1].startswith(b"/")
            self._header = []
            if not known:
                raise ValueError("no known layout")
        return None

    def _json(self, text: bytes) -> TapeLine | None:
        """A line of JSON, the whole of it or the beginning of a block."""
        if _OPENER.match(text):
            self._block, self._block_start = [text], self._number
            self._block_bytes, self._depth = len(text), _depth_of(text)
            return None
        return self._message(text)

    def _extend(self, line: bytes, found: list[TapeLine | WireError]) -> bytes:
        """One more line of a message over many lines; returns what stands after its end."""
        end = _end_of_document(line, self._depth)
        rest = b"" if end is None else line[end:].strip()
        self._block.append(line if end is None else line[:end])
        self._block_bytes += len(line)
        self._depth += _depth_of(line)
        if end is None and self._block_bytes <= LINE_BYTES_MAX:
            return b""
        text, self._block = b"\n".join(self._block).strip(), []
        if end is None:
            problem = f"message longer than {LINE_BYTES_MAX} bytes"
            found.append(self._error(problem, text, self._block_start))
            return b""
        try:
            found.append(self._message(text, number=self._block_start))
        except _UNREADABLE as error:
            found.append(self._error(str(error), text, self._block_start))
        return rest

    def _message(
        self,
        payload: bytes,
        *,
        number: int | None = None,
        received_ns: int | None = None,
        url: str | None = None,
        note: str = "",
    ) -> TapeLine:
        """A message, taken out of what a recorder put around it."""
        line = TapeLine(
            number=self._number if number is None else number,
            received_ns=received_ns,
            url=url or self._url,
            payload=payload,
            note=note,
        )
        return line if note or received_ns is not None else _unwrapped(line)

    def _error(self, problem: str, text: bytes, number: int | None = None) -> WireError:
        """The error of a line; its channel names the line."""
        at = self._number if number is None else number
        return WireError(_FORMAT, f"line {at}", problem, text)


def _unwrapped(line: TapeLine) -> TapeLine:
    """The message inside our own or another recorder's object.

    Raises:
        ValueError: the object is one of ours and broken.
        msgspec.MsgspecError: no JSON.
    """
    payload = line.payload
    if payload[:1] != b"{":
        _decode_raw(payload)
        return line
    try:
        holder = _decode_holder(payload)
    except msgspec.ValidationError:
        # A venue's own message may use these names for other things.
        return line
    if holder.received_ns is not None and holder.endpoint is not None:
        if not 0 <= holder.received_ns <= _NS_MAX:
            raise ValueError("received_ns is out of range")
        inner: bytes | None = None
        if isinstance(holder.payload, msgspec.Raw):
            inner = bytes(holder.payload)
        elif isinstance(holder.payload_b64, str):
            inner = _bytes_of(holder.payload_b64)
        if inner is None:
            raise ValueError("a tape line without payload")
        return msgspec.structs.replace(
            line,
            received_ns=holder.received_ns,
            endpoint=holder.endpoint,
            url=holder.url,
            payload=inner,
        )
    marked = holder.test is not msgspec.UNSET or holder.batch is not msgspec.UNSET
    if marked and isinstance(holder.message, msgspec.Raw):
        return msgspec.structs.replace(line, payload=bytes(holder.message))
    return line


def _may_follow(opener: bytes, text: bytes) -> bool:
    """Whether a line can be the second one of a message over many lines."""
    if opener.endswith(b"{"):
        return text[:1] in (b'"', b"}")
    return _NS_LINE.match(text) is None and _SECONDS_LINE.match(text) is None


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("payload_b64 is no base64") from error


def _is_one_line_of_json(payload: bytes) -> bool:
    if b"\n" in payload or b"\r" in payload:
        return False
    try:
        _decode_raw(payload)
    except _UNREADABLE:
        return False
    return True


def _depth_of(text: bytes) -> int:
    """Brackets opened less brackets closed, those inside strings not counted."""
    tokens = [found[0] for found in _BRACKETS.finditer(text)]
    opened = tokens.count(b"{") + tokens.count(b"[")
    return opened - tokens.count(b"}") - tokens.count(b"]")


def _end_of_document(text: bytes, depth: int) -> int | None:
    """Where the last open bracket is closed, None when that is not in `text`.

    Args:
        text: part of a JSON document.
        depth: brackets open at its beginning.
    """
    for found in _BRACKETS.finditer(text):
        token = found[0]
        if token in (b"{", b"["):
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
            if depth <= 0:
                return found.end()
    return None


def _ns_of(digits: bytes) -> int:
    value = int(digits)
    if value > _NS_MAX:
        raise ValueError("receive time is out of range")
    return value


def _seconds_of(text: bytes) -> int:
    """Seconds with up to nine decimals → ns, without the rounding of floats."""
    whole, _, fraction = text.partition(b".")
    return int(whole) * 1_000_000_000 + int(fraction.ljust(9, b"0") or b"0")
