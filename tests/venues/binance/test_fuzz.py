"""Mutated frames: whatever comes, the parser gives sane records or `WireError`, and soon.

A seeded mutator damages real frames: bits, cuts, splices, types, nesting, huge numbers, missing
fields. 20,000 frames run each time; `-m soak` runs a million.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import pytest

from headwater.core.enums import Channel
from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import BookDelta, BookSnapshot, Record
from headwater.venues.binance.market_stream import BinanceStream
from headwater.venues.binance.recordings import BinanceTapeReader
from headwater.venues.messages import Ack, Ignored, Subscription

SEED = 20260730
FRAMES = 20_000
FRAMES_SOAK = 1_000_000
FRAME_BYTES_MAX = 1 << 20

NUMBERS = [
    b"NaN", b"-Infinity", b"Infinity", b'"nan"', b'"-inf"', b"-1", b'"-1"', b"0", b'"0"', b"1e999",
    b'"1e999"', b"-0", b"1e-400", b"9" * 30, b"9" * 5000, b"18446744073709551616", b"1.5", b"0x10",
    b'"\\u0661"', b'" 1"', b'"1_0"', b"null", b"true", b'""', b"[]", b"{}", b'"\\ud800"',
    b"1" + b"0" * 400,
]  # fmt: skip

BUILT_IN: list[dict[str, Any]] = [
    {"e": "aggTrade", "E": 1, "s": "BTCUSDT", "a": 1, "p": "1.5", "q": "2", "f": 1, "l": 1, "T": 1,
     "m": True, "st": 1},
    {"e": "trade", "E": 1, "T": 1, "s": "BTCUSDT", "t": 1, "p": "1", "q": "1", "X": "MARKET",
     "m": False},
    {"e": "depthUpdate", "E": 1, "T": 1, "s": "BTCUSDT", "U": 1, "u": 2, "pu": 0,
     "b": [["1", "2"], ["0.5", "0"]], "a": [["3", "1"]]},
    {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1", "T": 1},
    {"e": "kline", "E": 1, "s": "BTCUSDT", "k": {"t": 0, "T": 59999, "s": "BTCUSDT", "i": "1m",
     "f": 1, "L": 1, "o": "1", "c": "1", "h": "1", "l": "1", "v": "1", "n": 1, "x": True, "q": "1",
     "V": "1", "Q": "1", "B": "0"}},
    {"e": "24hrTicker", "E": 1, "s": "BTCUSDT", "p": "1", "P": "1", "w": "1", "c": "1", "Q": "1",
     "o": "1", "h": "1", "l": "1", "v": "1", "q": "1", "O": 1, "C": 1, "F": 1, "L": 1, "n": 1},
    {"e": "24hrMiniTicker", "E": 1, "s": "BTCUSDT", "c": "1", "o": "1", "h": "1", "l": "1",
     "v": "1", "q": "1"},
    {"e": "markPriceUpdate", "E": 1, "s": "BTCUSDT", "p": "1", "i": "1", "P": "1", "r": "0.0001",
     "T": 1},
    {"e": "forceOrder", "E": 1, "o": {"s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC",
     "q": "1", "p": "1", "ap": "1", "X": "FILLED", "l": "1", "z": "1", "T": 1}, "st": 1},
]  # fmt: skip
ANSWERS = [b'{"result":null,"id":1}', b'{"error":{"code":2,"msg":"x"},"id":1}']


def corpus(folder: Path | None) -> list[bytes]:
    """Real frames where the recordings are, and one of each kind in both modes."""
    frames = [json.dumps(message).encode() for message in BUILT_IN]
    frames += [
        json.dumps({"stream": f"btcusdt@{message['e']}", "data": message}).encode()
        for message in BUILT_IN
    ]
    frames.append(json.dumps(BUILT_IN).encode())
    frames += ANSWERS
    if folder is not None:
        recorded = (folder / "cryptofeed/binance/BINANCE_FUTURES.ws.1.0").read_bytes()
        lines = [line.partition(b": ")[2] for line in recorded.splitlines()[1:]]
        frames += random.Random(SEED).sample([line for line in lines if line], 60)
        for line in (folder / "tardis-node/binance/raw.jsonl").read_text().splitlines():
            frames.append(json.dumps(json.loads(line)["message"]).encode())
    return frames


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
            if field in ("price", "mark", "open", "high", "low", "close", "value", "bid", "ask"):
                assert value > 0, (field, value)
        elif isinstance(value, int):
            assert 0 <= value < 2**63, (field, value)
    if isinstance(record, BookDelta | BookSnapshot):
        for price, quantity in (*record.bids, *record.asks):
            assert 0 < price < 1e18
            assert 0 <= quantity < 1e18


def run(count: int, frames: list[bytes], seed: int) -> Counter[str]:
    """Feeds mutated frames to one connection and to the reader of recordings."""
    table = InstrumentTable("binance", ())
    stream = BinanceStream("market", table)
    stream.subscribe(
        [
            Subscription(channel=Channel.TRADES, native_symbol="BTCUSDT"),
            Subscription(channel=Channel.CANDLES, native_symbol="BTCUSDT", interval=Interval.M1),
            Subscription(channel=Channel.LIQUIDATIONS, native_symbol=None),
        ]
    )
    tape = BinanceTapeReader(table)
    seen: Counter[str] = Counter()
    for number, frame in enumerate(mutated(count, frames, seed)):
        seen["frame"] += 1
        try:
            events = stream.feed(frame, 1)
        except WireError:
            seen["error"] += 1
        else:
            for event in events:
                assert isinstance(event, Record | Ack | Ignored)
                seen[event.kind if isinstance(event, Record) else type(event).__name__] += 1
                if isinstance(event, Record):
                    check(event)
        if number % 10 == 0:
            try:
                tape.read(frame, 1)
            except WireError:
                seen["tape error"] += 1
    return seen


@pytest.fixture(scope="module")
def frames() -> list[bytes]:
    return corpus(None)


def test_mutated_frames_give_records_or_wire_errors(frames: list[bytes]) -> None:
    seen = run(FRAMES, frames, SEED)
    for kind in ("error", "trade", "book_delta", "candle", "liquidation", "Ack", "Ignored"):
        assert seen[kind] > 0, f"the mutator never leaves a {kind}"


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_million_mutated_frames(wire_dir: Path) -> None:
    seen = run(FRAMES_SOAK, corpus(wire_dir), SEED)
    assert seen["frame"] == FRAMES_SOAK
    assert seen["error"] > FRAMES_SOAK // 10


def test_the_mutator_repeats_itself(frames: list[bytes]) -> None:
    assert list(mutated(50, frames, 1)) == list(mutated(50, frames, 1))
    assert list(mutated(50, frames, 1)) != list(mutated(50, frames, 2))
