"""What the venue sides share: topics made once for all connections, text of numbers, limits.

A topic turns market events into message texts; each text is made once, whatever the number of
connections. Nothing here knows a venue.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from typing import ClassVar, Final, Protocol

from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.numbers import places_of
from headwater.core.records import (
    ALL_SYMBOLS,
    BookDelta,
    Candle,
    FundingRate,
    Level,
    Liquidation,
    MarkPrice,
    Record,
    Trade,
)
from headwater.venues.side import MarketView

REMEMBERED: Final = 20_000
"""Liquidations and settlements remembered to tell a record that comes again."""
MAX_CLIENTS: Final = 10_000
"""Addresses that `RollingLimit` remembers; the one seen longest ago is forgotten first."""


class SymbolText:
    """One instrument as a venue writes it: text of prices and sizes, contracts included.

    Args:
        instrument: what it is about.

    Attributes:
        instrument: the same.
        symbol: canonical symbol.
        native: the venue's symbol.
        price_places: decimals of a price.
        size_places: decimals of a size, in contracts.
    """

    __slots__ = ("_size", "instrument", "native", "price_places", "size_places", "symbol")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.native = instrument.native_symbol
        exponent = instrument.price_tick.as_tuple().exponent
        written = -exponent if isinstance(exponent, int) else 0
        self.price_places = max(places_of(instrument.price_tick), written)
        self._size = instrument.contract_size
        step = float(instrument.quantity_step) / self._size
        self.size_places = max(0, next((n for n in range(12) if round(step * 10**n, 6) >= 1), 0))

    def price(self, value: float) -> str:
        """A price with the symbol's decimals."""
        return f"{value:.{self.price_places}f}"

    def size(self, quantity: float) -> str:
        """Base units as contracts (base units where a contract is one)."""
        return f"{quantity / self._size:.{self.size_places}f}"

    def base(self, quantity: float) -> str:
        """Base units with as many decimals as their step needs."""
        return f"{quantity:.{places_of(self.instrument.quantity_step)}f}"

    def levels(self, levels: Iterable[Level], tail: str = "") -> str:
        """Levels as the inside of a JSON list, `["37000.0","1.2"],…`; `tail` ends each level."""
        price, size, places = self.price_places, self._size, self.size_places
        return ",".join([f'["{p:.{price}f}","{q / size:.{places}f}"{tail}]' for p, q in levels])


def shares_of(quantity: float, count: int, step: float) -> list[float]:
    """Sizes of the single fills of a print: even, on the step, the rest with the last one.

    Args:
        quantity: of the print, base units, at least `count` steps.
        count: its fills, ≥ 1.
        step: quantity step, base units.
    """
    # Rounded before it is divided: 0.043 / 0.001 is a little less than 43.
    share = round(quantity / step) // count * step
    return [*[share] * (count - 1), quantity - share * (count - 1)]


class TopicStream(ABC):
    """One topic, shared by all connections that subscribed to it.

    Args:
        symbol: canonical symbol it is about; `ALL_SYMBOLS` for the whole market.

    Attributes:
        hears: kinds of market event it wants.
        due_ms: `on_tick` is not called before.
    """

    hears: ClassVar[tuple[type[Record], ...]] = ()

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.due_ms = 0

    def first(self, now_ms: int) -> list[str]:  # noqa: ARG002 - not every topic has a state
        """Messages for a connection that has just subscribed: the state now."""
        return []

    def on_record(self, record: Record) -> None:  # noqa: B027 - not every topic hears
        """Takes an event."""

    @abstractmethod
    def on_tick(self, now_ms: int) -> list[str]:
        """Messages that are due, in order."""


class CandleStream(TopicStream):
    """Candles of one symbol and length: the forming one when it changed, each once when it ended.

    A venue's own class says how a candle is told.

    Args:
        market: what is going on.
        symbol: canonical.
        interval: length of the candles.
        every_ms: shortest time between two messages of one candle.
        is_told_at_once: whether the forming one is due before its first trade.
    """

    hears: ClassVar[tuple[type[Record], ...]] = (Trade,)

    def __init__(
        self,
        market: MarketView,
        symbol: str,
        interval: Interval,
        every_ms: int,
        *,
        is_told_at_once: bool,
    ) -> None:
        super().__init__(symbol)
        self.interval = interval
        self._market = market
        self._every_ms = every_ms
        self._opened_ms = interval.opens_at_ms(market.now_ms())
        self._changed = is_told_at_once

    @abstractmethod
    def message(self, row: Candle, now_ms: int, *, is_closed: bool) -> str:
        """How the venue tells a candle."""

    def on_record(self, record: Record) -> None:  # noqa: ARG002 - that it came is enough
        """Notes that there was a trade."""
        self._changed = True

    def on_tick(self, now_ms: int) -> list[str]:
        """What is due: the candle that ended, then the forming one."""
        messages: list[str] = []
        while now_ms >= self.interval.closes_at_ms(self._opened_ms):
            messages += self.tell(now_ms, is_closed=True)
            self._opened_ms = self.interval.closes_at_ms(self._opened_ms)
            self._changed = True
        if self._changed:
            self._changed = False
            closes_ms = self.interval.closes_at_ms(self._opened_ms)
            self.due_ms = min(now_ms + self._every_ms, closes_ms)
            messages += self.tell(now_ms, is_closed=False)
        return messages

    def tell(self, now_ms: int, *, is_closed: bool) -> list[str]:
        """The current candle as a message; none when nobody has traded in it."""
        opened_ms = self._opened_ms
        found = self._market.candles(
            self.symbol, self.interval, limit=1, start_ms=opened_ms, end_ms=opened_ms
        )
        return [self.message(row, now_ms, is_closed=is_closed) for row in found]


