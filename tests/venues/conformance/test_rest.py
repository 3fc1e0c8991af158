"""What a venue's REST code reads from its own side is what the market did."""

from collections.abc import Callable
from itertools import pairwise

import msgspec
import pytest
from tests.venues.conformance.loopback import Loopback

from headwater.core.enums import Channel
from headwater.core.errors import NotSupported, VenueError
from headwater.core.intervals import Interval
from headwater.core.records import Candle, MarkCandle, Trade
from headwater.feeds.interest_reach import finest_period
from headwater.feeds.live_fills import told_live
from headwater.venues.messages import RestCall, Subscription

Calls = dict[str, Callable[[], RestCall[object]]]


def calls(loop: Loopback) -> Calls:
    """One call of each kind, by capability."""
    rest, contract = loop.rest, loop.instrument()
    now_ms = loop.market.now_ms()
    periods = loop.facts.open_interest_periods or (Interval.M5,)
    return {
        "ohlc": lambda: rest.candles(contract, Interval.M1, limit=5, now_ms=now_ms),
        "trades": lambda: rest.trades(contract, limit=10),
        "order_book": lambda: rest.book(contract, depth=5),
        "tickers": lambda: rest.tickers(),
        "mark_prices": lambda: rest.mark_prices(),
        "open_interest": lambda: rest.open_interest(contract),
        "open_interest_history": lambda: rest.open_interest_history(contract, periods[0], limit=3),
        "funding_rate": lambda: rest.funding_rate(contract),
        "funding_history": lambda: rest.funding_history(contract, limit=3),
        "mark_candles": lambda: rest.mark_candles(contract, Interval.M1, limit=5, now_ms=now_ms),
        "margin_tiers": lambda: rest.margin_tiers(contract),
        "server_time": lambda: rest.server_time_ms(),
    }


def test_what_is_declared_answers_and_what_is_not_says_so(loop: Loopback) -> None:
    for name, make in calls(loop).items():
        support = loop.facts.capabilities.get(name)
        if support is None or support.available:
            assert loop.ask(make()) is not None, name
        else:
            with pytest.raises(NotSupported):
                loop.ask(make())


def test_every_request_is_within_a_declared_budget(loop: Loopback) -> None:
    """Pools exist, and no single request is dearer than its pool."""
    pools = {pool.name: pool.capacity for pool in loop.facts.pools}
    for name, make in calls(loop).items():
        support = loop.facts.capabilities.get(name)
        if support is None or support.available:
            loop.ask(make())
    assert loop.requests
    for request in loop.requests:
        for pool, weight in ((request.pool, request.weight), *request.limit_weights):
            assert 0 < weight <= pools[pool], request.path


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_candles_are_the_markets(loop: Loopback, symbol: str) -> None:
    """Ascending; the forming one is the last and says so; prices and base volumes equal."""
    contract, now_ms = loop.instrument(symbol), loop.market.now_ms()
    for interval in loop.facts.intervals:
        read = loop.ask(loop.rest.candles(contract, interval, limit=3, now_ms=now_ms))
        real = loop.market.candles(symbol, interval, limit=3)
        assert [one.timestamp_ms for one in read] == [one.timestamp_ms for one in real]
        assert [one.is_closed for one in read] == [one.is_closed for one in real]
        for got, true in zip(read, real, strict=True):
            assert (got.symbol, got.interval) == (symbol, interval)
            assert (got.open, got.high, got.low, got.close) == pytest.approx(
                (true.open, true.high, true.low, true.close), rel=1e-4
            )
            assert got.volume == pytest.approx(true.volume, rel=1e-6)


def test_candles_of_a_span_longer_than_a_page_have_no_seam(loop: Loopback) -> None:
    """Every minute of the span once, also across the pages of a call."""
    minutes = min(loop.facts.candles_max * 2 + 7, 2_500)
    contract, now_ms = loop.instrument(), loop.market.now_ms()
    end_ms = Interval.M1.opens_at_ms(now_ms) - 60_000
    start_ms = end_ms - (minutes - 1) * 60_000
    read = loop.ask(
        loop.rest.candles(
            contract, Interval.M1, limit=minutes, start_ms=start_ms, end_ms=end_ms, now_ms=now_ms
        )
    )
    assert [one.timestamp_ms for one in read] == list(range(start_ms, end_ms + 1, 60_000))
    assert all(one.is_closed for one in read)


