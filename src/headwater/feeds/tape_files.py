"""Opens tapes: a file of any layout that `tape_format` reads, gzipped or not, or a folder of them.

Lines are bounded; a file that was cut off in the middle of its compression gives what it holds.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from headwater.core.errors import ConfigError
from headwater.feeds.tape_format import LINE_BYTES_MAX

FILES_MAX: Final = 100_000
"""Files of one folder; beyond it the folder is refused."""

_SUFFIXES: Final = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz", ".txt", ".txt.gz", ".json")


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
