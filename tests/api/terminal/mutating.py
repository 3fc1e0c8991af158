"""Messages that no client should send, made from good ones by a seed, and a client that sends them.

A mutated message is whole or in fragments, text or binary, JSON or not. Text in UTF-8 must leave
the socket open, whatever it says; a binary message is refused with 1003, text that is no UTF-8
with 1007.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, NamedTuple

from tests.api.streaming import RawClient, raw_client

BATCH: Final = 40
"""Messages sent before the client reads what came back."""

_VALUES: Final[Sequence[object]] = (
    None, True, False, -1, 0, 1, 0.5, -0.0, 1e-300, 1.7e308, 2**63, -(2**70), 10**400,
    "", "0", "1e999", "NaN", "null", "ä€𝄞", "\ud800", "x" * 300, "\x00", "../..", "%s%n",
    [], {}, [[]], [1, "2", None], {"type": "ping"}, {"": 0},
)  # fmt: skip
_NOT_JSON: Final = (
    "", " ", "{", "}", "[", '"', "nul", "NaN", "Infinity", "-", "01", "1e400", "'ping'",
    '{"type":ping}', '{"type":"ping",}', '{"type":"ping"}{"type":"ping"}', "\ufeff{}", "\x00",
    '{"type":"\\ud800"}', '{"type":"\\udc00\\ud800"}', '{"type":"\\u00"}', '{"a":1e400}',
    '{"type":"ping","type":"pong"}', "ping", "<xml/>", "type=ping", "\\",
)  # fmt: skip
_TEXT, _BINARY, _CONTINUED, _CLOSE, _PING, _PONG = 1, 2, 0, 8, 9, 10


class Mutated(NamedTuple):
    """A message as it is sent.

    Attributes:
        frames: opcode, payload and whether it is the last of its message, in order.
        code: close code that it deserves; None when the socket has to stay open.
    """

    frames: list[tuple[int, bytes, bool]]
    code: int | None


class Mutator:
    """An endless supply of messages.

    Args:
        good: requests of the socket, as objects.
        seed: decides everything.
        closing: whether messages that end the connection are among them.
    """

    def __init__(self, good: Sequence[dict[str, Any]], seed: int, *, closing: bool = True) -> None:
        self._good = good
        self._rng = random.Random(seed)
        self._closing = closing

    def next(self) -> Mutated:
        """The next message."""
        rng = self._rng
        if self._closing and rng.random() < 0.01:
            if rng.random() < 0.5:
                return Mutated([(_BINARY, self._text()[:100], True)], 1003)
            return Mutated([(_TEXT, b'{"type":"\xff\xfe"}', True)], 1007)
        text = self._text()
        if rng.random() < 0.1 and len(text) > 1:
            return Mutated(self._fragments(text), None)
        return Mutated([(_TEXT, text, True)], None)

    def _text(self) -> bytes:
        """UTF-8, whatever it says."""
        rng = self._rng
        kind = rng.random()
        if kind < 0.10:
            return rng.choice(_NOT_JSON).encode()
        if kind < 0.13:
            depth = rng.choice((10, 500, 1_000, 20_000))
            return self._nested(depth)
        if kind < 0.14:
            return json.dumps({"type": "x" * rng.choice((100, 10_000, 60_000))}).encode()
        if kind < 0.18:
            return json.dumps(rng.choice(_VALUES)).encode()
        message = dict(rng.choice(self._good))
        if kind < 0.25:
            return json.dumps(message).encode()
        for _ in range(rng.randint(1, 3)):
            self._change(message)
        text = json.dumps(message, ensure_ascii=rng.random() < 0.5).encode("utf-8", "replace")
        return text if kind < 0.75 else self._scratched(text)

    def _change(self, message: dict[str, Any]) -> None:
        """One key is taken away, added, renamed or given another value."""
        rng = self._rng
        key = rng.choice([*message, "more"])
        what = rng.random()
        if what < 0.6:
            message[key] = rng.choice(_VALUES)
        elif what < 0.7:
            message.pop(key, None)
        elif what < 0.8:
            message[rng.choice((key.upper(), f"{key} ", f"{key}\ud800", "", "x" * 500))] = 1
        else:
            message[key] = rng.choice(list(rng.choice(self._good).values()))

    def _nested(self, depth: int) -> bytes:
        """Lists or objects within each other, closed or not, as the message or a value of it."""
        rng = self._rng
        opened, closed = rng.choice((("[", "]"), ('{"a":', "}")))
        text = opened * min(depth, 60_000 // len(opened) // 2)
        text += "1" + closed * min(depth, 60_000 // len(opened) // 2) if rng.random() < 0.7 else ""
        return (f'{{"type":"ping","x":{text}}}' if rng.random() < 0.5 else text).encode()

    def _scratched(self, text: bytes) -> bytes:
        """Characters are lost, doubled or replaced; it may be UTF-8 no more, and is then mended."""
        rng, data = self._rng, bytearray(text)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data) + 1)
            what = rng.random()
            if what < 0.4:
                del data[at : at + rng.randint(1, 5)]
            elif what < 0.7:
                data[at:at] = bytes(rng.choice(b'{}[]",:\\\x00 0-9eE') for _ in range(2))
            else:
                data[at : at + 1] = bytes([rng.randrange(256)])
        return bytes(data).decode("utf-8", "replace").encode()

    def _fragments(self, text: bytes) -> list[tuple[int, bytes, bool]]:
        """The same message in pieces, now and then with a ping or a pong between them."""
        rng = self._rng
        cuts = sorted(rng.randrange(len(text) + 1) for _ in range(rng.randint(1, 4)))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        frames: list[tuple[int, bytes, bool]] = []
        for number, piece in enumerate(pieces):
            opcode = _TEXT if number == 0 else _CONTINUED
            frames.append((opcode, piece, number == len(pieces) - 1))
            if rng.random() < 0.2 and number < len(pieces) - 1:
                frames.append((_PONG, b"between", True))
        return frames


async def torment(
    port: int,
    path: str,
    mutator: Mutator,
    count: int,
    *,
    between: Callable[[], None] = lambda: None,
) -> Counter[str]:
    """Sends so many mutated messages to a socket, on as many connections as it takes.

    Args:
        port: of the server.
        path: of the socket, whole.
        mutator: makes the messages.
        count: how many.
        between: called after each batch.

    Returns:
        What came back, by `type`, or `code` of an error; `open` counts batches after which the
        socket was seen to be open, `close` and a code those that had to end it.
    """
    heard: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(raw_client(port, path))
        sent = 0
        while sent < count:
            code = None
            for _ in range(min(BATCH, count - sent)):
                message = mutator.next()
                sent += 1
                for opcode, payload, final in message.frames:
                    client.send(opcode, payload, final=final)
                code = message.code
                if code is not None:
                    break
            if code is None:
                await _until_answered(client, str(sent).encode(), heard)
                heard["open"] += 1
            else:
                await _until_closed(client, code, heard)
                await stack.aclose()
                client = await stack.enter_async_context(raw_client(port, path))
            between()
    return heard


async def _until_answered(client: RawClient, mark: bytes, heard: Counter[str]) -> None:
    """Reads until everything sent so far was handled: a ping is answered in its turn.

    The server does not answer a ping while the client is behind, so it is asked again.
    """
    client.send(_PING, mark)
    while True:
        reading = asyncio.create_task(client.frame(), name="test reading")
        while not (await asyncio.wait({reading}, timeout=0.5))[0]:
            client.send(_PING, mark)  # never cut short: half a frame read is lost
        opcode, payload = reading.result()
        if opcode == _PONG and payload == mark:
            return
        assert opcode != _CLOSE, f"closed: {payload!r}"
        _note(opcode, payload, heard)


async def _until_closed(client: RawClient, code: int, heard: Counter[str]) -> None:
    """Reads until the server closes, which must be with `code`."""
    while True:
        opcode, payload = await client.frame()
        if opcode == _CLOSE:
            assert int.from_bytes(payload[:2], "big") == code, payload
            heard[f"close {code}"] += 1
            return
        _note(opcode, payload, heard)


def _note(opcode: int, payload: bytes, heard: Counter[str]) -> None:
    """Counts a message by its type, an error by its code."""
    if opcode != _TEXT:
        return
    try:
        message = json.loads(payload)
        kind = message.get("code") if message["type"] == "error" else message["type"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        kind = "text"
    heard[str(kind)[:40]] += 1
