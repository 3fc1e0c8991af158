"""Liquidation, isolated and cross, worked by hand."""

from decimal import Decimal

import pytest
from tests.trading.paper_desk import D, Desk, contract, fills_of

from headwater.analytics.margin import build_tiers
from headwater.core.order_kinds import MarginMode
from headwater.core.orders import AccountEvent
from headwater.trading.paper import PaperVenue
from headwater.trading.paper_assumptions import FillAssumptions, LiquidationPrice
from headwater.trading.paper_contract import FeeSchedule

TIERS = build_tiers([(0.0, 0.01, 100.0)])
FEES = FeeSchedule(maker=D(0), taker=D(0), liquidation=D("0.005"))
TRIGGER = FillAssumptions(liquidation_price=LiquidationPrice.TRIGGER)


def isolated(fill: FillAssumptions | None = None) -> Desk:
    """Long 10 from 100 at leverage 10: margin 100. (10·100 − 100) / (10 · 0.99) is 90.909."""
    desk = Desk(fill=fill, leverage=D(10), margin_mode=MarginMode.ISOLATED, tiers=TIERS, fees=FEES)
    desk.order("buy", "market", "10")
    desk.bar(100, 100, 100, 100)
    desk.venue.take_events()
    return desk


def account_events(desk: Desk) -> list[AccountEvent]:
    return [one for one in desk.venue.take_events() if isinstance(one, AccountEvent)]


def test_an_isolated_long_loses_its_margin_and_no_more() -> None:
    desk = isolated()
    assert desk.venue.position(desk.market).margin == D(100)
    price = desk.venue.position(desk.market).liquidation_price
    assert price == pytest.approx(900 / 9.9)
    desk.bar(95, 96, 91, 92)
    assert desk.quantity == 10
    desk.bar(92, 93, 90, 91)
    assert desk.quantity == 0
    # Bankruptcy price: 100 − 100/10 = 90; nothing is left for a fee.
    assert desk.venue.cash == D(9_900)
    assert not desk.venue.is_insolvent


def test_closed_at_its_trigger_it_keeps_what_the_fee_leaves() -> None:
    desk = isolated(TRIGGER)
    desk.bar(95, 96, 90, 92)
    # Trigger 90.909… rounds to 90.9 against the long: −91, fee 909 × 0.005 = 4.545.
    assert desk.venue.cash == D(10_000) - D(91) - D("4.545")
    events = account_events(desk)
    assert [one.kind.value for one in events] == ["liquidation"]
    assert events[0].amount == D("-95.545")
    assert "maintenance" in events[0].text


def test_a_gap_beyond_bankruptcy_still_costs_the_margin_alone() -> None:
    for fill in (None, TRIGGER):
        desk = isolated(fill)
        desk.bar(80, 81, 79, 80)
        assert desk.venue.cash == D(9_900)


def test_a_stop_nearer_than_the_liquidation_price_comes_first() -> None:
    desk = isolated()
    desk.order("sell", "stop", "10", trigger_price="95", reduce_only=True)
    desk.bar(100, 100, 80, 90)
    assert desk.venue.cash == D(9_950)


def test_a_stop_behind_the_liquidation_price_is_cancelled_with_it() -> None:
    desk = isolated()
    desk.order("sell", "stop", "10", trigger_price="90.5", reduce_only=True)
    desk.bar(100, 100, 80, 90)
    assert ("cancelled", "liquidation") in desk.events()
    assert desk.venue.cash == D(9_900)


def test_an_isolated_short_by_trades() -> None:
    # (−10·100 − 100) / (10 · (−1 − 0.01)) = 108.91…; bankruptcy at 110.
    desk = Desk(leverage=D(10), margin_mode=MarginMode.ISOLATED, tiers=TIERS)
    desk.order("sell", "market", "10")
    desk.trade(100)
    desk.trade(108.9)
    assert desk.quantity == -10
    desk.trade(109)
    assert desk.quantity == 0
    assert desk.venue.cash == D(9_900)


def test_funding_eats_isolated_margin() -> None:
    desk = isolated()
    # 10 × 100 × 0.05 = 50 of the margin of 100: liquidated at (1000 − 50) / 9.9.
    assert desk.venue.on_funding(desk.market, D("0.05"), D(100), desk.at_ms) == D(-50)
    position = desk.venue.position(desk.market)
    assert position.margin == D(50)
    assert position.liquidation_price == pytest.approx(950 / 9.9)
    assert desk.venue.cash == D(9_950)
    desk.bar(97, 97, 95, 96)
    assert desk.venue.cash == D(9_900)


def test_marks_alone_liquidate_once_there_are_any() -> None:
    desk = isolated()
    desk.venue.on_mark(desk.market, 99.0, desk.at_ms)
    desk.bar(95, 96, 80, 92)
    assert desk.quantity == 10
    desk.venue.on_mark(desk.market, 90.9, desk.at_ms)
    assert desk.quantity == 0


def cross() -> tuple[PaperVenue, list[int]]:
    """1,000 USDT; long 20 BTC-like from 100 and short 10 ETH-like from 100, both at 10."""
    venue = PaperVenue(
        [
            contract(leverage=D(10), tiers=TIERS),
            contract("ETHUSDT", leverage=D(10), tiers=TIERS),
        ],
        D(1_000),
    )
    desk = Desk()
    for name, side, size in (("BTCUSDT", "buy", "20"), ("ETHUSDT", "sell", "10")):
        request = desk.request(side, "market", size)
        venue.submit(
            type(request)(
                exchange="binance",
                symbol=name,
                side=request.side,
                order_type=request.order_type,
                quantity=request.quantity,
            )
        )
        venue.on_bar(venue.market("binance", name), 1, 100, 100, 100, 100)
    venue.take_events()
    return venue, []


def test_cross_positions_stand_and_fall_together() -> None:
    venue, _ = cross()
    first, second = venue.market("binance", "BTCUSDT"), venue.market("binance", "ETHUSDT")
    # Backing of the first: 1000 − 10·100·0.01 = 990: (2000 − 990) / (20 · 0.99) = 51.01.
    assert venue.position(first).liquidation_price == pytest.approx(1010 / 19.8)
    # The second loses 500 at 150: 1000 − 500 − 15 = 485: (2000 − 485) / 19.8 = 76.515.
    venue.on_bar(second, 2, 100, 150, 100, 150)
    assert venue.position(first).liquidation_price == pytest.approx(1515 / 19.8)
    venue.on_bar(first, 3, 100, 100, 76.6, 80)
    assert len(venue.positions()) == 2
    venue.on_bar(first, 4, 80, 80, 76.5, 77)
    assert venue.positions() == []
    # The other closes at its mark, this one at the price that leaves nothing: 100 − 500/20 = 75.
    assert [(one.symbol, one.price) for one in fills_of(venue.take_events())] == [
        ("ETHUSDT", D(150)),
        ("BTCUSDT", D(75)),
    ]
    assert venue.cash == 0
    assert venue.is_insolvent


def test_a_ruined_account_takes_no_more_orders_and_says_so_once() -> None:
    desk = Desk(cash="100", leverage=D(10))
    desk.order("buy", "market", "10")
    desk.bar(100, 100, 100, 100)
    desk.bar(95, 95, 85, 86)
    assert desk.venue.equity == Decimal(0)
    kinds = [one.kind.value for one in account_events(desk)]
    assert kinds.count("insolvency") == 1
    desk.order("buy", "market", "1")
    assert desk.events() == [("rejected", "account_insolvent")]
