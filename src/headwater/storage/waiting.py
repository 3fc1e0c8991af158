"""Rows that wait for the writer: one bounded queue per table, and the durable requests.

Written to by the event loop, emptied by the writer's thread. Nothing here waits but `wait`, which
the thread calls; a lock is held for an append or a handing over, never during a write.
"""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final

import msgspec

from headwater.core.enums import StoredTable
from headwater.core.errors import StorageUnavailable
from headwater.core.records import Record
from headwater.storage.base import TableSpec
from headwater.storage.lost_rows import LostRows, LostSeries
from headwater.storage.tables import TABLE_OF, TABLES

WAITING_ROWS_MAX: Final = 200_000
"""Rows of one table that may wait; beyond it the oldest are dropped and counted."""

DURABLE_ROWS_MAX: Final = 10_000
"""Durable rows that may wait; beyond it they are refused, never dropped."""

Batch = Sequence[tuple[TableSpec[Any], Sequence[Any]]]
"""Records by the table they belong to."""


class DurableRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Records that somebody waits for.

    Attributes:
        batch: the records.
        done: gets the number of new rows when they are on the disk, or the error.
    """

    batch: Batch
    done: "Future[int]"

    @property
    def rows(self) -> int:
        """How many."""
        return sum(len(records) for _, records in self.batch)


class _Queue:
    """What waits for one table."""

    def __init__(self, table: StoredTable) -> None:
        self.table = table
        self.records: deque[Any] = deque()
        self.dropped = 0


class Waiting:
    """Everything that waits to be written.

    Args:
        label: of the database, for errors.
        rows_max: bound of each table.
        batch_rows: so many rows of one table wake the writer before its time.
    """

    def __init__(self, label: str, rows_max: int, batch_rows: int) -> None:
        self._label = label
        self._rows_max = rows_max
        self._batch_rows = min(batch_rows, rows_max)
        self._queues = {name: _Queue(name) for name in TABLES}
        self._durable: deque[DurableRequest] = deque()
        self._durable_rows = 0
        self._flushes: list[Future[None]] = []
        self._full = False
        self._lost = LostSeries()
        self._changed = threading.Condition()
        self.closing = False

    def put(self, record: Any) -> None:
        """Adds a record to its table's queue; the oldest makes room when there is none."""
        queue = self._queues[TABLE_OF[record.__class__].name]
        with self._changed:
            if len(queue.records) >= self._rows_max:
                self._lose(queue, (queue.records.popleft(),))
            queue.records.append(record)
            if len(queue.records) == self._batch_rows:
                self._full = True
                self._changed.notify()

    def put_durable(self, records: Sequence[Any]) -> "Future[int]":
        """Adds records that somebody waits for.

        Raises:
            StorageUnavailable: too many wait already, or the writer is closing.
        """
        by_table: dict[StoredTable, list[Any]] = {}
        for record in records:
            by_table.setdefault(TABLE_OF[record.__class__].name, []).append(record)
        batch = [(TABLES[name], some) for name, some in by_table.items()]
        request = DurableRequest(batch=batch, done=Future())
        with self._changed:
            if self.closing:
                raise StorageUnavailable(self._label, "is being closed")
            if self._durable_rows + request.rows > DURABLE_ROWS_MAX:
                raise StorageUnavailable(self._label, f"{self._durable_rows} durable rows wait")
            self._durable.append(request)
            self._durable_rows += request.rows
            self._changed.notify()
        return request.done

    def flush(self) -> "Future[None]":
        """Asks for everything that waits now to be written at once.

        Raises:
            StorageUnavailable: the writer is closing.
        """
        asked: Future[None] = Future()
        with self._changed:
            if self.closing:
                raise StorageUnavailable(self._label, "is being closed")
            self._flushes.append(asked)
            self._changed.notify()
        return asked

    def close(self) -> None:
        """Asks the writer to write what waits and to end."""
        with self._changed:
            self.closing = True
            self._changed.notify()

    def wait(self, timeout_s: float, *, failing: bool) -> None:
        """Waits until there is something to do, or for so long.

        Args:
            timeout_s: longest wait.
            failing: whether the last write failed: then a full queue is no reason to hurry.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._urgent(failing=failing), timeout_s)
            self._full = False

    def _urgent(self, *, failing: bool) -> bool:
        return bool(self.closing or self._durable or self._flushes or (self._full and not failing))

    def take_durable(self) -> Sequence[DurableRequest]:
        """All durable requests, oldest first; not those whose asker went away."""
        with self._changed:
            taken = list(self._durable)
            self._durable.clear()
            self._durable_rows = 0
        # From here on they cannot be cancelled: the answer to one that was would be an error.
        return [request for request in taken if request.done.set_running_or_notify_cancel()]

    def take(self, rows: int) -> Batch:
        """At most so many of the waiting rows, each table's oldest first."""
        taken: list[tuple[TableSpec[Any], Sequence[Any]]] = []
        with self._changed:
            for name, queue in self._queues.items():
                count = min(rows, len(queue.records))
                if count:
                    taken.append((TABLES[name], [queue.records.popleft() for _ in range(count)]))
                    rows -= count
        return taken

    def give_back(self, batch: Batch) -> None:
        """Puts rows that could not be written to the front again, as far as there is room."""
        with self._changed:
            for spec, records in batch:
                queue = self._queues[spec.name]
                room = self._rows_max - len(queue.records)
                lost = max(0, len(records) - room)
                self._lose(queue, records[:lost])
                queue.records.extendleft(reversed(records[lost:]))

    def take_flushes(self) -> "Sequence[Future[None]]":
        """Who asked for everything to be written; not those who went away."""
        with self._changed:
            taken, self._flushes = self._flushes, []
        return [asked for asked in taken if asked.set_running_or_notify_cancel()]

    def take_lost(self, exchange: str) -> list[LostRows]:
        """What a venue lost because there was no room, each row told once."""
        with self._changed:
            return self._lost.take(exchange)

    def drop_all(self) -> int:
        """Gives up what still waits; returns how many rows that were."""
        with self._changed:
            lost = 0
            for queue in self._queues.values():
                queue.dropped += len(queue.records)
                lost += len(queue.records)
                queue.records.clear()
        return lost

    @property
    def counts(self) -> dict[StoredTable, tuple[int, int]]:
        """Per table: rows that wait, and rows dropped so far."""
        with self._changed:
            return {name: (len(q.records), q.dropped) for name, q in self._queues.items()}

    def _lose(self, queue: _Queue, records: Sequence[Any]) -> None:
        """Counts rows that are let go, while the lock is held."""
        queue.dropped += len(records)
        for record in records:
            if isinstance(record, Record):
                self._lost.note(queue.table, record)
