"""Facts are checked, and the integer scale is exact."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trading.paper_desk import NO_FEES, contract

from headwater.analytics.margin import build_tiers
from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.errors import RequestError
from headwater.core.instruments import Instrument
from headwater.core.numbers import Rounding, round_to_step
from headwater.trading.paper_contract import (
    FeeSchedule,
    PaperContract,
    Scale,
    atto_of,
    check_contract,
    exact,
    money,
)

D = Decimal


@given(
    st.sampled_from([D("0.1"), D("0.5"), D("0.25"), D("5"), D("0.00001"), D("1E-12")]),
    st.decimals("0.001", "99999", places=6),
)
def test_rounding_to_ticks_is_that_of_the_decimals(tick: Decimal, price: Decimal) -> None:
    scale = Scale(tick, D(1))
    assert scale.price(scale.ticks_of(price, up=False)) == round_to_step(price, tick)
    assert scale.price(scale.ticks_of(price, up=True)) == round_to_step(price, tick, Rounding.UP)


@given(st.sampled_from(["0.1", "0.01", "0.5", "0.05", "0.0001"]), st.integers(1, 10**7))
def test_a_price_on_the_grid_is_the_float_of_its_text(tick: str, ticks: int) -> None:
    scale = Scale(D(tick), D(1))
    price = float(str(scale.price(ticks)))
    assert scale.float_price(ticks) == price
    assert scale.market_ticks(price, up=True) == scale.market_ticks(price, up=False) == ticks


def test_a_price_off_the_grid_goes_up_or_down() -> None:
    scale = Scale(D("0.1"), D("0.001"))
    assert scale.market_ticks(100.14, up=False) == 1001
    assert scale.market_ticks(100.14, up=True) == 1002
    # A neighbour of the float is on the grid: 0.1 + 0.2 is not 0.3, but it is three ticks.
    assert scale.market_ticks(0.1 + 0.2, up=True) == 3
    assert scale.market_lots(0.0029999) == 2
    assert scale.market_lots(float("nan")) == scale.market_lots(float("inf")) == 0


@given(st.decimals("-1E9", "1E9", places=12))
def test_money_goes_in_and_out_unchanged(amount: Decimal) -> None:
    assert money(atto_of(amount)) == amount


def test_money_below_the_grid_is_rounded_down_or_up() -> None:
    assert atto_of(D("1E-19")) == 0
    assert atto_of(D("1E-19"), up=True) == 1
    assert str(money(10_000 * 10**18)) == "10000"


def test_a_number_is_taken_as_it_is_written() -> None:
    assert exact(0.1) == D("0.1")
    with pytest.raises(RequestError):
        exact(float("nan"))


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"price_tick": D(0)}, "price_tick"),
        ({"quantity_step": D(-1)}, "quantity_step"),
        ({"min_notional": D(-1)}, "min_notional"),
        ({"leverage": D("0.5")}, "leverage"),
        ({"leverage": D(20), "max_leverage": D(10)}, "leverage"),
        ({"fees": FeeSchedule(maker=D(0), taker=D(1))}, "fees.taker"),
    ],
)
def test_facts_out_of_range_are_named(facts: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestError) as raised:
        check_contract(contract(**facts))
    assert raised.value.field == field


def test_a_listed_instrument_gives_its_grid() -> None:
    listed = Instrument(
        exchange="bybit",
        symbol="ETHUSDT",
        native_symbol="ETHUSDT",
        timestamp_ms=0,
        received_ns=0,
        base_asset="ETH",
        quote_asset="USDT",
        settle_asset="USDT",
        instrument_kind=InstrumentKind.PERPETUAL,
        status=InstrumentStatus.TRADING,
        is_linear=True,
        contract_size=1.0,
        price_tick=D("0.01"),
        quantity_step=D("0.01"),
        min_quantity=D("0.01"),
        min_notional=D(5),
        funding_interval_h=8.0,
        listed_at_ms=None,
        expires_at_ms=None,
    )
    tiers = build_tiers([(0.0, 0.005, 100.0)])
    made = PaperContract.of_instrument(listed, NO_FEES, leverage=D(100), tiers=tiers)
    assert (made.price_tick, made.min_notional, made.max_leverage) == (D("0.01"), D(5), D(100))
    with pytest.raises(RequestError, match="leverage"):
        PaperContract.of_instrument(listed, NO_FEES, leverage=D(101), tiers=tiers)


@given(
    st.sampled_from([D("0.1"), D("0.50"), D("0.25"), D("5"), D("1E+1"), D("0.00001"), D("1E-12")]),
    st.integers(0, 10**17),
    st.sampled_from([D(0), D("0.3"), D("1E-7")]),
)
def test_whole_ticks_are_the_price_as_it_is_written(
    tick: Decimal, ticks: int, off: Decimal
) -> None:
    scale = Scale(tick, D("0.001"))
    price = float((ticks + off) * tick)
    found = scale.whole_ticks(price)
    assert found is None or scale.price(found) == exact(price)
    if not off and ticks < 10**12:
        assert found == ticks
