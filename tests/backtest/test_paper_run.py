"""Paper runs without network: stamps, what is heard, funding from mark prices."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.backtest.event_markets import HOUR, T0, Scripted, contract

from headwater.backtest.asked import AskedStrategy
from headwater.backtest.event_account import EventAccount
from headwater.backtest.event_timeline import EventKind
from headwater.backtest.paper_journal import (
    AccountLine,
    HeardBar,
    HeardFunding,
    HeardTrade,
    JournalLine,
    OrderLine,
)
from headwater.backtest.paper_run import PaperRun, Stamps, as_events, bars_from
from headwater.core.enums import Side
from headwater.core.intervals import Interval
from headwater.core.records import Candle, MarkPrice, Trade
from headwater.strategies.sma_cross import SmaCross

HEAD = ("x", "BTCUSDT", "BTCUSDT")


def trade(at_ms: int, price: float, side: Side = Side.BUY, quantity: float = 1.0) -> Trade:
    return Trade(*HEAD, at_ms, 0, side, price, quantity, price * quantity, at_ms)


def candle(at_ms: int, close: float, *, is_closed: bool = True, revision: int = 0) -> Candle:
    return Candle(
        *HEAD,
        at_ms,
        0,
        interval=Interval.H1,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=1.0,
        quote_volume=None,
        trades_count=None,
        is_closed=is_closed,
        revision=revision,
    )


def mark(at_ms: int, price: float, rate: float, next_ms: int) -> MarkPrice:
    return MarkPrice(
        *HEAD, at_ms, 0, mark=price, index=None, funding_rate=rate, next_funding_ms=next_ms
    )


def run_of(strategy: Any, lines: list[JournalLine]) -> PaperRun:
    account = EventAccount(contracts=(contract("x"),), cash=Decimal(10_000))
    past = [bars_from((), symbol="BTCUSDT", interval_ms=HOUR)]
    return PaperRun(strategy, account, interval_ms=HOUR, past=past, write=lines.append)


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from(EventKind), st.integers(0, 2))))
def test_stamps_keep_the_order_in_which_a_back_test_sorts(
    heard: list[tuple[int, EventKind, int]],
) -> None:
    stamps = Stamps()
    keys = [(stamps.stamp(at, kind, lane), kind, lane) for at, kind, lane in heard]
    assert keys == sorted(keys)
    assert all(key[0] >= one[0] for key, one in zip(keys, heard, strict=True))


def test_events_in_time_keep_their_own_times() -> None:
    stamps = Stamps()
    assert [stamps.stamp(at, EventKind.TRADE, 0) for at in (5, 5, 7, 6)] == [5, 5, 7, 7]
    assert stamps.stamp(7, EventKind.BAR_END, 0) == 8


def test_an_order_meets_the_first_trade_after_it() -> None:
    lines: list[JournalLine] = []
    strategy = Scripted(lambda context: context.buy(Decimal(1)))
    run = run_of(strategy, lines)
    run.hear(trade(T0 + 1, 100.0))
    run.hear(candle(T0, 100.0, is_closed=False))
    run.hear(candle(T0, 100.0))
    run.hear(candle(T0, 101.0, revision=1))  # A correction: decided is decided.
    run.hear(trade(T0 + HOUR + 5, 102.0))
    end = run.end("stopped")
    assert strategy.heard == [
        ("start", T0 + 1),
        ("trade", T0 + 1, "x", 100.0),
        ("bar", T0 + HOUR, "x", 1),
        ("fill", T0 + HOUR + 5, "x", Decimal(102)),
        ("trade", T0 + HOUR + 5, "x", 102.0),
    ]
    assert [type(line) for line in lines] == [
        HeardTrade,
        HeardBar,
        OrderLine,
        HeardTrade,
        OrderLine,
    ]
    assert (end.heard, end.late, end.equity) == (3, 0, "10000")


def test_funding_is_settled_when_the_mark_price_tells_of_the_next() -> None:
    lines: list[JournalLine] = []
    strategy = Scripted(lambda context: context.buy(Decimal(10)))
    run = run_of(strategy, lines)
    run.hear(candle(T0, 100.0))
    run.hear(trade(T0 + HOUR + 1, 100.0))
    run.hear(mark(T0 + HOUR + 2, 100.0, 0.001, T0 + 2 * HOUR))
    run.hear(mark(T0 + HOUR + 3, 110.0, 0.002, T0 + 2 * HOUR))
    run.hear(mark(T0 + 2 * HOUR + 1, 111.0, 0.0, T0 + 10 * HOUR))
    # 10 × 110 × 0.002 = 2.2, at the last rate and mark before the settlement.
    (funding,) = [line for line in lines if isinstance(line, HeardFunding)]
    assert (funding.at_ms, funding.rate, funding.mark_price) == (T0 + 2 * HOUR, 0.002, 110.0)
    (paid,) = [line for line in lines if isinstance(line, AccountLine)]
    assert paid.event.amount == Decimal("-2.2")
    assert ("funding", T0 + 2 * HOUR, "x", 0.002) in strategy.heard


def test_records_of_others_are_passed_over() -> None:
    lines: list[JournalLine] = []
    run = run_of(Scripted(lambda context: None), lines)
    run.hear(Trade("y", *HEAD[1:], T0, 0, Side.BUY, 1.0, 1.0, 1.0, 1))
    assert (lines, run.heard) == ([], 0)


def test_a_ruined_account_hears_no_more() -> None:
    run = run_of(Scripted(lambda context: context.sell(Decimal(900))), [])
    run.hear(candle(T0, 100.0))
    run.hear(trade(T0 + HOUR + 1, 100.0))
    run.hear(trade(T0 + HOUR + 2, 300.0))
    assert run.is_over
    heard = run.heard
    run.hear(trade(T0 + HOUR + 3, 300.0))
    assert run.heard == heard


def test_other_forms_are_asked() -> None:
    asked = as_events(SmaCross(), 1)
    assert isinstance(asked, AskedStrategy)
    assert as_events(asked, 1) is asked
