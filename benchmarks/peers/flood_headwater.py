"""The socket flood through our own path: transport, parser, feeds, bus, a reader in its own task.

The reader is a task that waits for batches, as the services and the API do; its queue is bounded
and what it loses is counted by the bus. `run_json` encodes each record once for the fan-out.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
import uvloop

from benchmarks.peers.flood_client import Flooded
from benchmarks.peers.headwater_path import FeedPath
from headwater.bus.bus import Reader, ReaderClosed
from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.clock import SystemClock
from headwater.core.enums import Channel
from headwater.core.records import Trade
from headwater.transport.ws import open_socket
from headwater.venues.binance import VENUE
from headwater.venues.facts import Addresses

QUEUE: Final = 65_536
"""As large as that of the platform's own readers."""


class _Reading:
    """What the reader got."""

    def __init__(self) -> None:
        self.delivered = 0
        self.last_id = ""

    async def run(self, reader: Reader, encode: Callable[[Any], bytes] | None) -> None:
        """Takes batches until the reader is closed."""
        try:
            while True:
                self.take(await reader.next_batch(), encode)
        except ReaderClosed:
            return

    def take(self, batch: Any, encode: Callable[[Any], bytes] | None) -> None:
        """Counts a batch, encodes it when asked."""
        self.delivered += len(batch)
        if encode is not None:
            for record in batch:
                encode(record)
        if batch:
            self.last_id = str(batch[-1].trade_id)


async def read_flood(url: str, encode: Callable[[Any], bytes] | None) -> Flooded:
    bus = MemoryBus()
    reader = bus.subscribe("benchmark", [TopicFilter(Trade)], QUEUE)
    path = FeedPath(bus, Channel.TRADES)
    reading = _Reading()
    task = asyncio.create_task(reading.run(reader, encode), name="reader")
    endpoint = VENUE.endpoint_of(Channel.TRADES)
    address = VENUE.stream_url(Addresses(rest="", streams={endpoint: url}), endpoint)
    socket = await open_socket(address, path.link, clock=SystemClock())
    for request in path.requests:
        socket.send(request.payload)
    await socket.wait_closed()
    reading.take(reader.drain(), encode)
    reader.close()
    await task
    return Flooded(
        delivered=reading.delivered, lost_counted=reader.stats.dropped, last_id=reading.last_id
    )


def run(url: str) -> Flooded:
    """Reads one flood to its end: socket to record."""
    uvloop.install()
    return asyncio.run(read_flood(url, None))


def run_json(url: str) -> Flooded:
    """Reads one flood to its end: socket to JSON ready for the fan-out."""
    uvloop.install()
    return asyncio.run(read_flood(url, msgspec.json.Encoder().encode))
