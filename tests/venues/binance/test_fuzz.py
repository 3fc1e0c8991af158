"""Mutated frames: whatever comes, the parser gives sane records or `WireError`, and soon.

One frame of each kind, written by hand, damaged 20,000 times. The same of every venue's own frames
and recordings, and a million of them, is in `tests/venues/test_mutated_frames.py`.
"""

import json
from collections import Counter
from typing import Any

from tests.venues.mutated import check, mutated

from headwater.core.enums import Channel
from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import Record
from headwater.venues.binance.market_stream import BinanceStream
from headwater.venues.binance.recordings import BinanceTapeReader
from headwater.venues.messages import Ack, Ignored, Subscription

SEED = 20260730
FRAMES = 20_000

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


def corpus() -> list[bytes]:
    """One frame of each kind in both modes."""
    frames = [json.dumps(message).encode() for message in BUILT_IN]
    frames += [
        json.dumps({"stream": f"btcusdt@{message['e']}", "data": message}).encode()
        for message in BUILT_IN
    ]
    return [*frames, json.dumps(BUILT_IN).encode(), *ANSWERS]


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


def test_mutated_frames_give_records_or_wire_errors() -> None:
    seen = run(FRAMES, corpus(), SEED)
    for kind in ("error", "trade", "book_delta", "candle", "liquidation", "Ack", "Ignored"):
        assert seen[kind] > 0, f"the mutator never leaves a {kind}"
