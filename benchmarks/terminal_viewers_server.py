"""Ten moving order books and a server that shows them, for `bench_terminal_viewers`.

`python -m benchmarks.terminal_viewers_server KIND` prints its port, then processor seconds used so
far for each line of standard input. Kinds: `ours` is the platform's own hub, desk and order-book
socket; `naive` sends over the same hub, but groups, sorts, formats and encodes the book for each
viewer with floats, f-strings and `json.dumps`.

Each book has 1,000 levels a side and changes ten times a second, the ten in turns, by 30 levels:
60 % get another quantity, 20 % come, 20 % go. The changes are made before the measurement.
"""

import asyncio
import json
import random
import resource
import socket
import sys
from collections.abc import Callable
from itertools import count
from math import ceil, floor
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
import structlog
from tests.api.fake_source import FakeSource

from headwater.api.app import create_app
from headwater.api.deps import ApiDeps
from headwater.api.server import build_server
from headwater.api.settings import ApiSettings
from headwater.api.stream_contract import (
    StreamAccepted,
    StreamHandle,
    StreamLimits,
    StreamRefused,
    StreamRequest,
)
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_routes import open_streams
from headwater.bus.memory import MemoryBus
from headwater.core.clock import SystemClock
from headwater.core.instruments import Instrument
from headwater.core.records import BookDelta, BookSnapshot, Level

SYMBOLS: Final = tuple(f"{letter}COINUSDT" for letter in "ABCDEFGHIJ")
ROUNDINGS: Final = ("0.1", "1", "10")
LEVELS: Final = 1_000
CHANGED: Final = 30
HZ: Final = 10
LIMIT: Final = 20
_CYCLE: Final = 200
_MID_TICKS: Final = 1_000_000


