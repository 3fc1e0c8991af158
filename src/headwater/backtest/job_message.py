"""What a worker and its desk say to each other: lines of JSON, and the result in bytes behind one.

The desk writes one line, the task, and then keeps the pipe open: when it closes, the desk is gone
and the worker ends. The worker writes a line for every report; the line of a result is followed by
as many bytes as it says.
"""

import zlib
from typing import Final, TypeAlias

import msgspec

from headwater.core.errors import StorageError

__all__ = [
    "CONTENT_BYTES_MAX",
    "LINE_BYTES_MAX",
    "RESULT_BYTES_MAX",
    "Finished",
    "Gave",
    "Progress",
    "Said",
    "WorkerTask",
    "compressed",
    "decode_said",
    "decode_task",
    "encode_said",
    "encode_task",
    "uncompressed",
]

LINE_BYTES_MAX: Final = 1024 * 1024
"""Longest line either side reads."""

RESULT_BYTES_MAX: Final = 8 * 1024 * 1024
"""Most bytes of a compressed result, and of a compressed report."""


CONTENT_BYTES_MAX: Final = 128 * 1024 * 1024
"""Most bytes of a result or report as it is read."""

_LEVEL: Final = 6


class WorkerTask(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker does.

    Attributes:
        request: as `job_request` writes it.
        strategy: how the worker finds the strategy: its name, or the operator's own
            `path.py:Class`.
        database_url: of the database with the candles; None for the file in `data_dir`. It may
            have a password in it: that is why it comes through a pipe and not as an argument.
        data_dir: folder of the platform's data.
        journal: folder that a search which was cut off goes on from; empty for none.
        memory_mb: most memory beyond what an idle worker has, MiB.
        seconds_max: most seconds the job may take.
    """

    request: str
    strategy: str
    database_url: str | None
    data_dir: str
    journal: str
    memory_mb: int
    seconds_max: float


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag="progress"):
    """How far it is.

    Attributes:
        done: steps done.
        total: steps in all, 0 while unknown.
    """

    done: int
    total: int


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished"):
    """It is done; behind this line come the bytes.

    Attributes:
        result_bytes: how many of the result.
        report_bytes: how many of the report; 0 without one.
    """

    result_bytes: int
    report_bytes: int


class Gave(msgspec.Struct, frozen=True, kw_only=True, tag="gave_up"):
    """It cannot be done, for a reason that another attempt would meet too.

    Attributes:
        reason: in words.
    """

    reason: str


Said: TypeAlias = Progress | Finished | Gave
"""What a worker says."""

_said: Final[msgspec.json.Decoder[Said]] = msgspec.json.Decoder(Said)
_task: Final[msgspec.json.Decoder[WorkerTask]] = msgspec.json.Decoder(WorkerTask)


def compressed(content: bytes) -> bytes:
    """Bytes as they are stored."""
    return zlib.compress(content, _LEVEL)


def uncompressed(stored: bytes) -> bytes:
    """Stored bytes as they were.

    Raises:
        StorageError: they are none of ours, or become more than `CONTENT_BYTES_MAX`.
    """
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(stored, CONTENT_BYTES_MAX)
    except zlib.error as error:
        raise StorageError("backtests", f"a stored result cannot be read: {error}") from error
    if not reader.eof:
        problem = f"a stored result is cut off, or has more than {CONTENT_BYTES_MAX} bytes"
        raise StorageError("backtests", problem)
    return content


def encode_task(task: WorkerTask) -> bytes:
    """The line of a task."""
    return msgspec.json.encode(task) + b"\n"


def decode_task(line: bytes) -> WorkerTask:
    """The task of a line.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _task.decode(line)


def encode_said(said: Said) -> bytes:
    """The line of what a worker says."""
    return msgspec.json.encode(said) + b"\n"


def decode_said(line: bytes) -> Said:
    """What a line says.

    Raises:
        msgspec.DecodeError: nothing that is known.
    """
    return _said.decode(line)
