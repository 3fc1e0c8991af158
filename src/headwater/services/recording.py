"""The recording service: hears the bus and hands to the store what shall be remembered.

Closed candles, large trades (or all, or none), liquidations, holes; of funding and open interest
one reading a minute and symbol; of mark prices the whole minutes that they make
(`analytics.mark_candles`), of chosen symbols: a venue may send those of its whole market. Knows
the bus and something that takes records; not where they come from.
"""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from headwater.analytics.mark_candles import MarkMinutes
from headwater.bus.bus import Bus, ReaderClosed
from headwater.bus.topics import TopicFilter
from headwater.core.enums import Channel, FeedState, StoredTrades
from headwater.core.records import (
    Candle,
    ConnectionState,
    FundingRate,
    Gap,
    LargeTrade,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Record,
    Trade,
)

QUEUE_CAPACITY: Final = 65_536
"""Records that may wait for this service; beyond it the oldest are dropped and counted."""

SAMPLE_MS: Final = 60_000
"""Of states, the first reading of each such span is kept."""

SERIES_MAX: Final = 20_000
"""Series of states whose last sample is remembered; beyond it all are forgotten, which costs an
additional sample of each."""

_HEARD: Final = (
    Candle,
    Liquidation,
    Gap,
    FundingRate,
    MarkPrice,
    OpenInterest,
    ConnectionState,
)

_HEARD_TRADES: Final[Mapping[StoredTrades, tuple[type[Record], ...]]] = MappingProxyType(
    {
        # A large one comes a second time, marked: its row gets the mark.
        StoredTrades.ALL: (Trade, LargeTrade),
        StoredTrades.LARGE: (LargeTrade,),
        StoredTrades.NONE: (),
    }
)


class RecordingService:
    """Chooses what is stored.

    Args:
        bus: where records come from.
        put: takes a record to be stored; never waits and never fails.
        trades: which trades.
        marks_of: canonical symbols whose minutes of the mark price are stored; None for all.
    """

    def __init__(
        self,
        bus: Bus,
        put: Callable[[Any], None],
        trades: StoredTrades = StoredTrades.LARGE,
        marks_of: Collection[str] | None = None,
    ) -> None:
        self._bus = bus
        self._kinds: tuple[type[Record], ...] = (*_HEARD, *_HEARD_TRADES[trades])
        self._put = put
        self._marks_of = None if marks_of is None else frozenset(marks_of)
        self._sampled: dict[tuple[type[Record], str, str], int] = {}
        self._minutes = MarkMinutes()

    async def run(self) -> None:
        """Works until cancelled or until the bus closes its reader; then takes what still waits."""
        filters = [TopicFilter(kind) for kind in self._kinds]
        reader = self._bus.subscribe("recording", filters, QUEUE_CAPACITY)
        try:
            while True:
                for record in await reader.next_batch():
                    self._take(record)
        except ReaderClosed:
            return
        finally:
            for record in reader.drain():
                self._take(record)
            reader.close()

    def _take(self, record: Record) -> None:
        if isinstance(record, Candle):
            if record.is_closed:
                self._put(record)
        elif isinstance(record, MarkPrice):
            self._take_funding(record)
            if self._marks_of is None or record.symbol in self._marks_of:
                minute = self._minutes.take(record)
                if minute is not None:
                    self._put(minute)
        elif isinstance(record, ConnectionState):
            if record.channel is Channel.MARK_PRICES and record.state is not FeedState.LIVE:
                self._minutes.interrupted(record.exchange, record.symbol)
        elif isinstance(record, OpenInterest):
            if self._is_due(record):
                self._put(record)
        else:
            self._put(record)

    def _take_funding(self, mark: MarkPrice) -> None:
        """The estimate that comes with mark prices: the last one before a settlement stays."""
        if mark.funding_rate is None or mark.next_funding_ms is None or not self._is_due(mark):
            return
        self._put(
            FundingRate(
                exchange=mark.exchange,
                symbol=mark.symbol,
                native_symbol=mark.native_symbol,
                timestamp_ms=mark.timestamp_ms,
                received_ns=mark.received_ns,
                rate=mark.funding_rate,
                interval_h=None,
                funding_time_ms=mark.next_funding_ms,
            )
        )

    def _is_due(self, record: Record) -> bool:
        """Whether nothing of its series was kept yet in its span."""
        series = (record.__class__, record.exchange, record.symbol)
        span = record.timestamp_ms // SAMPLE_MS
        if self._sampled.get(series) == span:
            return False
        if len(self._sampled) >= SERIES_MAX:
            self._sampled.clear()
        self._sampled[series] = span
        return True
