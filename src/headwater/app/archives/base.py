"""What an archive is to the ingest: files, what they are, and a reader of their rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from headwater.app.archives.csv_rows import Sheet
from headwater.core.records import Record

RowReader = Callable[[Sequence[str]], Sequence[Record]]
"""Makes the records of a row: of the sheet's needed columns, in their order. Raises `CellRefused`.
It may remember rows before, so there is one per file."""


class FilePlan(msgspec.Struct, frozen=True, kw_only=True):
    """How one file is read.

    Attributes:
        path: the file.
        kind: of its rows, as the archive calls it.
        sheet: its columns.
        reader: makes records; for this file alone.
        for_tables: whether its records have tables in the database.
    """

    path: Path
    kind: str
    sheet: Sheet
    reader: RowReader
    for_tables: bool


class FileWish(msgspec.Struct, frozen=True, kw_only=True):
    """What was said about the files on the command line; None: the name of the file says it.

    Attributes:
        kind: of the rows.
        exchange: venue id that the records get.
        symbol: the venue's own symbol.
        interval: of candles.
        contract_size: base units of one contract.
    """

    kind: str | None = None
    exchange: str | None = None
    symbol: str | None = None
    interval: str | None = None
    contract_size: float | None = None


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """One public archive.

    Attributes:
        name: as `--source` calls it.
        kinds: what it has, with words for help.
        plan: tells how a file is read; raises `ConfigError` when neither name nor options say.
    """

    name: str
    kinds: Mapping[str, str]
    plan: Callable[[Path, FileWish], FilePlan]