class Listener(Protocol):
    """A connection that takes messages."""

    def push(self, text: str) -> None:
        """Takes one message."""
        ...


class _Running:
    """A topic that somebody listens to."""

    __slots__ = ("listeners", "stream")

    def __init__(self, stream: TopicStream) -> None:
        self.stream = stream
        self.listeners: dict[Listener, None] = {}


class TopicDesk:
    """All topics of a venue.

    Args:
        make: makes the topic of a key; None when there is none.
    """

    def __init__(self, make: Callable[[str], TopicStream | None]) -> None:
        self._make = make
        self._running: dict[str, _Running] = {}
        self._hearing: dict[tuple[type[Record], str], list[TopicStream]] = {}
        self._newest: dict[tuple[type[Record], str], int] = {}
        self._seen: dict[int, Record] = {}
        self._ticked_ms = -1

    def knows(self, key: str) -> bool:
        """Whether there is such a topic."""
        return key in self._running or self._make(key) is not None

    def join(self, listener: Listener, key: str, now_ms: int) -> bool:
        """Lets `listener` hear a topic, its state first.

        Returns:
            False when there is no such topic.
        """
        running = self._running.get(key)
        if running is None:
            stream = self._make(key)
            if stream is None:
                return False
            running = self._running[key] = _Running(stream)
            for kind in stream.hears:
                self._hearing.setdefault((kind, stream.symbol), []).append(stream)
        running.listeners[listener] = None
        for text in running.stream.first(now_ms):
            listener.push(text)
        return True

    def leave(self, listener: Listener, key: str) -> None:
        """Takes `listener` off a topic; a topic without listeners stops."""
        running = self._running.get(key)
        if running is None:
            return
        running.listeners.pop(listener, None)
        if not running.listeners:
            del self._running[key]
            for kind in running.stream.hears:
                self._hearing[kind, running.stream.symbol].remove(running.stream)

    def note(self, record: Record) -> None:
        """Takes a market event. Every connection delivers it; only the first counts."""
        kind = type(record)
        hearing = [
            *self._hearing.get((kind, record.symbol), ()),
            *self._hearing.get((kind, ALL_SYMBOLS), ()),
        ]
        if self._is_new(record):
            for stream in hearing:
                stream.on_record(record)

    def tick(self, now_ms: int) -> None:
        """Lets topics send what is due. Every connection calls it; only the first counts."""
        if now_ms <= self._ticked_ms:
            return
        self._ticked_ms = now_ms
        for running in tuple(self._running.values()):
            if running.stream.due_ms <= now_ms:
                for text in running.stream.on_tick(now_ms):
                    for listener in tuple(running.listeners):
                        listener.push(text)

    def _is_new(self, record: Record) -> bool:
        """Whether this record is seen for the first time."""
        if isinstance(record, Liquidation | FundingRate):
            if id(record) in self._seen:
                return False
            # The record is kept, so its id is not given to another one meanwhile.
            self._seen[id(record)] = record
            if len(self._seen) > REMEMBERED:
                del self._seen[next(iter(self._seen))]
            return True
        if isinstance(record, Trade | BookDelta):
            number = record.sequence or 0
        elif isinstance(record, MarkPrice):
            number = record.timestamp_ms
        else:
            return False
        key = (type(record), record.symbol)
        if number <= self._newest.get(key, -1):
            return False
        self._newest[key] = number
        return True


class RollingLimit:
    """So many requests in any window of time, per address.

    Args:
        capacity: weight per window.
        window_ms: its length.

    Attributes:
        breaches: requests that were too many, since the start.
    """

    def __init__(self, capacity: int, window_ms: int) -> None:
        self._capacity = capacity
        self._window_ms = window_ms
        self._used: dict[str, deque[tuple[int, int]]] = {}
        self.breaches = 0

    def charge(self, client: str, weight: int, now_ms: int) -> bool:
        """Counts a request.

        Returns:
            False when it was too much; it is not counted then.
        """
        used = self._used.pop(client, None) or deque()
        self._used[client] = used
        if len(self._used) > MAX_CLIENTS:
            del self._used[next(iter(self._used))]
        while used and used[0][0] <= now_ms - self._window_ms:
            used.popleft()
        if sum(one for _, one in used) + weight > self._capacity:
            self.breaches += 1
            return False
        used.append((now_ms, weight))
        return True

    def left(self, client: str) -> int:
        """What an address may still use now."""
        return self._capacity - sum(one for _, one in self._used.get(client, ()))
