"""Small records, a small venue's rule and a bus that listens: what the tests here are made of."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from decimal import Decimal

from headwater.bus.memory import MemoryBus, MemoryReader
from headwater.bus.topics import TopicFilter
from headwater.core.enums import (
    InstrumentKind,
    InstrumentStatus,
    PositionSide,
    PriceKind,
    Side,
)
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    ConnectionState,
    Gap,
    Level,
    Liquidation,
    Record,
    Trade,
)
from headwater.transport.backoff import FullJitterBackoff
from headwater.venues.base import BookRule, MarketStream
from headwater.venues.facts import StreamLimits
from headwater.venues.messages import StreamEvent, StreamRequest, Subscription, Verdict

START_MS = 1_700_000_000_000
EXCHANGE = "toy"

LIMITS = StreamLimits(
    max_age_s=None,
    max_streams=50,
    messages_per_s=10.0,
    topics_per_message=100,
    connects_per_window=100,
    connect_window_s=60.0,
    heartbeat_s=None,
    quiet_limit_s=60.0,
)


def trade(sequence: int | None, symbol: str = "AAAUSDT", *, trade_id: str | None = None) -> Trade:
    """A trade; its time follows its number."""
    return Trade(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=START_MS + (sequence or 0),
        received_ns=(START_MS + (sequence or 0)) * 1_000_000,
        side=Side.BUY,
        price=10.0,
        quantity=1.0,
        value=10.0,
        trade_id=trade_id or str(sequence),
        sequence=sequence,
    )


def delta(
    sequence: int,
    previous: int,
    bids: Iterable[Level] = (),
    asks: Iterable[Level] = (),
    symbol: str = "AAAUSDT",
) -> BookDelta:
    """A change that continues `previous`."""
    return BookDelta(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=START_MS + sequence,
        received_ns=sequence,
        bids=tuple(bids),
        asks=tuple(asks),
        sequence=sequence,
        first_sequence=previous + 1,
        previous_sequence=previous,
    )


def snapshot(
    sequence: int,
    bids: Iterable[Level] = ((9.0, 1.0),),
    asks: Iterable[Level] = ((11.0, 1.0),),
    symbol: str = "AAAUSDT",
    received_ns: int | None = None,
) -> BookSnapshot:
    """A whole book."""
    return BookSnapshot(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=START_MS + sequence,
        received_ns=sequence if received_ns is None else received_ns,
        bids=tuple(bids),
        asks=tuple(asks),
        sequence=sequence,
    )


def candle(
    opened_ms: int,
    *,
    closed: bool,
    volume: float = 1.0,
    received_ns: int = 0,
    symbol: str = "AAAUSDT",
) -> Candle:
    """A one-minute candle."""
    return Candle(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=opened_ms,
        received_ns=received_ns,
        interval=Interval.M1,
        open=1.0,
        high=1.0,
        low=1.0,
        close=1.0,
        volume=volume,
        quote_volume=None,
        trades_count=None,
        is_closed=closed,
    )


def liquidation(
    timestamp_ms: int, *, received_ns: int = 0, order_id: str | None = None
) -> Liquidation:
    """A forced close."""
    return Liquidation(
        exchange=EXCHANGE,
        symbol="AAAUSDT",
        native_symbol="AAAUSDT",
        timestamp_ms=timestamp_ms,
        received_ns=received_ns,
        side=Side.SELL,
        position_side=PositionSide.LONG,
        price=10.0,
        quantity=1.0,
        value=10.0,
        price_kind=PriceKind.AVERAGE,
        order_id=order_id,
        is_floor=True,
    )


def instrument(symbol: str = "AAAUSDT") -> Instrument:
    """A perpetual contract."""
    return Instrument(
        exchange=EXCHANGE,
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=START_MS,
        received_ns=0,
        base_asset=symbol.removesuffix("USDT"),
        quote_asset="USDT",
        settle_asset="USDT",
        instrument_kind=InstrumentKind.PERPETUAL,
        status=InstrumentStatus.TRADING,
        is_linear=True,
        contract_size=1.0,
        price_tick=Decimal("0.1"),
        quantity_step=Decimal("0.001"),
        min_quantity=None,
        min_notional=None,
        funding_interval_h=8.0,
        listed_at_ms=None,
        expires_at_ms=None,
    )


class Heard:
    """Everything that was published on a bus of its own."""

    def __init__(self) -> None:
        self.bus = MemoryBus()
        kinds = (Trade, BookDelta, BookSnapshot, Candle, Liquidation, ConnectionState, Gap)
        self._reader: MemoryReader = self.bus.subscribe(
            "test", [TopicFilter(kind) for kind in kinds], 1_000_000
        )
        self._all: list[Record] = []

    def all(self) -> list[Record]:
        """Everything so far, oldest first (states of one batch after its events)."""
        self._all.extend(self._reader.drain())
        return self._all

    def trades(self) -> list[int | None]:
        """Sequences of the trades."""
        return [record.sequence for record in self.all() if isinstance(record, Trade)]

    def gaps(self) -> list[Gap]:
        """Every state of every hole."""
        return [record for record in self.all() if isinstance(record, Gap)]


class ChainRule(BookRule):
    """A venue whose deltas name their predecessor."""

    def __init__(self) -> None:
        self._last: int | None = None

    def on_snapshot(self, snapshot: BookSnapshot) -> None:
        """Starts again."""
        self._last = snapshot.sequence

    def on_delta(self, delta: BookDelta) -> Verdict:
        """Continues, repeats or leaves a hole."""
        if self._last is None or delta.sequence is None or delta.previous_sequence is None:
            return Verdict.GAP
        if delta.sequence <= self._last:
            return Verdict.IGNORE
        if delta.previous_sequence > self._last:
            self._last = None
            return Verdict.GAP
        self._last = delta.sequence
        return Verdict.ACCEPT


class ToyStream(MarketStream):
    """A conversation whose data times are set by the test."""

    def __init__(self) -> None:
        self.data_ns: dict[Subscription, int] = {}
        self.registered: set[Subscription] = set()
        self.requests: list[StreamRequest] = []

    def subscribe(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """One message for all."""
        asked = tuple(subscriptions)
        self.registered.update(asked)
        return self._request("subscribe", asked)

    def unsubscribe(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """One message for all; forgets their data."""
        gone = tuple(subscriptions)
        for one in gone:
            self.registered.discard(one)
            self.data_ns.pop(one, None)
        return self._request("unsubscribe", gone)

    def heartbeat(self) -> str | None:
        """A ping."""
        return "ping"

    def feed(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        """Reads nothing."""
        return ()

    def last_data_ns(self, subscription: Subscription) -> int | None:
        """What the test says."""
        return self.data_ns.get(subscription)

    def _request(self, what: str, subscriptions: tuple[Subscription, ...]) -> list[StreamRequest]:
        request = StreamRequest(
            request_id=len(self.requests) + 1,
            payload=f"{what} {len(subscriptions)}",
            subscriptions=subscriptions,
        )
        self.requests.append(request)
        return [request]


def quick_backoff() -> FullJitterBackoff:
    """Delays that a test does not feel."""
    return FullJitterBackoff(0.001, 0.002, random.Random(1))


async def turns(count: int = 20) -> None:
    """Lets every other task have some turns."""
    for _ in range(count):
        await asyncio.sleep(0)
