"""Where the records of an archive go: into the database, or into a tape of Parquet.

Both take what they have already without a second row, so an ingest may be repeated and one that
was broken off is continued by starting it again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from headwater.core.enums import Side, StoredTable
from headwater.core.errors import StorageRefused
from headwater.core.records import LargeTrade, Record, Trade
from headwater.storage.base import Database
from headwater.storage.parquet_layout import layout_of, time_ms_of
from headwater.storage.parquet_parts import TapeQuery, partitioned, write_frame
from headwater.storage.parquet_reading import without_known
from headwater.storage.sessions import WriteSession
from headwater.storage.tables import TABLE_OF
from headwater.storage.upgrade import upgrade


class Target(Protocol):
    """Takes records."""

    batch_rows: int
    """Records that it takes best at a time."""

    def takes(self, record: Record) -> bool:
        """Whether it has a place for such records."""
        ...

    def write(self, records: Sequence[Record]) -> int:
        """Writes records that it takes; returns how many were new.

        Raises:
            StorageError: they are not written; writing them again is safe.
        """
        ...


class DatabaseTarget:
    """The database.

    Args:
        session: writes; its database is claimed.
        large_from: value from which on a trade is marked as large, quote currency.
    """

    batch_rows = 5_000

    def __init__(self, session: WriteSession, large_from: float) -> None:
        self._session = session
        self._large_from = large_from

    def takes(self, record: Record) -> bool:
        """Whether its kind has a table."""
        return record.__class__ in TABLE_OF

    def write(self, records: Sequence[Record]) -> int:
        """Writes them in one transaction; see `Target`."""
        by_table: dict[StoredTable, list[Any]] = {}
        for record in records:
            by_table.setdefault(TABLE_OF[record.__class__].name, []).append(self._marked(record))
        new = 0
        with self._session.transaction(durable=False) as writing:
            for some in by_table.values():
                spec = TABLE_OF[some[0].__class__]
                new += writing.insert(spec, [spec.row_of(record) for record in some])
        return new

    def _marked(self, record: Record) -> Record:
        if record.__class__ is not Trade or not isinstance(record, Trade):
            return record
        if record.value < self._large_from:
            return record
        return LargeTrade(
            *(getattr(record, name) for name in Trade.__struct_fields__),
            is_buyer_maker=record.side is Side.SELL,
        )


@contextmanager
def database_target(database: Database, large_from: float) -> Iterator[DatabaseTarget]:
    """The database, claimed and brought up to date while the block runs.

    Raises:
        StorageError: another process writes to it, or it cannot be opened.
    """
    with database.claim():
        upgrade(database)
        with WriteSession(database) as session:
            yield DatabaseTarget(session, large_from)


class TapeTarget:
    """A tape of Parquet: takes every record, each once.

    Args:
        root: its folder.
    """

    batch_rows = 100_000

    def __init__(self, root: Path) -> None:
        self._root = root

    def takes(self, record: Record) -> bool:
        """Always."""
        del record
        return True

    def write(self, records: Sequence[Record]) -> int:
        """Writes what is not there yet as one part per folder; see `Target`."""
        new = 0
        for partition, some in partitioned(records).items():
            rows = sorted(some, key=time_ms_of)
            query = TapeQuery(
                kind=partition.kind,
                exchange=partition.exchange,
                symbol=partition.symbol,
                start_ms=time_ms_of(rows[0]),
                end_ms=time_ms_of(rows[-1]) + 1,
            )
            fresh = without_known(self._root, query, layout_of(partition.kind).frame(rows))
            if fresh.height == 0:
                continue
            times = fresh.get_column("timestamp_ms")
            first_ms, last_ms = int(times[0]), int(times[-1])
            write_frame(partition.folder(self._root), fresh, first_ms, last_ms)
            new += fresh.height
        return new


def write_sifting(target: Target, records: Sequence[Record]) -> tuple[int, list[StorageRefused]]:
    """Writes records; of those that the target refuses each is found by halving.

    Returns:
        How many were new, and an error for each that was refused.

    Raises:
        StorageError: the target fails.
    """
    try:
        return target.write(records), []
    except StorageRefused as error:
        if len(records) == 1:
            return 0, [error]
    new, refused = 0, []
    middle = len(records) // 2
    for half in (records[:middle], records[middle:]):
        more, problems = write_sifting(target, half)
        new += more
        refused += problems
    return new, refused
