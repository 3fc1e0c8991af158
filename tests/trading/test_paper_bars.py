"""Bars: gaps at the open, the worse extreme first, the rules for what is born within a bar."""

from decimal import Decimal

import pytest
from tests.trading.paper_desk import Desk, fills_of

from headwater.core.errors import RequestError
from headwater.core.orders import BracketRequest
from headwater.trading.paper_assumptions import ExitRule, FillAssumptions, LimitFill, SlippageModel

D = Decimal


def long_desk(**facts: object) -> Desk:
    """Long 1 from 100, at the close of a quiet bar."""
    desk = Desk(**facts)  # type: ignore[arg-type]
    desk.order("buy", "market", "1")
    desk.bar(100, 100, 100, 100)
    desk.venue.take_events()
    return desk


def test_a_market_order_fills_at_the_next_open() -> None:
    desk = Desk()
    desk.bar(90, 101, 89, 100)
    desk.order("buy", "market", "1")
    assert desk.quantity == 0
    desk.bar(102, 110, 95, 105)
    assert desk.fills() == [("buy", D(102), D(1), D(0), "taker")]


def test_same_close_fills_at_once_at_the_last_price() -> None:
    from headwater.trading.paper_assumptions import MarketTiming

    desk = Desk(fill=FillAssumptions(timing=MarketTiming.SAME_CLOSE))
    desk.bar(90, 101, 89, 100)
    desk.order("buy", "market", "1")
    assert desk.fills() == [("buy", D(100), D(1), D(0), "taker")]


def test_a_limit_order_that_would_take_at_the_open_takes_at_the_better_price() -> None:
    desk = Desk()
    desk.bar(100, 100, 100, 100)
    desk.order("buy", "limit", "1", price="99")
    desk.bar(98, 105, 97, 104)
    assert desk.fills() == [("buy", D(98), D(1), D(0), "taker")]


def test_a_resting_limit_order_fills_at_its_own_price_even_over_a_gap() -> None:
    desk = Desk()
    desk.order("buy", "limit", "1", price="99")
    desk.bar(100, 101, 100, 100)
    desk.bar(95, 96, 94, 95)
    assert desk.fills() == [("buy", D(99), D(1), D(0), "maker")]


@pytest.mark.parametrize(("rule", "filled"), [(LimitFill.THROUGH, 0), (LimitFill.TOUCH, 1)])
def test_touching_the_price_fills_only_where_assumed(rule: LimitFill, filled: int) -> None:
    desk = Desk(fill=FillAssumptions(limit_fill=rule))
    desk.order("buy", "limit", "1", price="99")
    desk.bar(100, 101, 99, 100)
    assert len(desk.fills()) == filled
    desk.bar(100, 101, 98.9, 100)
    assert desk.quantity == 1


def test_a_post_only_order_is_cancelled_when_the_open_would_fill_it() -> None:
    desk = Desk()
    desk.bar(100, 100, 100, 100)
    desk.order("buy", "limit", "1", price="99", post_only=True)
    desk.bar(98, 105, 97, 104)
    assert desk.events()[-1] == ("cancelled", "post_only_would_take")


def test_stop_before_target_and_the_bar_is_listed_as_ambiguous() -> None:
    desk = long_desk()
    desk.order("sell", "stop", "1", trigger_price="95", oco_group="exits")
    desk.order("sell", "limit", "1", price="105", oco_group="exits")
    desk.bar(100, 106, 94, 105)
    assert desk.fills() == [("sell", D(95), D(1), D(0), "taker")]
    assert [bar.at_ms for bar in desk.venue.ambiguous_bars()] == [120_000]
    assert desk.venue.pending() == []


def test_a_target_alone_in_the_bar_is_not_ambiguous() -> None:
    desk = long_desk()
    desk.order("sell", "stop", "1", trigger_price="95", oco_group="exits")
    desk.order("sell", "limit", "1", price="105", oco_group="exits")
    desk.bar(100, 106, 96, 105)
    assert desk.fills() == [("sell", D(105), D(1), D(0), "maker")]
    assert desk.venue.ambiguous_count == 0


