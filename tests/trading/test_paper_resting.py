"""Where orders wait before anything fills."""

import pytest
from tests.trading.paper_desk import D, Desk


def test_with_bars_new_limit_orders_arrive_at_the_open_and_on_a_tape_at_once() -> None:
    desk = Desk()
    desk.bar(100, 100, 100, 100)
    assert not desk.order("buy", "limit", "1", price="90").is_resting
    desk.trade(100)
    assert desk.order("buy", "limit", "1", price="90").is_resting


@pytest.mark.parametrize(
    ("side", "kind", "is_below"),
    [
        ("sell", "stop", True),
        ("buy", "stop", False),
        ("sell", "take_profit", False),
        ("buy", "take_profit", True),
    ],
)
def test_triggers_wait_on_the_side_from_which_they_are_reached(
    side: str, kind: str, is_below: bool
) -> None:
    desk = Desk()
    desk.trade(100)
    desk.order(side, kind, "1", trigger_price="100")
    assert (len(desk.market.below), len(desk.market.above)) == (is_below, not is_below)


def test_a_trailing_stop_waits_for_the_first_price_and_follows_the_best() -> None:
    desk = Desk()
    order = desk.order("sell", "trailing_stop", "1", trailing_fraction="0.1")
    assert order.plan is not None
    desk.trade(100)
    assert order.plan.trigger == 90.0
    for price, trigger in ((110, 99.0), (105, 99.0), (112, 100.8)):
        desk.trade(price)
        assert order.plan.trigger == trigger
    desk.trade(100.7)
    assert order.record().state == "filled"
    assert order.record().average_price == D("100.7")
    assert desk.market.below == desk.market.above == []
