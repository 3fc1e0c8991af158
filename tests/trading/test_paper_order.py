"""The records of working orders."""

import pytest
from tests.trading.paper_desk import D, Desk

from headwater.core.order_kinds import OrderState
from headwater.core.orders import check_order_request


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("market", {}),
        ("limit", {"price": "90", "post_only": True}),
        ("stop", {"trigger_price": "120"}),
        ("stop_limit", {"trigger_price": "120", "price": "121"}),
        ("take_profit", {"trigger_price": "90"}),
        ("take_profit_limit", {"trigger_price": "90", "price": "91"}),
        ("trailing_stop", {"trailing_distance": "5"}),
        ("trailing_stop", {"trailing_fraction": "0.05"}),
    ],
)
def test_a_record_gives_back_the_request(kind: str, fields: dict[str, object]) -> None:
    desk = Desk()
    desk.trade(100)
    request = desk.request("buy", kind, "1", client_order_id="mine", oco_group="g", **fields)
    desk.venue.submit(request)
    record = desk.venue.order("mine")
    assert check_order_request(record.request) == request
    assert (record.state, record.filled_quantity, record.average_price) == (
        OrderState.ACCEPTED,
        D(0),
        None,
    )
    assert (record.created_at_ms, record.venue_order_id) == (1, "1")


def test_a_rejected_order_has_no_venue_order_id() -> None:
    desk = Desk()
    order = desk.order("buy", "limit", "0.0001", price="90")
    assert order.record().venue_order_id is None
    assert order.client_order_id == "p1"
    assert order.record().price == D(90)
