"""The large-trades service: hears every trade, publishes the large ones.

Knows the bus and `analytics.large_trades`; not where trades come from nor who reads.
"""

from typing import Final

from headwater.analytics.large_trades import large_trade_of
from headwater.bus.bus import Bus, ReaderClosed
from headwater.bus.topics import TopicFilter
from headwater.core.records import Trade

QUEUE_CAPACITY: Final = 65_536
"""Trades that may wait for this service; beyond it the oldest are dropped and counted."""


class LargeTradesService:
    """Publishes a `LargeTrade` for each trade of at least the threshold.

    Args:
        bus: where trades come from and large trades go to.
        threshold_usd: least value of a large trade.
    """

    def __init__(self, bus: Bus, threshold_usd: float) -> None:
        self._bus = bus
        self._threshold_usd = threshold_usd

    async def run(self) -> None:
        """Works until cancelled or until the bus closes its reader."""
        reader = self._bus.subscribe("large_trades", [TopicFilter(Trade)], QUEUE_CAPACITY)
        threshold_usd = self._threshold_usd
        try:
            while True:
                for record in await reader.next_batch():
                    # The reader's filter lets only trades through.
                    if isinstance(record, Trade) and record.value >= threshold_usd:
                        large = large_trade_of(record, threshold_usd)
                        if large is not None:
                            self._bus.publish(large)
        except ReaderClosed:
            return
        finally:
            reader.close()
