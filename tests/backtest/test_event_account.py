"""The paper account of the assumptions of a back-test."""

from decimal import Decimal

import pytest
from tests.backtest.event_markets import contract

from headwater.backtest.assumptions import Assumptions, FillRule, MarginMode
from headwater.backtest.event_account import FINE_GRID, EventAccount
from headwater.core.errors import RequestError
from headwater.trading.paper_assumptions import MarketTiming, SlippageModel


def test_assumptions_become_contracts() -> None:
    rules = Assumptions(
        initial_capital=5_000.0,
        fee_rate=0.0005,
        slippage_rate=0.0002,
        fill=FillRule.CLOSE,
        leverage=3.0,
        margin_mode=MarginMode.ISOLATED,
        liquidation_fee_rate=0.001,
        quantity_step=0.01,
        min_notional=5.0,
    ).checked()
    account = EventAccount.of(rules, [("x", "BTCUSDT")])
    (one,) = account.contracts
    assert (one.fees.maker, one.fees.taker) == (Decimal("0.0005"), Decimal("0.0005"))
    assert one.fees.liquidation == Decimal("0.0015")
    assert (one.price_tick, one.quantity_step) == (FINE_GRID, Decimal("0.01"))
    assert [one.leverage, one.min_notional] == [Decimal(3), Decimal(5)]
    assert one.margin_mode.value == "isolated"
    assert account.fills.timing is MarketTiming.SAME_CLOSE
    assert account.fills.slippage is SlippageModel.FIXED_BPS
    assert account.fills.slippage_amount == 2
    assert account.venue().cash == 5_000


def test_an_account_without_contracts_or_cash_is_refused() -> None:
    with pytest.raises(RequestError, match="contracts"):
        EventAccount(contracts=(), cash=Decimal(1)).venue()
    with pytest.raises(RequestError, match="cash"):
        EventAccount(contracts=(contract("x"),), cash=Decimal(0)).venue()
