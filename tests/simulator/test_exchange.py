"""The whole exchange: repeatable, complete, consistent with what its views tell."""

import math
import pickle
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.errors import RequestError, UnknownSymbol
from headwater.core.intervals import Interval
from headwater.core.order_book import OrderBook
from headwater.core.records import BookDelta, FundingRate, Liquidation, MarkPrice, Record, Trade
from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.fair_price import STEP_MS
from headwater.simulator.orders import OrderState, Ticket, TimeInForce
from headwater.venues.side import MarketView

START_MS = 1_760_000_012_350
FEW = ("BTCUSDT", "1000PEPEUSDT")


def _exchange(seed: int = 1, symbols: tuple[str, ...] = FEW, start_ms: int = START_MS,
              rate: float = 1.0) -> SimulatedExchange:  # fmt: skip
    return SimulatedExchange(seed=seed, start_ms=start_ms, symbols=symbols, rate=rate)


REFERENCE = _exchange(11).advance_to(START_MS + 3_000)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=8))
def test_the_cut_into_calls_changes_nothing(sizes: list[int]) -> None:
    """Same seed, any steps: the same records."""
    exchange, records, now = _exchange(11), [], START_MS
    for steps in sizes:
        now = min(now + steps * STEP_MS, START_MS + 3_000)
        records += exchange.advance_to(now)
    records += exchange.advance_to(START_MS + 3_000)
    assert records == REFERENCE


def test_a_copy_by_pickle_goes_on_alike() -> None:
    """From the start and from the middle, also where the long past is first asked for later."""
    exchange = _exchange(11)
    copied: SimulatedExchange = pickle.loads(pickle.dumps(exchange))
    first = copied.advance_to(START_MS + 1_500)
    again: SimulatedExchange = pickle.loads(pickle.dumps(copied))
    assert first + copied.advance_to(START_MS + 3_000) == REFERENCE
    assert first + again.advance_to(START_MS + 3_000) == REFERENCE
    exchange.advance_to(START_MS + 3_000)
    days = [one.candles(FEW[0], Interval.D1, limit=900) for one in (exchange, copied, again)]
    assert len(days[0]) > 100
    assert days[0] == days[1] == days[2]


def test_seeds_differ_and_a_step_left_over_waits() -> None:
    """Another seed is another world; part of a step is not lost."""
    assert _exchange(12).advance_to(START_MS + 3_000) != REFERENCE
    exchange = _exchange(11)
    ragged = exchange.advance_to(START_MS + 1_477) + exchange.advance_to(START_MS + 3_000)
    assert ragged == REFERENCE
    assert exchange.now_ms() == START_MS + 3_000


class Watched:
    """A minute of a busy exchange with everything it told."""

    def __init__(self) -> None:
        self.exchange = _exchange(5, rate=2.0)
        self.before = {symbol: self.exchange.book(symbol, 5_000) for symbol in FEW}
        self.newest = {
            symbol: self.exchange.prints(symbol, limit=1)[0].trade.sequence or 0 for symbol in FEW
        }
        self.records: list[Record] = []
        self.by_symbol: dict[str, list[Record]] = defaultdict(list)
        for second in range(1, 61):
            self.records += self.exchange.advance_to(START_MS + second * 1_000)
        for record in self.records:
            self.by_symbol[record.symbol].append(record)


@pytest.fixture(scope="module")
def watched() -> Watched:
    """One run for all tests of this file that only look."""
    return Watched()


def test_records_ascend_in_time(watched: Watched) -> None:
    """In order, stamped inside the minute, received when they happened."""
    times = [record.timestamp_ms for record in watched.records]
    assert times == sorted(times)
    assert START_MS - STEP_MS <= times[0] <= times[-1] <= START_MS + 60_000
    assert all(r.received_ns == r.timestamp_ms * 1_000_000 for r in watched.records)


@pytest.mark.parametrize("symbol", FEW)
def test_deltas_rebuild_the_book(watched: Watched, symbol: str) -> None:
    """Snapshot plus every delta is the book now, level by level, never crossed on the way."""
    snapshot = watched.before[symbol]
    assert len(snapshot.bids) >= 200 <= len(snapshot.asks)
    book, last = OrderBook(), snapshot.sequence
    book.replace(snapshot.bids, snapshot.asks, last)
    for record in watched.by_symbol[symbol]:
        if isinstance(record, BookDelta):
            assert record.previous_sequence == last
            assert last is not None
            assert record.first_sequence == last + 1
            assert record.sequence is not None
            assert record.sequence > last
            last = record.sequence
            book.apply(record.bids, record.asks, last)
            assert not book.is_crossed
    now = watched.exchange.truth.book(symbol)
    assert (book.bids(), book.asks(), last) == (now.bids, now.asks, now.sequence)
    assert min(book.depth) >= 200


