"""The contract of a bus: publish never waits, every reader has one bounded queue.

Knows nothing of what is published. `memory` is the bus inside a process.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import msgspec

from headwater.bus.topics import TopicFilter
from headwater.core.records import Record


class ReaderStats(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of one reader.

    Attributes:
        name: who reads.
        delivered: records handed over so far.
        dropped: records lost because the reader was too slow.
        queued: records waiting now.
        capacity: most that may wait.
    """

    name: str
    delivered: int
    dropped: int
    queued: int
    capacity: int


class Reader(ABC):
    """One reader's end of the bus."""

    @abstractmethod
    async def next_batch(self) -> Sequence[Record]:
        """Waits until there is something and returns all of it, oldest first.

        Raises:
            ReaderClosed: the reader was closed, by itself or by policy.
        """

    @abstractmethod
    def drain(self) -> Sequence[Record]:
        """Returns what is there without waiting; may be empty."""

    @abstractmethod
    def close(self) -> None:
        """Leaves the bus; harmless when repeated."""

    @property
    @abstractmethod
    def stats(self) -> ReaderStats:
        """Counters now."""


class ReaderClosed(Exception):
    """The reader left the bus, or was made to because it was too slow.

    Args:
        reason: in words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Bus(ABC):
    """Delivers records from whoever makes them to whoever asked for them."""

    @abstractmethod
    def publish(self, record: Record) -> None:
        """Puts `record` in the queue of every reader that wants it, and returns at once."""

    @abstractmethod
    def outlet(
        self, kind: type[Record], exchange: str, symbol: str | None = None
    ) -> Callable[[Record], None]:
        """`publish` for the records of one class and venue, with that much resolved beforehand.

        For sources of many records: it saves a third of the cost of publishing one, and half of it
        when the symbol is named too.

        Args:
            kind: class of the records, all of them.
            exchange: venue id of all of them.
            symbol: of all of them; None when they differ.
        """

    @abstractmethod
    def subscribe(self, name: str, filters: Sequence[TopicFilter], capacity: int) -> Reader:
        """A new reader.

        Args:
            name: who reads, for metrics and logs.
            filters: what it wants: any of these.
            capacity: most records that may wait for it, ≥ 1.
        """

    @property
    @abstractmethod
    def readers(self) -> Sequence[ReaderStats]:
        """Counters of all readers."""

    @property
    @abstractmethod
    def published(self) -> int:
        """Records published so far."""
