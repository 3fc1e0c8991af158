"""Reads files of an archive into a target, row by row, and tells what came of each.

A row that cannot be taken is refused and counted, with its place and the reason; a file that has
other columns, is cut off or has too many such rows ends there, and the next one goes on. Whatever
was read before is kept: starting again adds what is missing and nothing twice.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from headwater.app.archives.base import FilePlan
from headwater.app.archives.csv_rows import ArchiveUnreadable, CellRefused, CsvRow, read_rows
from headwater.app.archives.targets import Target, write_sifting
from headwater.core.records import FundingRate, Record

REASONS_MAX: Final = 10
"""Reasons of refused rows that are kept of a file; all are counted."""

REFUSED_MAX: Final = 1_000
"""Refused rows of one file; one more ends it: it is something else."""


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a file.

    Attributes:
        file: its name.
        kind: of its rows.
        rows: rows read, refused ones too.
        records: records made of them that the target takes.
        new: records that the target did not have.
        refused: rows that were not taken.
        reasons: why, at most `REASONS_MAX`, each with its place.
        problem: what ended the file early; empty when it was read to its end.
        first_ms: earliest time of a record, ms since the epoch; None without one.
        last_ms: latest time.
    """

    file: str
    kind: str
    rows: int
    records: int
    new: int
    refused: int
    reasons: Sequence[str]
    problem: str
    first_ms: int | None
    last_ms: int | None

    @property
    def sound(self) -> bool:
        """Whether every row was taken."""
        return not self.problem and not self.refused


class _Counts:
    """What came of a file so far."""

    def __init__(self) -> None:
        self.rows = 0
        self.records = 0
        self.new = 0
        self.refused = 0
        self.reasons: list[str] = []
        self.first_ms: int | None = None
        self.last_ms: int | None = None

    def refuse(self, reason: str) -> None:
        self.refused += 1
        if len(self.reasons) < REASONS_MAX:
            self.reasons.append(reason)

    def saw(self, record: Record) -> None:
        at_ms = kept_time_ms(record)
        self.records += 1
        self.first_ms = at_ms if self.first_ms is None else min(self.first_ms, at_ms)
        self.last_ms = at_ms if self.last_ms is None else max(self.last_ms, at_ms)


def ingest_file(plan: FilePlan, target: Target, tell: Callable[[int], None]) -> FileReport:
    """Reads one file into a target.

    Args:
        plan: the file and how it is read.
        target: takes the records.
        tell: hears the rows read so far, after each batch.

    Raises:
        StorageError: the target fails; what was written before stays.
    """
    counts = _Counts()
    batch: list[Record] = []
    problem = ""
    try:
        for row in read_rows(plan.path, plan.sheet):
            counts.rows += 1
            try:
                made = _records_of(plan, row)
            except CellRefused as error:
                counts.refuse(f"{row.file}:{row.line}: {error}")
                if counts.refused > REFUSED_MAX:
                    raise ArchiveUnreadable(
                        row.file, row.line, "", f"more than {REFUSED_MAX} rows refused: given up"
                    ) from error
                continue
            for record in made:
                if target.takes(record):
                    counts.saw(record)
                    batch.append(record)
            if len(batch) >= target.batch_rows:
                _write(target, batch, counts, plan)
                batch = []
                tell(counts.rows)
    except ArchiveUnreadable as error:
        problem = str(error)
    _write(target, batch, counts, plan)
    tell(counts.rows)
    return FileReport(
        file=plan.path.name,
        kind=plan.kind,
        rows=counts.rows,
        records=counts.records,
        new=counts.new,
        refused=counts.refused,
        reasons=tuple(counts.reasons),
        problem=problem,
        first_ms=counts.first_ms,
        last_ms=counts.last_ms,
    )


def kept_time_ms(record: Record) -> int:
    """The time that the record is kept by, ms since the epoch."""
    return record.funding_time_ms if isinstance(record, FundingRate) else record.timestamp_ms


def _records_of(plan: FilePlan, row: CsvRow) -> Sequence[Record]:
    if row.cells is None:
        raise CellRefused("all", f"the row has {row.columns} columns, the file others")
    return plan.reader(row.cells)


def _write(target: Target, batch: Sequence[Record], counts: _Counts, plan: FilePlan) -> None:
    if not batch:
        return
    new, refused = write_sifting(target, batch)
    counts.new += new
    for error in refused:
        counts.refuse(f"{plan.path.name}: {error}")
