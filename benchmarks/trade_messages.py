"""Deterministic synthetic trades of Bybit, OKX and Hyperliquid, and what they amount to.

Standard library only, like `messages.py`, whose corpora these are. Shapes are those of the venues'
documents in 2026, fields that nobody reads included: `publicTrade` of v5 with tick direction, block
and RPI marks and sequence; `trades` of OKX with count, source and sequence; `trades` of Hyperliquid
with hash and both users. Two kinds a venue: one trade a message, which is the usual case (all 74
messages of the OKX recording, 49 of 66 of Bybit's, six of nine of Hyperliquid's), and two to eight,
as a large order or a block of the chain makes them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from benchmarks.messages import Corpus, Truth

BYBIT: Final = "bybit"
OKX: Final = "okx"
HYPERLIQUID: Final = "hyperliquid"

CONTRACT_SIZE: Final = 0.01
"""Base units of one OKX contract; its messages count contracts."""

NATIVE_SYMBOLS: Final = {BYBIT: "BTCUSDT", OKX: "BTC-USDT-SWAP", HYPERLIQUID: "BTC"}
"""The one instrument of the corpora, as each venue calls it."""

TRADE_KINDS: Final = tuple(f"{venue}_{suffix}" for venue in NATIVE_SYMBOLS for suffix in
                           ("trade", "trades"))  # fmt: skip
"""`bybit_trade`, one trade a message; `bybit_trades`, several; and so on."""

_FEWEST, _MOST = 2, 8
"""Trades in a message of several."""

_START_MS: Final = 1_780_000_000_000
_MID_TENTHS: Final = 671_000
_HEX: Final = "0123456789abcdef"


@dataclass(frozen=True)
class _Fill:
    """One trade, before it is written as a venue does.

    Attributes:
        number: counts the trades of the corpus.
        traded_at_ms: venue time.
        tenths: price in ticks of 0.1.
        lots: quantity in lots of 0.001.
        buys: whether the taker buys.
    """

    number: int
    traded_at_ms: int
    tenths: int
    lots: int
    buys: bool


def make_trade_corpus(kind: str, messages: int, seed: int = 1) -> Corpus:
    """The corpus of one of `TRADE_KINDS`.

    Args:
        kind: which.
        messages: how many, ≥ 1.
        seed: any number; another seed gives other messages of the same shape.
    """
    venue, _, suffix = kind.partition("_")
    rng = Random(seed)
    write = _WRITERS[venue]
    frames: list[bytes] = []
    total, number, now_ms, tenths = 0.0, 0, _START_MS, _MID_TENTHS
    for _ in range(messages):
        now_ms += 1 + _below(rng, 20)
        count = 1 if suffix == "trade" else _FEWEST + _below(rng, _MOST - _FEWEST + 1)
        buys = rng.random() < 0.5
        fills: list[_Fill] = []
        for _ in range(count):
            tenths += _below(rng, 7) - 3
            number += 1
            fills.append(_Fill(number, now_ms, tenths, 1 + int(2_000 * rng.random() ** 4), buys))
        text, amounts = write(fills, now_ms, rng)
        frames.append(text.encode())
        total += sum(price * quantity for price, quantity in amounts)
    return Corpus(kind, frames, Truth(number, total), exchange=venue)


Written = tuple[str, list[tuple[float, float]]]
"""A message, and price and base quantity of each of its trades."""


def _bybit(fills: list[_Fill], now_ms: int, rng: Random) -> Written:
    rows, amounts = [], []
    for fill in fills:
        price, quantity = _decimals(fill.tenths, 10) + "0", _decimals(fill.lots, 1_000)
        rows.append(
            f'{{"T":{fill.traded_at_ms},"s":"BTCUSDT","S":"{"Buy" if fill.buys else "Sell"}",'
            f'"v":"{quantity}","p":"{price}","L":"{"PlusTick" if fill.buys else "MinusTick"}",'
            f'"i":"{_uuid(rng)}","BT":false,"RPI":false,"seq":{458_000_000_000 + fill.number}}}'
        )
        amounts.append((float(price), float(quantity)))
    head = f'{{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":{now_ms + 2},"data":['
    return head + ",".join(rows) + "]}", amounts


def _okx(fills: list[_Fill], now_ms: int, rng: Random) -> Written:
    rows, amounts = [], []
    for fill in fills:
        price, contracts = _decimals(fill.tenths, 10), _decimals(fill.lots, 100)
        rows.append(
            f'{{"instId":"BTC-USDT-SWAP","tradeId":"{1_900_000_000 + fill.number}","px":"{price}",'
            f'"sz":"{contracts}","side":"{"buy" if fill.buys else "sell"}","ts":"{now_ms}",'
            f'"count":"{1 + _below(rng, 4)}","source":"0","seqId":{75_000_000_000 + fill.number}}}'
        )
        amounts.append((float(price), float(contracts) * CONTRACT_SIZE))
    head = '{"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":['
    return head + ",".join(rows) + "]}", amounts


def _hyperliquid(fills: list[_Fill], now_ms: int, rng: Random) -> Written:
    rows, amounts = [], []
    block = _hex(rng, 64)
    for fill in fills:
        price, quantity = f"{fill.tenths // 10}.0", _decimals(fill.lots, 100_000)
        tid = (fill.number * 1_000_003_333) % 2**50
        rows.append(
            f'{{"coin":"BTC","side":"{"B" if fill.buys else "A"}","px":"{price}","sz":"{quantity}",'
            f'"time":{now_ms},"hash":"0x{block}","tid":{tid},'
            f'"users":["0x{_hex(rng, 40)}","0x{_hex(rng, 40)}"]}}'
        )
        amounts.append((float(price), float(quantity)))
    return '{"channel":"trades","data":[' + ",".join(rows) + "]}", amounts


def _below(rng: Random, bound: int) -> int:
    return int(rng.random() * bound)


def _decimals(units: int, per_whole: int) -> str:
    """Decimal text of so many units, of which a power of ten make one."""
    whole, part = divmod(units, per_whole)
    return f"{whole}.{part:0{len(str(per_whole)) - 1}d}"


def _hex(rng: Random, digits: int) -> str:
    return "".join([_HEX[_below(rng, 16)] for _ in range(digits)])


def _uuid(rng: Random) -> str:
    text = _hex(rng, 32)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


_WRITERS: Final[dict[str, Callable[[list[_Fill], int, Random], Written]]] = {
    BYBIT: _bybit,
    OKX: _okx,
    HYPERLIQUID: _hyperliquid,
}
