"""One execution: position, profit, fees, worked by hand."""

from tests.trading.paper_desk import D, Desk

from headwater.trading.paper_contract import FeeSchedule

FEES = FeeSchedule(maker=D("-0.0001"), taker=D("0.0005"))


def go(desk: Desk, side: str, quantity: str, price: float) -> None:
    desk.order(side, "market", quantity)
    desk.bar(price, price, price, price)


def test_the_life_of_a_position() -> None:
    desk = Desk(fees=FEES, leverage=D(2))
    go(desk, "buy", "2", 100)  # fee 0.1
    go(desk, "buy", "1", 106)  # fee 0.053; entry (200 + 106) / 3 = 102
    position = desk.venue.position(desk.market)
    assert (position.quantity, position.entry_price) == (D(3), D(102))
    assert position.unrealised_pnl == 12
    go(desk, "sell", "1", 105)  # +3, fee 0.0525
    position = desk.venue.position(desk.market)
    assert (position.realised_pnl, position.entry_price) == (D(3), D(102))
    go(desk, "sell", "3", 104)  # closes 2: +4, opens −1 from 104; fee 0.156
    position = desk.venue.position(desk.market)
    assert (position.quantity, position.entry_price) == (D(-1), D(104))
    assert position.realised_pnl == 7
    go(desk, "buy", "1", 110)  # −6, fee 0.055
    position = desk.venue.position(desk.market)
    assert (position.quantity, position.entry_price, position.margin) == (D(0), None, D(0))
    assert position.fees == D("0.4165")
    assert desk.venue.cash == desk.venue.equity == 10_000 + 1 - D("0.4165")


def test_a_cost_that_does_not_divide_leaves_nothing_behind() -> None:
    # 1 at 100 and 2 at 100.1: 300.2 over 3 does not divide; closed in thirds the sum is exact.
    desk = Desk(leverage=D(2))
    go(desk, "buy", "1", 100)
    go(desk, "buy", "2", 100.1)
    for _ in range(3):
        go(desk, "sell", "1", 100)
    assert desk.venue.cash == 10_000 - D("0.2")
    assert desk.venue.position(desk.market).realised_pnl == D("-0.2")


def test_rebates_are_paid_to_us() -> None:
    desk = Desk(fees=FEES)
    desk.order("buy", "limit", "1", price="100")
    desk.bar(101, 101, 101, 101)
    desk.bar(101, 101, 99, 101)
    assert desk.fills() == [("buy", D(100), D(1), D("-0.01"), "maker")]
    assert desk.venue.cash == D("10000.01")


def test_the_average_price_of_an_order_is_that_of_its_fills() -> None:
    from headwater.trading.paper_assumptions import FillAssumptions

    desk = Desk(fill=FillAssumptions(volume_fraction=D(1)))
    order = desk.order("buy", "market", "3")
    desk.bar(100, 100, 100, 100, 1.0)
    desk.bar(103, 103, 103, 103, 2.0)
    assert order.record().average_price == 102
    assert order.record().state == "filled"