def _without_marks(loop: Loopback) -> bool:
    return not loop.facts.capabilities["mark_candles"].available


def test_bars_of_the_mark_price_are_the_markets(loop: Loopback) -> None:
    """To the digits that the venue writes: by all intervals, the forming one last and marked."""
    if _without_marks(loop):
        pytest.skip("the venue tells no past mark prices")
    loop.market.advance_to(loop.market.now_ms() + 130_000)
    contract, now_ms = loop.instrument(), loop.market.now_ms()
    for interval in loop.facts.intervals:
        read = loop.ask(loop.rest.mark_candles(contract, interval, limit=4, now_ms=now_ms))
        real = loop.market.mark_candles("BTCUSDT", interval, limit=4)
        assert [one.timestamp_ms for one in read] == [one.timestamp_ms for one in real]
        assert [one.is_closed for one in read] == [one.is_closed for one in real]
        for got, true in zip(read, real, strict=True):
            assert (got.exchange, got.symbol, got.interval) == (true.exchange, "BTCUSDT", interval)
            assert got.native_symbol == contract.native_symbol
            assert got.readings is None
            for mine, theirs in zip(_prices(got), _prices(true), strict=True):
                assert abs(mine - theirs) <= float(contract.price_tick) / 2 + 1e-9
    candles = loop.ask(loop.rest.candles(contract, Interval.M1, limit=2, now_ms=now_ms))
    marks = loop.ask(loop.rest.mark_candles(contract, Interval.M1, limit=2, now_ms=now_ms))
    assert _prices(marks[0]) != _prices(candles[0])


def _prices(bar: Candle | MarkCandle) -> tuple[float, ...]:
    return bar.open, bar.high, bar.low, bar.close


def test_mark_bars_of_a_span_longer_than_a_page_have_no_seam(loop: Loopback) -> None:
    """Every minute of a day and more once, whether from the start on or back from the end."""
    if _without_marks(loop):
        pytest.skip("the venue tells no past mark prices")
    minutes = 1_600  # more than a page and than an endpoint of the newest has
    contract, now_ms = loop.instrument(), loop.market.now_ms()
    end_ms = Interval.M1.opens_at_ms(now_ms) - 60_000
    start_ms = end_ms - (minutes - 1) * 60_000
    for bounds in ({"start_ms": start_ms, "end_ms": end_ms}, {"end_ms": end_ms}):
        call = loop.rest.mark_candles(contract, Interval.M1, limit=minutes, now_ms=now_ms, **bounds)
        read = loop.ask(call)
        assert [one.timestamp_ms for one in read] == list(range(start_ms, end_ms + 1, 60_000))
        assert all(one.is_closed for one in read)
        real = loop.market.mark_candles(
            "BTCUSDT", Interval.M1, limit=minutes, start_ms=start_ms, end_ms=end_ms
        )
        loop.market.advance_to(loop.market.now_ms() + 2_500)  # the venue's budget is full again
        tick = float(contract.price_tick)
        assert max(abs(a.low - b.low) for a, b in zip(read, real, strict=True)) <= tick


def test_mark_bars_of_a_contract_the_venue_does_not_list(loop: Loopback) -> None:
    """A typed error, never an empty success."""
    stranger = msgspec.structs.replace(
        loop.instrument(), symbol="NOPEUSDT", native_symbol="NOPE-USDT-SWAP"
    )
    with pytest.raises((VenueError, NotSupported)):
        loop.ask(loop.rest.mark_candles(stranger, Interval.M1, limit=1, now_ms=1))


def test_trades_are_the_markets_newest(loop: Loopback) -> None:
    """Ascending, with ids that do not repeat, in base units and with the taker's side."""
    read = loop.ask(loop.rest.trades(loop.instrument(), limit=10))
    real = [one.trade for one in loop.market.prints("BTCUSDT", limit=200)]
    known = {(one.timestamp_ms, one.side): one for one in real}
    assert 0 < len(read) <= 10
    assert len({one.trade_id for one in read}) == len(read)
    assert [one.timestamp_ms for one in read] == sorted(one.timestamp_ms for one in read)
    for got in read:
        true = known[got.timestamp_ms, got.side]
        assert got.price == pytest.approx(true.price, rel=1e-3)
        assert got.value == pytest.approx(got.price * got.quantity)


