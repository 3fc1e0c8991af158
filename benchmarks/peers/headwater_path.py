"""Our own market-data path, as the platform runs it, without a socket.

`feeds.link.Link.on_frame`, the listener of a socket: the venue's `MarketStream.feed` → trade
continuity with its gap ledger, book keeper with the venue's sequence rule and crossed-book check,
liquidations without doubles → `MemoryBus` → one reader, which takes what waits every `DRAIN_EVERY`
messages, as one turn of the loop would. The receive time is read per message, as the transport
does. Stages: `feed` stops after the parser, `bus` is the whole path, `json` encodes each record for
the fan-out as well.

Trades of Bybit, OKX and Hyperliquid bear no count, so continuity remembers ids and lets none pass
twice; before a pass its memory is filled, as it is after minutes of a busy symbol.
"""

import random
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Final

import msgspec

import headwater
from benchmarks.messages import (
    AGG_TRADE,
    DEPTH,
    FORCE_ORDER,
    SYMBOL,
    Corpus,
    Levels,
    Snapshot,
    Truth,
)
from benchmarks.trade_messages import CONTRACT_SIZE, NATIVE_SYMBOLS, OKX, TRADE_KINDS
from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.clock import SystemClock
from headwater.core.enums import Channel, InstrumentKind, InstrumentStatus, Side
from headwater.core.errors import WireError
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.records import BookDelta, BookSnapshot, Level, Liquidation, Record, Trade
from headwater.feeds.book_keeper import BookKeeper
from headwater.feeds.continuity import TradeContinuity
from headwater.feeds.event_watch import EventWatch, StateKeeper
from headwater.feeds.gaps import GapLedger
from headwater.feeds.link import STREAM_CLASSES, Handler, Link, drop
from headwater.feeds.repairs import RepairCrew
from headwater.feeds.settings import FeedSettings
from headwater.transport.backoff import FullJitterBackoff
from headwater.venues.discovery import venue
from headwater.venues.messages import Subscription, TradeRun

DRAIN_EVERY: Final = 256
"""Messages between two turns of the reader: about one read of a busy socket."""

_CHANNELS: Final[dict[str, tuple[Channel, type[Record]]]] = {
    AGG_TRADE: (Channel.TRADES, Trade),
    DEPTH: (Channel.BOOK, BookDelta),
    FORCE_ORDER: (Channel.LIQUIDATIONS, Liquidation),
    **dict.fromkeys(TRADE_KINDS, (Channel.TRADES, Trade)),
}
INSTRUMENT: Final = Instrument(
    exchange="binance",
    symbol=SYMBOL,
    native_symbol=SYMBOL,
    timestamp_ms=0,
    received_ns=0,
    base_asset="BTC",
    quote_asset="USDT",
    settle_asset="USDT",
    instrument_kind=InstrumentKind.PERPETUAL,
    status=InstrumentStatus.TRADING,
    is_linear=True,
    contract_size=1.0,
    price_tick=Decimal("0.1"),
    quantity_step=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(5),
    funding_interval_h=8.0,
    listed_at_ms=None,
    expires_at_ms=None,
)


class FeedPath:
    """One link of feeds with everything that takes its events; needs no running loop.

    Args:
        bus: hears the records.
        channels: what is subscribed to; all of one endpoint.
        instrument: of which, and so of which venue.
    """

    def __init__(
        self, bus: MemoryBus, *channels: Channel, instrument: Instrument = INSTRUMENT
    ) -> None:
        clock = SystemClock()
        settings = self.settings = FeedSettings()
        exchange = instrument.exchange
        spoken = venue(exchange)
        ledger = GapLedger(exchange, bus, clock, settings.ledger_max)
        crew = RepairCrew(settings.repairs_parallel, settings.repairs_waiting_max)
        backoff = partial(FullJitterBackoff, 0.5, 30.0, random.Random(1))
        table = InstrumentTable(exchange, [instrument])
        self.trades = TradeContinuity(
            bus=bus,
            ledger=ledger,
            crew=crew,
            clock=clock,
            fetch_between=_no_trades,
            fetch_newest=_no_newest,
            backoff=backoff,
            settings=settings.trades,
            on_quiet=drop,
        )
        self.books = BookKeeper(
            exchange=exchange,
            bus=bus,
            ledger=ledger,
            crew=crew,
            clock=clock,
            rule=spoken.book_rule,
            fetch=None,
            renew=None,
            backoff=backoff,
            tell_state=lambda _symbol, _state, _reason: None,
            settings=settings.books,
        )
        self.books.want(instrument)
        self.events = EventWatch(bus, ledger, clock, str, spoken.facts.gathered_s)
        handlers: dict[type, Handler] = dict.fromkeys(STREAM_CLASSES, StateKeeper(bus).on_state)
        handlers[Trade] = self.trades.on_trade
        handlers[TradeRun] = self.trades.on_run
        handlers[BookDelta] = self.books.on_delta
        handlers[BookSnapshot] = self.books.on_snapshot
        handlers[Liquidation] = self.events.on_liquidation
        self.stream = spoken.stream(spoken.endpoint_of(channels[0]), table)
        native_symbol = instrument.native_symbol
        self.requests = self.stream.subscribe(
            [Subscription(channel=channel, native_symbol=native_symbol) for channel in channels]
        )
        self.link = Link(
            "benchmark",
            self.stream,
            table,
            handlers,
            _unreadable,
            lambda: None,
            taker_of=self.trades.taker_of,
        )

    def fill_memory(self, instrument: Instrument) -> None:
        """Lets as many trades pass as ids are remembered, so that each further one ousts one."""
        for number in range(self.settings.trades.recent_ids_max):
            self.trades.on_trade(_earlier_trade(instrument, number))


