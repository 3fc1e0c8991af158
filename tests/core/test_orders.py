"""Requests that no venue could understand are refused with field, value and what is allowed."""

from decimal import Decimal
from typing import Any

import pytest

from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.core.order_kinds import OrderType, TimeInForce
from headwater.core.orders import (
    BracketRequest,
    OrderRequest,
    check_bracket_request,
    check_order_request,
)

D = Decimal


def request(kind: str = "limit", side: str = "buy", **fields: Any) -> OrderRequest:
    known: dict[str, Any] = {"quantity": D(1)}
    if kind in ("limit", "stop_limit", "take_profit_limit"):
        known["price"] = D(100)
    if kind in ("stop", "stop_limit", "take_profit", "take_profit_limit"):
        known["trigger_price"] = D(90)
    if kind == "trailing_stop":
        known["trailing_fraction"] = D("0.01")
    return OrderRequest(
        exchange="okx",
        symbol="BTCUSDT",
        side=Side(side),
        order_type=OrderType(kind),
        **(known | fields),
    )


@pytest.mark.parametrize("kind", list(OrderType))
def test_a_plain_request_of_each_type_is_fine(kind: OrderType) -> None:
    assert check_order_request(request(kind)).order_type is kind


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"quantity": D(0)}, "quantity"),
        ({"quantity": D("NaN")}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"price": D(-1)}, "price"),
        ({"price": None}, "price"),
        ({"kind": "market", "price": D(1)}, "price"),
        ({"trigger_price": D(1)}, "trigger_price"),
        ({"kind": "stop", "trigger_price": None}, "trigger_price"),
        ({"kind": "trailing_stop", "trailing_fraction": D(1)}, "trailing_fraction"),
        ({"kind": "trailing_stop", "trailing_distance": D(1)}, "trailing_distance"),
        ({"trailing_distance": D(1)}, "trailing_distance"),
        ({"quote_quantity": D(5)}, "quote_quantity"),
        ({"kind": "market", "quote_quantity": D(5)}, "quote_quantity"),
        ({"kind": "stop", "time_in_force": TimeInForce.IOC}, "time_in_force"),
        ({"kind": "market", "post_only": True}, "post_only"),
        ({"post_only": True, "time_in_force": TimeInForce.FOK}, "post_only"),
        ({"client_order_id": ""}, "client_order_id"),
        ({"client_order_id": "x" * 65}, "client_order_id"),
    ],
)
def test_what_makes_no_sense_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestError) as raised:
        check_order_request(request(**fields))
    assert raised.value.field == field
    assert raised.value.allowed


def exit_of(kind: str, **fields: Any) -> OrderRequest:
    return request(kind, "sell", quantity=None, **fields)


def test_brackets_with_prices_or_fractions_are_fine() -> None:
    check_bracket_request(
        BracketRequest(entry=request(), stop=exit_of("stop"), target=exit_of("limit"))
    )
    check_bracket_request(
        BracketRequest(
            entry=request("market"),
            stop=exit_of("stop", trigger_price=None),
            stop_fraction=D("0.05"),
        )
    )


@pytest.mark.parametrize(
    ("bracket", "field"),
    [
        (BracketRequest(entry=request()), "stop"),
        (
            BracketRequest(entry=request(reduce_only=True), stop=exit_of("stop")),
            "entry.reduce_only",
        ),
        (BracketRequest(entry=request(), stop=exit_of("limit")), "stop.order_type"),
        (BracketRequest(entry=request(), target=exit_of("stop")), "target.order_type"),
        (BracketRequest(entry=request(), stop=request("stop")), "stop.side"),
        (BracketRequest(entry=request(), stop=request("stop", "sell")), "stop.quantity"),
        (
            BracketRequest(
                entry=request(), stop=exit_of("stop", trigger_price=None), stop_fraction=D(1)
            ),
            "stop_fraction",
        ),
        (
            BracketRequest(entry=request(), stop=exit_of("stop"), stop_fraction=D("0.1")),
            "stop.price",
        ),
        (
            BracketRequest(entry=request(), stop=exit_of("stop"), target_fraction=D("0.1")),
            "target_fraction",
        ),
    ],
)
def test_a_bracket_that_makes_no_sense_is_named(bracket: BracketRequest, field: str) -> None:
    with pytest.raises(RequestError) as raised:
        check_bracket_request(bracket)
    assert raised.value.field == field
