"""Opens tapes: a file of any layout that `tape_format` reads, a folder of them, or one of Parquet.

Files of lines may be gzipped. Lines are bounded; a file that was cut off in the middle of its
compression gives what it holds.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from headwater.core.errors import ConfigError, WireError
from headwater.feeds.tape_format import LINE_BYTES_MAX, TapeLine, read_tape
from headwater.storage.parquet_layout import RawMessage
from headwater.storage.parquet_parts import TapeQuery, is_tape, venues_in
from headwater.storage.parquet_reading import read

FILES_MAX: Final = 100_000
"""Files of one folder; beyond it the folder is refused."""

_SUFFIXES: Final = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz", ".txt", ".txt.gz", ".json")


def open_tape(path: Path, exchange: str) -> Iterator[TapeLine | WireError]:
    """The messages of a venue's tape, whatever its format, in the order they were taken.

    Args:
        path: a file, or a folder of a recorder's.
        exchange: venue id.

    Returns:
        Read as it is walked through, which raises `OSError` or `StorageError` where a file cannot
        be read.

    Raises:
        ConfigError: there is nothing to read.
    """
    if not is_tape(path):
        return read_tape(tape_lines(tape_files(path, exchange)))
    if exchange not in venues_in(path, RawMessage.kind):
        there = ", ".join(venues_in(path, RawMessage.kind)) or "none"
        raise ConfigError("tape", f"{path} has no messages of {exchange}", f"its venues: {there}")
    return _messages(path, exchange)


def _messages(path: Path, exchange: str) -> Iterator[TapeLine | WireError]:
    found = read(path, TapeQuery(kind=RawMessage.kind, exchange=exchange))
    for number, message in enumerate(found, 1):
        assert isinstance(message, RawMessage)
        yield TapeLine(
            number=number,
            received_ns=message.received_ns,
            endpoint=message.endpoint,
            url=message.url,
            payload=message.payload,
        )


def tape_files(path: Path, exchange: str) -> list[Path]:
    """The files of a tape in the order they were written.

    Args:
        path: a file, or a folder of the recorder's: `<path>/<exchange>/*` or `<path>/*`.
        exchange: venue id.

    Raises:
        ConfigError: there is nothing to read.
    """
    if path.is_file():
        return [path]
    folder = path / exchange if (path / exchange).is_dir() else path
    if not folder.is_dir():
        raise ConfigError("tape", f"{path} does not exist", "a file or a folder of tapes")
    found = sorted(
        (file for file in folder.iterdir() if file.name.endswith(_SUFFIXES)),
        key=lambda file: (len(file.name), file.name),
    )
    if not found or len(found) > FILES_MAX:
        raise ConfigError(
            "tape", f"{folder} holds {len(found)} tapes", f"1 … {FILES_MAX} files {_SUFFIXES}"
        )
    return found


def tape_lines(files: Iterable[Path]) -> Iterator[bytes]:
    """All lines of some files, one after the other; over-long ones are cut to the bound.

    Raises:
        OSError: a file cannot be read.
    """
    for path in files:
        with _open(path) as file:
            yield from _lines(file)


def _open(path: Path) -> BinaryIO:
    if path.name.endswith(".gz"):
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while True:
        try:
            line = file.readline(LINE_BYTES_MAX + 2)
        except (EOFError, zlib.error):
            return  # the recorder was killed: the rest was never written
        if not line:
            return
        yield line
