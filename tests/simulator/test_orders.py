"""The words of order entry."""

from decimal import Decimal

import msgspec
import pytest

from headwater.simulator.orders import BACKGROUND_OWNERS, CROWD, LIQUIDATOR, MAKERS, Ticket


def test_a_ticket_survives_the_wire_and_refuses_unknown_rules() -> None:
    """Decimals keep their digits; a time in force that does not exist is an error."""
    text = b'{"symbol":"BTCUSDT","owner":"me","side":"buy","quantity":"0.010"}'
    ticket = msgspec.json.decode(text, type=Ticket)
    assert (ticket.quantity, ticket.price) == (Decimal("0.010"), None)
    assert msgspec.json.decode(msgspec.json.encode(ticket), type=Ticket) == ticket
    with pytest.raises(msgspec.ValidationError, match="time_in_force"):
        msgspec.json.decode(text[:-1] + b',"time_in_force":"forever"}', type=Ticket)


def test_reserved_owners() -> None:
    """Makers, crowd and the liquidator trade among themselves without executions."""
    assert {MAKERS, CROWD, LIQUIDATOR} == BACKGROUND_OWNERS
