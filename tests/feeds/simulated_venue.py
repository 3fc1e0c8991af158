"""A live feed against a simulated exchange on loopback, with the truth beside it."""

import asyncio
import random
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
from tests.virtual_time import loop_clock

from headwater.bus.memory import MemoryBus, MemoryReader
from headwater.bus.topics import TopicFilter
from headwater.core.clock import Clock
from headwater.core.enums import Channel, FeedState
from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    ConnectionState,
    Gap,
    Liquidation,
    Record,
    Trade,
)
from headwater.feeds.recorder import TapeRecorder
from headwater.feeds.settings import (
    BookSettings,
    ConnectionSettings,
    FeedSettings,
    RestSettings,
    SessionSettings,
    TradeSettings,
)
from headwater.feeds.venue_feed import VenueFeed
from headwater.simulator.admin import answer_admin
from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.faults import FaultPlan
from headwater.simulator.hosting import host_venue
from headwater.simulator.venue_server import MovingMarket, VenueServer
from headwater.transport.http import HttpClient
from headwater.venues.base import Venue
from headwater.venues.discovery import venue
from headwater.venues.messages import Subscription

SYMBOLS = ("BTCUSDT", "SOLUSDT")
STEP_S = 0.05
READER_CAPACITY = 1_000_000
GATHERED_MS = 1_500
"""Longer than any venue gathers trades, closes or changes of a book before it sends them."""
KINDS = (Trade, BookDelta, BookSnapshot, Candle, Liquidation, ConnectionState, Gap)

SETTINGS = FeedSettings(
    session=SessionSettings(watch_interval_s=0.2, ack_timeout_s=3.0),
    connection=ConnectionSettings(
        backoff_base_s=0.05, backoff_ceiling_s=0.5, overlap_min_s=0.3, overlap_max_s=2.0
    ),
    trades=TradeSettings(tail_check_s=0.5, repair_backoff_s=0.05, repair_backoff_ceiling_s=0.5),
    books=BookSettings(retry_backoff_s=0.05, retry_ceiling_s=0.5),
    rest=RestSettings(
        timeout_s=2.0,
        attempts_max=6,
        backoff_base_s=0.05,
        backoff_ceiling_s=0.5,
        ban_default_s=1.0,
        limit_default_s=0.5,
        breaker_open_s=0.5,
    ),
)


class Freezable:
    """A market that can be stopped, so that both ends come to rest.

    All that was done before still goes out. What orders from outside did (of arbitrage, too) is in
    the books at once and in the streams with the next step, so the exchange takes a last one for
    itself; and the venue's clock runs on for `GATHERED_MS`, which sends what streams gather.
    """

    def __init__(self, market: Any) -> None:
        self._market = market
        self._is_frozen = False
        self._ran_on_ms = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._market, name)

    @property
    def frozen(self) -> bool:
        """Whether it was stopped; it does not begin again."""
        return self._is_frozen

    @frozen.setter
    def frozen(self, is_frozen: bool) -> None:
        assert is_frozen, "what stopped stays so"
        if not self._is_frozen:
            self._is_frozen = True
            self._market.step()

    def now_ms(self) -> int:
        """The venue's clock."""
        return cast("int", self._market.now_ms()) + self._ran_on_ms

    def advance_to(self, now_ms: int) -> list[Record]:
        """Moves on; once frozen only the clock does, and hands out what was left."""
        if self._is_frozen:
            stopped_ms = self._market.now_ms()
            self._ran_on_ms = max(self._ran_on_ms, min(now_ms - stopped_ms, GATHERED_MS))
            now_ms = stopped_ms
        return cast("list[Record]", self._market.advance_to(now_ms))


class Seen:
    """What the bus delivered."""

    def __init__(self, reader: MemoryReader) -> None:
        self._reader = reader
        self.trades: dict[str, list[Trade]] = defaultdict(list)
        self.states: list[ConnectionState] = []
        self.liquidations: list[Liquidation] = []
        self.candles: list[Candle] = []

    def drain(self) -> None:
        """Takes what is there."""
        for record in self._reader.drain():
            if isinstance(record, Trade):
                self.trades[record.symbol].append(record)
            elif isinstance(record, ConnectionState):
                self.states.append(record)
            elif isinstance(record, Liquidation):
                self.liquidations.append(record)
            elif isinstance(record, Candle):
                self.candles.append(record)
        assert self._reader.stats.dropped == 0

    def became(self, channel: Channel, symbol: str, state: FeedState) -> ConnectionState | None:
        """The first change of a channel to `state`, None when there was none."""
        self.drain()
        for change in self.states:
            if (change.channel, change.symbol, change.state) == (channel, symbol, state):
                return change
        return None


