"""Rows of a download as one file of Parquet, which is put together at the end.

Columns have the names and values of the HTTP API; times are its text. A file of Parquet cannot be
added to: it is not continued by `--resume`.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from headwater.api.schemas.base import View
from headwater.storage.exporting import ParquetPages, pieces_of
from headwater.storage.parquet_layout import Layout


class ParquetRowWriter:
    """Writes rows of one kind; `finish` makes the file.

    Args:
        target: where to.
        view: kind of the rows.
    """

    def __init__(self, target: BinaryIO, view: type[View]) -> None:
        self._target = target
        self._folder = tempfile.TemporaryDirectory(prefix="headwater-")
        self._pages = ParquetPages(Path(self._folder.name), Layout(view))
        self.written = 0

    def write(self, rows: Sequence[View]) -> None:
        """Lays a page of rows aside.

        Raises:
            StorageError: the disk does not take it, or a value fits no column.
        """
        if rows:
            self._pages.add(rows)
            self.written += len(rows)

    def finish(self) -> None:
        """Writes the file.

        Raises:
            OSError: it cannot be written.
            StorageError: the pages cannot be put together.
        """
        with self._folder:
            for piece in pieces_of(self._pages.finish()):
                self._target.write(piece)
            self._target.flush()
