"""Trades and quotes: what they fill, and that many at once are the same as one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.trading.paper_desk import D, Desk

from headwater.core.errors import RequestError
from headwater.trading.paper_assumptions import FillAssumptions, LimitFill

QUEUE = FillAssumptions(limit_fill=LimitFill.QUEUE, queue_ahead=D(2))


def test_only_a_trade_through_the_price_fills_by_default() -> None:
    desk = Desk()
    desk.trade(100)
    desk.order("buy", "limit", "1", price="99")
    desk.trade(99, 50, is_buy=False)
    assert desk.quantity == 0
    desk.trade(98.9, 0.001, is_buy=False)
    assert desk.fills() == [("buy", D(99), D(1), D(0), "maker")]


def test_the_queue_ahead_trades_first() -> None:
    # 2 ahead; trades of 1.5 and 0.9 leave 0.4 for us, a buyer's trade none, the next the rest.
    desk = Desk(fill=QUEUE)
    desk.trade(100)
    desk.order("buy", "limit", "1", price="99")
    desk.trade(99, 1.5, is_buy=False)
    desk.trade(99, 0.9, is_buy=False)
    desk.trade(99, 5.0, is_buy=True)
    desk.trade(99, 0.7, is_buy=False)
    assert [fill[2] for fill in desk.fills()] == [D("0.4"), D("0.6")]


def test_the_queue_is_the_quoted_size_at_the_best_and_none_inside_the_spread() -> None:
    for price, ahead in (("99", 3000), ("99.5", 0), ("98", 2000)):
        desk = Desk(fill=QUEUE)
        desk.venue.on_quote(desk.market, 99.0, 101.0, 1, bid_size=3.0, ask_size=1.0)
        assert desk.order("buy", "limit", "1", price=price).ahead == ahead


def test_an_amended_order_keeps_its_place_only_when_it_shrinks() -> None:
    desk = Desk(fill=QUEUE)
    desk.trade(100)
    order = desk.order("buy", "limit", "1", price="99")
    desk.trade(99, 1.5, is_buy=False)
    desk.venue.amend(order, quantity=D("0.5"))
    assert order.ahead == 500
    desk.venue.amend(order, quantity=D("0.8"))
    assert order.ahead == 2000


def test_a_market_order_meets_the_other_side_of_the_next_trade() -> None:
    # The tape shows an ask of 100.5 and then a bid of 100: a buy pays the ask.
    desk = Desk()
    desk.trade(100.5, is_buy=True)
    desk.order("buy", "market", "1")
    desk.trade(100, is_buy=False)
    assert desk.fills() == [("buy", D("100.5"), D(1), D(0), "taker")]


def test_a_market_order_meets_the_next_quote() -> None:
    desk = Desk()
    desk.order("sell", "market", "1")
    desk.venue.on_quote(desk.market, 99.0, 101.0, 1)
    assert desk.fills() == [("sell", D(99), D(1), D(0), "taker")]


def test_a_stop_on_the_tape_fills_at_the_bid_of_the_trade_that_triggered_it() -> None:
    desk = Desk(leverage=D(2))
    desk.order("buy", "market", "1")
    desk.trade(100)
    desk.order("sell", "stop", "1", trigger_price="95", reduce_only=True)
    desk.trade(93, is_buy=False)
    assert desk.fills()[-1][:2] == ("sell", D(93))


def test_post_only_is_rejected_at_once_on_a_tape() -> None:
    desk = Desk()
    desk.trade(100, is_buy=True)
    desk.order("buy", "limit", "1", price="100", post_only=True)
    desk.order("buy", "limit", "1", price="99.9", post_only=True)
    assert desk.events() == [("rejected", "post_only_would_take"), ("accepted", "requested")]


def test_a_quote_through_a_resting_order_fills_it_and_triggers_nothing() -> None:
    desk = Desk(leverage=D(5))
    desk.venue.on_quote(desk.market, 99.0, 101.0, 1)
    desk.order("buy", "limit", "1", price="98")
    desk.order("sell", "stop", "1", trigger_price="98")
    desk.venue.on_quote(desk.market, 97.0, 98.0, 2)
    assert desk.quantity == 0
    desk.venue.on_quote(desk.market, 97.0, 97.9, 3)
    assert desk.fills() == [("buy", D(98), D(1), D(0), "maker")]
    assert len(desk.venue.pending()) == 1


def test_a_share_of_each_trade_fills() -> None:
    desk = Desk(fill=FillAssumptions(volume_fraction=D("0.5")))
    desk.trade(100)
    desk.order("buy", "limit", "1", price="99")
    for _ in range(3):
        desk.trade(98, 0.7, is_buy=False)
    assert [fill[2] for fill in desk.fills()] == [D("0.35"), D("0.35"), D("0.3")]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-3, 3), st.integers(1, 3000), st.booleans()), min_size=1, max_size=200
    ),
    st.lists(st.integers(1, 60), max_size=5),
    st.sampled_from(LimitFill),
    st.booleans(),
)
def test_many_at_once_are_the_same_as_one_by_one(
    moves: list[tuple[int, int, bool]], cuts: list[int], limit_fill: LimitFill, has_sides: bool
) -> None:
    ticks = 1000 + np.cumsum([move for move, _, _ in moves])
    prices = ticks / 10
    quantities = np.array([lots for _, lots, _ in moves]) / 1000
    is_buys = np.array([is_buy for _, _, is_buy in moves])
    times = np.arange(len(moves))
    desks = [Desk(fill=FillAssumptions(limit_fill=limit_fill), leverage=D(5)) for _ in range(2)]
    for desk in desks:
        desk.trade(100)
        for side, price in (("buy", "98.5"), ("sell", "101.5"), ("buy", "99"), ("sell", "101")):
            desk.order(side, "limit", "1", price=price)
        desk.order("sell", "stop", "2", trigger_price="97")
    single, batch = desks
    for row in range(len(moves)):
        single.venue.on_trade(
            single.market,
            float(prices[row]),
            float(quantities[row]),
            bool(is_buys[row]) if has_sides else None,
            int(times[row]) + 1,
        )
    start = 0
    for end in [*sorted(min(cut, len(moves)) for cut in cuts), len(moves)]:
        start = batch.venue.on_trades(
            batch.market, prices, quantities, is_buys if has_sides else None, times + 1, start, end
        )
    assert start == len(moves)
    assert single.venue.snapshot() == batch.venue.snapshot()
    assert single.venue.take_events() == batch.venue.take_events()


def test_a_batch_can_stop_where_something_happened() -> None:
    desk = Desk()
    desk.trade(100)
    desk.order("buy", "limit", "1", price="99")
    prices = np.array([100.0, 98.0, 97.0, 100.0])
    columns = (prices, np.ones(4), None, np.arange(1, 5))
    assert desk.venue.on_trades(desk.market, *columns, stops_at_event=True) == 2
    assert desk.venue.now_ms == 2
    assert desk.venue.on_trades(desk.market, *columns, start=2, stops_at_event=True) == 4


@pytest.mark.parametrize("price", [float("nan"), 0.0, -1.0, float("inf")])
def test_what_is_no_price_is_refused(price: float) -> None:
    desk = Desk()
    desk.trade(100)
    with pytest.raises(RequestError, match="price"):
        desk.trade(price)
    with pytest.raises(RequestError, match="price"):
        desk.venue.on_trades(
            desk.market, np.array([100.0, price]), np.ones(2), None, np.array([5, 6])
        )
