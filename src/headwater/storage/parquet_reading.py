"""Reading a tape of Parquet: lazily as columns, or record by record in the order of time.

Which files concern a question is told by their names; within them polars reads only the groups and
columns that are asked for.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from headwater.core.errors import StorageError
from headwater.storage.parquet_layout import RawMessage, TapeRecord, layout_of
from headwater.storage.parquet_parts import Part, TapeQuery, parts_of

RECORDS_AT_ONCE: Final = 20_000
"""Records made of columns at a time."""

_NS_PER_MS: Final = 1_000_000


def scan(root: Path, query: TapeQuery) -> pl.LazyFrame:
    """The rows of a question as columns, ordered by time; nothing is read before `collect`.

    Args:
        root: folder of the tape.
        query: which rows. Further conditions put on the result are looked up in the statistics of
            each group of rows before the group is read.

    Returns:
        The columns of the kind's layout; no rows where the tape has none.

    Raises:
        RequestError: there is no such kind, or too many parts.
        StorageError: a folder cannot be read.
    """
    parts = parts_of(root, query)
    return _chosen(_opened(parts, query.kind), query).sort(
        _time_columns(query.kind), maintain_order=True
    )


def read(root: Path, query: TapeQuery) -> Iterator[TapeRecord]:
    """The records of a question in the order of time; those of one time as they were written.

    Parts that follow each other are read one after the other, so memory holds one part, or those
    that overlap in time.

    Raises:
        RequestError: there is no such kind, or too many parts.
        StorageError: a part cannot be read; names it.
    """
    layout = layout_of(query.kind)
    for group in _overlapping(parts_of(root, query)):
        frame = collected(_chosen(_opened(group, query.kind), query), group)
        frame = frame.sort(_time_columns(query.kind), maintain_order=True)
        for start in range(0, frame.height, RECORDS_AT_ONCE):
            yield from layout.rows(frame.slice(start, RECORDS_AT_ONCE))


def collected(lazy: pl.LazyFrame, parts: Sequence[Part]) -> pl.DataFrame:
    """The columns in memory.

    Raises:
        StorageError: a part cannot be read.
    """
    try:
        return lazy.collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        names = ", ".join(str(part.path) for part in parts[:3])
        raise StorageError(names, f"cannot be read: {error}") from error


def _opened(parts: Sequence[Part], kind: str) -> pl.LazyFrame:
    schema = dict(layout_of(kind).schema)
    if not parts:
        return pl.LazyFrame(schema=schema)
    return pl.scan_parquet(
        [part.path for part in parts],
        schema=schema,
        glob=False,
        hive_partitioning=False,
        # A field that a record got later is null in the parts from before.
        missing_columns="insert",
        extra_columns="ignore",
    )


def _chosen(lazy: pl.LazyFrame, query: TapeQuery) -> pl.LazyFrame:
    """Only the rows in the span."""
    scale = _NS_PER_MS if query.kind == RawMessage.kind else 1
    time = pl.col(_time_columns(query.kind)[0])
    if query.start_ms is not None:
        lazy = lazy.filter(time >= query.start_ms * scale)
    if query.end_ms is not None:
        lazy = lazy.filter(time < query.end_ms * scale)
    return lazy


def _time_columns(kind: str) -> list[str]:
    return ["taken_ns"] if kind == RawMessage.kind else ["timestamp_ms"]


def _overlapping(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Parts by their first time, those together that share a time with one before them."""
    group: list[Part] = []
    until_ms = -1
    for part in parts:
        if group and part.first_ms > until_ms:
            yield group
            group = []
        group.append(part)
        until_ms = max(until_ms, part.last_ms)
    if group:
        yield group


def identity_of(kind: str) -> list[str]:
    """The columns by which two rows are the same thing heard twice: all but when we heard it."""
    return [name for name in layout_of(kind).schema if name != "received_ns"]


def without_known(root: Path, query: TapeQuery, frame: pl.DataFrame) -> pl.DataFrame:
    """Of some rows, each once, those that the tape does not have yet.

    Args:
        root: folder of the tape.
        query: where and when they may be there already.
        frame: the rows.
    """
    same: list[Any] = identity_of(query.kind)
    fresh = frame.unique(same, keep="first", maintain_order=True)
    parts = parts_of(root, query)
    if not parts:
        return fresh
    known = collected(_chosen(_opened(parts, query.kind), query).select(same), parts)
    return fresh.join(known, on=same, how="anti", nulls_equal=True, maintain_order="left")
