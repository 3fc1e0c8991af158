"""Free margin, margin of positions, liquidation prices; figures worked by hand."""

import pytest
from tests.trading.paper_desk import D, Desk

from headwater.analytics.margin import build_tiers
from headwater.core.order_kinds import MarginMode
from headwater.trading.paper import PaperVenue
from headwater.trading.paper_margin import bankruptcy_price_of, maintenance

TIERS = build_tiers([(0.0, 0.01, 20.0), (1000.0, 0.02, 10.0)])


def test_profit_of_cross_positions_is_free_and_that_of_isolated_ones_is_not() -> None:
    for mode, free in ((MarginMode.CROSS, D(9_810)), (MarginMode.ISOLATED, D(9_800))):
        desk = Desk(leverage=D(5), margin_mode=mode)
        desk.order("buy", "market", "10")
        desk.bar(100, 100, 100, 100)
        desk.bar(101, 101, 101, 101)
        assert desk.venue.free_margin == free
        assert desk.venue.equity == 10_010


def test_an_account_without_contracts_has_all_its_cash_free() -> None:
    venue = PaperVenue([], D(100))
    assert (venue.free_margin, venue.equity) == (D(100), D(100))
    assert PaperVenue.restore(venue.snapshot(), []).free_margin == 100


def test_maintenance_follows_the_tiers() -> None:
    # Notional 2000 in the second tier: 2000 × 0.02 − 1000 × (0.02 − 0.01) = 30.
    desk = Desk(leverage=D(5), tiers=TIERS)
    desk.order("sell", "market", "20")
    desk.bar(100, 100, 100, 100)
    assert maintenance(desk.market) == pytest.approx(30)
    # Everything backs it: 10000 / 20 above the entry.
    assert bankruptcy_price_of(desk.venue._state, desk.market) == pytest.approx(600)


def test_the_fee_of_the_close_counts_where_the_venue_demands_it() -> None:
    from headwater.trading.paper_contract import FeeSchedule

    fees = FeeSchedule(maker=D(0), taker=D("0.001"))
    prices = []
    for is_demanded in (False, True):
        desk = Desk(
            leverage=D(10),
            tiers=TIERS,
            margin_mode=MarginMode.ISOLATED,
            fees=fees,
            is_fee_demanded=is_demanded,
        )
        desk.order("buy", "market", "1")
        desk.bar(100, 100, 100, 100)
        prices.append(desk.venue.position(desk.market).liquidation_price)
    # (100 − 10) / (1 − 0.01) and (100 − 10) / (1 − 0.011)
    assert prices == pytest.approx([90 / 0.99, 90 / 0.989])


def test_a_long_that_is_fully_paid_is_never_liquidated() -> None:
    desk = Desk()
    desk.order("buy", "market", "100")
    desk.bar(100, 100, 100, 100)
    assert desk.venue.position(desk.market).liquidation_price is None
    desk.bar(100, 100, 0.1, 1)
    assert desk.quantity == 100
