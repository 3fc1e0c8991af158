"""Reading long spans of storage in pages, without holding all rows at a time."""

import asyncio
import bisect
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from headwater.core.errors import RequestError
from headwater.storage.base import LIMIT_MAX, Query, Span

RecordT = TypeVar("RecordT")
ColumnsT = TypeVar("ColumnsT")


class Fetch(Protocol):
    """Answers a query of storage."""

    async def __call__(self, query: Query[RecordT]) -> Sequence[RecordT]:
        """The records, in the query's order. Raises `StorageError`."""
        ...


async def read_pages(
    fetch: Fetch,
    query_of: Callable[[Span], Query[RecordT]],
    span: Span,
    moment_of: Callable[[RecordT], int],
    columns_of: Callable[[Sequence[RecordT]], ColumnsT],
    most: int,
    what: str,
) -> list[ColumnsT]:
    """Reads a span in pages, each made into columns before the next is read.

    Args:
        fetch: reads.
        query_of: what is asked of a part of the span; its answers ascend in time.
        span: which rows; its limit has no meaning.
        moment_of: time of a row, ms since the epoch.
        columns_of: makes columns of the rows of a page, of none too; called in a thread.
        most: rows.
        what: they are, in the plural, for the error.

    Returns:
        Columns page by page, at least one.

    Raises:
        RequestError: more rows than `most`, or a page of one instant.
    """
    made: list[ColumnsT] = []
    start_ms, rows = span.start_ms, 0
    while True:
        part = Span(start_ms=start_ms, end_ms=span.end_ms, limit=LIMIT_MAX)
        page = await fetch(query_of(part))
        rows += len(page)
        if len(page) < LIMIT_MAX:
            return [*made, await asyncio.to_thread(columns_of, page)]
        # The page may end within an instant: that instant is asked for again, whole.
        start_ms = moment_of(page[-1])
        whole = page[: bisect.bisect_left(page, start_ms, key=moment_of)]
        if not whole or rows > most:
            raise RequestError("days", rows, f"a span of at most {most} {what}")
        made.append(await asyncio.to_thread(columns_of, whole))
