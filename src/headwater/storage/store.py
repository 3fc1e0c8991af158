"""The store: a database opened for the platform, with its writer and its readers.

What the event loop talks to. Nothing here blocks it: records are handed to the writer's thread,
questions go to a few threads that have a read-only connection each. Readers are closed before the
writer, so that the last connection to go is the one that may checkpoint.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any, Final, Self, TypeVar

import numpy as np
import numpy.typing as npt
import structlog

from headwater.core.clock import Clock
from headwater.core.errors import StorageError, StorageUnavailable
from headwater.storage.base import ColumnsQuery, Database, Query
from headwater.storage.lost_rows import LostRows
from headwater.storage.sessions import ReadSession, Snapshot
from headwater.storage.upgrade import upgrade
from headwater.storage.writer import StorageWriter, WriterHealth, WriterSettings

RecordT = TypeVar("RecordT")

READERS: Final = 2
"""Questions that are answered at a time."""

QUESTIONS_MAX: Final = 200
"""Questions that may wait or be answered; beyond it they are refused."""

STUDIES: Final = READERS - 1
"""Long questions that are answered at a time: one reader stays for the short ones."""

STUDIES_WAITING_MAX: Final = 16
"""Long questions that may wait; beyond it they are refused."""

STUDY_WAIT_S: Final = 20.0
"""Longest time a long question waits for its turn; then it is refused."""

_log: Final = structlog.stdlib.get_logger("headwater.storage.store")


class Store:
    """A database in use; an asynchronous context.

    Args:
        database: which one.
        clock: tells the time.
        settings: how it is written.
    """

    def __init__(
        self, database: Database, clock: Clock, settings: WriterSettings | None = None
    ) -> None:
        self._database = database
        self._writer = StorageWriter(database, clock, settings or WriterSettings())
        self._readers = _Readers(database)
        self._questions = 0
        self._studies = asyncio.Semaphore(STUDIES)
        self._studies_waiting = 0
        self._claim = ExitStack()

    async def __aenter__(self) -> Self:
        """Claims the database, brings its tables up to date and starts the writer.

        Raises:
            StorageError: another process writes to it, it is newer than the program, or it cannot
                be opened.
        """
        await asyncio.to_thread(self._open)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Answers what was asked, writes the last batch and closes, in this order."""
        await asyncio.to_thread(self._close)

    def put(self, record: Any) -> None:
        """Takes a record that has a table, to be written with the next batch."""
        self._writer.put(record)

    async def put_durable(self, records: Sequence[Any]) -> int:
        """Writes records and waits until they are on the disk.

        Returns:
            How many were new.

        Raises:
            StorageError: they are not acknowledged; writing them again is safe.
        """
        return await asyncio.wrap_future(self._writer.put_durable(records))

    async def flush(self) -> None:
        """Waits until everything that was put is written.

        Raises:
            StorageError: it could not be written yet.
        """
        await asyncio.wrap_future(self._writer.flush())

    def take_lost(self, exchange: str) -> list[LostRows]:
        """What a venue lost because more waited than may, each row told once."""
        return self._writer.take_lost(exchange)

    async def written(self) -> None:
        """Waits until everything that was put is written; while that fails, what is stored must do.

        For who reads next: writing goes on when it can, and health tells of it.
        """
        with suppress(StorageError):
            await self.flush()

    async def fetch(self, query: Query[RecordT]) -> Sequence[RecordT]:
        """Answers a question from what is written.

        Raises:
            StorageUnavailable: too many questions wait, or the database is away.
            StorageError: the database refused it.
        """
        return await self._ask(lambda one: one.fetch(query))

    async def columns(self, query: ColumnsQuery) -> npt.NDArray[np.float64]:
        """Answers a question about numbers alone, from what is written.

        Returns:
            Shape (rows, columns), in the order of the query; NaN for what is empty.

        Raises:
            StorageUnavailable: too many questions wait, or the database is away.
            StorageError: the database refused it.
        """
        return await self._ask(lambda one: one.columns(query))

    async def columns_of(self, queries: Sequence[ColumnsQuery]) -> list[npt.NDArray[np.float64]]:
        """Answers several such questions from one state of the database, one after another.

        One reader does it: for rows by the ten thousand that is faster than two, which would take
        the interpreter from each other at every row.

        Raises:
            StorageUnavailable: too many questions wait, or the database is away.
            StorageError: the database refused one.
        """
        return await self._ask(lambda one: one.columns_of(queries))

    async def _ask(self, work: Callable[[ReadSession], RecordT]) -> RecordT:
        if self._questions >= QUESTIONS_MAX:
            raise StorageUnavailable(self._database.label, f"{self._questions} questions wait")
        self._questions += 1
        try:
            return await asyncio.wrap_future(self._readers.ask(work))
        finally:
            self._questions -= 1

    async def study(self, work: Callable[[Snapshot], RecordT]) -> RecordT:
        """Answers a long question: a function that reads much of one state of the database.

        Args:
            work: runs in a reader's thread, and bounds what it reads itself.

        Raises:
            StorageUnavailable: too many such questions wait, or for too long, or the database is
                away.
            StorageError: the database refused it.
        """
        if self._studies_waiting >= STUDIES_WAITING_MAX:
            problem = f"{self._studies_waiting} long questions wait"
            raise StorageUnavailable(self._database.label, problem)
        self._studies_waiting += 1
        try:
            async with asyncio.timeout(STUDY_WAIT_S):
                await self._studies.acquire()
        except TimeoutError as error:
            problem = f"a long question waited for {STUDY_WAIT_S:g} s"
            raise StorageUnavailable(self._database.label, problem) from error
        finally:
            self._studies_waiting -= 1
        asked = self._readers.ask(lambda one: one.study(work))
        loop = asyncio.get_running_loop()
        # The turn ends with the work, which goes on when who asked is gone.
        asked.add_done_callback(lambda _: loop.call_soon_threadsafe(self._studies.release))
        return await asyncio.wrap_future(asked)

    async def ended(self) -> None:
        """Waits for the end of the writer; raises what ended it."""
        await asyncio.shield(asyncio.wrap_future(self._writer.ended))

    @property
    def health(self) -> WriterHealth:
        """What the writer did and what holds it up."""
        return self._writer.health

    @property
    def label(self) -> str:
        """The database as it may be shown."""
        return self._database.label

    def _open(self) -> None:
        with ExitStack() as claim:
            claim.enter_context(self._database.claim())
            done = upgrade(self._database)
            self._writer.start()
            self._claim = claim.pop_all()
        _log.info("storage_open", database=self.label, before=done.before, version=done.after)

    def _close(self) -> None:
        with self._claim:
            try:
                self._readers.close()
            finally:
                self._writer.close()


class _Readers:
    """Threads with a read-only connection each, opened when first used."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="storage reader")
        self._own = threading.local()
        self._sessions: list[ReadSession] = []

    def ask(self, work: Callable[[ReadSession], RecordT]) -> "Future[RecordT]":
        """Has one of the threads do `work`; returns its future."""
        return self._pool.submit(self._do, work)

    def _do(self, work: Callable[[ReadSession], RecordT]) -> RecordT:
        session: ReadSession | None = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = ReadSession(self._database)
            self._sessions.append(session)
        try:
            return work(session)
        except StorageUnavailable:
            # A lost connection does not come back: the next question opens another one.
            self._own.session = None
            self._sessions.remove(session)
            _close_quietly(session)
            raise

    def close(self) -> None:
        """Waits for what is being answered, then closes every connection."""
        self._pool.shutdown(wait=True)
        while self._sessions:
            _close_quietly(self._sessions.pop())


def _close_quietly(session: ReadSession) -> None:
    try:
        session.close()
    except StorageError as error:
        _log.info("storage_connection_lost", reason=str(error))
