"""Where every record goes, and who hears of a connection's changes."""

import random

from tests.feeds.made import (
    EXCHANGE,
    START_MS,
    Heard,
    candle,
    instrument,
    liquidation,
    snapshot,
    trade,
)

from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, FeedState, GapCause
from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import BookSnapshot, Candle, Liquidation, MarkPrice, Trade
from headwater.feeds.link import STREAM_CLASSES
from headwater.feeds.pipeline import Fetchers, MarketPipeline, Surroundings
from headwater.feeds.settings import FeedSettings
from headwater.venues.binance.venue import BinanceVenue
from headwater.venues.messages import Subscription

SYMBOL = "AAAUSDT"
BOOK = Subscription(channel=Channel.BOOK, native_symbol=SYMBOL)
TRADES = Subscription(channel=Channel.TRADES, native_symbol=SYMBOL)
CANDLES = Subscription(channel=Channel.CANDLES, native_symbol=SYMBOL, interval=Interval.M1)
FORCED = Subscription(channel=Channel.LIQUIDATIONS, native_symbol=None)
MARKS = Subscription(channel=Channel.MARK_PRICES, native_symbol=SYMBOL)


async def _trades(*_: object) -> list[Trade]:
    return []


class Rig:
    """A pipeline with nobody to ask."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.quiet: list[Subscription] = []
        table = InstrumentTable(EXCHANGE, [instrument(SYMBOL)])
        self.pipeline = MarketPipeline(
            BinanceVenue(),
            Surroundings(
                bus=self.heard.bus,
                clock=ManualClock(),
                rng=random.Random(1),
                settings=FeedSettings(repairs_parallel=2),
                table=lambda: table,
                offset_ms=lambda: 0,
                on_quiet=self.quiet.append,
            ),
            Fetchers(trades_between=_trades, trades_newest=_trades, book=None, candles=None),
        )
        for one in (BOOK, TRADES, CANDLES, FORCED, MARKS):
            self.pipeline.added(one)


def _mark() -> MarkPrice:
    return MarkPrice(
        exchange=EXCHANGE,
        symbol=SYMBOL,
        native_symbol=SYMBOL,
        timestamp_ms=1,
        received_ns=1,
        mark=1.0,
        index=None,
        funding_rate=None,
        next_funding_ms=None,
    )


def test_every_class_a_stream_may_give_has_a_handler() -> None:
    pipeline = Rig().pipeline
    assert set(STREAM_CLASSES) <= set(pipeline.handlers)


def test_records_reach_the_bus_through_their_keepers() -> None:
    rig = Rig()
    for record in (
        trade(1),
        snapshot(5),
        candle(START_MS, closed=True),
        liquidation(START_MS),
        _mark(),
    ):
        rig.pipeline.handlers[record.__class__](record)
    kinds = {type(one) for one in rig.heard.all()}
    assert {Trade, BookSnapshot, Candle, Liquidation} <= kinds
    assert rig.pipeline.states.newest(MarkPrice, SYMBOL) is not None
    assert rig.pipeline.books.book(SYMBOL, 1) is not None


def test_an_interruption_reaches_every_keeper() -> None:
    rig = Rig()
    pipeline = rig.pipeline
    pipeline.handlers[Trade](trade(1))
    pipeline.handlers[BookSnapshot](snapshot(5))
    pipeline.on_change(FORCED, FeedState.LIVE, "")
    everything = [BOOK, TRADES, CANDLES, FORCED, MARKS]
    pipeline.on_interrupted(everything, GapCause.STALE, "silent")
    assert pipeline.books.book(SYMBOL, 1) is not None, "silence alone makes no book untrue"
    pipeline.on_interrupted(everything, GapCause.DISCONNECT, "lost")
    assert pipeline.books.book(SYMBOL, 1) is None
    assert {gap.channel for gap in rig.heard.gaps()} == {Channel.BOOK, Channel.LIQUIDATIONS}
    pipeline.on_change(FORCED, FeedState.LIVE, "")
    assert pipeline.ledger.open_count == 1


def test_what_nobody_wants_is_forgotten() -> None:
    rig = Rig()
    pipeline = rig.pipeline
    pipeline.handlers[Trade](trade(1))
    pipeline.handlers[MarkPrice](_mark())
    pipeline.handlers[Candle](candle(START_MS, closed=False))
    for one in (BOOK, TRADES, CANDLES, FORCED, MARKS):
        pipeline.removed(one)
    assert pipeline.books.kept(SYMBOL) is None
    assert pipeline.trades.latest(SYMBOL, 5) == []
    assert pipeline.candles.known(SYMBOL, Interval.M1) == {}
    assert pipeline.states.all_of(MarkPrice) == []
    assert list(pipeline.board.subscriptions) == []


def test_memory_of_candles_counts_only_while_their_stream_is_live() -> None:
    rig = Rig()
    pipeline = rig.pipeline
    pipeline.handlers[Candle](candle(START_MS, closed=False))
    assert pipeline.newest_candles(SYMBOL, Interval.M1, 1) is None
    pipeline.on_change(CANDLES, FeedState.LIVE, "")
    assert pipeline.newest_candles(SYMBOL, Interval.M1, 1) is not None
    assert pipeline.newest_candles("NONE", Interval.M1, 1) is None


def test_unreadable_frames_are_counted_and_the_tasks_are_named() -> None:
    rig = Rig()
    rig.pipeline.on_wire_error(WireError(EXCHANGE, "x", "broken", b"{"))
    rig.pipeline.on_confirmed([BOOK])
    rig.pipeline.on_connection("public", FeedState.LIVE, "")
    assert rig.pipeline.wire_errors == 1
    assert "broken" in rig.pipeline.last_wire_error
    names = [name for name, _ in rig.pipeline.tasks()]
    assert len(names) == len(set(names)) == 8
    rig.pipeline._on_quiet_trades(SYMBOL)
    assert rig.quiet == [TRADES]