@pytest.mark.parametrize("symbol", FEW)
def test_trades_have_no_hole_and_are_the_prints(watched: Watched, symbol: str) -> None:
    """Numbered on from the past, each the print that truth and fills lead to."""
    trades = [r for r in watched.by_symbol[symbol] if isinstance(r, Trade)]
    first = watched.newest[symbol] + 1
    assert [t.sequence for t in trades] == list(range(first, first + len(trades)))
    prints = watched.exchange.truth.prints(symbol, first, first + len(trades) - 1)
    assert [p.trade for p in prints] == trades
    for before, after in pairwise(prints):
        assert after.first_fill_id == before.last_fill_id + 1
    middle = prints[len(prints) // 2]
    assert watched.exchange.print_of_fill(symbol, middle.last_fill_id) == middle
    totals = watched.exchange.truth.totals(symbol)
    assert totals.prints == len(trades)
    assert math.isclose(totals.quantity, sum(t.quantity for t in trades))
    assert all(t.value == t.price * t.quantity and t.trade_id == t.sequence for t in trades)


def test_liquidations_are_market_orders_with_prints(watched: Watched) -> None:
    """Each forced close is in the truth, and prints of its side at its moment sum to it or more."""
    told = [r for r in watched.records if isinstance(r, Liquidation)]
    assert told
    assert [close.liquidation for close in watched.exchange.truth.forced_closes()] == told
    for record in told:
        assert (record.side is Side.SELL) is (record.position_side is PositionSide.LONG)
        assert (record.price_kind, record.is_floor) == (PriceKind.AVERAGE, False)
        assert record.order_price is not None
        better = record.price >= record.order_price
        assert better if record.side is Side.SELL else record.price <= record.order_price
        around = [
            t.quantity
            for t in watched.by_symbol[record.symbol]
            if isinstance(t, Trade)
            and t.side is record.side
            and t.timestamp_ms == record.timestamp_ms
        ]
        assert sum(around) >= record.quantity * 0.999999
    for symbol in FEW:
        ids = watched.exchange.truth.liquidation_ids(symbol)
        assert len(set(ids)) == len(ids)


def test_a_short_look_sees_liquidations() -> None:
    """When all is quiet a run starts: some forced close in half a minute, from any seed."""
    for seed in range(2):
        exchange = SimulatedExchange(seed=seed, start_ms=START_MS, symbols=None)
        records = exchange.advance_to(START_MS + 30_000)
        assert any(isinstance(record, Liquidation) for record in records)


def test_marks_come_each_second_and_symbol(watched: Watched) -> None:
    """One mark price per second and symbol, near the book, with funding to come."""
    for symbol in FEW:
        marks = [r for r in watched.by_symbol[symbol] if isinstance(r, MarkPrice)]
        assert len(marks) == 60
        assert all(m.timestamp_ms % 1_000 == 0 for m in marks)
        best = watched.exchange.book(symbol, 1).bids[0][0]
        assert math.isclose(marks[-1].mark, best, rel_tol=0.01)
        assert marks[-1].next_funding_ms is not None
        assert marks[-1].next_funding_ms > START_MS
        now = watched.exchange.mark_price(symbol)
        assert math.isclose(now.mark, marks[-1].mark, rel_tol=0.005)


@pytest.mark.parametrize("symbol", FEW)
def test_live_candles_are_sums_of_prints(watched: Watched, symbol: str) -> None:
    """The last minutes say what the kept prints of those minutes say."""
    exchange = watched.exchange
    rows = exchange.candles(symbol, Interval.M1, limit=3)
    assert [row.is_closed for row in rows] == [True, True, False]
    prints = exchange.prints(symbol, limit=50_000)
    for row in rows[1:]:
        ends_ms = row.timestamp_ms + 60_000
        inside = [p.trade for p in prints if row.timestamp_ms <= p.trade.timestamp_ms < ends_ms]
        assert math.isclose(row.volume, sum(t.quantity for t in inside))
        assert row.high == max(t.price for t in inside)
        assert row.low == min(t.price for t in inside)
        assert (row.open, row.close) == (inside[0].price, inside[-1].price)


@pytest.mark.parametrize("interval", list(Interval))
def test_history_is_there_for_every_interval(watched: Watched, interval: Interval) -> None:
    """Rows join, only the last is open, and there are 1,500 where the contract is old enough."""
    rows = watched.exchange.candles("BTCUSDT", interval, limit=1_500)
    enough = {
        Interval.D2: 600,
        Interval.D3: 400,
        Interval.W1: 150,
        Interval.MONTH1: 40,
        Interval.MONTH3: 13,
    }.get(interval, 1_500)
    assert len(rows) >= enough
    assert [row.is_closed for row in rows] == [True] * (len(rows) - 1) + [False]
    for before, after in pairwise(rows):
        assert after.timestamp_ms == interval.closes_at_ms(before.timestamp_ms)
        assert before.low <= before.close <= before.high


def test_hours_are_exactly_their_minutes(watched: Watched) -> None:
    """Volume, extremes and ends of each hour are those of its sixty minutes."""
    minutes = watched.exchange.candles("BTCUSDT", Interval.M1, limit=7_000)
    hours = watched.exchange.candles(
        "BTCUSDT", Interval.H1, limit=999, start_ms=minutes[0].timestamp_ms
    )
    for hour in hours[:-1]:
        inside = [
            m for m in minutes if Interval.H1.opens_at_ms(m.timestamp_ms) == hour.timestamp_ms
        ]
        assert len(inside) == 60
        assert hour.high == max(m.high for m in inside)
        assert hour.low == min(m.low for m in inside)
        assert (hour.open, hour.close) == (inside[0].open, inside[-1].close)
        assert math.isclose(hour.volume, sum(m.volume for m in inside))
        assert hour.trades_count == sum(m.trades_count or 0 for m in inside)


def test_day_stats_are_those_of_the_minutes(watched: Watched) -> None:
    """24 h figures agree with 1,440 one-minute candles and the fill ids."""
    stats = watched.exchange.day_stats("BTCUSDT")
    minutes = watched.exchange.candles("BTCUSDT", Interval.M1, limit=1_440)
    assert stats.high == max(m.high for m in minutes)
    assert stats.open == minutes[0].open
    assert math.isclose(stats.volume, sum(m.volume for m in minutes))
    assert stats.trades_count == sum(m.trades_count or 0 for m in minutes)
    assert stats.last_trade_id - stats.first_trade_id + 1 == stats.trades_count
    last = watched.exchange.prints("BTCUSDT", limit=1)[0]
    assert (stats.last, stats.last_trade_id) == (last.trade.price, last.last_fill_id)


def test_past_prints_end_where_live_begins() -> None:
    """At least 2,000 prints before the first live one, numbered on without a hole."""
    exchange = _exchange(2)
    prints = exchange.prints("BTCUSDT", limit=50_000)
    assert len(prints) >= 2_000
    live = [r for r in exchange.advance_to(START_MS + 2_000) if isinstance(r, Trade)]
    first = next(t for t in live if t.symbol == "BTCUSDT")
    assert first.sequence == (prints[-1].trade.sequence or 0) + 1
    assert math.isclose(first.price, prints[-1].trade.price, rel_tol=0.005)
    assert (
        exchange.prints("BTCUSDT", limit=2, first_sequence=prints[5].trade.sequence) == prints[5:7]
    )


def test_funding_settles_at_the_boundary() -> None:
    """The settlement comes once, on time, with the estimate told before; history shows it."""
    boundary = 1_760_025_600_000  # a whole multiple of eight hours
    exchange = _exchange(3, start_ms=boundary - 2_000)
    before = exchange.mark_price("BTCUSDT")
    records = exchange.advance_to(boundary + 2_000)
    settled = [r for r in records if isinstance(r, FundingRate)]
    assert {r.symbol for r in settled} == set(FEW)
    assert {r.funding_time_ms for r in settled} == {boundary} == {before.next_funding_ms}
    assert exchange.funding_history("BTCUSDT", limit=1)[0].funding_time_ms == boundary
    assert exchange.mark_price("BTCUSDT").next_funding_ms == boundary + 8 * 3_600_000
    past = exchange.funding_history("1000PEPEUSDT", limit=3, end_ms=boundary - 1)
    assert [r.interval_h for r in past] == [4.0] * 3
    assert exchange.funding_history("BTCUSDT", limit=2, start_ms=0)[0].funding_time_ms < boundary
    assert exchange.funding_history("BTCUSDT", limit=0) == []


def test_open_interest_now_and_before(watched: Watched) -> None:
    """Base units and USDT; 30 days of five minutes; longer periods are picked from them."""
    exchange = watched.exchange
    now = exchange.open_interest("BTCUSDT")
    assert now.value is not None
    assert now.open_interest > 0
    rows = exchange.open_interest_history("BTCUSDT", Interval.M5, limit=100_000)
    assert len(rows) >= 8_640
    assert math.isclose(rows[-1].open_interest, now.open_interest, rel_tol=0.1)
    days = exchange.open_interest_history("BTCUSDT", Interval.D1, limit=30)
    assert len(days) >= 29
    assert all(day.timestamp_ms % 86_400_000 == 0 and day in rows for day in days)
    with pytest.raises(RequestError, match="5m to 1d"):
        exchange.open_interest_history("BTCUSDT", Interval.W1, limit=5)


def test_an_order_from_outside_trades_and_shows() -> None:
    """It fills against the book at once; its prints and level change go out with the next step."""
    exchange = _exchange(4)
    records = exchange.advance_to(START_MS + 1_000)
    best = exchange.book("BTCUSDT", 1).asks[0]
    bought = exchange.submit(
        Ticket(symbol="BTCUSDT", owner="me", side=Side.BUY, quantity=Decimal("0.010"))
    )
    assert (bought.state, bought.filled) == (OrderState.FILLED, Decimal("0.010"))
    assert bought.average_price == pytest.approx(best[0], rel=1e-3)
    rest = exchange.submit(
        Ticket(
            symbol="BTCUSDT", owner="me", side=Side.BUY, quantity=Decimal("0.500"),
            price=Decimal(str(best[0])) - 500, time_in_force=TimeInForce.POST_ONLY,
        )
    )  # fmt: skip
    assert rest.state is OrderState.OPEN
    told = exchange.advance_to(START_MS + 1_050)
    ids = {e.fill_id for e in bought.executions}
    prints = [r for r in told if isinstance(r, Trade) and r.symbol == "BTCUSDT"]
    assert prints[0].timestamp_ms == START_MS + 1_000
    made = exchange.print_of_fill("BTCUSDT", min(ids))
    assert made is not None
    assert made.trade == prints[0]
    assert records[-1].timestamp_ms <= told[0].timestamp_ms
    assert exchange.cancel("BTCUSDT", rest.order_id, "you") is False
    assert exchange.cancel("BTCUSDT", rest.order_id, "me") is True
    assert [e.fill_id for e in exchange.executions("me")] == sorted(ids)
    assert exchange.executions("me") == []


def test_a_resting_order_fills_when_the_market_comes() -> None:
    """A bid above the best is hit by the crowd or the snipers; the owner hears of each fill."""
    exchange = _exchange(4)
    best = exchange.book("BTCUSDT", 1).bids[0]
    placed = exchange.submit(
        Ticket(symbol="BTCUSDT", owner="me", side=Side.BUY, quantity=Decimal("0.020"),
               price=Decimal(str(best[0])))
    )  # fmt: skip
    exchange.advance_to(START_MS + 60_000)
    fills = exchange.executions("me")
    assert sum(fill.lots for fill in fills) == 20
    assert {fill.maker_order_id for fill in fills} == {placed.order_id}


def test_it_is_a_market_view_and_venues_of_a_seed_are_tied() -> None:
    """Two venues of one seed start at the same price, with other orders."""
    views: list[MarketView] = [
        SimulatedExchange(seed=9, start_ms=START_MS, exchange=venue, symbols=["BTCUSDT"])
        for venue in ("binance", "okx")
    ]
    one, two = (view.mark_price("BTCUSDT") for view in views)
    assert one.index == two.index
    assert views[0].book("BTCUSDT", 9).bids != views[1].book("BTCUSDT", 9).bids


def test_unknown_symbols_are_named() -> None:
    """At construction and in every question."""
    with pytest.raises(UnknownSymbol):
        SimulatedExchange(seed=1, start_ms=START_MS, symbols=["NOPEUSDT"])
    with pytest.raises(UnknownSymbol):
        _exchange().book("ETHUSDT", 5)
    with pytest.raises(ValueError, match="rate=0"):
        SimulatedExchange(seed=1, start_ms=START_MS, rate=0.0)


def test_native_symbols_and_level_count() -> None:
    """Records carry the venue's id and spelling; makers keep the levels asked for."""
    exchange = SimulatedExchange(
        seed=1, start_ms=START_MS, exchange="okx", symbols=["BTCUSDT"],
        listed=lambda one: msgspec.structs.replace(one, native_symbol="BTC-USDT-SWAP"),
        levels=1_000,
    )  # fmt: skip
    book = exchange.book("BTCUSDT", 5_000)
    assert (book.exchange, book.native_symbol) == ("okx", "BTC-USDT-SWAP")
    assert len(book.bids) == len(book.asks) == 1_000
    assert exchange.table.resolve("btc-usdt-swap").symbol == "BTCUSDT"
    assert exchange.book("BTCUSDT", 3).bids == book.bids[:3]
