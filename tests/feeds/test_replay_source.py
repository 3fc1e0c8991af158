"""A tape answers like a venue, and says what it cannot."""

import asyncio
import random
from pathlib import Path

import pytest
from tests.feeds.simulated_venue import SYMBOLS, scene, streams
from tests.feeds.test_replay import played, trade_line
from tests.virtual_time import in_virtual_time

from headwater.bus.memory import MemoryBus
from headwater.core.clock import SystemClock
from headwater.core.enums import Channel
from headwater.core.errors import ConfigError, NotSupported
from headwater.core.intervals import Interval
from headwater.feeds.replay_source import ReplaySource
from headwater.venues.discovery import venue
from headwater.venues.messages import Subscription


@in_virtual_time
async def test_what_the_feed_saw_the_replay_sees(tmp_path: Path) -> None:
    """A live feed is recorded; the tape gives the same trades and the same book."""
    async with scene(11, record_to=tmp_path) as stage:
        wanted = [
            *streams(),
            Subscription(channel=Channel.CANDLES, native_symbol="BTCUSDT", interval=Interval.M1),
            Subscription(channel=Channel.MARK_PRICES, native_symbol="BTCUSDT"),
        ]
        leases = [stage.feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: stage.all_live(wanted))
        instrument = stage.feed.table.resolve("BTCUSDT")
        await stage.feed.open_interest(instrument)
        await stage.feed.candles(instrument, Interval.M1, limit=10)
        await asyncio.sleep(2.0)
        stage.market.frozen = True
        assert await stage.until(stage.is_settled)
        stage.seen.drain()
        books = {
            symbol: await stage.feed.book(stage.feed.table.resolve(symbol), depth=20)
            for symbol in SYMBOLS
        }
        lives = {symbol: [one.sequence for one in stage.seen.trades[symbol]] for symbol in SYMBOLS}
        for lease in leases:
            lease.release()
    async with played(tmp_path) as (source, _):
        assert source.health().wire_errors == 0
        for symbol in SYMBOLS:
            instrument = source.table.resolve(symbol)
            book = await source.book(instrument, depth=20)
            assert (book.bids, book.asks) == (books[symbol].bids, books[symbol].asks)
            trades = await source.trades(instrument, limit=1000)
            assert [one.sequence for one in trades] == lives[symbol]
        bitcoin = source.table.resolve("BTC")
        assert bitcoin.min_notional is not None, "from the recorded instrument list"
        assert len(await source.candles(bitcoin, Interval.M1, limit=5)) == 5
        assert len(await source.mark_prices()) == 1
        assert (await source.open_interest(bitcoin)).open_interest > 0


async def test_what_a_tape_cannot_tell_is_refused_with_the_reason(tmp_path: Path) -> None:
    tape = tmp_path / "tape.ndjson"
    tape.write_bytes(trade_line(1, 0))
    async with played(tape) as (source, _):
        table = source.table
        assert await source.load_instruments() == 0, "a tape is asked nothing"
        assert source.table is table
        instrument = source.table.resolve("BTCUSDT")
        for asked in (
            source.candles(instrument, Interval.M1, limit=1),
            source.book(instrument, depth=1),
            source.tickers(),
            source.mark_prices(),
            source.open_interest(instrument),
            source.open_interest_history(instrument, Interval.M5, limit=1),
            source.funding_rate(instrument),
            source.funding_history(instrument, limit=1),
            source.predicted_funding(),
            source.mark_candles(instrument, Interval.M1, limit=1),
            source.margin_tiers(instrument),
            source.wallet_positions(f"0x{7:040x}"),
        ):
            with pytest.raises(NotSupported, match="tape"):
                await asked
        assert source.simulated
        source.acquire(Subscription(channel=Channel.TRADES, native_symbol=None)).release()
        health = source.health()
        assert not health.healthy
        assert "the tape has ended" in health.reason


async def test_a_tape_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    source = ReplaySource(
        venue("binance"),
        tmp_path / "nowhere",
        bus=MemoryBus(),
        clock=SystemClock(),
        rng=random.Random(1),
    )
    with pytest.raises(ConfigError, match="does not exist"):
        await source.start()
    await source.stop()
