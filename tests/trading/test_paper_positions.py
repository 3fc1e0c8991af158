"""Positions for the outside."""

from hypothesis import given
from hypothesis import strategies as st
from tests.trading.paper_desk import D, Desk

from headwater.core.order_kinds import MarginMode
from headwater.trading.paper_positions import funding_amount


def test_a_flat_contract_has_an_empty_position_and_is_not_listed() -> None:
    desk = Desk()
    position = desk.venue.position(desk.market)
    assert (position.quantity, position.entry_price, position.mark_price) == (D(0), None, None)
    assert position.liquidation_price is None
    assert desk.venue.positions() == []


def test_a_short_is_negative_and_gains_when_prices_fall() -> None:
    desk = Desk(leverage=D(4), margin_mode=MarginMode.ISOLATED)
    desk.order("sell", "market", "2")
    desk.bar(100, 100, 100, 100)
    desk.bar(97.5, 97.5, 97.5, 97.5)
    (position,) = desk.venue.positions()
    assert (position.quantity, position.unrealised_pnl, position.margin) == (D(-2), D(5), D(50))
    assert position.mark_price == 97.5


@given(
    st.integers(-9_999, 9_999),
    st.decimals("-0.01", "0.01", places=8),
    st.decimals(1, 99999, places=3),
)
def test_funding_is_exact(lots: int, rate: D, mark: D) -> None:
    desk = Desk()
    desk.market.pos = lots
    assert D(funding_amount(desk.market, rate, mark)).scaleb(-18) == -D(lots) / 1000 * mark * rate