def test_trades_are_those_of_the_live_channel(loop: Loopback) -> None:
    """Each live trade is listed, whole or as its fills, and nothing else is: a repair relies on it.

    Its id stands for it in both, that of the last fill where the live channel gathers them.
    """
    wanted = Subscription(channel=Channel.TRADES, native_symbol=loop.instrument().native_symbol)
    line = loop.follow(wanted)
    line.advance(40_000)
    live = [one for one in line.events if isinstance(one, Trade)]
    read = loop.ask(loop.rest.trades(loop.instrument(), limit=loop.facts.trades_max))
    begun_ms = max(live[0].timestamp_ms, read[0].timestamp_ms)

    def inner(trades: list[Trade]) -> list[Trade]:
        # The ends may be cut in the middle of a taker's order.
        ended_ms = loop.market.now_ms() - 1_000
        return [one for one in trades if begun_ms < one.timestamp_ms < ended_ms]

    listed, came = inner(read), {one.trade_id: one for one in inner(live)}
    assert len(listed) > 5
    told = told_live(listed, came)
    assert len(told) == len(listed)
    assert {one.trade_id for one in told.values()} == set(came)
    for trade in came.values():
        fills = [listed[at].quantity for at, one in told.items() if one is trade]
        assert sum(fills) == pytest.approx(trade.quantity, rel=1e-9)


def test_the_book_is_the_markets(loop: Loopback) -> None:
    read = loop.ask(loop.rest.book(loop.instrument(), depth=10))
    real = loop.market.book("BTCUSDT", 10)
    assert len(read.bids) >= 10
    assert len(read.asks) >= 10
    for got, true in ((read.bids, real.bids), (read.asks, real.asks)):
        for (price, quantity), (true_price, true_quantity) in zip(got[:10], true, strict=True):
            assert price == pytest.approx(true_price, rel=1e-4)
            assert quantity == pytest.approx(true_quantity, rel=1e-6)


def test_marks_interest_and_funding_are_the_markets(loop: Loopback) -> None:
    contract = loop.instrument()
    marks = {one.symbol: one for one in loop.ask(loop.rest.mark_prices())}
    real = loop.market.mark_price("BTCUSDT")
    assert marks["BTCUSDT"].mark == pytest.approx(real.mark, rel=1e-4)
    if marks["BTCUSDT"].index is not None:
        assert marks["BTCUSDT"].index == pytest.approx(real.index, rel=1e-4)
    interest = loop.ask(loop.rest.open_interest(contract))
    assert interest.open_interest == pytest.approx(
        loop.market.open_interest("BTCUSDT").open_interest, rel=1e-6
    )
    funding = loop.ask(loop.rest.funding_rate(contract))
    assert funding.funding_time_ms > loop.market.now_ms() - 1_000
    history = loop.ask(loop.rest.funding_history(contract, limit=3))
    times = [one.funding_time_ms for one in history]
    assert times == sorted(times)
    assert all(time_ms <= loop.market.now_ms() for time_ms in times)


@pytest.mark.parametrize("days", [7, 29.5])
def test_open_interest_of_weeks_is_the_markets_without_a_seam(loop: Loopback, days: float) -> None:
    """By the finest period that reaches so far, forwards and backwards, both bounds contained."""
    period = finest_period(loop.facts, int(days * 86_400_000))
    if period is None:
        pytest.skip("the venue tells no past open interest")
    contract = loop.instrument()
    last_ms = period.opens_at_ms(loop.market.now_ms())
    count = int(days * 86_400_000) // period.nominal_ms
    first_ms = last_ms - (count - 1) * period.nominal_ms
    times = list(range(first_ms, last_ms + 1, period.nominal_ms))
    for limit, bounds in (
        (count, {"start_ms": first_ms, "end_ms": last_ms}),
        (count + 9, {"start_ms": first_ms}),
        (count, {"end_ms": last_ms}),
        (count - 9, {"start_ms": first_ms, "end_ms": last_ms}),
    ):
        call = loop.rest.open_interest_history(contract, period, limit=limit, **bounds)
        read = loop.ask(call, pause_ms=210)
        got = [one.timestamp_ms for one in read if one.timestamp_ms <= last_ms]
        assert got == times[:limit], bounds
        real = loop.market.open_interest_history(
            "BTCUSDT", period, limit=limit, start_ms=first_ms, end_ms=last_ms
        )
        for mine, true in zip(read, real, strict=False):
            assert mine.open_interest == pytest.approx(true.open_interest, rel=1e-6)


