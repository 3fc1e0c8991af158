"""Brackets, one-cancels-other groups, reduce-only orders."""

from tests.trading.paper_desk import D, Desk

from headwater.core.orders import BracketRequest
from headwater.trading.paper_assumptions import FillAssumptions

HALF = FillAssumptions(volume_fraction=D("0.5"))


def bracketed(desk: Desk, **entry: str) -> None:
    desk.venue.submit_bracket(
        BracketRequest(
            entry=desk.request("buy", "limit", "1", price="100", client_order_id="in"),
            stop=desk.request("sell", "stop", trigger_price="90", client_order_id="stop"),
            target=desk.request("sell", "limit", price="110", client_order_id="target"),
        )
    )


def quantities(desk: Desk) -> dict[str, tuple[str, object]]:
    return {one.client_order_id: (one.state.value, one.quantity) for one in desk.venue.pending()}


def test_the_exits_work_for_what_the_entry_has_filled() -> None:
    desk = Desk(fill=HALF)
    bracketed(desk)
    assert quantities(desk)["stop"] == ("waiting", 0)
    desk.bar(100, 100, 100, 100, 0.8)
    assert quantities(desk) == {
        "in": ("partially_filled", 1),
        "stop": ("accepted", D("0.4")),
        "target": ("accepted", D("0.4")),
    }
    desk.bar(99, 99, 99, 99, 0.4)
    assert quantities(desk)["stop"] == ("accepted", D("0.6"))
    assert ("grown", "parent_filled") in desk.events()


def test_a_partly_filled_target_shrinks_the_stop_and_a_whole_one_ends_it() -> None:
    desk = Desk(fill=HALF)
    bracketed(desk)
    desk.bar(100, 100, 100, 100, 10.0)
    desk.bar(109, 111, 109, 109, 0.6)
    assert quantities(desk) == {
        "stop": ("accepted", D("0.7")),
        "target": ("partially_filled", 1),
    }
    desk.bar(109, 111, 109, 109, 10.0)
    assert quantities(desk) == {}
    assert desk.events()[-2:] == [("filled", "limit_reached"), ("cancelled", "oco_filled")]
    assert desk.venue.cash == D(10_010)


def test_an_exit_that_closes_what_filled_ends_the_rest_of_the_entry() -> None:
    desk = Desk(fill=HALF)
    bracketed(desk)
    desk.bar(100, 100, 100, 100, 0.8)
    # A quiet tape for the entry, then a fall: the entry takes all that trades on the way.
    desk.bar(101, 111, 101, 105, 10.0)
    assert ("cancelled", "exit_filled") in desk.events()
    assert quantities(desk) == {}
    assert desk.quantity == 0


def test_an_entry_cancelled_unfilled_takes_its_exits_along() -> None:
    desk = Desk()
    bracketed(desk)
    desk.venue.cancel("in")
    assert quantities(desk) == {}
    assert desk.events()[-2:] == [("cancelled", "parent_ended")] * 2


def test_an_entry_cancelled_half_way_leaves_its_exits() -> None:
    desk = Desk(fill=HALF)
    bracketed(desk)
    desk.bar(100, 100, 100, 100, 0.8)
    desk.venue.cancel("in")
    assert set(quantities(desk)) == {"stop", "target"}


def test_a_rejected_entry_takes_its_exits_along() -> None:
    desk = Desk(cash="10")
    bracketed(desk)
    assert quantities(desk) == {}
    assert ("rejected", "insufficient_margin") in desk.events()


def test_fractions_count_from_the_price_of_the_first_fill() -> None:
    desk = Desk()
    desk.venue.submit_bracket(
        BracketRequest(
            entry=desk.request("sell", "market", "1"),
            stop=desk.request("buy", "stop"),
            target=desk.request("buy", "take_profit"),
            stop_fraction=D("0.02"),
            target_fraction=D("0.05"),
        )
    )
    desk.bar(103, 103, 103, 103)
    # 103 × 1.02 = 105.06 → 105.0 and 103 × 0.95 = 97.85 → 97.9: rounded towards the entry.
    assert [one.trigger_price for one in desk.venue.pending()] == [D("105.0"), D("97.9")]


def test_a_group_of_plain_orders_cancels_each_other() -> None:
    desk = Desk(leverage=D(5))
    desk.order("buy", "limit", "1", price="95", oco_group="either")
    desk.order("sell", "limit", "1", price="105", oco_group="either")
    desk.bar(100, 100, 100, 100)
    desk.bar(100, 106, 100, 100)
    assert desk.quantity == -1
    assert desk.venue.pending() == []


def test_reduce_only_never_opens_or_turns() -> None:
    desk = Desk()
    desk.order("sell", "limit", "1", price="101", reduce_only=True)
    assert desk.events() == [("rejected", "reduce_only_no_position")]
    desk.order("buy", "market", "1")
    desk.bar(100, 100, 100, 100)
    order = desk.order("sell", "limit", "5", price="105", reduce_only=True)
    assert order.lots == 1000
    assert desk.events()[-2:] == [("accepted", "requested"), ("shrunk", "position_shrank")]
    desk.order("sell", "market", "0.4")
    desk.bar(100, 100, 100, 100)
    assert order.lots == 600
    desk.order("sell", "market", "0.6")
    desk.bar(100, 100, 100, 100)
    assert desk.events()[-1] == ("cancelled", "position_closed")


def test_reduce_only_takes_no_margin() -> None:
    desk = Desk(cash="100")
    desk.order("buy", "market", "1")
    desk.bar(100, 100, 100, 100)
    assert desk.venue.free_margin == 0
    desk.order("sell", "limit", "1", price="105", reduce_only=True)
    assert desk.events()[-1] == ("accepted", "requested")
