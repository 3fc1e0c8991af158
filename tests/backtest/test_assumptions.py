"""Assumptions: bounds, and what they say of themselves."""

import math

import msgspec
import pytest

from headwater.backtest.assumptions import Assumptions, FillRule, MarginMode
from headwater.core.errors import RequestError
from headwater.core.margin_tiers import MarginTier

TIER = MarginTier(
    notional_floor=0.0,
    notional_cap=math.inf,
    maintenance_rate=0.005,
    maintenance_deduction=0.0,
    leverage_max=50.0,
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("initial_capital", 0.0),
        ("initial_capital", math.inf),
        ("fee_rate", math.nan),
        ("fee_rate", 0.11),
        ("slippage_rate", -0.001),
        ("leverage", 0.99),
        ("leverage", 201.0),
        ("quantity_step", -1.0),
        ("min_notional", -1.0),
    ],
)
def test_what_no_account_has_is_named(field: str, value: float) -> None:
    with pytest.raises(RequestError) as caught:
        msgspec.structs.replace(Assumptions(), **{field: value}).checked()
    assert caught.value.field == field


def test_plain_means_cash_fee_and_slippage_alone() -> None:
    assert Assumptions(fee_rate=0.001, slippage_rate=0.01, fill=FillRule.CLOSE).is_plain
    for less in (
        Assumptions(leverage=2.0),
        Assumptions(tiers=(TIER,)),
        Assumptions(quantity_step=0.1),
        Assumptions(price_tick=1.0),
        Assumptions(min_notional=5.0),
    ):
        assert not less.is_plain


def test_everything_is_told_in_words() -> None:
    told = Assumptions(
        fee_rate=0.0005,
        slippage_rate=0.0002,
        exchange="okx",
        leverage=3.0,
        margin_mode=MarginMode.ISOLATED,
        tiers=(TIER,),
        liquidation_fee_rate=0.001,
        quantity_step=0.01,
        min_notional=5.0,
    ).told()
    assert told["fee"] == "5 bps of the value of every fill (okx's)"
    assert told["slippage"].startswith("2 bps")
    assert told["sizing"] == "all in at 3 × leverage, isolated margin"
    assert told["liquidation"].startswith("by the venue's 1 margin tiers")
    assert "10 bps" in told["liquidation"]
    assert told["rounding"] == "quantities down to multiples of 0.01, no order below 5"
    assert "next bar" in told["fill"]
    assert "optimistic" in Assumptions(fill=FillRule.CLOSE).told()["fill"]


def test_what_travels_beside_the_assumptions_is_told_with_them() -> None:
    plain = Assumptions().told()
    assert plain["funding"] == "none"
    assert "what came first" not in plain["intrabar"]
    told = Assumptions(funding="3 payments", detail="1m bars").told()
    assert told["funding"] == "3 payments"
    assert "unless 1m bars tell what came first" in told["intrabar"]


def test_leverage_without_tiers_is_told_loudly() -> None:
    told = Assumptions(leverage=5.0).told()["liquidation"]
    assert told.startswith("NONE, at 5 × leverage")
    assert "no position has a liquidation price" in told
    assert Assumptions().told()["liquidation"].startswith("none; the run stops")


def test_each_grid_is_told() -> None:
    assert Assumptions().told()["rounding"] == "none: fractional quantities"
    assert Assumptions(price_tick=0.5, min_notional=5.0).told()["rounding"] == (
        "fractional quantities, stops and targets to multiples of 0.5, no order below 5"
    )
