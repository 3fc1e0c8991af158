"""The tape of normalised records: hands what the bus brings to something that writes it.

Of states (tickers, mark prices, books) a reader that is behind gets the newest only, as every
reader of the bus; events are dropped and counted when the queue is full.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from headwater.bus.bus import Bus, ReaderClosed
from headwater.bus.topics import POLICIES, TopicFilter
from headwater.core.records import Record

QUEUE_CAPACITY: Final = 65_536
"""Records that may wait for this service; beyond it the oldest are dropped and counted."""

TAPE_KINDS: Final[Mapping[str, type[Record]]] = MappingProxyType(
    {kind.kind: kind for kind in POLICIES}
)
"""The kinds of records that the bus carries, by name."""


class TapeRecording:
    """Chooses what is written.

    Args:
        bus: where records come from.
        put: takes a record; never waits and never fails.
        kinds: names of the kinds that are wanted, of `TAPE_KINDS`.
    """

    def __init__(self, bus: Bus, put: Callable[[Record], None], kinds: Sequence[str]) -> None:
        self._bus = bus
        self._put = put
        self._kinds = [TAPE_KINDS[kind] for kind in kinds]

    async def run(self) -> None:
        """Works until cancelled or until the bus closes its reader; then takes what still waits."""
        filters = [TopicFilter(kind) for kind in self._kinds]
        reader = self._bus.subscribe("tape_recording", filters, QUEUE_CAPACITY)
        try:
            while True:
                for record in await reader.next_batch():
                    self._put(record)
        except ReaderClosed:
            return
        finally:
            for record in reader.drain():
                self._put(record)
            reader.close()