def test_for_a_short_the_high_comes_first() -> None:
    desk = Desk()
    desk.order("sell", "market", "1")
    desk.bar(100, 100, 100, 100)
    desk.order("buy", "stop", "1", trigger_price="105", reduce_only=True)
    desk.order("buy", "take_profit", "1", trigger_price="95", reduce_only=True)
    desk.bar(100, 106, 94, 95)
    assert [fill[:2] for fill in desk.fills()] == [("sell", D(100)), ("buy", D(105))]
    assert desk.venue.ambiguous_count == 1


def test_gaps_fill_stops_and_targets_at_the_open() -> None:
    for kind, price, opened in (("stop", "95", 90), ("take_profit", "105", 110)):
        desk = long_desk()
        desk.order("sell", kind, "1", trigger_price=price, reduce_only=True)
        desk.bar(opened, opened + 1, opened - 1, opened)
        assert desk.fills() == [("sell", D(opened), D(1), D(0), "taker")]


def test_a_gap_beyond_the_limit_of_a_stop_limit_leaves_it_resting() -> None:
    desk = long_desk()
    desk.order("sell", "stop_limit", "1", trigger_price="95", price="94", reduce_only=True)
    desk.bar(90, 93, 89, 92)
    assert desk.events() == [("accepted", "requested"), ("triggered", "trigger_reached")]
    desk.bar(92, 96, 91, 95)
    assert desk.fills() == [("sell", D(94), D(1), D(0), "maker")]


def test_a_stop_limit_within_the_bar_takes_at_its_trigger() -> None:
    desk = long_desk()
    desk.order("sell", "stop_limit", "1", trigger_price="95", price="94", reduce_only=True)
    desk.bar(100, 101, 90, 92)
    assert desk.fills() == [("sell", D(95), D(1), D(0), "taker")]


def test_a_trailing_stop_meets_the_low_with_the_old_best_and_the_close_with_the_new() -> None:
    # Best price 100, distance 5. Bar 1: low 96 > 95, then high 110 lifts the trigger to 105, the
    # close 108 stays above. Bar 2 opens at 107 and falls to 104: out at 105.
    desk = long_desk()
    desk.order("sell", "trailing_stop", "1", trailing_distance="5", reduce_only=True)
    desk.bar(100, 110, 96, 108)
    assert desk.venue.pending()[0].trigger_price == D(105)
    desk.bar(107, 108, 104, 106)
    assert desk.fills() == [("sell", D(105), D(1), D(0), "taker")]


def test_a_trailing_stop_is_hit_on_the_way_from_the_high_to_the_close() -> None:
    desk = long_desk()
    desk.order("sell", "trailing_stop", "1", trailing_fraction="0.1", reduce_only=True)
    desk.bar(100, 120, 99, 105)  # 120 × 0.9 = 108, the close is 105
    assert desk.fills() == [("sell", D(108), D(1), D(0), "taker")]


def test_a_buy_trailing_stop_follows_the_low() -> None:
    desk = Desk()
    desk.order("sell", "market", "1")
    desk.bar(100, 100, 100, 100)
    desk.order("buy", "trailing_stop", "1", trailing_distance="5", reduce_only=True)
    desk.bar(100, 101, 80, 84)
    assert desk.venue.pending()[0].trigger_price == D(85)
    desk.bar(84, 90, 83, 88)
    # The high comes first for a short: 84 → 90 meets the trigger at 85.
    assert desk.fills()[-1][:2] == ("buy", D(85))


def bracket(desk: Desk, entry: str, **fields: str) -> None:
    desk.venue.submit_bracket(
        BracketRequest(
            entry=desk.request("buy", entry, "1", **fields),
            stop=desk.request("sell", "stop", trigger_price="90"),
            target=desk.request("sell", "limit", price="110"),
        )
    )


