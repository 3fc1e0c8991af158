"""Times in force, limits as bounds, several orders at one price."""

import pytest
from tests.trading.paper_desk import D, Desk

from headwater.trading.paper_assumptions import FillAssumptions, SlippageModel
from headwater.trading.paper_contract import FeeSchedule

HALF = FillAssumptions(volume_fraction=D("0.5"))


def test_ioc_takes_what_there_is_and_the_rest_expires() -> None:
    desk = Desk(fill=HALF)
    order = desk.order("buy", "limit", "1", price="101", time_in_force="ioc")
    desk.bar(100, 100, 100, 100, 1.2)
    assert order.filled == 600
    assert desk.events() == [
        ("accepted", "requested"),
        ("partially_filled", "limit_marketable"),
        ("expired", "ioc_remainder"),
    ]


def test_fok_takes_all_or_nothing() -> None:
    for volume, kinds in ((1.2, ["accepted", "expired"]), (2.0, ["accepted", "filled"])):
        desk = Desk(fill=HALF)
        desk.order("buy", "market", "1", time_in_force="fok")
        desk.bar(100, 100, 100, 100, volume)
        assert [kind for kind, _ in desk.events()] == kinds


@pytest.mark.parametrize("tif", ["ioc", "fok"])
def test_an_immediate_limit_order_away_from_the_market_expires(tif: str) -> None:
    desk = Desk()
    desk.order("buy", "limit", "1", price="99", time_in_force=tif)
    desk.bar(100, 100, 90, 100)
    assert desk.events()[-1][0] == "expired"


def test_the_rest_of_a_marketable_limit_order_rests_as_maker() -> None:
    desk = Desk(fill=HALF, fees=FeeSchedule(maker=D("-0.0001"), taker=D("0.0004")))
    desk.order("buy", "limit", "1", price="101")
    desk.bar(100, 100, 100, 100, 1.2)
    desk.bar(102, 102, 100, 102, 10.0)
    # 0.6 × 100 × 0.0004 = 0.024; 0.4 × 101 × 0.0001 = 0.00404 back.
    assert desk.fills() == [
        ("buy", D(100), D("0.6"), D("0.024"), "taker"),
        ("buy", D(101), D("0.4"), D("-0.00404"), "maker"),
    ]


def test_slippage_stops_at_the_limit() -> None:
    fill = FillAssumptions(slippage=SlippageModel.FIXED_BPS, slippage_amount=D(200))
    desk = Desk(fill=fill)
    desk.order("buy", "limit", "1", price="101")
    desk.bar(100, 100, 100, 100)
    assert desk.fills()[0][1] == D(101)


def test_orders_at_one_price_share_the_volume_by_time() -> None:
    desk = Desk(fill=HALF, leverage=D(5))
    desk.trade(100)
    first = desk.order("buy", "limit", "1", price="99")
    second = desk.order("buy", "limit", "1", price="99")
    better = desk.order("buy", "limit", "1", price="99.5")
    desk.trade(98, 3.0, is_buy=False)
    assert (better.filled, first.filled, second.filled) == (1000, 500, 0)


def test_a_taker_fill_without_margin_is_cancelled_with_the_figures() -> None:
    desk = Desk(cash="100")
    desk.trade(100)
    desk.order("buy", "market", "1")
    desk.trade(101)
    event = desk.venue.take_events()[-1]
    assert (event.kind.value, event.text.split(": ")[1]) == (
        "cancelled",
        "needs 101, free 100 USDT",
    )


def test_turning_a_position_needs_margin_for_the_new_side_only() -> None:
    desk = Desk(cash="100")
    desk.order("buy", "market", "1")
    desk.bar(100, 100, 100, 100)
    desk.order("sell", "market", "2")
    desk.bar(100, 100, 100, 100)
    assert desk.quantity == -1
