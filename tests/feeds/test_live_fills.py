"""Listed fills are known by the live trade that gathered them."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.feeds.made import trade

from headwater.core.enums import Side
from headwater.core.records import Trade
from headwater.feeds.live_fills import told_live


def fill(number: int, quantity: float, *, at: int = 0, price: float = 10.0) -> Trade:
    """A fill whose id is its number; `at` is its order's moment."""
    return msgspec.structs.replace(
        trade(None), trade_id=number, quantity=quantity, price=price, timestamp_ms=1000 + at
    )


def test_a_gathered_trade_stands_for_its_fills_and_no_more() -> None:
    """0.1 + 0.2 + 0.3 is a little more than 0.6 as floats; fill 1 is another order's."""
    listed = [fill(1, 0.3), fill(2, 0.1), fill(3, 0.2), fill(4, 0.3), fill(5, 1.0)]
    gathered = fill(4, 0.6)
    assert told_live(listed, {4: gathered}) == {1: gathered, 2: gathered, 3: gathered}


def test_single_fills_stand_for_themselves() -> None:
    listed = [fill(1, 1.0), fill(2, 1.0), fill(3, 1.0)]
    assert told_live(listed, {2: listed[1]}) == {1: listed[1]}


def test_another_moment_price_or_side_is_another_order() -> None:
    sold = msgspec.structs.replace(fill(1, 1.0), side=Side.SELL)
    for other in (fill(1, 1.0, at=-1), fill(1, 1.0, price=11.0), sold, fill(1, 2.0)):
        assert told_live([other, fill(2, 1.0)], {2: fill(2, 2.0)}) == {1: fill(2, 2.0)}


def test_a_list_that_begins_within_a_gathered_trade() -> None:
    gathered = fill(9, 3.0)
    assert told_live([fill(8, 1.0), fill(9, 1.0)], {9: gathered}) == {0: gathered, 1: gathered}
    assert told_live([], {9: gathered}) == {}


@given(
    orders=st.lists(
        st.tuples(
            st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(0, 1), st.booleans()
        ),
        max_size=20,
    ),
    hole=st.integers(1, 3),
)
def test_what_is_not_told_live_is_exactly_what_was_lost(
    orders: list[tuple[list[int], int, bool]], hole: int
) -> None:
    """Orders of one or the same instant, some lost; ids may have holes."""
    listed: list[Trade] = []
    live: dict[int | str, Trade] = {}
    lost: list[int] = []
    number = at = 0
    for lots, later, is_live in orders:
        at += later
        for lot in lots:
            number += hole
            listed.append(fill(number, lot * 0.01, at=at))
        if is_live:
            live[number] = fill(number, sum(lots) * 0.01, at=at)
        else:
            lost += range(len(listed) - len(lots), len(listed))
    told = told_live(listed, live)
    assert [at for at in range(len(listed)) if at not in told] == lost
