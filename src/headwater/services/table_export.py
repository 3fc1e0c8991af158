"""Exports of stored tables for clients: page by page, a few at a time, in bounded memory.

The first page is read before an export is given out, so that what is wrong is said as an error and
not in the middle of a file. A reader's thread is held for one page at a time only: a slow client
delays nobody's question.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from headwater.core.errors import StorageUnavailable
from headwater.storage.exporting import (
    COPY_BYTES,
    PAGE_ROWS,
    ExportFormat,
    ExportQuery,
    ParquetPages,
    RowText,
    fields_of,
    key_of,
    layout_of_table,
    page_of,
    rows_of,
)
from headwater.storage.store import Store

EXPORTS_MAX: Final = 2
"""Exports at a time; one more is refused."""


class TableExport:
    """Gives exports of what is stored.

    Args:
        store: where it lies.
        page_rows: rows that are read at a time.
    """

    def __init__(self, store: Store, page_rows: int = PAGE_ROWS) -> None:
        self._store = store
        self._page_rows = page_rows
        self._running = 0

    async def begin(self, query: ExportQuery, row_format: ExportFormat) -> "OneExport":
        """Begins an export; whoever gets it must close it.

        Raises:
            RequestError: the query asks for something that the table has not.
            StorageUnavailable: too many run already, or the database is away.
        """
        if self._running >= EXPORTS_MAX:
            raise StorageUnavailable(self._store.label, f"{self._running} exports run already")
        self._running += 1
        export = OneExport(self._store, query, row_format, self._page_rows, self._ended)
        try:
            await export.open()
        except BaseException:
            await export.close()
            raise
        return export

    def _ended(self) -> None:
        self._running -= 1


class OneExport:
    """One export; made by `TableExport.begin`.

    Args:
        store: where the table lies.
        query: what is exported.
        row_format: how.
        page_rows: rows that are read at a time.
        ended: called once, at the end.
    """

    def __init__(
        self,
        store: Store,
        query: ExportQuery,
        row_format: ExportFormat,
        page_rows: int,
        ended: Callable[[], None],
    ) -> None:
        self._store = store
        self._query = query
        self._format = row_format
        self._page_rows = page_rows
        self._ended: Callable[[], None] | None = ended
        self._first: Sequence[Any] = ()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def open(self) -> None:
        """Writes what still waits, and reads the first page.

        Raises:
            RequestError: the query asks for something that the table has not.
            StorageError: the database does not answer.
        """
        question = page_of(self._query, None, self._page_rows)
        await self._store.written()
        self._first = await self._store.fetch(question)

    @property
    def is_empty(self) -> bool:
        """Whether no row fits the query."""
        return not self._first

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes of the file, in order.

        Raises:
            StorageError: the database does not answer any more; the file is not whole.
        """
        if self._format is ExportFormat.PARQUET:
            async for piece in self._parquet():
                yield piece
            return
        text = RowText(fields_of(self._query.table), self._format)
        yield text.begin()
        async for page in self._pages():
            # Thousands of rows take tens of milliseconds: not on the event loop.
            yield await asyncio.to_thread(_page_text, text, page)
        yield text.end()

    async def close(self) -> None:
        """Frees what the export holds; harmless when repeated."""
        ended, self._ended = self._ended, None
        folder, self._folder = self._folder, None
        try:
            if folder is not None:
                await asyncio.to_thread(folder.cleanup)
        finally:
            if ended is not None:
                ended()

    async def _pages(self) -> AsyncIterator[Sequence[Any]]:
        page, self._first = self._first, ()
        while page:
            yield page
            if len(page) < self._page_rows:
                return
            after = key_of(self._query.table, page[-1])
            page = await self._store.fetch(page_of(self._query, after, self._page_rows))

    async def _parquet(self) -> AsyncIterator[bytes]:
        """The end of such a file says where everything is: it is made whole, then sent."""
        self._folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="headwater-")
        pages = ParquetPages(Path(self._folder.name), layout_of_table(self._query.table))
        async for page in self._pages():
            await asyncio.to_thread(_lay_aside, pages, page)
        path = await asyncio.to_thread(pages.finish)
        file = await asyncio.to_thread(path.open, "rb")
        try:
            while piece := await asyncio.to_thread(file.read, COPY_BYTES):
                yield piece
        finally:
            file.close()


def _page_text(text: RowText, page: Sequence[Any]) -> bytes:
    return text.page(rows_of(page))


def _lay_aside(pages: ParquetPages, page: Sequence[Any]) -> None:
    pages.add(rows_of(page))