def instrument_of(exchange: str) -> Instrument:
    """The instrument of the corpora as a venue lists it."""
    if exchange == INSTRUMENT.exchange:
        return INSTRUMENT
    return msgspec.structs.replace(
        INSTRUMENT,
        exchange=exchange,
        native_symbol=NATIVE_SYMBOLS[exchange],
        contract_size=CONTRACT_SIZE if exchange == OKX else 1.0,
    )


def _earlier_trade(instrument: Instrument, number: int) -> Trade:
    return Trade(
        exchange=instrument.exchange,
        symbol=instrument.symbol,
        native_symbol=instrument.native_symbol,
        timestamp_ms=0,
        received_ns=0,
        side=Side.BUY,
        price=1.0,
        quantity=1.0,
        value=1.0,
        trade_id=f"earlier-{number}",
        sequence=None,
    )


def _unreadable(error: WireError) -> None:
    raise AssertionError(f"every message of the corpus is readable: {error}")


async def _no_trades(_symbol: str, _first: int, _last: int) -> Sequence[Trade]:
    return ()


async def _no_newest(_symbol: str) -> Sequence[Trade]:
    return ()


class HeadwaterPath:
    """The path for one kind of message, up to a stage.

    Args:
        corpus: what is fed.
        stage: `feed`, `bus` or `json`.
    """

    def __init__(self, corpus: Corpus, *, stage: str) -> None:
        self._corpus = corpus
        self._stage = stage
        self._clock = SystemClock()
        self._channel, kind = _CHANNELS[corpus.kind]
        self._instrument = instrument_of(corpus.exchange)
        self._bus = MemoryBus()
        self._reader = self._bus.subscribe("benchmark", [TopicFilter(kind)], 10 * DRAIN_EVERY)
        self._encode = msgspec.json.Encoder().encode
        self._records: list[Record] = []
        self._keeps = False
        self._delivered = 0

    def version(self) -> str:
        """Version of the package."""
        return f"headwater {headwater.__version__}"

    def start(self) -> None:
        """Starts count, continuity and book anew."""
        self._delivered = 0
        self._path = FeedPath(self._bus, self._channel, instrument=self._instrument)
        if self._corpus.snapshot is not None:
            self._path.books.on_snapshot(snapshot_record(self._corpus.snapshot))
        if self._corpus.kind in TRADE_KINDS:
            self._path.fill_memory(self._instrument)
        self._reader.drain()

    def feed_all(self) -> None:
        """Feeds every message up to the stage."""
        if self._stage == "feed":
            self._feed_parser()
            return
        frames = self._corpus.frames
        for first in range(0, len(frames), DRAIN_EVERY):
            self._feed_some(frames[first : first + DRAIN_EVERY])
            batch = self._reader.drain()
            self._delivered += len(batch)
            if self._stage == "json":
                encode = self._encode
                for record in batch:
                    encode(record)
            if self._keeps:
                self._records.extend(batch)

    def _feed_parser(self) -> None:
        self._path.stream.taker_of = None
        feed = self._path.stream.feed
        now_ns = self._clock.now_ns
        delivered = 0
        for frame in self._corpus.frames:
            delivered += len(feed(frame, now_ns()))
        self._delivered = delivered

    def _feed_some(self, frames: Sequence[bytes]) -> None:
        on_frame = self._path.link.on_frame
        now_ns = self._clock.now_ns
        for frame in frames:
            on_frame(frame, now_ns())

    def outcome(self) -> Truth:
        """Count and totals; the parser alone is taken at its count."""
        kind = self._corpus.kind
        if self._stage == "feed":
            truth = self._corpus.truth
            return Truth(self._delivered, truth.total, truth.bid_levels, truth.ask_levels)
        if kind == DEPTH:
            book = self._path.books.book(SYMBOL, None)
            bids, asks = (book.bids, book.asks) if book is not None else ((), ())
            total = sum(price * quantity for price, quantity in (*bids, *asks))
            return Truth(self._delivered, total, len(bids), len(asks))
        self._keeps = True
        self.start()
        self.feed_all()
        self._keeps = False
        records, self._records = self._records, []
        return Truth(len(records), sum(map(_share, records)))

    def close(self) -> None:
        """Leaves the bus."""
        self._reader.close()


def snapshot_record(snapshot: Snapshot) -> BookSnapshot:
    """A snapshot as REST gives it."""
    return BookSnapshot(
        exchange=INSTRUMENT.exchange,
        symbol=SYMBOL,
        native_symbol=SYMBOL,
        timestamp_ms=0,
        received_ns=0,
        bids=_levels(snapshot.bids),
        asks=_levels(snapshot.asks),
        sequence=snapshot.sequence,
    )


def _levels(side: Levels) -> tuple[Level, ...]:
    return tuple((float(price), float(quantity)) for price, quantity in side)


def _share(record: Record) -> float:
    if isinstance(record, Trade):
        return record.price * record.quantity
    assert isinstance(record, Liquidation)
    return record.quantity
