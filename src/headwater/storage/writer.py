"""The writer: one thread that owns the one connection that writes.

Market rows (class NORMAL) are written in batches, by number or by time, and survive a crash of the
process once written; a power cut may take the last second. Durable rows (class FULL) go first and
are acknowledged only after the database has them on the disk. While the database fails, rows wait,
then the oldest market rows are dropped and counted; the writer tries again with growing pauses and
goes on by itself. Durable rows are never dropped: who waits for them is told.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final

import msgspec
import structlog

from headwater.core.clock import Clock
from headwater.core.enums import StoredTable
from headwater.core.errors import StorageError, StorageRefused, StorageUnavailable
from headwater.storage.base import Database, TableSpec
from headwater.storage.lost_rows import LostRows
from headwater.storage.maintenance import Maintenance
from headwater.storage.retention import Retention
from headwater.storage.sessions import WriteSession
from headwater.storage.tables import TABLES
from headwater.storage.waiting import WAITING_ROWS_MAX, Batch, DurableRequest, Waiting

_log: Final = structlog.stdlib.get_logger("headwater.storage.writer")


class WriterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the writer works.

    Attributes:
        batch_rows: most rows in one transaction; so many waiting ones are written at once.
        flush_s: longest time a row waits for its batch, seconds.
        waiting_rows_max: rows of one table that may wait; then the oldest are dropped.
        retry_first_s: pause after a failure, seconds; doubled after each further one.
        retry_max_s: longest pause.
        retention_every_s: how often rows that are too old are deleted, and days that are over
            packed.
        retention: how long rows are kept.
    """

    batch_rows: int = 5_000
    flush_s: float = 0.25
    waiting_rows_max: int = WAITING_ROWS_MAX
    retry_first_s: float = 0.1
    retry_max_s: float = 5.0
    retention_every_s: float = 600.0
    retention: Retention = Retention()


class TableHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows of one table since the start.

    Attributes:
        written: rows that were written; one that was there already counts too.
        waiting: rows that wait now.
        dropped: rows lost because the database did not keep up or failed for too long.
        refused: rows that the database does not take.
    """

    written: int = 0
    waiting: int = 0
    dropped: int = 0
    refused: int = 0


class WriterHealth(msgspec.Struct, frozen=True, kw_only=True):
    """State of the writer.

    Attributes:
        tables: by table.
        forgotten: rows deleted by retention.
        packed: days of liquidations packed into blocks.
        failing_since_ms: wall time of the first failure since the last success, ms since the
            epoch; None while writing works.
        last_error: newest failure in words, also after it ended; empty when there was none.
    """

    tables: dict[StoredTable, TableHealth]
    forgotten: int
    packed: int
    failing_since_ms: int | None
    last_error: str

    @property
    def healthy(self) -> bool:
        """Whether the last write worked."""
        return self.failing_since_ms is None


class StorageWriter:
    """Takes records and writes them; `start` before, `close` after.

    Args:
        database: where to; its claim is held from before `start` until after `close`.
        clock: stamps failures and tells when retention is due.
        settings: how it works.
    """

    def __init__(self, database: Database, clock: Clock, settings: WriterSettings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._waiting = Waiting(database.label, settings.waiting_rows_max, settings.batch_rows)
        self._session: WriteSession | None = None
        self._written = dict.fromkeys(TABLES, 0)
        self._refused = dict.fromkeys(TABLES, 0)
        self._last_error = ""
        self._failing_since_ms: int | None = None
        self._pause_s = 0.0
        self._maintenance = Maintenance(clock, settings.retention, settings.retention_every_s)
        self._thread = threading.Thread(target=self._run, name="storage writer", daemon=True)
        self.ended: Future[None] = Future()
        """Ends with the thread, with an error when it ended by one."""

    def start(self) -> None:
        """Opens the connection and starts the thread; blocks for that long.

        Raises:
            StorageError: the database cannot be opened.
        """
        self._session = WriteSession(self._database)
        self._thread.start()

    def put(self, record: Any) -> None:
        """Takes a record of any kind that has a table; returns at once and never fails."""
        self._waiting.put(record)

    def put_durable(self, records: Sequence[Any]) -> "Future[int]":
        """Takes records that must not be lost.

        Returns:
            Ends when they are on the disk, with the number of rows that were new; or with a
            `StorageError`: then they are not acknowledged, and writing them again is safe.

        Raises:
            StorageUnavailable: too many wait already, or the writer is closing or has ended.
        """
        return self._waiting.put_durable(records)

    def take_lost(self, exchange: str) -> list[LostRows]:
        """What a venue lost because the queue was full, each row told once."""
        return self._waiting.take_lost(exchange)

    def flush(self) -> "Future[None]":
        """Ends when what waits now is written; with a `StorageError` when that failed.

        Raises:
            StorageUnavailable: the writer is closing or has ended.
        """
        return self._waiting.flush()

    def close(self) -> int:
        """Writes what waits, once more, and ends the thread; blocks for that long.

        Returns:
            Rows that could not be written and are lost.
        """
        self._waiting.close()
        if self._thread.ident is not None:
            self._thread.join()
        if self._session is not None:
            self._session.close()
            self._session = None
        lost = self._waiting.drop_all()
        if lost:
            _log.error("rows_lost_at_close", rows=lost, reason=self._last_error)
        return lost

    @property
    def health(self) -> WriterHealth:
        """Counters and the newest failure."""
        counts = self._waiting.counts
        tables = {
            name: TableHealth(
                written=self._written[name],
                waiting=counts[name][0],
                dropped=counts[name][1],
                refused=self._refused[name],
            )
            for name in TABLES
        }
        return WriterHealth(
            tables=tables,
            forgotten=self._maintenance.forgotten,
            packed=self._maintenance.packed,
            failing_since_ms=self._failing_since_ms,
            last_error=self._last_error,
        )

    def _run(self) -> None:
        """The thread: waits, writes, forgets, until it is asked to end."""
        try:
            while True:
                closing = self._waiting.closing
                flushes = self._waiting.take_flushes()
                failure = self._write_all()
                for flush in flushes:
                    flush.set_result(None) if failure is None else flush.set_exception(failure)
                if closing:
                    break
                if failure is None:
                    self._maintain()
                self._waiting.wait(self._next_wait_s(), failing=failure is not None)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for `ended`
            self._last_error = repr(error)
            self.ended.set_exception(error)
            _log.exception("storage_writer_died")
        else:
            self.ended.set_result(None)
        finally:
            # Nobody is left to answer: what is asked from here on is refused, not left waiting.
            self._waiting.close()
            problem = StorageUnavailable(self._database.label, "its writer has ended")
            for request in self._waiting.take_durable():
                request.done.set_exception(problem)
            for flush in self._waiting.take_flushes():
                flush.set_exception(problem)

    def _next_wait_s(self) -> float:
        if self._maintenance.is_running:
            return 0.0
        return self._pause_s or self._settings.flush_s

    def _write_all(self) -> StorageError | None:
        """Writes everything that waits, durable rows first; the error when that failed."""
        while True:
            self._write_durable(self._waiting.take_durable())
            batch = self._waiting.take(self._settings.batch_rows)
            if not batch:
                return None
            try:
                self._write_sifting(batch)
            except StorageError as error:
                self._waiting.give_back(batch)
                self._failed(error)
                return error

    def _write_durable(self, requests: Sequence[DurableRequest]) -> None:
        """One commit for all that wait; each for itself when one of them spoils it."""
        if not requests:
            return
        try:
            counts = self._write([request.batch for request in requests], durable=True)
        except StorageRefused as error:
            if len(requests) == 1:
                requests[0].done.set_exception(error)
                return
            for request in requests:
                self._write_durable([request])
        except StorageError as error:
            self._failed(error)
            for request in requests:
                request.done.set_exception(error)
        else:
            for request, changed in zip(requests, counts, strict=True):
                request.done.set_result(changed)

    def _write_sifting(self, batch: Batch) -> None:
        """Writes a batch; rows that the database does not take are found by halving."""
        try:
            self._write([batch], durable=False)
        except StorageRefused as error:
            if len(batch) > 1:
                # Only one of the tables may have refused: each is tried for itself.
                for part in batch:
                    self._write_sifting([part])
                return
            spec, records = batch[0]
            if len(records) == 1:
                self._put_aside(spec, records[0], error)
                return
            middle = len(records) // 2
            for half in (records[:middle], records[middle:]):
                self._write_sifting([(spec, half)])

    def _put_aside(self, spec: TableSpec[Any], record: Any, error: StorageRefused) -> None:
        """Counts a row that was tried alone and does not fit."""
        self._refused[spec.name] += 1
        self._last_error = str(error)
        _log.error("row_refused", table=spec.name.value, row=repr(record), reason=str(error))

    def _write(self, batches: Sequence[Batch], *, durable: bool) -> Sequence[int]:
        """One transaction; returns how many rows of each batch were new or changed one."""
        counts = []
        with self._usable_session().transaction(durable=durable) as writing:
            for batch in batches:
                changed = 0
                for spec, records in batch:
                    row_of = spec.row_of
                    changed += writing.insert(spec, [row_of(record) for record in records])
                counts.append(changed)
        for batch in batches:
            for spec, records in batch:
                self._written[spec.name] += len(records)
        self._worked()
        return counts

    def _usable_session(self) -> WriteSession:
        """The open one, or another one when it is lost; a round of upkeep goes with it."""
        if self._session is None or not self._session.usable:
            self._maintenance.give_up()
            self._reopen()
        assert self._session is not None
        return self._session

    def _reopen(self) -> None:
        lost, self._session = self._session, None
        if lost is not None:
            try:
                lost.close()
            except StorageError as error:
                _log.info("storage_connection_lost", reason=str(error))
        self._session = WriteSession(self._database)

    def _worked(self) -> None:
        """Notes a success: a failure before it has ended."""
        if self._failing_since_ms is not None:
            _log.warning("storage_works_again", reason=self._last_error)
        self._failing_since_ms = None
        self._pause_s = 0.0

    def _failed(self, error: StorageError) -> None:
        """Notes a failure; pauses grow from one to the next."""
        first, longest = self._settings.retry_first_s, self._settings.retry_max_s
        self._pause_s = min(self._pause_s * 2 or first, longest)
        self._last_error = str(error)
        self._maintenance.give_up()
        if self._failing_since_ms is None:
            self._failing_since_ms = self._clock.now_ms()
            _log.error("storage_fails", reason=str(error))

    def _maintain(self) -> None:
        """One step of upkeep, when it is due."""
        if not self._maintenance.is_due:
            return
        try:
            self._maintenance.step(self._usable_session())
        except StorageError as error:
            self._failed(error)
        else:
            self._worked()
