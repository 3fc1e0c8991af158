"""Quotes replaced in one go; that it is what two commands do stands in `test_paper_quotes.py`."""

from collections.abc import Callable

import pytest
from tests.trading.paper_desk import D, Desk

from headwater.core.errors import RequestError
from headwater.core.order_kinds import OrderReason, OrderState
from headwater.trading.paper import PaperVenue


def test_the_new_quote_takes_the_place_of_the_old_one() -> None:
    desk = Desk()
    desk.trade(100)
    far = desk.venue.place_limit(desk.market, True, 980, 10)
    old = desk.venue.place_limit(desk.market, True, 990, 10)
    new = desk.venue.replace_limit(old, desk.market, True, 970, 20)
    assert (old.state, old.reason) == (OrderState.CANCELLED, OrderReason.REQUESTED)
    assert [key[2] for key in desk.market.below] == [new, far]
    # The one that is nearest now gives the bound: only what goes below it matters.
    assert 97.9 < desk.market.low < 98.0
    assert (desk.market.buy_lots, desk.market.buy_units) == (30, 980 * 10 + 970 * 20)
    assert [kind for kind, _ in desk.events()[-2:]] == ["cancelled", "accepted"]
    desk.trade(96.9)
    assert desk.quantity == D("0.030")


def test_with_room_the_margin_is_settled_when_it_is_asked_for() -> None:
    desk = Desk(leverage=D(10))
    desk.trade(100)
    quote = desk.venue.place_limit(desk.market, True, 990, 1000)
    before = desk.market.reserve
    assert desk.market.room_units > desk.market.buy_units
    quote = desk.venue.replace_limit(quote, desk.market, True, 900, 3000)
    assert desk.market.reserve == before
    # 3 × 90 at a tenth, and the taker fee of the fees that the desk has.
    rate = D("0.1") + desk.venue.contracts[0].fees.taker
    assert desk.venue.free_margin == D(10_000) - 270 * rate
    assert desk.market.reserve > before


def test_room_ends_where_the_position_is_worth_less() -> None:
    """A long of 100 at 100 with 10 000: at 50 half of the account is gone, and so is the room."""
    desk = Desk(leverage=D(2))
    desk.order("buy", "market", "100")
    desk.trade(100)
    quote = desk.venue.place_limit(desk.market, False, 1100, 1000)
    assert desk.venue.place_limit(desk.market, True, 990, 1000).state is OrderState.ACCEPTED
    assert 0 < desk.market.room_low < 100
    desk.trade(51)
    buying = desk.venue.replace_limit(quote, desk.market, True, 500, 100_000)
    assert quote.state is OrderState.CANCELLED
    assert (buying.state, buying.reason) == (
        OrderState.REJECTED,
        OrderReason.INSUFFICIENT_MARGIN,
    )


def test_what_a_position_has_lost_is_no_room() -> None:
    """A long of 100 from 100, now at 60: of 10 000 the margin of 5 000 and a loss of 4 000 go."""
    desk = Desk(leverage=D(2))
    desk.order("buy", "market", "100")
    desk.trade(100)
    desk.trade(60)
    old = desk.venue.place_limit(desk.market, True, 590, 1000)
    assert desk.market.room_units >= 0
    # 20 × 59 / 2 = 590 can be set aside, 50 × 59 / 2 = 1 475 cannot.
    fits = desk.venue.replace_limit(old, desk.market, True, 590, 20_000)
    assert fits.state is OrderState.ACCEPTED
    assert desk.venue.replace_limit(fits, desk.market, True, 590, 50_000).state is (
        OrderState.REJECTED
    )


