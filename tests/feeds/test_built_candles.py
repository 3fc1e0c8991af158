"""Live candles of intervals that the venue lacks: whole, once, corrected, while they are held."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest
from tests.feeds.made import EXCHANGE, Heard, candle, instrument, turns
from tests.feeds.simulated_venue import scene
from tests.virtual_time import in_virtual_time

from headwater.analytics.candles import fold, source_interval
from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, FeedState, GapState
from headwater.core.errors import NotSupported, RequestError, VenueRejected, VenueUnavailable
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import Candle, Trade
from headwater.feeds.built_candles import BuiltCandles
from headwater.feeds.pipeline import Fetchers, MarketPipeline, Surroundings
from headwater.feeds.settings import CandleSettings, FeedSettings, TradeSettings
from headwater.feeds.source import ChannelHealth
from headwater.venues.binance.venue import FACTS, BinanceVenue
from headwater.venues.discovery import venue
from headwater.venues.messages import Subscription

SYMBOL = "AAAUSDT"
MINUTE = 60_000
THREE = Subscription(channel=Channel.CANDLES, native_symbol=SYMBOL, interval=Interval.M3)
SETTINGS = FeedSettings(
    candles=CandleSettings(repair_attempts_max=2),
    trades=TradeSettings(repair_backoff_s=0.001, repair_backoff_ceiling_s=0.002),
)


class FakeLease:
    """Counts."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.released = 0

    def release(self) -> None:
        """Counts."""
        self.released += 1


