"""Amending: all or nothing."""

from typing import Any

import pytest
from tests.trading.paper_desk import D, Desk

from headwater.core.errors import RequestError


def test_price_quantity_and_trigger_change_together_with_the_margin() -> None:
    desk = Desk()
    order = desk.order("buy", "stop_limit", "1", price="100", trigger_price="99")
    assert desk.venue.amend(order, price=D("90.05"), quantity=D(2), trigger_price=D(89))
    pending = desk.venue.pending()[0]
    assert (pending.price, pending.quantity, pending.trigger_price) == (D(90), D(2), D(89))
    assert desk.venue.free_margin == D(10_000 - 180)
    assert desk.events()[-1] == ("amended", "requested")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quantity": D(200)}, "insufficient_margin"),
        ({"quantity": D("0.0001")}, "below_min_quantity"),
        ({"quantity": D("0.02")}, "below_min_notional"),
        ({"price": D("0.01")}, "below_min_notional"),
    ],
)
def test_a_refused_change_leaves_the_order_as_it_was(change: dict[str, Any], reason: str) -> None:
    desk = Desk(min_notional=D(5))
    order = desk.order("buy", "limit", "1", price="100")
    before = desk.venue.pending(), desk.venue.free_margin
    desk.venue.take_events()
    assert not desk.venue.amend(order, **change)
    assert desk.events() == [("amend_rejected", reason)]
    after = desk.venue.pending()
    assert (after[0].price, after[0].quantity) == (before[0][0].price, before[0][0].quantity)
    assert desk.venue.free_margin == before[1]


@pytest.mark.parametrize(
    ("kind", "fields", "change", "field"),
    [
        ("limit", {"price": "100"}, {}, "price"),
        ("limit", {"price": "100"}, {"price": D(0)}, "price"),
        ("limit", {"price": "100"}, {"trigger_price": D(1)}, "trigger_price"),
        ("stop", {"trigger_price": "100"}, {"price": D(1)}, "price"),
    ],
)
def test_a_change_that_the_type_does_not_have_is_named(
    kind: str, fields: dict[str, str], change: dict[str, Any], field: str
) -> None:
    desk = Desk()
    order = desk.order("buy", kind, "1", **fields)
    with pytest.raises(RequestError) as raised:
        desk.venue.amend(order, **change)
    assert raised.value.field == field


def test_a_final_order_cannot_change() -> None:
    desk = Desk()
    order = desk.order("buy", "limit", "1", price="100")
    desk.venue.cancel(order)
    with pytest.raises(RequestError, match="a live order: it is cancelled"):
        desk.venue.amend(order, quantity=D(2))


def test_a_price_that_now_takes_waits_for_the_next_event() -> None:
    desk = Desk()
    desk.trade(100)
    order = desk.order("buy", "limit", "1", price="99")
    desk.venue.amend(order, price=D(101))
    assert order.filled == 0
    desk.trade(100)
    assert desk.fills() == [("buy", D(100), D(1), D(0), "taker")]
