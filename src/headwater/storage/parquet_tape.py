"""The writer of a tape of Parquet: takes records at once, writes them in a thread of its own.

Rows gather in memory, one heap per folder, and become a part when there are enough of them, or
bytes, or when the oldest has waited long enough. So a killed process loses what had not become a
part yet, at most `part_s` seconds, and never half a part. Beyond the bound of what may wait, new
rows are dropped and counted. While the disk fails, rows wait and writing is tried again.
"""

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Final

import msgspec
import structlog

from headwater.core.clock import Clock
from headwater.core.errors import StorageError, StorageRefused
from headwater.core.records import BookDelta, BookSnapshot
from headwater.storage.parquet_layout import RawMessage, TapeRecord, time_ms_of
from headwater.storage.parquet_parts import Partition, partition_of, write_part

_log: Final = structlog.stdlib.get_logger("headwater.storage.parquet_tape")

_ROW_BYTES: Final = 512
"""Rough size of a record in memory."""
_LEVEL_BYTES: Final = 128


class TapeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of a tape's writer.

    Attributes:
        part_rows: rows of one part.
        part_bytes: bytes of the rows of one part, in memory.
        part_s: longest time a row waits for its part, seconds.
        waiting_bytes_max: bytes of all rows that wait; beyond it new ones are dropped.
        wake_s: how often the thread looks whether a part is due, seconds.
        retry_s: pause after the disk failed, seconds.
    """

    part_rows: int = 50_000
    part_bytes: int = 64 * 1024 * 1024
    part_s: float = 60.0
    waiting_bytes_max: int = 256 * 1024 * 1024
    wake_s: float = 0.5
    retry_s: float = 2.0


class TapeStats(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of a tape's writer.

    Attributes:
        written: rows that are in a part on the disk.
        waiting: rows that are not yet.
        dropped: rows lost because the disk was too slow or failed for too long.
        refused: rows that fit no column.
        parts: parts written.
        problem: newest trouble with the disk; empty when the last write worked.
    """

    written: int
    waiting: int
    dropped: int
    refused: int
    parts: int
    problem: str