def test_the_entry_bar_counts_stop_before_target() -> None:
    desk = Desk()
    bracket(desk, "market")
    desk.bar(100, 111, 89, 100)
    assert [fill[:2] for fill in desk.fills()] == [("buy", D(100)), ("sell", D(90))]
    assert desk.venue.ambiguous_count == 1


def test_the_target_of_an_entry_at_the_open_fills_in_the_same_bar() -> None:
    desk = Desk()
    bracket(desk, "market")
    desk.bar(100, 111, 95, 100)
    assert [fill[:2] for fill in desk.fills()] == [("buy", D(100)), ("sell", D(110))]


def test_the_target_of_an_entry_within_the_bar_needs_the_close() -> None:
    # Buy at 98 on the way down; the high of 111 may have come before.
    for close, fills in ((100, 1), (111, 2)):
        desk = Desk()
        bracket(desk, "limit", price="98")
        desk.bar(100, 111, 95, close)
        assert len(desk.fills()) == fills


def test_the_stop_of_an_entry_within_the_bar_is_hit_by_any_part_of_the_range() -> None:
    # Long already, so the low comes first; the added buy stop at 105 has a stop at 90 > low 89.
    desk = long_desk()
    desk.venue.submit_bracket(
        BracketRequest(
            entry=desk.request("buy", "stop", "1", trigger_price="105"),
            stop=desk.request("sell", "stop", trigger_price="90"),
        )
    )
    desk.bar(100, 106, 89, 104)
    assert [fill[:2] for fill in desk.fills()] == [("buy", D(105)), ("sell", D(90))]
    assert desk.venue.ambiguous_count == 1


def test_a_flat_buy_stop_meets_the_high_first_and_then_its_stop() -> None:
    desk = Desk()
    bracket(desk, "stop", trigger_price="105")
    desk.bar(100, 106, 89, 104)
    assert [fill[:2] for fill in desk.fills()] == [("buy", D(105)), ("sell", D(90))]


def test_nothing_fills_in_a_bar_without_volume() -> None:
    desk = Desk()
    order = desk.order("buy", "market", "1")
    desk.bar(100, 100, 100, 100, 0.0)
    assert order.filled == 0
    assert [one.client_order_id for one in desk.venue.pending()] == [order.client_order_id]
    desk.bar(101, 101, 101, 101, 2.0)
    assert desk.fills() == [("buy", D(101), D(1), D(0), "taker")]


def test_bars_without_volume_fill_where_that_is_assumed_and_unknown_volume_always() -> None:
    desk = Desk(fill=FillAssumptions(is_zero_volume_tradable=True))
    desk.order("buy", "market", "1")
    desk.bar(100, 100, 100, 100, 0.0)
    desk.order("buy", "market", "1")
    desk.bar(100, 100, 100, 100, float("nan"))
    assert desk.quantity == 2


def test_a_share_of_the_volume_fills_in_parts_over_bars() -> None:
    # A tenth of 4, 3 and 8: 0.4 + 0.3 + 0.3 of the 0.8 there is.
    desk = Desk(fill=FillAssumptions(volume_fraction=D("0.1")))
    desk.order("buy", "market", "1")
    for price, volume in ((100, 4.0), (101, 3.0), (102, 8.0)):
        desk.bar(price, price, price, price, volume)
    assert [fill[1:3] for fill in desk.fills()] == [
        (D(100), D("0.4")),
        (D(101), D("0.3")),
        (D(102), D("0.3")),
    ]


@pytest.mark.parametrize(
    ("model", "amount", "price"),
    [
        (SlippageModel.FIXED_BPS, "20", "100.2"),  # 100 × 0.002
        (SlippageModel.BAR_RANGE, "0.05", "100.5"),  # (106 − 96) × 0.05
        (SlippageModel.VOLUME_SHARE, "0.1", "102.5"),  # 100 × 0.1 × 1 / 4
    ],
)
def test_slippage_makes_takers_worse(model: SlippageModel, amount: str, price: str) -> None:
    desk = Desk(fill=FillAssumptions(slippage=model, slippage_amount=D(amount)), leverage=D(2))
    desk.order("buy", "market", "1")
    desk.bar(100, 106, 96, 100, 4.0)
    desk.order("sell", "market", "1")
    desk.bar(100, 106, 96, 100, 4.0)
    assert [fill[1] for fill in desk.fills()] == [D(price), 200 - D(price)]


