"""Damaged frames: a seeded mutator, and what must hold of every record read from one.

Bits, cuts, splices, types, nesting, huge numbers, missing fields.
"""

import json
import random
from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any

from headwater.core.records import BookDelta, BookSnapshot, Record

FRAME_BYTES_MAX = 1 << 20
POSITIVE = {"price", "mark", "open", "high", "low", "close", "bid", "ask"}

NUMBERS = [
    b"NaN", b"-Infinity", b"Infinity", b'"nan"', b'"-inf"', b"-1", b'"-1"', b"0", b'"0"', b"1e999",
    b'"1e999"', b"-0", b"1e-400", b"9" * 30, b"9" * 5000, b"18446744073709551616", b"1.5", b"0x10",
    b'"\\u0661"', b'" 1"', b'"1_0"', b"null", b"true", b'""', b"[]", b"{}", b'"\\ud800"',
    b"1" + b"0" * 400,
]  # fmt: skip


def _flip(rng: random.Random, frame: bytes, _: list[bytes]) -> bytes:
    changed = bytearray(frame)
    for _bit in range(rng.randint(1, 4)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(rng: random.Random, frame: bytes, _: list[bytes]) -> bytes:
    start, end = sorted(rng.randrange(len(frame) + 1) for _end in range(2))
    return rng.choice([frame[:end], frame[start:], frame[:start] + frame[end:]])


def _splice(rng: random.Random, frame: bytes, frames: list[bytes]) -> bytes:
    other = rng.choice(frames)
    return frame[: rng.randrange(len(frame))] + other[rng.randrange(len(other)) :]


def _number(rng: random.Random, frame: bytes, _: list[bytes]) -> bytes:
    """Puts something else in the place of a value."""
    colons = [index for index, byte in enumerate(frame) if byte == ord(":")]
    if not colons:
        return frame
    start = rng.choice(colons) + 1
    end = start
    while end < len(frame) and frame[end : end + 1] not in (b",", b"}", b"]"):
        end += 1
    return frame[:start] + rng.choice(NUMBERS) + frame[end:]


def _nest(rng: random.Random, frame: bytes, _: list[bytes]) -> bytes:
    depth = rng.choice([3, 200, 2000])
    opening, closing = rng.choice([(b"[", b"]"), (b'{"e":', b"}"), (b'{"data":', b"}")])
    middle = rng.randrange(len(frame))
    return rng.choice(
        [
            opening * depth + frame + closing * depth,
            frame[:middle] + opening * depth + frame[middle:],
            frame[:-1] + b',"x":' + opening * depth + b"1" + closing * depth + b"}",
        ]
    )


def _bytes(rng: random.Random, frame: bytes, _: list[bytes]) -> bytes:
    middle = rng.randrange(len(frame))
    return frame[:middle] + rng.randbytes(rng.randint(1, 8)) + frame[middle:]


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container and key inside a message, outermost first."""
    places: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict | list):
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            places += [(node, key) for key in keys]
            waiting += [node[key] for key in keys]
    return places


def _structure(rng: random.Random, frame: bytes, frames: list[bytes]) -> bytes:
    """Takes away, doubles or exchanges fields of the decoded message."""
    try:
        value = json.loads(frame)
        places = _places(value)
        if not places:
            return frame
        node, key = rng.choice(places)
        action = rng.randrange(4)
        if action == 0:
            del node[key]
        elif action == 1:
            other, other_key = rng.choice(places)
            node[key] = other[other_key] if other is not node else None
        elif action == 2:
            node[key] = rng.choice([None, True, -1, 2**70, 1.5, "x", [], {}, [[]], "NaN"])
        else:
            node[key] = json.loads(rng.choice(frames)) if rng.random() < 0.5 else [node[key]]
        return json.dumps(value).encode()
    except (ValueError, RecursionError):
        return frame  # broken already, too deep for this mutator, or made into a circle


MUTATORS: list[Callable[[random.Random, bytes, list[bytes]], bytes]] = [
    _flip,
    _cut,
    _splice,
    _number,
    _number,
    _nest,
    _bytes,
    _structure,
    _structure,
]


def mutated(count: int, frames: list[bytes], seed: int) -> Iterator[bytes]:
    """Damaged copies of some of the frames; the same seed gives the same ones."""
    rng = random.Random(seed)
    for _ in range(count):
        frame = rng.choice(frames)
        for _step in range(rng.choice([1, 1, 1, 2, 3])):
            frame = rng.choice(MUTATORS)(rng, frame or b"{", frames)[:FRAME_BYTES_MAX]
        yield frame


def check(record: Record) -> None:
    """No number in a record is one that a market cannot have."""
    assert 0 <= record.timestamp_ms < 2**63
    for field in record.__struct_fields__:
        value = getattr(record, field)
        if isinstance(value, float):
            assert isfinite(value), (field, value)
            if field in POSITIVE:
                assert value > 0, (field, value)
        elif isinstance(value, int):
            least = -1 if field == "previous_sequence" else 0  # -1: there was none before
            assert least <= value < 2**63, (field, value)
    if isinstance(record, BookDelta | BookSnapshot):
        for price, quantity in (*record.bids, *record.asks):
            assert 0 < price < 1e18
            assert 0 <= quantity < 1e18
