"""Checks on orders from outside, and the fills their owners hear of."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.simulator import order_desk as module
from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.matching import MAX_OPEN_ORDERS_PER_OWNER
from headwater.simulator.orders import MAKERS, OrderState, Ticket, TimeInForce

START_MS = 1_760_000_000_000


@pytest.fixture
def exchange() -> SimulatedExchange:
    """One small exchange."""
    return SimulatedExchange(seed=1, start_ms=START_MS, symbols=["LTCUSDT"])


def _ticket(
    owner: str = "me",
    quantity: str = "1",
    price: str | None = "50",
    rule: TimeInForce = TimeInForce.GTC,
    side: Side = Side.BUY,
) -> Ticket:
    return Ticket(
        symbol="LTCUSDT",
        owner=owner,
        side=side,
        quantity=Decimal(quantity),
        price=None if price is None else Decimal(price),
        time_in_force=rule,
    )


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("owner", lambda: _ticket(owner=MAKERS)),
        ("owner", lambda: _ticket(owner="")),
        ("quantity", lambda: _ticket(quantity="0")),
        ("quantity", lambda: _ticket(quantity="-1")),
        ("quantity", lambda: _ticket(quantity="1.0005")),
        ("quantity", lambda: _ticket(quantity="NaN")),
        ("quantity", lambda: _ticket(quantity="1e30")),
        ("quantity", lambda: _ticket(quantity="0.050")),
        ("quantity", lambda: _ticket(quantity="0.050", price=None)),
        ("quantity", lambda: _ticket(quantity="2000000")),
        ("price", lambda: _ticket(price="95")),
        ("price", lambda: _ticket(price="70", side=Side.SELL)),
        ("price", lambda: _ticket(price="50.001")),
        ("price", lambda: _ticket(price="0")),
        ("price", lambda: _ticket(price="Infinity")),
    ],
)
def test_bad_tickets_name_the_field(
    exchange: SimulatedExchange, field: str, make: Callable[[], Ticket]
) -> None:
    """Off the grid, too small, reserved: refused before anything happens."""
    before = exchange.book("LTCUSDT", 10)
    with pytest.raises(RequestError) as caught:
        exchange.submit(make())
    assert caught.value.field == field
    assert exchange.book("LTCUSDT", 10) == before


def test_states_on_arrival(exchange: SimulatedExchange) -> None:
    """Open, partly filled and resting, filled, expired."""
    ask = Decimal(str(exchange.book("LTCUSDT", 1).asks[0][0]))
    assert exchange.submit(_ticket()).state is OrderState.OPEN
    swept = exchange.submit(_ticket(quantity="100000", price=str(ask)))
    assert swept.state is OrderState.PARTIALLY_FILLED
    assert 0 < swept.filled < 100_000
    assert exchange.submit(_ticket(price=None, side=Side.SELL)).state is OrderState.FILLED
    bid = str(exchange.book("LTCUSDT", 1).bids[0][0])
    for rule in (TimeInForce.FOK, TimeInForce.POST_ONLY):
        ticket = _ticket(quantity="500000", price=bid, rule=rule, side=Side.SELL)
        answer = exchange.submit(ticket)
        assert answer.state is OrderState.EXPIRED
        assert answer.filled == 0
        assert answer.average_price is None


def test_a_mispriced_giant_is_taken_and_the_book_heals(exchange: SimulatedExchange) -> None:
    """A bid far above the market sweeps the asks; the rest is sold into; makers come back."""
    ask = Decimal(str(exchange.book("LTCUSDT", 1).asks[0][0]))
    price = (ask * Decimal("1.08")).quantize(Decimal("0.01"))
    swept = exchange.submit(_ticket(quantity="300000", price=str(price)))
    assert swept.state is OrderState.PARTIALLY_FILLED
    exchange.advance_to(START_MS + 60_000)
    book = exchange.book("LTCUSDT", 1_000)
    assert book.bids[0][0] < book.asks[0][0] < float(ask) * 1.04
    assert len(book.asks) > 200
    filled = sum(fill.lots for fill in exchange.executions("me"))
    assert filled == 300_000_000


def test_too_many_open_orders(exchange: SimulatedExchange) -> None:
    """The engine's bound reaches the owner as a refused request."""
    for _ in range(MAX_OPEN_ORDERS_PER_OWNER):
        exchange.submit(_ticket())
    with pytest.raises(RequestError, match="open orders"):
        exchange.submit(_ticket())


def test_both_owners_hear_of_a_fill(exchange: SimulatedExchange) -> None:
    """Maker and taker get the same execution once each; one alone gets it once."""
    ask = exchange.book("LTCUSDT", 1).asks[0][0]
    price = str(Decimal(str(ask)) - Decimal("0.01"))
    if Decimal(price) <= Decimal(str(exchange.book("LTCUSDT", 1).bids[0][0])):
        price = str(ask)
    exchange.submit(_ticket(owner="you", price=str(Decimal(price)), side=Side.SELL))
    mine = exchange.submit(_ticket(quantity="100000", price=price))
    theirs = exchange.executions("you")
    assert theirs
    assert set(theirs) <= set(mine.executions)
    assert exchange.executions("me") == list(mine.executions)
    assert exchange.executions("nobody") == []


def test_fills_and_owners_are_bounded(
    exchange: SimulatedExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fills nobody takes are dropped oldest first and counted; too many owners are refused."""
    monkeypatch.setattr(module, "MAX_EXECUTIONS_PER_OWNER", 3)
    monkeypatch.setattr(module, "MAX_OWNERS", 1)
    made = [e for _ in range(5) for e in exchange.submit(_ticket(price=None)).executions]
    assert exchange.executions("me") == made[-3:]
    assert exchange._desk.dropped == len(made) - 3
    with pytest.raises(RequestError, match="at most 1 owners"):
        exchange.submit(_ticket(owner="you"))