class MovingBook:
    """A book of one symbol and its changes, over and over.

    Args:
        symbol: which.
        rng: makes it.
    """

    def __init__(self, symbol: str, rng: random.Random) -> None:
        self.symbol = symbol
        self.sides: tuple[dict[float, float], dict[float, float]] = ({}, {})
        for step in range(LEVELS):
            self.sides[0][_price(-1 - step)] = _quantity(rng)
            self.sides[1][_price(1 + step)] = _quantity(rng)
        self.sequence = 1
        self._changes = [self._change(rng) for _ in range(_CYCLE)]

    def delta(self, now_ms: int) -> BookDelta:
        """The next change, applied."""
        bids, asks = self._changes[self.sequence % _CYCLE]
        for side, changed in zip(self.sides, (bids, asks), strict=True):
            for price, quantity in changed:
                if quantity:
                    side[price] = quantity
                else:
                    side.pop(price, None)
        self.sequence += 1
        return BookDelta(
            exchange="binance",
            symbol=self.symbol,
            native_symbol=self.symbol,
            timestamp_ms=now_ms,
            received_ns=now_ms * 1_000_000,
            bids=bids,
            asks=asks,
            sequence=self.sequence,
        )

    def whole(self, now_ms: int) -> BookSnapshot:
        """All levels, as a start for whoever follows the changes."""
        bids, asks = self.sides
        return BookSnapshot(
            exchange="binance",
            symbol=self.symbol,
            native_symbol=self.symbol,
            timestamp_ms=now_ms,
            received_ns=now_ms * 1_000_000,
            bids=tuple(sorted(bids.items(), reverse=True)),
            asks=tuple(sorted(asks.items())),
            sequence=self.sequence,
            is_start=True,
        )

    def _change(self, rng: random.Random) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Near the best price more than far from it."""
        found: tuple[dict[float, float], dict[float, float]] = ({}, {})
        for number in range(CHANGED):
            away = 1 + min(int(rng.expovariate(1 / 60)), LEVELS - 1)
            side = number % 2
            quantity = 0.0 if rng.random() < 0.2 else _quantity(rng)
            found[side][_price(away if side else -away)] = quantity
        return tuple(found[0].items()), tuple(found[1].items())


class MovingSource(FakeSource):
    """A venue that has the books."""

    def __init__(self, books: dict[str, MovingBook], clock: SystemClock) -> None:
        super().__init__(symbols=SYMBOLS)
        self._books = books
        self._clock = clock

    async def book(self, instrument: Instrument, *, depth: int) -> BookSnapshot:
        """The whole book now, however deep it was asked for."""
        del depth
        return self._books[instrument.symbol].whole(self._clock.now_ms())


class NaiveViewers:
    """A resolver whose every viewer has the book grouped, sorted, formatted and encoded anew."""

    def __init__(self, books: dict[str, MovingBook]) -> None:
        self._books = books
        self._viewers: dict[StreamHandle, tuple[str, float]] = {}

    async def resolve(self, request: StreamRequest) -> StreamAccepted | StreamRefused:
        """Lets everyone in."""
        asked = parse_qs(request.query)
        view = (request.path.rpartition("/")[2], float(asked["rounding"][0]))
        mine: list[StreamHandle] = []

        def opened(handle: StreamHandle) -> None:
            mine.append(handle)
            self._viewers[handle] = view

        def closed() -> None:
            for handle in mine:
                self._viewers.pop(handle, None)

        return StreamAccepted(topics=(), on_open=opened, on_close=closed)

    def changed(self, symbol: str, now_ms: int) -> None:
        """Shows a book to its viewers."""
        book = self._books[symbol]
        for handle, (wanted, rounding) in tuple(self._viewers.items()):
            if wanted == symbol:
                handle.send([naive_message(book, rounding, now_ms)])


def naive_message(book: MovingBook, rounding: float, now_ms: int) -> bytes:
    """The message of one viewer, made from nothing."""
    sides = {}
    for name, levels, rounded, slack in (
        ("bids", book.sides[0], floor, 1e-6),
        ("asks", book.sides[1], ceil, -1e-6),
    ):
        groups: dict[float, float] = {}
        for price, quantity in levels.items():
            key = rounded(price / rounding + slack) * rounding
            groups[key] = groups.get(key, 0.0) + quantity
        total, rows = 0.0, []
        for price in sorted(groups, reverse=name == "bids")[:LIMIT]:
            total += groups[price]
            rows.append(
                {
                    "price": round(price, 8),
                    "amount": round(groups[price], 8),
                    "cumulative": round(total, 8),
                    "priceFormatted": f"{price:,.1f}",
                    "amountFormatted": f"{groups[price]:,.3f}",
                    "cumulativeFormatted": f"{total:,.3f}",
                }
            )
        sides[name] = rows
    message = {
        "type": "orderbook_update",
        "exchange": "binance",
        "symbol": book.symbol,
        "rounding": rounding,
        **sides,
        "timestamp": now_ms,
        "time": now_ms // 1000,
    }
    return json.dumps(message).encode()


def _price(ticks: int) -> float:
    return (_MID_TICKS + ticks) / 10


def _quantity(rng: random.Random) -> float:
    return rng.randint(1, 20_000) / 1_000


async def _move(books: list[MovingBook], tell: Callable[[MovingBook, int], None]) -> None:
    """Changes the books in turns, each `HZ` times a second, never catching up what was late."""
    clock, loop = SystemClock(), asyncio.get_running_loop()
    step_s = 1 / HZ / len(books)
    due_s = loop.time()
    for number in count():
        tell(books[number % len(books)], clock.now_ms())
        due_s = max(due_s + step_s, loop.time())
        await asyncio.sleep(due_s - loop.time())


def _used_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def serve(kind: str) -> None:
    """Runs until standard input ends."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    clock, bus, numbers = SystemClock(), MemoryBus(), count()
    books = {symbol: MovingBook(symbol, random.Random(symbol)) for symbol in SYMBOLS}
    limits = StreamLimits()
    settings = ApiSettings()
    sources = {"binance": MovingSource(books, clock)}

    def new_id() -> str:
        return f"{next(numbers):016x}"

    publisher = open_streams(
        sources=sources, bus=bus, clock=clock, settings=settings, limits=limits, new_id=new_id
    )
    deps = ApiDeps(
        sources=sources, publisher=publisher, bus=bus, clock=clock, new_id=new_id, settings=settings
    )
    naive = NaiveViewers(books)
    hub = publisher.hub if kind == "ours" else StreamHub(naive.resolve, limits)

    def tell(book: MovingBook, now_ms: int) -> None:
        delta = book.delta(now_ms)
        if kind == "ours":
            bus.publish(delta)
        else:
            naive.changed(book.symbol, now_ms)

    server = build_server(create_app(deps), hub, settings)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)

    async def answer() -> None:
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(msgspec.json.encode(_used_s()).decode(), flush=True)
        server.should_exit = True

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(server.serve([listener]), name="server")
            moving = tasks.create_task(_move(list(books.values()), tell), name="market")
            tasks.create_task(answer(), name="answers")
            await serving
            moving.cancel()

    print(listener.getsockname()[1], flush=True)
    factory: Callable[[], asyncio.AbstractEventLoop] | None = server.config.get_loop_factory()
    main: Any = run()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


if __name__ == "__main__":
    serve(sys.argv[1])
