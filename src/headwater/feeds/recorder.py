"""The raw tape: every frame and REST reply as it came, with its receive time.

One file after the other per venue, gzip of NDJSON (`tape_format`), in the order in which the feed
took the messages, so that a replay meets exactly what the feed met. The hot path appends to a
list; a task hands the list to a thread every `FLUSH_S`. What does not fit is counted, not kept.
"""

import asyncio
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import structlog

from headwater.core.clock import Clock
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.feeds.tape_format import TapeLine, encode_tape_line

FLUSH_S: Final = 0.5
"""How often what was received goes to the disk."""

WAITING_BYTES_MAX: Final = 64 * 1024 * 1024
"""Bytes that may wait for the disk; beyond it messages are dropped and counted."""

FILE_S: Final = 3600.0
"""Length of one file; a crash loses at most its unwritten tail."""

REST_ENDPOINT: Final = "rest"
_COMPRESSION: Final = 3

_log = structlog.get_logger(__name__)


class RecorderStats(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of a recorder.

    Attributes:
        written: messages on the disk.
        dropped: messages lost because the disk was too slow or failed.
        waiting: messages not yet on the disk.
        problem: newest trouble with the disk, empty when there is none.
    """

    written: int
    dropped: int
    waiting: int
    problem: str


class TapeRecorder:
    """Writes one venue's tape; a frame tap and a reply tap of its feed.

    Args:
        folder: where tapes go; the venue's files are `<folder>/<exchange>/<start>.ndjson.gz`.
        exchange: venue id.
        streams: base URL of each WebSocket endpoint by its name, to name connections by.
        clock: names files.
        waiting_bytes_max: bound of what waits for the disk.
    """

    def __init__(
        self,
        folder: Path,
        exchange: str,
        streams: Mapping[str, str],
        clock: Clock,
        waiting_bytes_max: int = WAITING_BYTES_MAX,
    ) -> None:
        self._folder = folder / exchange
        self._streams = dict(streams)
        self._clock = clock
        self._waiting_bytes_max = waiting_bytes_max
        self._endpoints: dict[str, str] = {}
        self._waiting: list[tuple[int, str, str, bytes]] = []
        self._waiting_bytes = 0
        self._file: gzip.GzipFile | None = None
        self._file_opened_at = 0.0
        self._written = 0
        self._dropped = 0
        self._problem = ""

    def on_frame(self, url: str, frame: bytes, received_ns: int) -> None:
        """Takes a frame of a connection."""
        endpoint = self._endpoints.get(url)
        if endpoint is None:
            endpoint = self._endpoints[url] = endpoint_of(self._streams, url)
        self._keep((received_ns, endpoint, url, frame))

    def on_reply(self, base_url: str, request: HttpRequest, reply: HttpReply) -> None:
        """Takes a REST reply; error replies are kept too, they are part of what happened."""
        url = url_of(base_url, request)
        self._keep((reply.received_ns, REST_ENDPOINT, url, reply.body))

    async def run(self) -> None:
        """Writes until cancelled, then writes the rest and closes the file."""
        try:
            while True:
                await asyncio.sleep(FLUSH_S)
                await self._flush()
        finally:
            await asyncio.shield(self._finish())

    @property
    def stats(self) -> RecorderStats:
        """Counters now."""
        return RecorderStats(
            written=self._written,
            dropped=self._dropped,
            waiting=len(self._waiting),
            problem=self._problem,
        )

    def _keep(self, message: tuple[int, str, str, bytes]) -> None:
        size = len(message[3])
        if self._waiting_bytes + size > self._waiting_bytes_max:
            self._dropped += 1
            return
        self._waiting_bytes += size
        self._waiting.append(message)

    async def _flush(self) -> None:
        batch, self._waiting = self._waiting, []
        self._waiting_bytes = 0
        if batch:
            await asyncio.to_thread(self._write, batch)

    async def _finish(self) -> None:
        await self._flush()
        await asyncio.to_thread(self._close)

    def _write(self, batch: list[tuple[int, str, str, bytes]]) -> None:
        """In a thread: encodes and appends; a failing disk costs the batch and is said once."""
        text = b"".join(
            encode_tape_line(
                TapeLine(received_ns=received_ns, endpoint=endpoint, url=url, payload=payload)
            )
            for received_ns, endpoint, url, payload in batch
        )
        try:
            file = self._open()
            file.write(text)
            file.flush()
        except OSError as error:
            if not self._problem:
                _log.error("tape_not_written", folder=str(self._folder), problem=str(error))
            self._problem = str(error)
            self._dropped += len(batch)
            self._close()
        else:
            self._problem = ""
            self._written += len(batch)

    def _open(self) -> gzip.GzipFile:
        now = self._clock.monotonic()
        if self._file is not None and now - self._file_opened_at < FILE_S:
            return self._file
        self._close()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._clock.now_ms()}.ndjson.gz"
        self._file = gzip.open(path, "ab", compresslevel=_COMPRESSION)  # noqa: SIM115 - kept open
        self._file_opened_at = now
        return self._file

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                self._problem = str(error)


def endpoint_of(streams: Mapping[str, str], url: str) -> str:
    """The endpoint whose base URL `url` begins with; the longest if several do, else `stream`.

    Args:
        streams: base URL of each WebSocket endpoint by its name.
        url: of a connection.
    """
    fits = [name for name, base in streams.items() if url.startswith(base)]
    return max(fits, key=lambda name: len(streams[name]), default="stream")


def url_of(base_url: str, request: HttpRequest) -> str:
    """The whole URL of a request, as a tape names it."""
    query = "&".join(f"{name}={value}" for name, value in request.query)
    return f"{base_url}{request.path}{'?' if query else ''}{query}"
