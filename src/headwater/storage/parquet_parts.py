"""Parts of a tape: files of Parquet in folders by venue, kind, symbol and day.

`venue=binance/kind=trade/symbol=BTCUSDT/day=2026-11-21/part-<first>-<last>-<digest>.parquet`, times
in milliseconds; day and times are UTC. A part is written under another name, brought to the disk
and then renamed, so it is there whole or not at all, whenever the process is killed. The name ends
in a digest of the contents: writing the same part twice gives one part. Names of folders are
percent-encoded (`*` is `%2A`).
"""

import contextlib
import errno
import hashlib
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

import msgspec
import polars as pl

from headwater.core.errors import RequestError, StorageError, StorageRefused, StorageUnavailable
from headwater.storage.parquet_layout import TapeRecord, layout_of, symbol_of, time_ms_of

ROW_GROUP_ROWS: Final = 50_000
"""Rows of one group inside a part: what a reader who wants a narrow time has to read."""

PARTS_MAX: Final = 200_000
"""Parts that one question may concern; beyond it a narrower one is demanded."""

TIME_MAX_MS: Final = 253_402_300_799_999
"""Last millisecond of the year 9999: later times have no day."""

UNFINISHED: Final = ".unfinished"
"""End of the name of a part that is being written."""

REPLACES: Final = ".replaces"
"""End of the name of the list of parts that a merged one stands for."""

_DIGEST_BYTES: Final = 8
_COMPRESSION_LEVEL: Final = 3
_NAME: Final = re.compile(r"part-(\d{1,15})-(\d{1,15})-[0-9a-f]{16}\.parquet")
_FOLDERS: Final = ("venue", "kind", "symbol", "day")


class Partition(msgspec.Struct, frozen=True, order=True):
    """What one folder holds.

    Attributes:
        exchange: venue id.
        kind: of the records.
        symbol: canonical symbol, `*` for a whole market, `all` for raw messages.
        day: `YYYY-MM-DD`, UTC.
    """

    exchange: str
    kind: str
    symbol: str
    day: str

    def folder(self, root: Path) -> Path:
        """Its folder in a tape."""
        values = (self.exchange, self.kind, self.symbol, self.day)
        names = (
            f"{name}={quote(text, '', errors='surrogatepass')}"
            for name, text in zip(_FOLDERS, values, strict=True)
        )
        return root.joinpath(*names)


class Part(msgspec.Struct, frozen=True):
    """One file.

    Attributes:
        path: where it is.
        first_ms: time of its first row.
        last_ms: time of its last row, inclusive.
    """

    path: Path
    first_ms: int
    last_ms: int


class TapeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of a tape.

    Attributes:
        kind: of the records.
        exchange: venue id, None for all.
        symbol: canonical symbol, None for all.
        start_ms: earliest time, inclusive, None for the beginning.
        end_ms: first time that is not wanted any more, None for the end.
    """

    kind: str
    exchange: str | None = None
    symbol: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None


def day_of(time_ms: int) -> str:
    """The day of a moment, `YYYY-MM-DD`, UTC."""
    return datetime.fromtimestamp(time_ms // 1000, UTC).date().isoformat()


def partition_of(row: TapeRecord) -> Partition:
    """The folder that a record belongs to.

    Raises:
        StorageRefused: its time is before 1970 or after `TIME_MAX_MS`.
    """
    time_ms = time_ms_of(row)
    if not 0 <= time_ms <= TIME_MAX_MS:
        raise StorageRefused(f"tape of {row.kind}", f"the time {time_ms} ms has no day")
    return Partition(row.exchange, row.kind, symbol_of(row), day_of(time_ms))


def partitioned(rows: Iterable[TapeRecord]) -> Mapping[Partition, list[TapeRecord]]:
    """Records by the folder they belong to, in their order.

    Raises:
        StorageRefused: a record has a time without a day.
    """
    found: dict[Partition, list[TapeRecord]] = {}
    for row in rows:
        found.setdefault(partition_of(row), []).append(row)
    return found


def write_part(root: Path, partition: Partition, rows: Sequence[TapeRecord]) -> Part:
    """Writes records of one partition as one part, ordered by time.

    Args:
        root: folder of the tape.
        partition: which they all belong to.
        rows: at least one; all are held in memory.

    Raises:
        StorageRefused: a value fits no column.
        StorageUnavailable: the disk does not take it; nothing was written.
    """
    # Sorting is stable: rows of one time keep the order they came in.
    rows = sorted(rows, key=time_ms_of)
    frame = layout_of(partition.kind).frame(rows)
    return write_frame(partition.folder(root), frame, time_ms_of(rows[0]), time_ms_of(rows[-1]))


def write_frame(folder: Path, frame: pl.DataFrame, first_ms: int, last_ms: int) -> Part:
    """Writes columns as one part; see `write_part`."""
    packed = io.BytesIO()
    frame.write_parquet(
        packed,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        row_group_size=ROW_GROUP_ROWS,
    )
    data = packed.getbuffer()
    digest = hashlib.blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()
    path = folder / f"part-{first_ms:013d}-{last_ms:013d}-{digest}.parquet"
    put_file(path, data)
    return Part(path, first_ms, last_ms)


def put_file(path: Path, data: bytes | memoryview) -> None:
    """Makes a file appear whole, and survive a power cut.

    Raises:
        StorageUnavailable: the disk does not take it; a file of that name is as it was.
        StorageRefused: no disk takes it: the symbol is too long for the name of a folder.
    """
    unfinished = path.with_name(f".{path.name}-{os.getpid()}{UNFINISHED}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        if error.errno == errno.ENAMETOOLONG:
            raise StorageRefused(str(path.parent)[:200], "the symbol is too long a name") from error
        raise StorageUnavailable(str(path.parent), error.strerror or str(error)) from error


def partitions_of(root: Path, query: TapeQuery) -> list[Partition]:
    """The folders that may hold rows of a question, ordered; no file is opened.

    Raises:
        RequestError: there is no such kind.
    """
    layout_of(query.kind)
    first = None if query.start_ms is None else day_of(query.start_ms)
    last = None if query.end_ms is None else day_of(max(0, query.end_ms - 1))
    found = []
    for exchange, venue_folder in _below(root, "venue", query.exchange):
        for kind, kind_folder in _below(venue_folder, "kind", query.kind):
            for symbol, symbol_folder in _below(kind_folder, "symbol", query.symbol):
                found += [
                    Partition(exchange, kind, symbol, day)
                    for day, _ in _below(symbol_folder, "day", None)
                    if (first is None or day >= first) and (last is None or day <= last)
                ]
    return sorted(found, key=lambda one: (one.day, one))


def parts_of(root: Path, query: TapeQuery) -> list[Part]:
    """The parts that may hold rows of a question, by their first time.

    Raises:
        RequestError: there is no such kind, or more than `PARTS_MAX` parts.
    """
    found: list[Part] = []
    for partition in partitions_of(root, query):
        found += [
            part
            for part in parts_in(partition.folder(root))
            if (query.start_ms is None or part.last_ms >= query.start_ms)
            and (query.end_ms is None or part.first_ms < query.end_ms)
        ]
        if len(found) > PARTS_MAX:
            raise RequestError("end_ms", query.end_ms, f"a span of at most {PARTS_MAX} parts")
    return sorted(found, key=lambda part: (part.first_ms, part.last_ms, part.path.name))


def parts_in(folder: Path) -> list[Part]:
    """The parts of one folder, without those that a merged part stands for.

    Raises:
        StorageError: the folder cannot be read.
    """
    try:
        names = {entry.name for entry in folder.iterdir()}
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(str(folder), error.strerror or str(error)) from error
    replaced: set[str] = set()
    for name in names:
        if name.endswith(REPLACES) and name.removesuffix(REPLACES) in names:
            replaced |= replaced_by(folder / name)
    found = []
    for name in sorted(names - replaced):
        match = _NAME.fullmatch(name)
        if match is not None:
            found.append(Part(folder / name, int(match[1]), int(match[2])))
    return found


def replaced_by(path: Path) -> set[str]:
    """Names of the parts that a merged one stands for.

    Raises:
        StorageError: the list cannot be read.
    """
    try:
        return set(msgspec.json.decode(path.read_bytes(), type=list[str]))
    except FileNotFoundError:
        return set()  # the merging has just been finished
    except (OSError, msgspec.MsgspecError) as error:
        raise StorageError(str(path), str(error)) from error


def is_tape(path: Path) -> bool:
    """Whether a folder is a tape of Parquet."""
    return path.is_dir() and any(entry.name.startswith("venue=") for entry in path.iterdir())


def venues_in(root: Path, kind: str) -> list[str]:
    """Venue ids that a tape has records of a kind of."""
    return [name for name, folder in _below(root, "venue", None) if [*_below(folder, "kind", kind)]]


def _below(folder: Path, name: str, value: str | None) -> Iterator[tuple[str, Path]]:
    """Values and folders of one level, or the one that is wanted where it is there."""
    if value is not None:
        chosen = folder / f"{name}={quote(value, '')}"
        if chosen.is_dir():
            yield value, chosen
        return
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(f"{name}=") and entry.is_dir():
            yield unquote(entry.name.partition("=")[2]), entry
