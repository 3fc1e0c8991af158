"""Deterministic synthetic Binance USD-M messages, and what a right reader must make of them.

Standard library only, so that it runs in the environment of every peer. Same seed, same bytes, on
every Python: only `Random.random` is drawn from. Shapes are those of Binance's stream documents
(combined streams, wrapped in `{"stream":…,"data":…}`); sizes are near those of recordings:
aggTrade 181 B, forceOrder 213 B, depth ~440 B with 12.4 levels in the mean, applied to a book that
stays at about 1,000 levels a side.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

SYMBOL: Final = "BTCUSDT"
AGG_TRADE: Final = "agg_trade"
DEPTH: Final = "depth"
FORCE_ORDER: Final = "force_order"
KINDS: Final = (AGG_TRADE, DEPTH, FORCE_ORDER)

MESSAGES: Final = 5_000
"""Messages a corpus has by default."""

BOOK_LEVELS: Final = 1_000
"""Levels a side of the snapshot that the depth messages start from."""

_START_MS: Final = 1_730_000_000_000
_MID_TICKS: Final = 671_000
_TICK_DIGITS: Final = 10
_PRICE_RANGE: Final = 1_250
"""Ticks a side in which levels come and go; with 1,000 of them occupied the book keeps its size."""

_NEAR_RANGE: Final = 100
"""Half of the changes are within so many ticks of the middle, the others anywhere."""

_MEAN_LEVELS: Final = 6.2
_REMOVE_SHARE: Final = 0.25
"""Share of changes of an occupied level that remove it. With four of five places occupied, 60 % of
the changes update a level, 20 % add and 20 % remove one; a recording of BTCUSDT has 58, 19 and 16.
"""

Levels = list[list[str]]
"""Levels as the wire has them: `[price, quantity]`, both decimal text."""


@dataclass(frozen=True)
class Snapshot:
    """A REST depth snapshot.

    Attributes:
        sequence: its `lastUpdateId`.
        bids: best first.
        asks: best first.
    """

    sequence: int
    bids: Levels
    asks: Levels


@dataclass(frozen=True)
class Truth:
    """What a reader must have found after one pass over a corpus.

    Attributes:
        records: records to deliver.
        total: trades: sum of price × quantity; liquidations: sum of quantity (readers take
            different prices); depth: sum of price × quantity of every level of the final book.
        bid_levels: depth: bid levels of the final book, else 0.
        ask_levels: depth: ask levels of the final book, else 0.
    """

    records: int
    total: float
    bid_levels: int = 0
    ask_levels: int = 0

    def accepts(self, other: "Truth") -> bool:
        """Whether `other`, from a reader with floats or decimals, is the same."""
        return (
            self.records == other.records
            and self.bid_levels == other.bid_levels
            and self.ask_levels == other.ask_levels
            and abs(self.total - other.total) <= 1e-9 * abs(self.total)
        )


@dataclass(frozen=True)
class Corpus:
    """Messages of one kind.

    Attributes:
        kind: one of `KINDS`, or of the other venues' kinds.
        frames: payloads of text frames, in order.
        truth: what one pass over them must give.
        snapshot: depth only: the book before the first of them.
        exchange: venue id of who would send them.
    """

    kind: str
    frames: list[bytes]
    truth: Truth
    snapshot: Snapshot | None = field(default=None)
    exchange: str = "binance"

    @property
    def mean_bytes(self) -> float:
        """Mean size of a payload."""
        return sum(map(len, self.frames)) / len(self.frames)


def make_corpus(kind: str, messages: int = MESSAGES, seed: int = 1) -> Corpus:
    """The corpus of a kind.

    Args:
        kind: one of `KINDS`.
        messages: how many, ≥ 1.
        seed: any number; another seed gives other messages of the same shape.
    """
    return _MAKERS[kind](messages, Random(seed))


def unwrapped(frame: bytes) -> bytes:
    """The payload as a raw stream (`/ws`) sends it, without `{"stream":…,"data":…}`."""
    return frame[frame.index(b'"data":') + len(b'"data":') : -1]


def price_text(ticks: int) -> str:
    """Text of a price of so many ticks of 0.1."""
    whole, tenth = divmod(ticks, _TICK_DIGITS)
    return f"{whole}.{tenth}0"


def quantity_text(lots: int) -> str:
    """Text of a quantity of so many lots of 0.001."""
    whole, thousandth = divmod(lots, 1_000)
    return f"{whole}.{thousandth:03d}"


def _below(rng: Random, bound: int) -> int:
    return int(rng.random() * bound)


def _lots(rng: Random) -> int:
    """Mostly small, sometimes large, never zero."""
    return 1 + int(2_000 * rng.random() ** 4)


def _agg_trades(messages: int, rng: Random) -> Corpus:
    ticks = _MID_TICKS
    now_ms = _START_MS
    trade_id = 2_400_000_000
    fill_id = 5_500_000_000
    frames: list[bytes] = []
    total = 0.0
    for _ in range(messages):
        ticks += _below(rng, 7) - 3
        now_ms += _below(rng, 20)
        trade_id += 1
        fills = 1 + _below(rng, 4)
        price, quantity = price_text(ticks), quantity_text(_lots(rng))
        maker = "true" if rng.random() < 0.5 else "false"
        frames.append(
            f'{{"stream":"btcusdt@aggTrade","data":{{"e":"aggTrade","E":{now_ms + 3},'
            f'"a":{trade_id},"s":"{SYMBOL}","p":"{price}","q":"{quantity}","f":{fill_id},'
            f'"l":{fill_id + fills - 1},"T":{now_ms},"m":{maker}}}}}'.encode()
        )
        fill_id += fills
        total += float(price) * float(quantity)
    return Corpus(AGG_TRADE, frames, Truth(messages, total))


def _force_orders(messages: int, rng: Random) -> Corpus:
    ticks = _MID_TICKS
    now_ms = _START_MS
    frames: list[bytes] = []
    total = 0.0
    for _ in range(messages):
        ticks += _below(rng, 41) - 20
        now_ms += 1_000 + _below(rng, 500)
        side = "SELL" if rng.random() < 0.5 else "BUY"
        slip = 40 + _below(rng, 200)
        average = price_text(ticks)
        price = price_text(ticks - slip if side == "SELL" else ticks + slip)
        quantity = quantity_text(_lots(rng))
        frames.append(
            f'{{"stream":"btcusdt@forceOrder","data":{{"e":"forceOrder","E":{now_ms + 4},'
            f'"o":{{"s":"{SYMBOL}","S":"{side}","o":"LIMIT","f":"IOC","q":"{quantity}",'
            f'"p":"{price}","ap":"{average}","X":"FILLED","l":"{quantity}","z":"{quantity}",'
            f'"T":{now_ms}}}}}}}'.encode()
        )
        total += float(quantity)
    return Corpus(FORCE_ORDER, frames, Truth(messages, total))


def _depths(messages: int, rng: Random) -> Corpus:
    bids = _first_side(rng)
    asks = _first_side(rng)
    sequence = 5_800_000_000_000
    snapshot = Snapshot(sequence, _wire_side(bids, -1), _wire_side(asks, 1))
    now_ms = _START_MS
    frames: list[bytes] = []
    for _ in range(messages):
        now_ms += 100
        changed_bids = ",".join(_changes(bids, -1, rng))
        changed_asks = ",".join(_changes(asks, 1, rng))
        # The first one spans the snapshot's number, as the venue's rule for the first asks.
        spans = not frames
        first = sequence - 5 if spans else sequence + 1 + _below(rng, 40)
        previous = sequence - 17 if spans else sequence
        last = first + 30 + _below(rng, 400)
        frames.append(
            f'{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":{now_ms + 2},'
            f'"T":{now_ms},"s":"{SYMBOL}","U":{first},"u":{last},"pu":{previous},'
            f'"b":[{changed_bids}],"a":[{changed_asks}]}}}}'.encode()
        )
        sequence = last
    total = 0.0
    for side, sign in ((bids, -1), (asks, 1)):
        for price, quantity in _wire_side(side, sign):
            total += float(price) * float(quantity)
    truth = Truth(messages, total, bid_levels=len(bids), ask_levels=len(asks))
    return Corpus(DEPTH, frames, truth, snapshot)


def _first_side(rng: Random) -> dict[int, int]:
    """Lots by distance from the middle in ticks, `BOOK_LEVELS` of `_PRICE_RANGE` occupied."""
    distances = list(range(1, _PRICE_RANGE + 1))
    for index in range(len(distances) - 1, 0, -1):
        other = _below(rng, index + 1)
        distances[index], distances[other] = distances[other], distances[index]
    return {distance: _lots(rng) for distance in sorted(distances[:BOOK_LEVELS])}


def _wire_side(side: dict[int, int], sign: int) -> Levels:
    return [
        [price_text(_MID_TICKS + sign * distance), quantity_text(side[distance])]
        for distance in sorted(side)
    ]


def _changes(side: dict[int, int], sign: int, rng: Random) -> list[str]:
    """Changes one side and returns the changed levels as wire text, near the middle mostly."""
    count = max(1, _below(rng, int(2 * _MEAN_LEVELS) + 1))
    chosen: dict[int, int] = {}
    for _ in range(count):
        near = rng.random() < 0.5
        distance = 1 + _below(rng, _NEAR_RANGE if near else _PRICE_RANGE)
        if distance not in chosen:
            removed = distance in side and rng.random() < _REMOVE_SHARE
            chosen[distance] = 0 if removed else _lots(rng)
    for distance, lots in chosen.items():
        if lots:
            side[distance] = lots
        else:
            del side[distance]
    return [
        f'["{price_text(_MID_TICKS + sign * distance)}","{quantity_text(chosen[distance])}"]'
        for distance in sorted(chosen)
    ]


_MAKERS: Final[dict[str, Callable[[int, Random], Corpus]]] = {
    AGG_TRADE: _agg_trades,
    DEPTH: _depths,
    FORCE_ORDER: _force_orders,
}