class _Heap:
    """What waits to become a part."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.rows: list[TapeRecord] = []
        self.bytes = 0


class ParquetTape:
    """Takes records of every kind; `start` before, `close` after.

    Args:
        root: folder of the tape.
        clock: tells how long rows have waited.
        settings: bounds.
    """

    def __init__(self, root: Path, clock: Clock, settings: TapeSettings | None = None) -> None:
        self._root = root
        self._clock = clock
        self._settings = settings or TapeSettings()
        self._changed = threading.Condition()
        self._arrived: list[TapeRecord] = []
        self._heaps: dict[Partition, _Heap] = {}
        self._waiting = 0
        self._waiting_bytes = 0
        self._written = 0
        self._dropped = 0
        self._refused = 0
        self._parts = 0
        self._problem = ""
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="tape writer", daemon=True)
        self.ended: Future[None] = Future()
        """Ends with the thread, with an error when it ended by one."""

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def put(self, record: TapeRecord) -> None:
        """Takes a record; returns at once and never fails."""
        size = size_of(record)
        with self._changed:
            if self._closing or self._waiting_bytes + size > self._settings.waiting_bytes_max:
                self._dropped += 1
                return
            self._waiting += 1
            self._waiting_bytes += size
            self._arrived.append(record)

    def close(self) -> int:
        """Writes what waits, once more, and ends the thread; blocks for that long.

        Returns:
            Rows that could not be written and are lost.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()
        with self._changed:
            lost, self._waiting, self._waiting_bytes = self._waiting, 0, 0
            self._dropped += lost
            self._arrived.clear()
            self._heaps.clear()
        if lost:
            _log.error("tape_rows_lost", folder=str(self._root), rows=lost, reason=self._problem)
        return lost

    @property
    def stats(self) -> TapeStats:
        """Counters now."""
        with self._changed:
            return TapeStats(
                written=self._written,
                waiting=self._waiting,
                dropped=self._dropped,
                refused=self._refused,
                parts=self._parts,
                problem=self._problem,
            )

    def _run(self) -> None:
        try:
            closing = False
            while not closing:
                pause_s = self._settings.retry_s if self._problem else self._settings.wake_s
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, pause_s)
                    closing = self._closing
                    arrived, self._arrived = self._arrived, []
                self._sort(arrived)
                self._write_due(everything=closing)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for `ended`
            with self._changed:
                self._problem = repr(error)
                self._closing = True
            self.ended.set_exception(error)
            _log.exception("tape_writer_died")
        else:
            self.ended.set_result(None)

    def _sort(self, arrived: list[TapeRecord]) -> None:
        """Puts rows to the heap of their folder; a venue's absurd time costs its own row only."""
        now = self._clock.monotonic()
        for row in arrived:
            try:
                partition = partition_of(row)
            except StorageRefused as error:
                self._refuse(row, error)
                continue
            heap = self._heaps.get(partition)
            if heap is None:
                heap = self._heaps[partition] = _Heap(now)
            heap.rows.append(row)
            heap.bytes += size_of(row)

    def _write_due(self, *, everything: bool) -> None:
        settings, now = self._settings, self._clock.monotonic()
        for partition, heap in list(self._heaps.items()):
            due = (
                everything
                or len(heap.rows) >= settings.part_rows
                or heap.bytes >= settings.part_bytes
                or now - heap.since >= settings.part_s
            )
            if due and not self._write(partition, heap):
                return

    def _write(self, partition: Partition, heap: _Heap) -> bool:
        """Makes parts of a heap, oldest rows first; false when the disk failed."""
        heap.rows.sort(key=time_ms_of)
        while heap.rows:
            rows = heap.rows[: self._settings.part_rows]
            try:
                write_part(self._root, partition, rows)
            except StorageRefused as error:
                self._sift(partition, rows, error)
            except StorageError as error:
                if not self._problem:
                    _log.error("tape_not_written", folder=str(self._root), problem=str(error))
                self._problem = str(error)
                return False
            else:
                self._gone(rows, written=len(rows), parts=1)
            del heap.rows[: len(rows)]
        del self._heaps[partition]
        return True

    def _sift(self, partition: Partition, rows: list[TapeRecord], error: StorageRefused) -> None:
        """Writes rows of which one fits no column: it is found by halving."""
        if len(rows) == 1:
            self._refuse(rows[0], error)
            return
        middle = len(rows) // 2
        for half in (rows[:middle], rows[middle:]):
            try:
                write_part(self._root, partition, half)
            except StorageRefused as problem:
                self._sift(partition, half, problem)
            except StorageError as problem:
                self._problem = str(problem)
                with self._changed:
                    self._dropped += len(half)
                self._gone(half)
            else:
                self._gone(half, written=len(half), parts=1)

    def _refuse(self, row: TapeRecord, error: StorageRefused) -> None:
        """Counts a row that no part can hold."""
        _log.error("tape_row_refused", row=repr(row)[:400], reason=str(error))
        self._gone([row], refused=1)

    def _gone(
        self, rows: list[TapeRecord], *, written: int = 0, refused: int = 0, parts: int = 0
    ) -> None:
        """Notes that rows wait no more."""
        with self._changed:
            self._waiting -= len(rows)
            self._waiting_bytes -= sum(map(size_of, rows))
            self._written += written
            self._refused += refused
            self._parts += parts
            if parts:
                self._problem = ""


def size_of(record: TapeRecord) -> int:
    """Roughly how many bytes a record takes in memory."""
    if isinstance(record, RawMessage):
        return _ROW_BYTES + len(record.payload)
    if isinstance(record, BookSnapshot | BookDelta):
        return _ROW_BYTES + _LEVEL_BYTES * (len(record.bids) + len(record.asks))
    return _ROW_BYTES
