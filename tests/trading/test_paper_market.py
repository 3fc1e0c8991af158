"""The waking lists and their bounds."""

from math import inf, nextafter

from tests.trading.paper_desk import Desk

from headwater.trading.paper_assumptions import FillAssumptions, LimitFill


def test_the_bounds_are_the_nearest_things_that_wait() -> None:
    desk = Desk(fill=FillAssumptions(limit_fill=LimitFill.TOUCH))
    desk.trade(100)
    assert (desk.market.low, desk.market.high) == (-inf, inf)
    for side, price in (("buy", "98"), ("buy", "99"), ("sell", "103"), ("sell", "102")):
        desk.order(side, "limit", "1", price=price)
    assert (desk.market.low, desk.market.high) == (99.0, 102.0)
    desk.order("sell", "stop", "1", trigger_price="99.5")
    nearest = desk.order("buy", "stop", "1", trigger_price="101")
    assert (desk.market.low, desk.market.high) == (99.5, 101.0)
    desk.venue.cancel(nearest)
    assert desk.market.high == 102.0
    desk.venue.cancel_all()
    assert (desk.market.low, desk.market.high) == (-inf, inf)
    assert desk.market.below == desk.market.above == []


def test_a_trade_at_a_resting_price_needs_no_look_where_it_fills_nothing() -> None:
    desk = Desk()
    desk.trade(100)
    desk.order("buy", "limit", "1", price="99")
    desk.order("sell", "limit", "1", price="101")
    assert desk.market.low == nextafter(99.0, 0.0)
    assert desk.market.high == nextafter(101.0, inf)


def test_takers_in_line_make_every_event_count() -> None:
    desk = Desk()
    desk.trade(100)
    desk.order("buy", "market", "1")
    assert desk.market.low == inf
    desk.trade(100)
    assert desk.market.high == inf
    assert desk.quantity == 1


def test_equal_prices_stand_in_the_order_of_their_times() -> None:
    desk = Desk()
    desk.trade(100)
    first = desk.order("buy", "limit", "1", price="99")
    second = desk.order("buy", "limit", "1", price="99")
    assert [key[2] for key in desk.market.below] == [second, first]  # the end comes first
