"""The raw tape as Parquet: every frame and REST reply as it came, with its receive time.

The same taps as `recorder.TapeRecorder`; gathering, bounds and writing are `ParquetTape`'s. What a
crash costs is what had not become a file yet, at most a minute.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from headwater.core.clock import Clock
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.feeds.recorder import REST_ENDPOINT, RecorderStats, endpoint_of, url_of
from headwater.storage.parquet_layout import RawMessage
from headwater.storage.parquet_tape import ParquetTape, TapeSettings, TapeStats


class ParquetRecorder:
    """Writes one venue's tape; a frame tap and a reply tap of its feed.

    Args:
        folder: of the tape; several venues may share it.
        exchange: venue id.
        streams: base URL of each WebSocket endpoint by its name, to name connections by.
        clock: tells how long messages have waited.
        settings: bounds.
    """

    def __init__(
        self,
        folder: Path,
        exchange: str,
        streams: Mapping[str, str],
        clock: Clock,
        settings: TapeSettings | None = None,
    ) -> None:
        self._exchange = exchange
        self._streams = dict(streams)
        self._endpoints: dict[str, str] = {}
        self._tape = ParquetTape(folder, clock, settings)
        self._taken_ns = 0

    def on_frame(self, url: str, frame: bytes, received_ns: int) -> None:
        """Takes a frame of a connection."""
        endpoint = self._endpoints.get(url)
        if endpoint is None:
            endpoint = self._endpoints[url] = endpoint_of(self._streams, url)
        self._keep(received_ns, endpoint, url, frame)

    def on_reply(self, base_url: str, request: HttpRequest, reply: HttpReply) -> None:
        """Takes a REST reply; error replies are kept too, they are part of what happened."""
        self._keep(reply.received_ns, REST_ENDPOINT, url_of(base_url, request), reply.body)

    async def run(self) -> None:
        """Writes until cancelled, then writes the rest.

        Raises:
            Exception: what ended the tape's thread.
        """
        self._tape.start()
        try:
            await asyncio.shield(asyncio.wrap_future(self._tape.ended))
        finally:
            await asyncio.shield(asyncio.to_thread(self._tape.close))

    @property
    def stats(self) -> RecorderStats:
        """Counters now."""
        return recorder_stats(self._tape.stats)

    def _keep(self, received_ns: int, endpoint: str, url: str, payload: bytes) -> None:
        self._taken_ns = max(self._taken_ns, received_ns)
        self._tape.put(
            RawMessage(
                exchange=self._exchange,
                received_ns=received_ns,
                taken_ns=self._taken_ns,
                endpoint=endpoint,
                url=url,
                payload=payload,
            )
        )


def recorder_stats(stats: TapeStats) -> RecorderStats:
    """A tape's counters as those of a recorder; what fits no column is lost too."""
    return RecorderStats(
        written=stats.written,
        dropped=stats.dropped + stats.refused,
        waiting=stats.waiting,
        problem=stats.problem,
    )
