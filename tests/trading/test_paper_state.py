"""The log of events and the memory of finished orders are bounded and say so."""

from collections import deque

from tests.trading.paper_desk import D, Desk

from headwater.core.orders import OrderEvent
from headwater.trading.paper_state import FINISHED_MAX


def test_events_are_numbered_without_holes_and_handed_out_once() -> None:
    desk = Desk()
    desk.order("buy", "market", "1")
    desk.trade(100)
    desk.venue.on_funding(desk.market, D("0.001"), D(100), 7)
    events = desk.venue.take_events()
    assert [event.sequence for event in events] == [1, 2, 3]
    assert desk.venue.take_events() == []
    desk.order("buy", "limit", "1", price="90")
    assert [event.sequence for event in desk.venue.take_events()] == [4]


def test_an_event_tells_the_order_as_it_was_then() -> None:
    desk = Desk()
    order = desk.order("buy", "limit", "2", price="90")
    desk.venue.amend(order, quantity=D(1))
    first, second = desk.venue.take_events()
    assert isinstance(first, OrderEvent)
    assert isinstance(second, OrderEvent)
    assert (first.quantity, second.quantity) == (D(2), D(1))


def test_a_full_log_drops_the_oldest_and_the_numbers_show_it() -> None:
    desk = Desk()
    desk.venue._state.log = deque(maxlen=3)
    for _ in range(5):
        desk.order("buy", "limit", "1", price="90")
    assert [event.sequence for event in desk.venue.take_events()] == [3, 4, 5]
    assert desk.venue.event_count == 5


def test_finished_orders_are_forgotten_after_a_while_and_their_names_free() -> None:
    desk = Desk()
    desk.order("buy", "limit", "0.0001", price="90", client_order_id="first")
    for _ in range(FINISHED_MAX):
        desk.order("buy", "limit", "0.0001", price="90")
    desk.order("buy", "limit", "1", price="90", client_order_id="first")
    assert desk.venue.order("first").state == "accepted"
