"""Placing brackets; what their exits do stands in `test_paper_links.py`."""

import pytest
from tests.trading.paper_desk import D, Desk

from headwater.core.errors import RequestError
from headwater.core.order_kinds import OrderState
from headwater.core.orders import BracketRequest


def bracket(desk: Desk, **names: str) -> BracketRequest:
    return BracketRequest(
        entry=desk.request("buy", "limit", "1", price="100", client_order_id=names.get("entry")),
        stop=desk.request("sell", "stop", trigger_price="90", client_order_id=names.get("stop")),
        target=desk.request("sell", "limit", price="110", client_order_id=names.get("target")),
    )


def test_exits_wait_without_margin_and_know_their_entry() -> None:
    desk = Desk()
    entry, stop, target = desk.venue.submit_bracket(bracket(desk, entry="in"))
    assert stop is not None
    assert target is not None
    assert [one.state for one in (entry, stop, target)] == [
        OrderState.ACCEPTED,
        OrderState.WAITING,
        OrderState.WAITING,
    ]
    assert stop.record().parent_client_order_id == "in"
    assert stop.record().request.reduce_only
    assert desk.venue.free_margin == D(9_900)


def test_a_name_in_use_rejects_the_whole_bracket() -> None:
    desk = Desk()
    desk.order("buy", "limit", "1", price="90", client_order_id="taken")
    entry, stop, _ = desk.venue.submit_bracket(bracket(desk, stop="taken", entry="in"))
    assert entry.state is OrderState.REJECTED
    assert stop is not None
    assert stop.state is OrderState.REJECTED
    assert [one.client_order_id for one in desk.venue.pending()] == ["taken"]


def test_one_name_for_two_orders_of_a_bracket_is_refused() -> None:
    desk = Desk()
    with pytest.raises(RequestError, match="client_order_id='same'"):
        desk.venue.submit_bracket(bracket(desk, stop="same", target="same"))


def test_a_bracket_may_be_sized_at_its_fill() -> None:
    desk = Desk()
    entry = desk.request("buy", "market")
    stop = desk.request("sell", "stop")
    request = BracketRequest(entry=entry, stop=stop, stop_fraction=D("0.1"))
    desk.venue.submit_bracket(request, equity_fraction=D("0.5"))
    desk.bar(100, 100, 95, 96)
    pending = desk.venue.pending()[0]
    assert (pending.quantity, pending.trigger_price) == (D(50), D(90))