def test_margin_tiers_are_the_markets(loop: Loopback) -> None:
    """Edges, leverages and rates are those by which the market closes positions by force.

    A copy that ships with the program is of the real venue, so only its shape can be held to it;
    a venue that tells no rates has them follow from the leverage (0.0065 is shown as 1/150).
    """
    contract = loop.instrument()
    read = loop.ask(loop.rest.margin_tiers(contract))
    real = loop.market.margin_tiers("BTCUSDT")
    assert (read.exchange, read.symbol) == (loop.facts.venue_id, "BTCUSDT")
    assert read.native_symbol == contract.native_symbol
    assert read.tiers[0].notional_floor == 0.0
    for below, above in pairwise(read.tiers):
        assert below.notional_cap == above.notional_floor
        assert below.quantity_cap == above.quantity_floor
        assert below.leverage_max > above.leverage_max
    if read.source.startswith("snapshot"):
        return
    for got, true in zip(read.tiers, real, strict=True):
        assert got.leverage_max == true.leverage_max
        assert got.notional_floor == pytest.approx(true.notional_floor, rel=1e-3)
        assert got.maintenance_rate == pytest.approx(true.maintenance_rate, rel=0.03)
        if read.reference_price is None:
            assert got.maintenance_deduction == pytest.approx(true.maintenance_deduction, rel=0.15)
        else:
            assert got.quantity_cap == pytest.approx(
                true.notional_cap / loop.market.mark_price("BTCUSDT").mark, rel=1e-3
            )


def test_margin_tiers_of_a_contract_the_venue_does_not_list(loop: Loopback) -> None:
    """A typed error, never an empty table."""
    stranger = msgspec.structs.replace(
        loop.instrument(), symbol="NOPEUSDT", native_symbol="NOPE-USDT-SWAP"
    )
    with pytest.raises((VenueError, NotSupported)):
        loop.ask(loop.rest.margin_tiers(stranger))


def test_tickers_are_the_markets(loop: Loopback) -> None:
    """24-hour figures in base units and quote currency; change as a fraction."""
    real = loop.market.day_stats("BTCUSDT")
    read = {one.symbol: one for one in loop.ask(loop.rest.tickers())}["BTCUSDT"]
    if read.last is not None:
        assert read.last == pytest.approx(real.last, rel=1e-3)
    if read.volume_24h is not None:
        assert read.volume_24h == pytest.approx(real.volume, rel=1e-3)
    if read.quote_volume_24h is not None:
        assert read.quote_volume_24h == pytest.approx(real.quote_volume, rel=1e-2)
    if read.change_24h is not None:
        assert read.change_24h == pytest.approx(real.last / real.open - 1, abs=0.0005)


def test_a_contract_the_venue_does_not_list_is_an_error(loop: Loopback) -> None:
    """A typed one, raised in the call: never an empty success."""
    stranger = msgspec.structs.replace(
        loop.instrument(), symbol="NOPEUSDT", native_symbol="NOPE-USDT-SWAP"
    )
    with pytest.raises((VenueError, NotSupported)):
        loop.ask(loop.rest.book(stranger, depth=5))


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_months_are_counted_from_the_start_asked_for(loop: Loopback, limit: int) -> None:
    """A month is not 30 days: none of the first is lost to one that ends in the same span."""
    interval = Interval.MONTH1
    if interval not in loop.facts.intervals:
        pytest.skip("the venue has no months")
    contract, now_ms = loop.instrument(), loop.market.now_ms()
    months = [interval.opens_at_ms(now_ms)]
    while len(months) < 12:
        months.insert(0, interval.opens_at_ms(months[0] - 1))
    for at in range(8):
        call = loop.rest.candles(
            contract, interval, limit=limit, start_ms=months[at], now_ms=now_ms
        )
        assert [one.timestamp_ms for one in loop.ask(call)] == months[at : at + limit]


def test_the_candle_in_which_a_contract_was_listed_is_its_first(loop: Loopback) -> None:
    """It opened before the listing."""
    now_ms = loop.market.now_ms()
    opened_ms = Interval.D1.opens_at_ms(now_ms - 5 * Interval.D1.nominal_ms)
    born = msgspec.structs.replace(loop.instrument(), listed_at_ms=opened_ms + 36_000_000)
    call = loop.rest.candles(born, Interval.D1, limit=10, start_ms=opened_ms, now_ms=now_ms)
    assert loop.ask(call)[0].timestamp_ms == opened_ms
