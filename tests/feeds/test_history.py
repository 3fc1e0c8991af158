"""Questions answered from memory when it is whole, else by REST, a bounded number of times."""

import asyncio

import msgspec
import pytest
from tests.feeds.simulated_venue import scene, streams
from tests.virtual_time import in_virtual_time

from headwater.core.enums import Channel
from headwater.core.errors import NotSupported
from headwater.core.intervals import Interval
from headwater.venues.binance.venue import FACTS, BinanceVenue
from headwater.venues.discovery import venue
from headwater.venues.facts import Support
from headwater.venues.messages import Subscription


@in_virtual_time
async def test_every_question_has_an_answer() -> None:
    async with scene(1) as stage:
        feed = stage.feed
        bitcoin = feed.table.resolve("BTC")
        candles = await feed.candles(bitcoin, Interval.M1, limit=5)
        assert [one.is_closed for one in candles] == [True] * 4 + [False]
        bounded = await feed.candles(
            bitcoin,
            Interval.M1,
            limit=2,
            start_ms=candles[0].timestamp_ms,
            end_ms=candles[1].timestamp_ms,
        )
        assert [one.timestamp_ms for one in bounded] == [one.timestamp_ms for one in candles[:2]]
        assert len(await feed.trades(bitcoin, limit=7)) == 7
        book = await feed.book(bitcoin, depth=3)
        assert (len(book.bids), len(book.asks)) == (3, 3)
        assert {one.symbol for one in await feed.tickers()} == {"BTCUSDT", "SOLUSDT"}
        assert len(await feed.mark_prices()) == 2
        assert (await feed.open_interest(bitcoin)).value
        assert len(await feed.open_interest_history(bitcoin, Interval.M5, limit=3)) == 3
        assert (await feed.funding_rate(bitcoin)).funding_time_ms > 0
        assert len(await feed.funding_history(bitcoin, limit=3)) == 3


@in_virtual_time
async def test_candles_the_venue_lacks_are_built_of_the_largest_it_has() -> None:
    class Hours(BinanceVenue):
        facts = msgspec.structs.replace(FACTS, intervals=(Interval.H1, Interval.D1))

    async with scene(6, chosen=Hours()) as stage:
        feed = stage.feed
        bitcoin = feed.table.resolve("BTC")
        before = feed._rest.replies
        bars = await feed.candles(bitcoin, Interval.H12, limit=5)
        assert feed._rest.replies == before + 1
        assert [one.built_from for one in bars] == [Interval.H1] * 5
        assert [one.is_closed for one in bars] == [True] * 4 + [False]
        opened = [one.timestamp_ms for one in bars]
        assert opened == list(range(opened[0], opened[0] + 5 * 43_200_000, 43_200_000))
        hours = await feed.candles(
            bitcoin, Interval.H1, limit=12, start_ms=opened[1], end_ms=opened[2] - 1
        )
        assert (bars[1].open, bars[1].close) == (hours[0].open, hours[-1].close)
        assert bars[1].trades_count == sum(one.trades_count or 0 for one in hours)
        older = await feed.candles(bitcoin, Interval.H12, limit=2, end_ms=opened[2])
        assert [one.timestamp_ms for one in older] == opened[1:3]
        later = await feed.candles(
            bitcoin, Interval.H12, limit=9, start_ms=opened[0] + 1, end_ms=opened[3] - 1
        )
        assert [one.timestamp_ms for one in later] == opened[1:3]
        none = await feed.candles(bitcoin, Interval.H12, limit=9, start_ms=opened[-1] + 10**9)
        assert none == []
        with pytest.raises(NotSupported, match="1m cannot be built of what there is: 1h, 1d"):
            await feed.candles(bitcoin, Interval.M1, limit=1)


@in_virtual_time
async def test_the_same_question_is_asked_once() -> None:
    async with scene(2) as stage:
        bitcoin = stage.feed.table.resolve("BTC")
        before = stage.feed._rest.replies
        answers = await asyncio.gather(
            *(stage.feed.candles(bitcoin, Interval.H1, limit=50) for _ in range(20))
        )
        assert stage.feed._rest.replies == before + 1
        assert all(answer == answers[0] for answer in answers)


