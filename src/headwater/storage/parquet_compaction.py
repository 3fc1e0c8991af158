"""Merging the many small parts of a day that is over into a few large ones.

A list of the parts that a merged one stands for is written first, then the merged part: from the
moment it has its name, readers pass over the others. Only then are those deleted, and the list. A
process that is killed in between leaves nothing that is read twice or not at all; the next merging
tidies up. Something that opened a part before it was deleted may find it gone: merge what nobody
reads.
"""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from headwater.core.errors import StorageError, StorageUnavailable
from headwater.storage.parquet_layout import LAYOUTS, RawMessage
from headwater.storage.parquet_parts import (
    REPLACES,
    UNFINISHED,
    Part,
    TapeQuery,
    day_of,
    partitions_of,
    parts_in,
    put_file,
    replaced_by,
    write_frame,
)
from headwater.storage.parquet_reading import collected, identity_of

MERGED_BYTES_MAX: Final = 256 * 1024 * 1024
"""Bytes of the parts that are merged into one: they are held in memory, unpacked, at once."""

GRACE_MS: Final = 3_600_000
"""A day is over for merging so long after its end: what comes late is written until then."""


class CompactionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was merged.

    Attributes:
        parts_before: parts that were merged.
        parts_after: what they became.
        repeated_rows: rows that were there twice and are there once now.
    """

    parts_before: int = 0
    parts_after: int = 0
    repeated_rows: int = 0


def compact(root: Path, now_ms: int) -> CompactionReport:
    """Merges the parts of every day that is over.

    Args:
        root: folder of the tape.
        now_ms: wall time, ms since the epoch; days that ended `GRACE_MS` before it are over.

    Raises:
        StorageError: a part cannot be read or written; what was merged before stays.
    """
    today = day_of(max(0, now_ms - GRACE_MS))
    before = after = repeated = 0
    for kind in LAYOUTS:
        for partition in partitions_of(root, TapeQuery(kind=kind)):
            if partition.day >= today:
                continue
            folder = partition.folder(root)
            _tidy(folder)
            for group in _groups(parts_in(folder)):
                repeated += _merge(folder, kind, group)
                before += len(group)
                after += 1
    return CompactionReport(parts_before=before, parts_after=after, repeated_rows=repeated)


def _groups(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Neighbours in time that fit into one part; single ones are left alone."""
    group: list[Part] = []
    size = 0
    for part in sorted(parts, key=lambda one: (one.first_ms, one.last_ms, one.path.name)):
        bytes_here = part.path.stat().st_size
        if group and size + bytes_here > MERGED_BYTES_MAX:
            if len(group) > 1:
                yield group
            group, size = [], 0
        group.append(part)
        size += bytes_here
    if len(group) > 1:
        yield group


def _merge(folder: Path, kind: str, group: Sequence[Part]) -> int:
    """Makes one part of several; returns how many rows were there twice."""
    raw = kind == RawMessage.kind
    lazy = pl.scan_parquet(
        [part.path for part in group],
        schema=dict(LAYOUTS[kind].schema),
        glob=False,
        hive_partitioning=False,
        missing_columns="insert",
        extra_columns="ignore",
    )
    frame = collected(lazy, group)
    rows = frame.height
    if not raw:
        # Two equal raw messages are two messages; two equal records are one, heard twice.
        frame = frame.unique(identity_of(kind), keep="first", maintain_order=True)
    frame = frame.sort("taken_ns" if raw else "timestamp_ms", maintain_order=True)
    names = sorted(part.path.name for part in group)
    first_ms = min(part.first_ms for part in group)
    last_ms = max(part.last_ms for part in group)
    # In a folder of its own until the list is written beside it: its name tells its digest.
    staging = folder / f".{hashlib.blake2b(repr(names).encode(), digest_size=8).hexdigest()}"
    staging = staging.with_name(staging.name + UNFINISHED)
    merged = write_frame(staging, frame, first_ms, last_ms)
    target = folder / merged.path.name
    replaced = [name for name in names if name != target.name]
    put_file(folder / (target.name + REPLACES), msgspec.json.encode(replaced))
    try:
        merged.path.replace(target)
        _tidy(folder)
    except OSError as error:
        raise StorageUnavailable(str(folder), error.strerror or str(error)) from error
    return rows - frame.height


def _tidy(folder: Path) -> None:
    """Deletes what a merging or a killed writer left behind.

    Raises:
        StorageError: the folder cannot be changed.
    """
    try:
        for path in sorted(folder.iterdir()):
            if path.name.endswith(REPLACES):
                if (folder / path.name.removesuffix(REPLACES)).exists():
                    for name in replaced_by(path):
                        (folder / name).unlink(missing_ok=True)
                path.unlink(missing_ok=True)
            elif path.name.endswith(UNFINISHED):
                _remove(path)
    except OSError as error:
        raise StorageError(str(folder), error.strerror or str(error)) from error


def _remove(path: Path) -> None:
    if path.is_dir():
        for inside in path.iterdir():
            inside.unlink()
        with contextlib.suppress(FileNotFoundError):
            path.rmdir()
    else:
        path.unlink(missing_ok=True)
