"""The journal of a sweep: what is done, so that an interrupted sweep goes on where it was.

A file of JSON lines. The first says what the sweep is: strategy with the hash of its source,
ranges, bars by their hash, assumptions. Each further line is one finished combination. A line that
was cut off in the middle (the process was killed, the disk was full) is dropped when it is opened.
"""

import hashlib
import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.backtest.sweep_crews import ChunkFigures
from headwater.backtest.sweep_tally import BLOCKS, Figure
from headwater.backtest.sweep_task import SweepTask, resolved
from headwater.core.errors import RequestError, StorageError
from headwater.strategies.bars import COLUMNS, Bars

__all__ = ["JournalHeader", "JournalLine", "SweepJournal", "bars_hash", "header_of"]

_FORMAT: Final = 1


class JournalHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal is of; another sweep does not go on with it.

    Attributes:
        format: of the file; this module writes 1.
        strategy: its name.
        source: SHA-256 of the text of its class, empty where there is none to be read.
        bars: SHA-256 of times and columns.
        trade_from: as `SweepTask`.
        assumptions: as JSON.
        funding: SHA-256 of the payments, empty for none.
        detail: SHA-256 of the smaller bars, empty for none.
        search: how combinations are chosen, with ranges, fixed parameters and seed, as JSON.
    """

    format: int
    strategy: str
    source: str
    bars: str
    trade_from: int
    assumptions: str
    funding: str
    search: str
    detail: str = ""


class JournalLine(msgspec.Struct, frozen=True, array_like=True):
    """One finished combination.

    Attributes:
        number: in the grid.
        row: as `tally_of`.
        blocks: as `tally_of`, the numbers one after the other.
    """

    number: int
    row: tuple[float, ...]
    blocks: tuple[float, ...]


class SweepJournal:
    """An open journal; a context manager.

    Attributes:
        done: figures of the combinations that were finished before, by number in the grid.
    """

    def __init__(self, path: Path, header: JournalHeader) -> None:
        """Opens the journal, or begins one.

        Raises:
            RequestError: the file is the journal of another sweep, and in what it differs, or it is
                none at all.
            StorageError: it cannot be read or written.
        """
        self.done: dict[int, tuple[FloatArray, FloatArray]] = {}
        self._path = path
        self._file: IO[bytes] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = self._read(path, header) if path.exists() and path.stat().st_size else 0
            self._file = path.open("r+b" if kept else "wb")
            self._file.seek(kept)
            self._file.truncate()
            if not kept:
                self._file.write(msgspec.json.encode(header) + b"\n")
                self._file.flush()
        except OSError as error:
            raise StorageError(f"journal {path.name}", str(error.strerror or error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Writes it to the disk and closes it."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    def append(self, numbers: list[int], figures: ChunkFigures) -> None:
        """Adds finished combinations; once it returns, a killed process loses none of them.

        Args:
            numbers: in the grid, in the order of the rows.
            figures: of them.

        Raises:
            StorageError: it cannot be written.
        """
        assert self._file is not None, "a closed journal"
        text = bytearray()
        for at, number in enumerate(numbers):
            line = JournalLine(
                number, tuple(figures.rows[at].tolist()), tuple(figures.blocks[at].ravel().tolist())
            )
            text += msgspec.json.encode(line) + b"\n"
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            raise StorageError(
                f"journal {self._path.name}", str(error.strerror or error)
            ) from error

    def _read(self, path: Path, header: JournalHeader) -> int:
        """Reads what is done.

        Returns:
            The length of the file up to its last whole line.
        """
        kept = 0
        decode = msgspec.json.Decoder(JournalLine).decode
        with path.open("rb") as file:
            for place, line in enumerate(file):
                if not line.endswith(b"\n"):
                    if place == 0 and not msgspec.json.encode(header).startswith(line):
                        _compare(path, line, header)
                    break
                if place == 0:
                    _compare(path, line, header)
                else:
                    try:
                        read = decode(line)
                        blocks = np.array(read.blocks).reshape(BLOCKS, 2)
                        row = np.array(read.row).reshape(Figure.COUNT)
                    except (msgspec.MsgspecError, ValueError):
                        break
                    self.done[read.number] = row, blocks
                kept += len(line)
        return kept


def header_of(task: SweepTask, search: Mapping[str, Any]) -> JournalHeader:
    """The header of a sweep's journal."""
    strategy = resolved(task.strategy)
    try:
        source = hashlib.sha256(inspect.getsource(strategy).encode()).hexdigest()
    except (OSError, TypeError):
        source = ""
    funding = ""
    if task.funding is not None:
        paid = hashlib.sha256(np.ascontiguousarray(task.funding.timestamp_ms).tobytes())
        paid.update(np.ascontiguousarray(task.funding.rate).tobytes())
        if task.funding.mark_price is not None:
            paid.update(np.ascontiguousarray(task.funding.mark_price).tobytes())
        funding = paid.hexdigest()
    return JournalHeader(
        format=_FORMAT,
        strategy=strategy.name,
        source=source,
        bars=bars_hash(task.bars),
        trade_from=task.trade_from,
        assumptions=msgspec.json.encode(task.assumptions).decode(),
        funding=funding,
        search=msgspec.json.encode(search, order="sorted").decode(),
        detail="" if task.detail is None else bars_hash(task.detail),
    )


def bars_hash(bars: Bars) -> str:
    """SHA-256 of the times and all columns."""
    read = hashlib.sha256(np.ascontiguousarray(bars.timestamp_ms).tobytes())
    for name in (*COLUMNS, *sorted(bars.extras)):
        read.update(name.encode())
        read.update(np.ascontiguousarray(bars.column(name)).tobytes())
    return read.hexdigest()


def _compare(path: Path, line: bytes, header: JournalHeader) -> None:
    """Refuses the journal of another sweep.

    Raises:
        RequestError: it is one, or the file is no journal.
    """
    try:
        read = msgspec.json.decode(line, type=JournalHeader)
    except msgspec.MsgspecError as error:
        raise RequestError(
            "journal", path.name, "the journal of a sweep, or a new file; it is neither"
        ) from error
    different = [
        name for name in header.__struct_fields__ if getattr(read, name) != getattr(header, name)
    ]
    if different:
        raise RequestError(
            "journal",
            path.name,
            f"the journal of this sweep; it was begun with other {', '.join(different)}",
        )
