"""The bus inside one process: a bounded queue per reader, routes resolved once per topic.

`publish` costs one dictionary look-up and one append per reader. A reader that waits is woken
once per loop turn, however many records arrived in it, and takes them all.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from headwater.bus.bus import Bus, Reader, ReaderClosed, ReaderStats
from headwater.bus.topics import POLICIES, SlowPolicy, Topic, TopicFilter
from headwater.core.records import Record

ROUTES_MAX: Final = 100_000
"""Symbols remembered with their readers, per class and venue; beyond it they are found anew."""


class MemoryReader(Reader):
    """A bounded queue. Made by `MemoryBus.subscribe`."""

    def __init__(
        self, bus: "MemoryBus", name: str, filters: Sequence[TopicFilter], capacity: int
    ) -> None:
        self.filters = tuple(filters)
        self._bus = bus
        self._name = name
        self._capacity = capacity
        self._queue: deque[Record] = deque()
        self._latest: dict[object, Record] = {}
        self._waiter: asyncio.Future[None] | None = None
        self._delivered = 0
        self._dropped = 0
        self._closed: str | None = None

    def append(self, record: Record) -> None:
        """Takes an event record; drops the oldest one when full, and counts it."""
        queue = self._queue
        queue.append(record)
        if len(queue) > self._capacity:
            queue.popleft()
            self._dropped += 1
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def append_or_close(self, record: Record) -> None:
        """Takes a record that must not be missed; ends the reader when full."""
        if len(self._queue) >= self._capacity:
            self._end(f"queue of {self._capacity} records overran; reload and subscribe again")
            return
        self.append(record)

    def replace(self, record: Record) -> None:
        """Takes a state record; it replaces an older one of its topic that still waits."""
        key = (record.__class__, record.exchange, record.symbol)
        older = self._latest.get(key)
        self._latest[key] = record if older is None else record.over(older)
        if len(self._latest) > self._capacity:
            self._latest.pop(next(iter(self._latest)))
            self._dropped += 1
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    async def next_batch(self) -> Sequence[Record]:
        """Waits until there is something and returns all of it, events before states."""
        while not self._queue and not self._latest:
            if self._closed is not None:
                raise ReaderClosed(self._closed)
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self.drain()

    def drain(self) -> Sequence[Record]:
        """Returns what is there without waiting; may be empty."""
        batch: list[Record] = list(self._queue)
        self._queue.clear()
        if self._latest:
            batch.extend(self._latest.values())
            self._latest.clear()
        self._delivered += len(batch)
        return batch

    def close(self) -> None:
        """Leaves the bus; what waits can still be drained."""
        self._end("closed by its owner")

    @property
    def stats(self) -> ReaderStats:
        """Counters now."""
        return ReaderStats(
            name=self._name,
            delivered=self._delivered,
            dropped=self._dropped,
            queued=len(self._queue) + len(self._latest),
            capacity=self._capacity,
        )

    def _end(self, reason: str) -> None:
        if self._closed is None:
            self._closed = reason
            self._bus.forget(self)
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)
            self._waiter = None


_Put = Callable[[Record], None]


def _put_of(reader: MemoryReader, policy: SlowPolicy) -> _Put:
    """The reader's method that fits a policy, so that publishing asks no questions."""
    if policy is SlowPolicy.LATEST:
        return reader.replace
    if policy is SlowPolicy.DISCONNECT:
        return reader.append_or_close
    return reader.append


class _Branch:
    """Records of one class and venue: routes by symbol.

    Args:
        resolve: finds who wants a topic.
        kind: class of the records.
        exchange: venue id.
    """

    __slots__ = ("_exchange", "_kind", "_resolve", "published", "routes")

    def __init__(
        self, resolve: Callable[[Topic], tuple[_Put, ...]], kind: type[Record], exchange: str
    ) -> None:
        self._resolve = resolve
        self._kind = kind
        self._exchange = exchange
        self.published = 0
        self.routes: dict[str, tuple[_Put, ...]] = {}

    def publish(self, record: Record) -> None:
        """Puts `record` in the queue of every reader that wants it."""
        self.published += 1
        symbol = record.symbol
        puts = self.routes.get(symbol)
        if puts is None:
            puts = self._resolve(Topic(self._kind, self._exchange, symbol))
            if len(self.routes) >= ROUTES_MAX:
                self.routes.clear()
            self.routes[symbol] = puts
        for put in puts:
            put(record)


class MemoryBus(Bus):
    """Delivers within one event loop. Not safe to publish on from another thread."""

    def __init__(self) -> None:
        self._readers: list[MemoryReader] = []
        self._branches: dict[tuple[type[Record], str], _Branch] = {}

    def publish(self, record: Record) -> None:
        """Puts `record` in the queue of every reader that wants it, and returns at once."""
        self._branch(record.__class__, record.exchange).publish(record)

    def outlet(self, kind: type[Record], exchange: str) -> Callable[[Record], None]:
        """`publish` for the records of one class and venue; see `Bus.outlet`."""
        return self._branch(kind, exchange).publish

    def subscribe(self, name: str, filters: Sequence[TopicFilter], capacity: int) -> MemoryReader:
        """A new reader; see `Bus.subscribe`.

        Raises:
            ValueError: no filter, or `capacity` below 1.
        """
        if not filters or capacity < 1:
            raise ValueError(f"reader {name!r}: needs a filter and a capacity of at least 1")
        reader = MemoryReader(self, name, filters, capacity)
        self._readers.append(reader)
        self._forget_routes()
        return reader

    def forget(self, reader: MemoryReader) -> None:
        """Takes a reader off; called by the reader itself."""
        if reader in self._readers:
            self._readers.remove(reader)
            self._forget_routes()

    @property
    def readers(self) -> Sequence[ReaderStats]:
        """Counters of all readers."""
        return [reader.stats for reader in self._readers]

    @property
    def published(self) -> int:
        """Records published so far."""
        return sum(branch.published for branch in self._branches.values())

    def _branch(self, kind: type[Record], exchange: str) -> _Branch:
        branch = self._branches.get((kind, exchange))
        if branch is None:
            branch = self._branches[kind, exchange] = _Branch(self._resolve, kind, exchange)
        return branch

    def _forget_routes(self) -> None:
        """Routes are found anew at the next record of each topic."""
        for branch in self._branches.values():
            branch.routes.clear()

    def _resolve(self, topic: Topic) -> tuple[_Put, ...]:
        policy = POLICIES.get(topic.kind, SlowPolicy.DROP_OLDEST)
        return tuple(
            _put_of(reader, policy)
            for reader in self._readers
            if any(wanted.matches(topic) for wanted in reader.filters)
        )
