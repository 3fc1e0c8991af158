"""The bus inside one process: a bounded queue per reader, routes resolved once per topic.

For an event a put is the queue's own C method: nothing is counted per reader and record, because
what a full queue let go follows from what its topics published. A reader that waits is woken once
per loop turn, however many records arrived in it, and takes them all.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from headwater.bus.bus import Bus, Reader, ReaderClosed, ReaderStats
from headwater.bus.topics import POLICIES, SlowPolicy, Topic, TopicFilter
from headwater.core.records import Record

ROUTES_MAX: Final = 100_000
"""Symbols with a route of their own, per class and venue; further ones are found at each record."""

Put = Callable[[Record], None]


class MemoryReader(Reader):
    """A bounded queue. Made by `MemoryBus.subscribe`.

    Attributes:
        put: takes an event record; the oldest one goes when the queue is full.
    """

    def __init__(
        self, bus: "MemoryBus", name: str, filters: Sequence[TopicFilter], capacity: int
    ) -> None:
        self.filters = tuple(filters)
        self._bus = bus
        self._name = name
        self._capacity = capacity
        self._queue: deque[Record] = deque(maxlen=capacity)
        self._latest: dict[object, Record] = {}
        self._waiter: asyncio.Future[None] | None = None
        self._routes: list[tuple[Route, int]] = []
        self._without_route = 0
        self._delivered = 0
        self._taken = 0
        self._dropped_events = 0
        self._dropped_states = 0
        self._closed: str | None = None
        self.put: Put = self._queue.append

    def wants(self, topic: Topic) -> bool:
        """Whether any of its filters matches."""
        return any(wanted.matches(topic) for wanted in self.filters)

    def joins(self, route: "Route") -> None:
        """Hears the events of `route` from now on: what went before does not count."""
        self._routes.append((route, route.published))

    def put_or_close(self, record: Record) -> None:
        """Takes a record that must not be missed; ends the reader when full."""
        if len(self._queue) >= self._capacity:
            self._end(f"queue of {self._capacity} records overran; reload and subscribe again")
            return
        self.put(record)

    def put_without_route(self, record: Record, policy: SlowPolicy) -> None:
        """Takes a record of a topic that has no route, by its policy."""
        if policy is SlowPolicy.LATEST:
            self.replace(record)
            return
        if policy is SlowPolicy.DROP_OLDEST or len(self._queue) < self._capacity:
            self._without_route += 1
            self.put(record)
        else:
            self.put_or_close(record)

    def replace(self, record: Record) -> None:
        """Takes a state record; it replaces an older one of its topic that still waits."""
        key = (record.__class__, record.exchange, record.symbol)
        older = self._latest.get(key)
        self._latest[key] = record if older is None else record.over(older)
        if len(self._latest) > self._capacity:
            self._latest.pop(next(iter(self._latest)))
            self._dropped_states += 1
        if self._waiter is not None:
            self._wake()

    async def next_batch(self) -> Sequence[Record]:
        """Waits until there is something and returns all of it, events before states."""
        while not self._queue and not self._latest:
            if self._closed is not None:
                raise ReaderClosed(self._closed)
            self._waiter = asyncio.get_running_loop().create_future()
            self.put = self._put_and_wake
            await self._waiter
        return self.drain()

    def drain(self) -> Sequence[Record]:
        """Returns what is there without waiting; may be empty."""
        batch: list[Record] = list(self._queue)
        self._queue.clear()
        self._taken += len(batch)
        if len(batch) >= self._capacity:
            self._dropped_events = self._count_dropped(0)
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
        waiting = len(self._queue)
        if waiting >= self._capacity:
            self._dropped_events = self._count_dropped(waiting)
        return ReaderStats(
            name=self._name,
            delivered=self._delivered,
            dropped=self._dropped_events + self._dropped_states,
            queued=waiting + len(self._latest),
            capacity=self._capacity,
        )

    def _count_dropped(self, waiting: int) -> int:
        """Events put here that were neither taken nor wait. Walks all routes: only when full."""
        if self._closed is not None:
            return self._dropped_events
        put = self._without_route + sum(route.published - before for route, before in self._routes)
        return put - self._taken - waiting

    def _put_and_wake(self, record: Record) -> None:
        self._queue.append(record)
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        self.put = self._queue.append
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _end(self, reason: str) -> None:
        if self._closed is None:
            self._dropped_events = self._count_dropped(len(self._queue))
            self._closed = reason
            self._routes.clear()
            self._bus.forget(self)
            self._wake()


class Route:
    """Who hears one topic, and how many records went out on it."""

    __slots__ = ("published", "readers")

    def __init__(self, readers: tuple[MemoryReader, ...]) -> None:
        self.readers = readers
        self.published = 0

    def publish(self, record: Record) -> None:
        """Puts an event of its topic into the queue of every reader."""
        self.published += 1
        for reader in self.readers:
            put = reader.put
            put(record)


class _Branch:
    """Records of one class and venue: routes by symbol.

    Args:
        bus: knows the readers.
        kind: class of the records.
        exchange: venue id.
    """

    __slots__ = ("_bus", "_exchange", "_get", "_kind", "_without_route", "policy", "routes")

    def __init__(self, bus: "MemoryBus", kind: type[Record], exchange: str) -> None:
        self._bus = bus
        self._kind = kind
        self._exchange = exchange
        self._without_route = 0
        self.policy = POLICIES.get(kind, SlowPolicy.DROP_OLDEST)
        self.routes: dict[str, Route] = {}
        self._get = self.routes.get

    @property
    def outlet(self) -> Put:
        """The publishing method that fits the policy, so that publishing asks no questions."""
        if self.policy is SlowPolicy.LATEST:
            return self.publish_state
        if self.policy is SlowPolicy.DISCONNECT:
            return self.publish_strict
        return self.publish

    def outlet_of(self, symbol: str) -> Put:
        """The same for one symbol: an event's is that of its route, unless it gets none."""
        if self.policy is not SlowPolicy.DROP_OLDEST:
            return self.outlet
        route = self.routes.get(symbol) or self._new_route(symbol)
        return self.publish if route is None else route.publish

    @property
    def published(self) -> int:
        """Records of this class and venue so far."""
        return self._without_route + sum(route.published for route in self.routes.values())

    def publish(self, record: Record) -> None:
        """Puts an event into the queue of every reader that wants it."""
        get = self._get
        route = get(record.symbol)
        if route is None:
            route = self._new_route(record.symbol)
            if route is None:
                self._publish_without_route(record)
                return
        route.published += 1
        for reader in route.readers:
            put = reader.put
            put(record)

    def publish_state(self, record: Record) -> None:
        """Lets a record take the place of the one before at every reader that wants it."""
        route = self.routes.get(record.symbol) or self._new_route(record.symbol)
        if route is None:
            self._publish_without_route(record)
            return
        route.published += 1
        for reader in route.readers:
            reader.replace(record)

    def publish_strict(self, record: Record) -> None:
        """Puts a record that nobody may miss; a reader without room for it is ended."""
        route = self.routes.get(record.symbol) or self._new_route(record.symbol)
        if route is None:
            self._publish_without_route(record)
            return
        for reader in route.readers:
            reader.put_or_close(record)
        route.published += 1

    def joins(self, reader: MemoryReader) -> None:
        """A new reader: puts it on the routes that it wants."""
        for symbol, route in self.routes.items():
            if reader.wants(Topic(self._kind, self._exchange, symbol)):
                route.readers = (*route.readers, reader)
                if self.policy is not SlowPolicy.LATEST:
                    reader.joins(route)

    def leaves(self, reader: MemoryReader) -> None:
        """Takes a reader off all routes."""
        for route in self.routes.values():
            if reader in route.readers:
                route.readers = tuple(one for one in route.readers if one is not reader)

    def _new_route(self, symbol: str) -> Route | None:
        """A route for a symbol; None when there are too many."""
        if len(self.routes) >= ROUTES_MAX:
            return None
        readers = self._bus.readers_of(Topic(self._kind, self._exchange, symbol))
        route = self.routes[symbol] = Route(readers)
        if self.policy is not SlowPolicy.LATEST:
            for reader in readers:
                reader.joins(route)
        return route

    def _publish_without_route(self, record: Record) -> None:
        """Delivers a record of a symbol that has none: its readers are found anew."""
        self._without_route += 1
        for reader in self._bus.readers_of(Topic(self._kind, self._exchange, record.symbol)):
            reader.put_without_route(record, self.policy)