class Desk:
    """A venue with minutes and hours. Its clock starts at minute 1 of a bar of three."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.clock = ManualClock(1_700_000_160_000_000_000)
        self.zero_ms = Interval.M3.opens_at_ms(self.clock.now_ms())
        assert self.clock.now_ms() == self.zero_ms + MINUTE
        self.table = InstrumentTable(EXCHANGE, [instrument(SYMBOL)])
        self.asked: list[tuple[int, int]] = []
        self.fail: list[Exception] = []
        self.withheld = False
        self.leases: list[FakeLease] = []
        around = Surroundings(
            bus=self.heard.bus,
            clock=self.clock,
            rng=random.Random(1),
            settings=SETTINGS,
            table=lambda: self.table,
            offset_ms=lambda: 0,
            on_quiet=lambda _: None,
        )
        self.pipeline = MarketPipeline(
            BinanceVenue(),
            around,
            Fetchers(trades_between=_none, trades_newest=_none, book=None, candles=self.fetch),
        )
        facts = msgspec.structs.replace(FACTS, intervals=(Interval.M1, Interval.H1))
        self.built = BuiltCandles(facts, around, self.pipeline, self.fetch, self.hold)

    def hold(self, subscription: Subscription) -> FakeLease:
        """The venue's own streams."""
        self.leases.append(FakeLease(subscription))
        return self.leases[-1]

    async def fetch(
        self, native: str, interval: Interval, first_ms: int, last_ms: int
    ) -> Sequence[Candle]:
        """Closed minutes of the range."""
        assert (native, interval) == (SYMBOL, Interval.M1)
        self.asked.append(((first_ms - self.zero_ms) // MINUTE, (last_ms - self.zero_ms) // MINUTE))
        if self.fail:
            raise self.fail.pop(0)
        if self.withheld:
            return []
        return [candle(ms, closed=True, volume=0.5) for ms in range(first_ms, last_ms + 1, MINUTE)]

    async def live(self, minute: int, *, closed: bool, volume: float = 1.0) -> None:
        """A minute arrives, by the stream."""
        opened_ms = self.zero_ms + minute * MINUTE
        self.clock.advance(max(0.0, (opened_ms - self.clock.now_ms()) / 1000))
        self.pipeline.candles.on_candle(candle(opened_ms, closed=closed, volume=volume))
        await turns()
        async with asyncio.timeout(5):
            await self.pipeline.crew.wait_idle()

    def bars(self) -> list[tuple[int, float, bool, int]]:
        """Minute, volume, closed, revision of every built candle that was published."""
        return [
            (
                (one.timestamp_ms - self.zero_ms) // MINUTE,
                one.volume,
                one.is_closed,
                one.revision,
            )
            for one in self.heard.all()
            if isinstance(one, Candle) and one.built_from is Interval.M1
        ]


async def _none(*_: object) -> list[Trade]:
    return []


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk whose crew works."""
    made = Desk()
    worker = asyncio.create_task(made.pipeline.crew.work())
    try:
        yield made
    finally:
        worker.cancel()
        await asyncio.wait([worker])


async def test_the_first_bar_is_whole_and_each_closes_once() -> None:
    async with desk() as made:
        lease = made.built.acquire(THREE)
        made.fail = [VenueUnavailable(EXCHANGE, "down")]
        await made.live(1, closed=False)
        assert made.asked == [(0, 0), (0, 0)], "what had passed before the stream began"
        assert made.bars() == [(0, 1.5, False, 0)]
        await made.live(1, closed=False, volume=2.0)
        await made.live(1, closed=True, volume=3.0)
        await made.live(2, closed=False, volume=0.25)
        await made.live(2, closed=True, volume=0.5)
        await made.live(2, closed=True, volume=0.5)
        await made.live(3, closed=False, volume=9.0)
        assert made.bars()[1:] == [
            (0, 2.5, False, 0),
            (0, 3.5, False, 0),
            (0, 3.75, False, 0),
            (0, 4.0, True, 0),
            (3, 9.0, False, 0),
        ]
        assert len(made.asked) == 2
        lease.release()


async def test_a_bar_follows_the_corrections_of_its_parts() -> None:
    async with desk() as made:
        made.built.acquire(THREE)
        for minute in (0, 1, 2):
            await made.live(minute, closed=True)
        await made.live(3, closed=False)
        await made.live(1, closed=True, volume=1.5)
        await made.live(1, closed=True, volume=1.5)
        await made.live(2, closed=True, volume=2.0)
        closed = [one for one in made.bars() if one[2]]
        assert closed == [(0, 3.0, True, 0), (0, 3.5, True, 1), (0, 4.5, True, 2)]


async def test_a_hole_is_left_out_until_it_is_filled() -> None:
    async with desk() as made:
        made.built.acquire(THREE)
        await made.live(1, closed=True)
        await made.live(3, closed=False)
        assert [one[0] for one in made.bars()] == [0, 3]
        await made.live(5, closed=False)
        assert [one[0] for one in made.bars()] == [0, 3], "minute 4 is missing"
        made.clock.advance(10.0)
        made.pipeline.candles.scan()
        await turns()
        await made.pipeline.crew.wait_idle()
        filled = made.bars()[2:]
        assert (0, 2.0, True, 0) in filled, "the keeper brought minute 2"
        assert filled[-1] == (3, 2.0, False, 0)


@pytest.mark.parametrize("refused", [True, False])
async def test_a_first_bar_that_cannot_be_had_is_in_the_ledger(refused: bool) -> None:
    async with desk() as made:
        made.built.acquire(THREE)
        made.withheld = True
        made.fail = [VenueRejected(EXCHANGE, "no")] if refused else []
        await made.live(1, closed=False)
        assert [gap.state for gap in made.heard.gaps()] == [GapState.OPEN, GapState.UNRECOVERABLE]
        await made.live(2, closed=False)
        assert len(made.asked) == (1 if refused else 2)
        assert made.bars() == []
        await made.live(3, closed=False)
        assert made.bars() == [(3, 1.0, False, 0)]


async def test_one_builder_for_all_and_none_for_nobody() -> None:
    async with desk() as made:
        leases = [made.built.acquire(THREE) for _ in range(3)]
        assert made.built.running == 1
        assert [one.subscription.interval for one in made.leases] == [Interval.M1]
        await made.live(0, closed=False)
        assert len(made.bars()) == 1
        for lease in leases:
            lease.release()
            lease.release()
        assert made.built.running == 0
        assert [one.released for one in made.leases] == [1]
        await made.live(0, closed=False, volume=2.0)
        assert len(made.bars()) == 1
        assert made.pipeline.candles.known(SYMBOL, Interval.M3) == {}
        made.built.acquire(THREE)
        await made.live(0, closed=False, volume=3.0)
        assert len(made.bars()) == 2


def _source_row(state: FeedState, since_ms: int, reason: str = "") -> ChannelHealth:
    """The row of the minutes that three are built of."""
    return ChannelHealth(
        channel=Channel.CANDLES,
        symbol=SYMBOL,
        interval=Interval.M1,
        state=state,
        since_ms=since_ms,
        age_s=0.5,
        reason=reason,
        subscribers=1,
    )


async def test_a_built_stream_is_as_good_as_its_source_once_its_first_bar_is_whole() -> None:
    async with desk() as made:
        begun_ms = made.clock.now_ms()
        leases = [made.built.acquire(THREE) for _ in range(2)]
        hours = msgspec.structs.replace(_source_row(FeedState.DOWN, 0), interval=Interval.H1)
        rows = [hours, _source_row(FeedState.LIVE, begun_ms - 1)]
        (row,) = made.built.channels(rows)
        assert (row.interval, row.state, row.since_ms) == (
            Interval.M3,
            FeedState.CONNECTING,
            begun_ms,
        )
        assert row.reason == "built of 1m: its first bar is not whole yet"
        assert (row.subscribers, row.age_s) == (2, 0.5)
        made.clock.advance(5.0)
        await made.live(1, closed=False)
        (row,) = made.built.channels(rows)
        assert (row.state, row.since_ms, row.reason) == (FeedState.LIVE, begun_ms + 5_000, "")
        stale = _source_row(FeedState.STALE, begun_ms + 9_000, "silent for more than 9.0 s")
        (row,) = made.built.channels([hours, stale])
        assert (row.state, row.since_ms) == (FeedState.STALE, begun_ms + 9_000)
        assert row.reason == "built of 1m: silent for more than 9.0 s"
        for lease in leases:
            lease.release()
        assert made.built.channels(rows) == ()


async def test_what_cannot_be_built_is_refused() -> None:
    async with desk() as made:
        for interval in (None, Interval.MONTH1):
            wanted = msgspec.structs.replace(THREE, interval=interval)
            with pytest.raises(NotSupported, match="what can be built of them"):
                made.built.acquire(wanted)
        assert made.leases == []


@in_virtual_time
async def test_a_venue_serves_what_it_lacks() -> None:
    """Against the simulated exchange: three minutes of one, as the exchange itself folds them."""

    class Lacking(BinanceVenue):
        facts = msgspec.structs.replace(FACTS, intervals=(Interval.M1, Interval.H1, Interval.D1))

    async with scene(7, chosen=Lacking(), speed=60.0) as stage:
        feed = stage.feed
        wanted = Subscription(
            channel=Channel.CANDLES, native_symbol="BTCUSDT", interval=Interval.M3
        )
        whole = msgspec.structs.replace(wanted, native_symbol=None)
        with pytest.raises(RequestError):
            feed.acquire(whole)
        leases = [feed.acquire(wanted), feed.acquire(wanted)]

        def closed() -> list[Candle]:
            stage.seen.drain()
            mine = [one for one in stage.seen.candles if one.interval is Interval.M3]
            assert all(one.built_from is Interval.M1 for one in mine)
            return [one for one in mine if one.is_closed and one.revision == 0]

        assert await stage.until(lambda: len(closed()) >= 2)
        rows_of = {one.interval: one for one in feed.health().channels}
        assert rows_of[Interval.M3].state is rows_of[Interval.M1].state is FeedState.LIVE
        assert rows_of[Interval.M3].subscribers == len(leases)
        for lease in leases:
            lease.release()
        bars = closed()
        opened = [one.timestamp_ms for one in bars]
        assert opened == list(range(opened[0], opened[-1] + 1, 3 * MINUTE))
        newest = {
            one.timestamp_ms: one
            for one in stage.seen.candles
            if one.is_closed and one.interval is Interval.M3
        }
        for bar in bars:
            truth = stage.exchange.candles(
                "BTCUSDT",
                Interval.M3,
                start_ms=bar.timestamp_ms,
                end_ms=bar.timestamp_ms,
                limit=1,
            )
            assert _numbers(newest[bar.timestamp_ms]) == _numbers(truth[0])
        bitcoin = feed.table.resolve("BTC")
        rows = await feed.candles(bitcoin, Interval.W1, limit=4)
        days = await feed.candles(bitcoin, Interval.D1, limit=35)
        assert [one.built_from for one in rows] == [Interval.D1] * 4
        past = [one for one in rows if one.is_closed]
        assert len(past) == 3
        folded = fold(days, Interval.W1, now_ms=stage.exchange.now_ms())
        again = [one for one in folded if one.is_closed][-3:]
        assert [_numbers(one) for one in past] == [_numbers(one) for one in again]
        span = await feed.candles(
            bitcoin, Interval.W1, limit=2, start_ms=past[0].timestamp_ms - 1, end_ms=None
        )
        assert [one.timestamp_ms for one in span] == [one.timestamp_ms for one in past[:2]]


@pytest.mark.parametrize("name", ["binance", "bybit", "okx", "hyperliquid"])
@in_virtual_time
async def test_every_interval_on_every_venue(name: str) -> None:
    """By REST and live; the first live candle is as whole as the venue's answer."""
    async with scene(3, chosen=venue(name), symbols=["BTCUSDT"]) as stage:
        feed = stage.feed
        bitcoin = feed.table.resolve("BTC")
        offered = feed.facts.intervals
        lacking = [one for one in Interval if one not in offered]
        assert lacking
        before: dict[Interval, Candle] = {}
        for interval in Interval:
            rows = await feed.candles(bitcoin, interval, limit=3)
            source = source_interval(interval, offered) if interval in lacking else None
            assert [one.built_from for one in rows] == [source] * 3, interval
            assert all(one.is_closed for one in rows[:2]), interval
            before[interval] = rows[-1]
            opened = [one.timestamp_ms for one in rows]
            assert [interval.closes_at_ms(one) for one in opened[:2]] == opened[1:], interval
        first: dict[Interval, Candle] = {}
        leases = [
            feed.acquire(
                Subscription(
                    channel=Channel.CANDLES, native_symbol=bitcoin.native_symbol, interval=one
                )
            )
            for one in lacking
        ]

        def seen() -> bool:
            stage.seen.drain()
            for one in stage.seen.candles:
                first.setdefault(one.interval, one)
            return first.keys() >= set(lacking)

        assert await stage.until(seen)
        for interval in lacking:
            asked, live = before[interval], first[interval]
            if asked.timestamp_ms == live.timestamp_ms:  # else a bar ended in between
                assert asked.open == live.open, interval
                assert asked.volume <= live.volume * (1 + 1e-9), "its earlier parts are in it"
        for lease in leases:
            lease.release()


def _numbers(one: Candle) -> tuple[object, ...]:
    values = (one.open, one.high, one.low, one.close, one.volume, one.quote_volume)
    rounded = (None if value is None else float(f"{value:.9g}") for value in values)
    return (one.timestamp_ms, *rounded, one.trades_count)
