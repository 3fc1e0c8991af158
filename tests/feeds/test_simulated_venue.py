"""A stopped market of the scenes here: what it had done is told, so that both ends can be equal."""

import asyncio
from collections.abc import Iterable
from decimal import Decimal

import pytest
from tests.feeds.simulated_venue import GATHERED_MS, Freezable, scene
from tests.virtual_time import in_virtual_time

from headwater.core.enums import Channel, Side
from headwater.core.records import BookDelta, Record, Trade
from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.fair_price import STEP_MS
from headwater.simulator.orders import Ticket
from headwater.venues.discovery import venue, venues
from headwater.venues.messages import Subscription

START_MS = 1_790_000_000_000
SYMBOL = "BTCUSDT"


def test_a_market_that_stops_right_after_arbitrage_tells_of_it() -> None:
    """Its prints and changes of books wait for the next step, which there is not."""
    exchanges = [
        SimulatedExchange(seed=6, start_ms=START_MS, exchange=name, symbols=[SYMBOL], levels=50)
        for name in sorted(venues())
    ]
    ties = SimulatedExchange.tie(exchanges)
    markets = [Freezable(one) for one in exchanges]
    told: list[list[Record]] = [[] for _ in markets]
    now_ms, trades_before = START_MS, ties.trades
    while now_ms < START_MS + 5_000 or ties.trades == trades_before:
        now_ms, trades_before = now_ms + STEP_MS, ties.trades
        for market, records in zip(markets, told, strict=True):
            records += market.advance_to(now_ms)
    last = [one.prints(SYMBOL, limit=1)[0].trade.sequence for one in exchanges]
    waiting = [_last_of(records) != number for records, number in zip(told, last, strict=True)]
    assert sum(waiting) == 2, "bought on one venue and sold on another, both not told of yet"

    for market in markets:
        market.frozen = True
    stopped_ms = now_ms
    for _ in range(60):
        now_ms += STEP_MS
        for market, records in zip(markets, told, strict=True):
            records += market.advance_to(now_ms)
    for exchange, market, records in zip(exchanges, markets, told, strict=True):
        numbers = [one.sequence or 0 for one in records if isinstance(one, Trade)]
        truth = [one.trade.sequence for one in exchange.prints(SYMBOL, limit=len(numbers))]
        assert numbers == truth
        changes = [one.sequence for one in records if isinstance(one, BookDelta)]
        assert changes[-1] == exchange.truth.book(SYMBOL).sequence
        assert exchange.now_ms() == stopped_ms
        assert market.now_ms() == stopped_ms + GATHERED_MS, "streams sent what they gathered"


@pytest.mark.parametrize("name", sorted(venues()))
@in_virtual_time
async def test_what_is_traded_just_before_the_stop_arrives_over_the_sockets(name: str) -> None:
    """Also where the venue has just sent some and gathers the next, as Binance for 100 ms."""
    async with scene(6, chosen=venue(name), symbols=[SYMBOL]) as stage:
        native = stage.feed.table.resolve(SYMBOL).native_symbol
        wanted = Subscription(channel=Channel.TRADES, native_symbol=native)
        lease = stage.feed.acquire(wanted)
        assert await stage.until(lambda: stage.all_live([wanted]))
        since_ms = stage.exchange.now_ms()

        def heard() -> float:
            stage.seen.drain()
            return _base_units(stage.seen.trades[SYMBOL], since_ms)

        async with asyncio.timeout(10):
            while not heard():
                await asyncio.sleep(0.001)
        bought = stage.exchange.submit(
            Ticket(symbol=SYMBOL, owner="me", side=Side.BUY, quantity=Decimal("0.5"))
        )
        stage.market.frozen = True
        assert bought.filled
        true = _base_units(
            (one.trade for one in stage.exchange.prints(SYMBOL, limit=999)), since_ms
        )
        await stage.until(lambda: heard() == pytest.approx(true), 5)
        assert heard() == pytest.approx(true)
        lease.release()


def _base_units(trades: Iterable[Trade], since_ms: int) -> float:
    return sum(one.quantity for one in trades if one.timestamp_ms >= since_ms)


def _last_of(records: list[Record]) -> int | None:
    return next((one.sequence for one in reversed(records) if isinstance(one, Trade)), None)