class MemoryBus(Bus):
    """Delivers within one event loop. Not safe to publish on from another thread."""

    def __init__(self) -> None:
        self._readers: list[MemoryReader] = []
        self._branches: dict[tuple[type[Record], str], _Branch] = {}
        self._outlets: dict[tuple[type[Record], str], Put] = {}

    def publish(self, record: Record) -> None:
        """Puts `record` in the queue of every reader that wants it, and returns at once."""
        self.outlet(record.__class__, record.exchange)(record)

    def outlet(self, kind: type[Record], exchange: str, symbol: str | None = None) -> Put:
        """`publish` for the records of one class and venue, or topic; see `Bus.outlet`."""
        found = self._outlets.get((kind, exchange))
        if found is None:
            branch = self._branches[kind, exchange] = _Branch(self, kind, exchange)
            found = self._outlets[kind, exchange] = branch.outlet
        return found if symbol is None else self._branches[kind, exchange].outlet_of(symbol)

    def subscribe(self, name: str, filters: Sequence[TopicFilter], capacity: int) -> MemoryReader:
        """A new reader; see `Bus.subscribe`.

        Raises:
            ValueError: no filter, or `capacity` below 1.
        """
        if not filters or capacity < 1:
            raise ValueError(f"reader {name!r}: needs a filter and a capacity of at least 1")
        reader = MemoryReader(self, name, filters, capacity)
        self._readers.append(reader)
        for branch in self._branches.values():
            branch.joins(reader)
        return reader

    def forget(self, reader: MemoryReader) -> None:
        """Takes a reader off; called by the reader itself."""
        if reader in self._readers:
            self._readers.remove(reader)
            for branch in self._branches.values():
                branch.leaves(reader)

    def readers_of(self, topic: Topic) -> tuple[MemoryReader, ...]:
        """Who wants `topic`, in the order of their coming."""
        return tuple(reader for reader in self._readers if reader.wants(topic))

    @property
    def readers(self) -> Sequence[ReaderStats]:
        """Counters of all readers."""
        return [reader.stats for reader in self._readers]

    @property
    def published(self) -> int:
        """Records published so far."""
        return sum(branch.published for branch in self._branches.values())