@pytest.mark.parametrize(
    ("bar", "field"),
    [
        ((100, float("nan"), 99, 100), "high"),
        ((100, 99, 98, 98), "high"),
        ((100, 101, 100.5, 101), "low"),
        ((0, 101, 0, 101), "open"),
        ((100, 101, 99, float("inf")), "close"),
    ],
)
def test_a_bar_that_cannot_be_is_refused_with_its_time(
    bar: tuple[float, float, float, float], field: str
) -> None:
    desk = Desk()
    with pytest.raises(RequestError, match="60000 ms") as raised:
        desk.bar(*bar)
    assert raised.value.field == field


def test_lower_bars_settle_what_one_bar_leaves_open() -> None:
    """Detail through the same code: the target came first, the whole bar says the stop."""
    desk = long_desk()
    desk.order("sell", "stop", "1", trigger_price="95", oco_group="exits")
    desk.order("sell", "limit", "1", price="105", oco_group="exits")
    desk.bar(100, 106, 99, 105)
    desk.bar(105, 105, 94, 95)
    assert fills_of(desk.venue.take_events())[0].price == D(105)
    assert desk.venue.ambiguous_count == 0


STOP_FIRST = FillAssumptions(
    exits=ExitRule.STOP_FIRST, slippage=SlippageModel.FIXED_BPS, slippage_amount=D(100)
)


def bracketed(fill: FillAssumptions) -> Desk:
    """Long 1 from 100 with a stop at 90 and a target at 110, at the close of a quiet bar."""
    desk = long_desk(fill=fill)
    desk.order("sell", "stop", "1", trigger_price="90", reduce_only=True, oco_group="exits")
    desk.order("sell", "take_profit", "1", trigger_price="110", reduce_only=True, oco_group="exits")
    return desk


@pytest.mark.parametrize(
    ("fill", "bar", "price"),
    [
        # Opens beyond the target and falls to the stop: 90 less 1 % of slippage; else the open.
        (STOP_FIRST, (120, 121, 80, 100), "89.1"),
        (FillAssumptions(), (120, 121, 80, 100), "120"),
        # Opens beyond the target and stays: the open, without slippage; else 1 % below it.
        (STOP_FIRST, (120, 121, 119, 120), "120"),
        (
            FillAssumptions(slippage=SlippageModel.FIXED_BPS, slippage_amount=D(100)),
            (120, 121, 119, 120),
            "118.8",
        ),
        # Reaches the target within the bar.
        (STOP_FIRST, (100, 115, 99, 100), "110"),
    ],
)
def test_exits_of_back_tests_and_of_venues(
    fill: FillAssumptions, bar: tuple[float, float, float, float], price: str
) -> None:
    desk = bracketed(fill)
    desk.bar(*bar)
    assert [one[1] for one in desk.fills()] == [D(price)]
    assert desk.quantity == 0
    assert desk.venue.pending() == []


def test_a_stop_of_another_group_holds_no_target_back() -> None:
    desk = bracketed(STOP_FIRST)
    desk.order("sell", "stop", "1", trigger_price="95", reduce_only=True, oco_group="others")
    desk.bar(120, 121, 94, 100)
    assert [one[1] for one in desk.fills()] == [D(120)]


@pytest.mark.parametrize("fill", [STOP_FIRST, FillAssumptions()])
@pytest.mark.parametrize("opened", [85, 115])
def test_an_order_that_waits_for_the_open_comes_before_exits_that_the_open_is_beyond(
    fill: FillAssumptions, opened: float
) -> None:
    desk = bracketed(fill)
    desk.order("sell", "market", "1", reduce_only=True)
    desk.bar(opened, opened + 1, opened - 1, opened)
    filled = [event for event in desk.events() if event[0] == "filled"]
    assert filled == [("filled", "market_fill")]