class Scene:
    """A feed, its simulated venue, and what came over the bus."""

    def __init__(self, server: VenueServer, market: Freezable, feed: VenueFeed, seen: Seen) -> None:
        self.server = server
        self.market = market
        self.feed = feed
        self.seen = seen

    @property
    def exchange(self) -> SimulatedExchange:
        """The market behind the venue."""
        return cast("SimulatedExchange", self.market._market)

    async def until(self, condition: Callable[[], bool], timeout_s: float = 15.0) -> bool:
        """Waits for `condition`; false when it did not come true in time."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False
        return True

    def all_live(self, subscriptions: Sequence[Subscription]) -> bool:
        """Whether every one carries data."""
        board = self.feed.pipeline.board
        return all(board.is_live(one) for one in subscriptions)

    async def calm_down(self) -> None:
        """Ends all faults."""
        self.server.injector.set_plan(FaultPlan())
        self.server.injector.mutes.clear()

    def is_settled(self, symbols: Sequence[str] = SYMBOLS) -> bool:
        """Whether everything the venue has was received and every hole is settled."""
        pipeline = self.feed.pipeline
        for symbol in symbols:
            truth = self.exchange.truth
            if pipeline.trades.next_sequence(symbol) != last_print(self.exchange, symbol) + 1:
                return False
            kept = pipeline.books.kept(symbol)
            if kept is None or not kept.live:
                return False
            if kept.book.sequence != truth.book(symbol).sequence:
                return False
        return pipeline.ledger.open_count == 0


def last_print(exchange: SimulatedExchange, symbol: str) -> int:
    """Sequence of the newest print."""
    return exchange.prints(symbol, limit=1)[-1].trade.sequence or 0


def streams(symbols: Sequence[str] = SYMBOLS) -> list[Subscription]:
    """Trades and book of each symbol."""
    return [
        Subscription(channel=channel, native_symbol=symbol)
        for symbol in symbols
        for channel in (Channel.TRADES, Channel.BOOK)
    ]


async def _drive(server: VenueServer, clock: Clock, speed: float) -> None:
    zero_s = last_s = clock.monotonic()
    start_ms = server.market.now_ms()
    while True:
        await asyncio.sleep(STEP_S)
        now_s = clock.monotonic()
        await server.step(start_ms + int((now_s - zero_s) * speed * 1000), now_s - last_s)
        last_s = now_s


@asynccontextmanager
async def scene(
    seed: int,
    *,
    plan: FaultPlan | None = None,
    symbols: Sequence[str] = SYMBOLS,
    settings: FeedSettings = SETTINGS,
    speed: float = 1.0,
    chosen: Venue | None = None,
    record_to: Path | None = None,
) -> AsyncIterator[Scene]:
    """A running scene; everything is stopped at the end and no task is left."""
    clock = loop_clock()
    binance = venue("binance") if chosen is None else chosen
    hosted = host_venue(binance, seed=seed, start_ms=clock.now_ms(), symbols=symbols)
    market = Freezable(hosted.market)
    hosted = msgspec.structs.replace(hosted, market=cast("MovingMarket", market))
    server = VenueServer(
        hosted,
        admin=answer_admin,
        clock=clock,
        plan=plan or FaultPlan(),
        host="127.0.0.1",
        port=0,
    )
    await server.start()
    driver = asyncio.create_task(_drive(server, clock, speed), name="test market driver")
    http = HttpClient(clock)
    await http.start()
    bus = MemoryBus()
    reader = bus.subscribe("test", [TopicFilter(kind) for kind in KINDS], READER_CAPACITY)
    recorder = None
    recording: asyncio.Task[None] | None = None
    if record_to is not None:
        streams_at = server.addresses.streams
        recorder = TapeRecorder(record_to, "binance", streams_at, clock)
        recording = asyncio.create_task(recorder.run(), name="test recorder")
    feed = VenueFeed(
        binance,
        server.addresses,
        bus=bus,
        http=http,
        clock=clock,
        rng=random.Random(seed),
        settings=settings,
        simulated=True,
        frame_tap=recorder,
        reply_tap=recorder,
    )
    await feed.start()
    try:
        async with asyncio.timeout(20):
            await feed.wait_ready()
        yield Scene(server, market, feed, Seen(reader))
    finally:
        await feed.stop()
        await http.close()
        driver.cancel()
        await asyncio.wait([driver])
        if recording is not None:
            recording.cancel()
            await asyncio.wait([recording])
        await server.stop()


def compare_trades(stage: Scene, symbols: Sequence[str] = SYMBOLS) -> None:
    """Every trade from the first one seen to the venue's last, each once, in order, and true."""
    stage.seen.drain()
    for symbol in symbols:
        trades = stage.seen.trades[symbol]
        ids = [trade.sequence or 0 for trade in trades]
        assert ids, f"no trade of {symbol}"
        last = last_print(stage.exchange, symbol)
        assert ids == list(range(ids[0], last + 1)), "lost, doubled or out of order"
        prints = stage.exchange.truth.prints(symbol, ids[0], last)
        assert [_essence(trade) for trade in trades] == [_essence(made.trade) for made in prints]


def compare_books(stage: Scene, symbols: Sequence[str] = SYMBOLS) -> None:
    """The kept books are the venue's."""
    for symbol in symbols:
        kept = stage.feed.pipeline.books.kept(symbol)
        assert kept is not None
        book = stage.exchange.truth.book(symbol, 1000)
        assert kept.book.sequence == book.sequence
        assert kept.book.bids(20) == book.bids[:20]
        assert kept.book.asks(20) == book.asks[:20]


def _essence(trade: Trade) -> tuple[object, ...]:
    return trade.sequence, trade.price, trade.quantity, trade.side, trade.timestamp_ms


_AGG_TRADE_ID = re.compile(r'"s":"(\w+)","a":(\d+)')


def faulted_trades(server: VenueServer) -> dict[str, set[int]]:
    """Ids of the trades that the venue dropped, muted or mutilated, by symbol."""
    found: dict[str, set[int]] = defaultdict(set)
    for injection in server.injector.journal:
        if injection.kind in ("drop", "mute", "corrupt"):
            match = _AGG_TRADE_ID.search(injection.detail)
            if match is not None:
                found[match[1]].add(int(match[2]))
    return found