@pytest.mark.parametrize("replaces", [True, False])
def test_room_ends_where_the_price_was_not_thought_of(replaces: bool) -> None:
    """The same long: room found at 60 is none at 51, where 100 are left."""
    desk = Desk(leverage=D(2))
    desk.order("buy", "market", "100")
    desk.trade(100)
    desk.trade(60)
    old = desk.venue.place_limit(desk.market, True, 300, 10)
    assert desk.market.room_low > 51
    desk.trade(51)
    # 8 × 30 / 2 = 120.
    if replaces:
        new = desk.venue.replace_limit(old, desk.market, True, 300, 8000)
    else:
        new = desk.venue.place_limit(desk.market, True, 300, 8000)
    assert (new.state, new.reason) == (OrderState.REJECTED, OrderReason.INSUFFICIENT_MARGIN)


def test_a_refused_one_has_ended_the_old_one_all_the_same() -> None:
    desk = Desk(cash="100")
    desk.trade(100)
    old = desk.venue.place_limit(desk.market, True, 990, 900)
    new = desk.venue.replace_limit(old, desk.market, True, 990, 2000)
    assert (old.state, new.state) == (OrderState.CANCELLED, OrderState.REJECTED)
    assert desk.venue.free_margin == 100
    assert desk.market.below == []


def test_an_order_that_has_ended_is_left_alone() -> None:
    desk = Desk()
    desk.trade(100)
    old = desk.venue.place_limit(desk.market, True, 990, 10)
    desk.trade(98.9)
    desk.events()
    new = desk.venue.replace_limit(old, desk.market, True, 980, 10)
    assert (old.state, new.state) == (OrderState.FILLED, OrderState.ACCEPTED)
    assert [kind for kind, _ in desk.events()] == ["accepted"]


@pytest.mark.parametrize("how", ["replace", "cancel", "amend"])
def test_a_handle_from_before_a_cut_means_the_order_of_its_number(how: str) -> None:
    """Else the order itself would wait on, no longer among the live ones, and fill."""
    desk = Desk()
    desk.trade(100)
    old = desk.venue.place_limit(desk.market, True, 990, 10)
    venue = PaperVenue.restore(desk.venue.snapshot(), desk.venue.contracts)
    market = venue.account.markets[0]
    if how == "replace":
        new = venue.replace_limit(old, market, True, 980, 20)
        assert list(venue.account.live.values()) == [new]
        assert market.buy_lots == 20
    elif how == "cancel":
        assert venue.cancel(old)
        assert venue.account.live == {}
        assert (market.buy_lots, market.below) == (0, [])
        assert not venue.cancel(old), "it has ended here, whatever the handle says"
        assert venue.replace_limit(old, market, True, 980, 20).state is OrderState.ACCEPTED
    else:
        assert venue.amend(old, price=D(98))
        (amended,) = venue.account.live.values()
        assert (amended.ticks, market.buy_units) == (980, 9800)
    # The account that was cut is left as it was.
    assert (old.state, old.ticks, desk.market.buy_lots) == (OrderState.ACCEPTED, 990, 10)


@pytest.mark.parametrize("how", ["replace", "cancel", "amend"])
def test_a_handle_of_another_account_is_refused(how: str) -> None:
    desk, other = Desk(), Desk()
    for one in (desk, other):
        one.trade(100)
    mine = desk.venue.place_limit(desk.market, True, 990, 10)
    foreign = other.venue.place_limit(other.market, False, 1010, 10)
    acts: dict[str, Callable[[], object]] = {
        "replace": lambda: desk.venue.replace_limit(foreign, desk.market, False, 1020, 10),
        "cancel": lambda: desk.venue.cancel(foreign),
        "amend": lambda: desk.venue.amend(foreign, price=D(102)),
    }
    with pytest.raises(RequestError, match="of this account"):
        acts[how]()
    assert list(desk.venue.account.live.values()) == [mine]
    assert list(other.venue.account.live.values()) == [foreign]
    assert (desk.market.sell_lots, other.market.sell_lots) == (0, 10)


def test_what_is_no_handle_is_refused() -> None:
    desk = Desk()
    desk.trade(100)
    with pytest.raises(RequestError, match="a handle that quote gave"):
        desk.venue.replace_limit("p1", desk.market, True, 990, 10)  # type: ignore[arg-type]
