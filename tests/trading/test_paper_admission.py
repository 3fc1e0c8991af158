"""What is rejected, with its figures, and how requests are rounded."""

import pytest
from tests.trading.paper_desk import D, Desk

from headwater.analytics.margin import build_tiers
from headwater.core.order_kinds import OrderState
from headwater.trading.paper_contract import FeeSchedule


@pytest.mark.parametrize(
    ("facts", "order", "reason", "figures"),
    [
        ({}, ("buy", "0.0009", "100"), "below_min_quantity", "0.000 after rounding"),
        ({"min_quantity": D("0.0025")}, ("buy", "0.002", "100"), "below_min_quantity", "0.003"),
        ({"min_notional": D(5)}, ("buy", "0.0499", "100"), "below_min_notional", "4.9, smallest 5"),
        ({}, ("buy", "1", "0.05"), "below_min_notional", "rounds to 0"),
        ({}, ("buy", "101", "100"), "insufficient_margin", "needs 10100, free 10000 USDT"),
        (
            {"tiers": build_tiers([(0.0, 0.01, 10.0), (500.0, 0.1, 2.0)]), "leverage": D(5)},
            ("buy", "6", "100"),
            "position_limit",
            "largest 500 at leverage 5",
        ),
    ],
)
def test_rejections_say_why(
    facts: dict[str, object], order: tuple[str, str, str], reason: str, figures: str
) -> None:
    desk = Desk(**facts)  # type: ignore[arg-type]
    side, quantity, price = order
    handle = desk.order(side, "limit", quantity, price=price)
    event = desk.venue.take_events()[-1]
    assert handle.state is OrderState.REJECTED
    assert (event.kind.value, event.reason.value) == ("rejected", reason)  # type: ignore[union-attr]
    assert figures in event.text
    assert desk.venue.free_margin == D(10_000)


def test_prices_round_away_from_the_market_and_quantities_down() -> None:
    desk = Desk(leverage=D(5))
    desk.order("buy", "limit", "1.0009", price="99.99")
    desk.order("sell", "limit", "1", price="100.01")
    desk.order("buy", "stop", "1", trigger_price="110.01")
    desk.order("sell", "stop", "1", trigger_price="89.99")
    desk.order("buy", "take_profit", "1", trigger_price="89.99")
    desk.order("sell", "take_profit", "1", trigger_price="110.01")
    pending = desk.venue.pending()
    assert pending[0].quantity == D("1.000")
    assert [one.price for one in pending[:2]] == [D("99.9"), D("100.1")]
    assert [one.trigger_price for one in pending[2:]] == [
        D("110.1"),
        D("89.9"),
        D("89.9"),
        D("110.1"),
    ]


def test_margin_for_orders_is_that_of_the_dearer_side_with_the_taker_fee() -> None:
    # Leverage 5, fee 0.001: 100 · (0.2 + 0.001) = 20.1 for the buy; the sell of 0.5 is free.
    desk = Desk(leverage=D(5), fees=FeeSchedule(maker=D(0), taker=D("0.001")))
    desk.order("buy", "limit", "1", price="100")
    assert desk.venue.free_margin == D("9979.9")
    desk.order("sell", "limit", "0.5", price="100")
    assert desk.venue.free_margin == D("9979.9")
    desk.order("sell", "limit", "1", price="100")
    assert desk.venue.free_margin == D("9969.85")
    desk.venue.cancel_all()
    assert desk.venue.free_margin == D(10_000)


def test_orders_that_close_take_no_margin_and_those_that_turn_use_what_that_frees() -> None:
    desk = Desk(cash="100")
    desk.order("buy", "market", "1")
    desk.bar(100, 100, 100, 100)
    desk.order("sell", "limit", "1", price="105")
    assert desk.venue.free_margin == 0
    desk.order("sell", "limit", "0.9", price="105")  # 0.9 · 105 = 94.5 of the 100
    assert desk.events()[-1] == ("accepted", "requested")
    desk.order("sell", "limit", "0.1", price="105")
    assert desk.events()[-1] == ("rejected", "insufficient_margin")


def test_a_client_order_id_is_used_once() -> None:
    desk = Desk()
    desk.order("buy", "limit", "1", price="90", client_order_id="a")
    desk.order("buy", "limit", "1", price="91", client_order_id="a")
    assert desk.events()[-1] == ("rejected", "duplicate_client_order_id")
    assert desk.venue.order("a").price == D(90)


def test_the_short_way_admits_what_the_long_way_does() -> None:
    desk = Desk()
    desk.trade(100)
    desk.order("buy", "limit", "1", price="99.9", post_only=True, client_order_id="p2")
    desk.venue.place_limit(desk.market, True, 999, 1000, True)
    long, short = desk.venue.pending()
    assert (long.price, long.quantity, long.state) == (short.price, short.quantity, short.state)
    assert desk.venue.place_limit(desk.market, True, 999, 0).state is OrderState.REJECTED