@in_virtual_time
async def test_live_memory_answers_without_asking() -> None:
    async with scene(3) as stage:
        feed = stage.feed
        bitcoin = feed.table.resolve("BTC")
        wanted = [
            *streams(["BTCUSDT"]),
            Subscription(channel=Channel.CANDLES, native_symbol="BTCUSDT", interval=Interval.M1),
            Subscription(channel=Channel.MARK_PRICES, native_symbol=None),
        ]
        leases = [feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: stage.all_live(wanted))
        await feed.candles(bitcoin, Interval.M1, limit=20)
        known = feed.pipeline.trades
        assert await stage.until(lambda: (known.recent("BTCUSDT", 3)) is not None)
        await asyncio.sleep(0.3)
        before = feed._rest.replies
        candles = await feed.candles(bitcoin, Interval.M1, limit=20)
        assert len(candles) == 20
        assert not candles[-1].is_closed
        assert len(await feed.trades(bitcoin, limit=3)) == 3
        assert (await feed.book(bitcoin, depth=5)).bids
        assert len(await feed.mark_prices()) == 2
        assert feed._rest.replies == before
        for lease in leases:
            lease.release()


@in_virtual_time
async def test_predicted_funding_comes_from_the_venue_that_publishes_it() -> None:
    async with scene(6, chosen=venue("hyperliquid")) as stage:
        rows = await stage.feed.predicted_funding()
        assert {(row.symbol, row.venue) for row in rows} >= {("BTCUSDT", "HlPerp")}
        assert any(row.rate for row in rows)
    async with scene(7) as stage:
        with pytest.raises(NotSupported):
            await stage.feed.predicted_funding()


@in_virtual_time
async def test_margin_tiers_are_asked_for_once() -> None:
    async with scene(8, chosen=venue("bybit")) as stage:
        bitcoin = stage.feed.table.resolve("BTC")
        tiers = await stage.feed.margin_tiers(bitcoin)
        assert tiers.source == "GET /v5/market/risk-limit"
        assert tiers.tiers[0].leverage_max == 125.0
        before = stage.feed._rest.replies
        assert await stage.feed.margin_tiers(bitcoin) is tiers
        assert stage.feed._rest.replies == before


@in_virtual_time
async def test_positions_of_a_wallet_are_read_each_time_where_they_are_public() -> None:
    async with scene(10, chosen=venue("hyperliquid")) as stage:
        stage.market.frozen = True
        (real, *_) = stage.exchange.truth.positions("BTCUSDT")
        address = f"0x{real.position_id:040x}"
        before = stage.feed._rest.replies
        for _ in range(2):
            held = {one.symbol: one for one in await stage.feed.wallet_positions(address)}
            assert held["BTCUSDT"].quantity == pytest.approx(real.quantity)
        assert stage.feed._rest.replies == before + 2
    async with scene(10) as stage:
        with pytest.raises(NotSupported, match="wallet_positions"):
            await stage.feed.wallet_positions(address)


@in_virtual_time
async def test_bars_of_the_mark_price_are_asked_for_once_and_refused_where_there_are_none() -> None:
    async with scene(9, chosen=venue("okx")) as stage:
        bitcoin = stage.feed.table.resolve("BTC")
        bars = await stage.feed.mark_candles(bitcoin, Interval.M5, limit=130)
        assert len(bars) == 130
        assert [one.is_closed for one in bars[-2:]] == [True, False]
        before = stage.feed._rest.replies
        assert await stage.feed.mark_candles(bitcoin, Interval.M5, limit=130) is bars
        assert stage.feed._rest.replies == before
        with pytest.raises(NotSupported, match="8h"):
            await stage.feed.mark_candles(bitcoin, Interval.H8, limit=1)
    async with scene(10, chosen=venue("hyperliquid")) as stage:
        bitcoin = stage.feed.table.resolve("BTC")
        with pytest.raises(NotSupported, match="mark price of now only"):
            await stage.feed.mark_candles(bitcoin, Interval.M1, limit=1)


@in_virtual_time
async def test_what_the_venue_does_not_offer_is_refused_with_its_reason() -> None:
    class Poor(BinanceVenue):
        facts = msgspec.structs.replace(
            FACTS,
            capabilities={
                **FACTS.capabilities,
                "tickers": Support(available=False, note="it keeps them secret"),
            },
        )

    async with scene(4, chosen=Poor()) as stage:
        with pytest.raises(NotSupported, match="secret"):
            await stage.feed.tickers()
        bitcoin = stage.feed.table.resolve("BTC")
        with pytest.raises(NotSupported, match="3m is not offered"):
            await stage.feed.open_interest_history(bitcoin, Interval.M3, limit=1)
