"""The facts of a stretch of trades leave the account as playing its trades one by one does."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.trading.paper_desk import D, Desk

from headwater.trading import paper_stretches
from headwater.trading.paper_contract import Scale
from headwater.trading.paper_stretches import Stretches, stretches_of

SCALE = Scale(D("0.1"), D("0.001"))


def test_the_facts_of_three_stretches_by_hand() -> None:
    # Buys show the ask, sells the bid. First: a sell at 99.9, buys at 100.2 and 100.1: bid 99.9,
    # ask 100.1. Second: none. Third: a buy at 100.3, a sell at 100.3: bid 100.3, ask one tick up.
    prices = np.array([99.9, 100.2, 100.1, 100.3, 100.3])
    is_buys = np.array([False, True, True, True, False])
    found = stretches_of(SCALE, prices, is_buys, np.arange(5), [0, 3, 3, 5])
    assert found[0] == (99.9, 100.2, 100.1, 99.9, 100.1, 2)
    assert isnan(found[1][0])
    assert found[2] == (100.3, 100.3, 100.3, 100.3, 100.4, 4)


def test_one_side_alone_does_not_tell_the_other() -> None:
    (found,) = stretches_of(SCALE, np.array([100.0]), np.array([True]), np.arange(1), [0, 1])
    assert isnan(found[3])
    assert isnan(found[4])
    (found,) = stretches_of(SCALE, np.array([100.0]), None, np.arange(1), [0, 1])
    assert found[3:5] == (100.0, 100.0)


def test_off_the_grid_a_tick_beyond_is_left_to_the_trades() -> None:
    prices = np.array([100.0, 99.97])
    (found,) = stretches_of(SCALE, prices, np.array([False, True]), np.arange(2), [0, 2])
    assert isnan(found[3])
    assert found[4] == 99.97


@pytest.mark.parametrize("price", [float("nan"), float("inf"), 0.0, -1.0])
def test_what_is_no_price_never_passes(price: float) -> None:
    desk = Desk()
    desk.trade(100)
    before = desk.venue.snapshot()
    (found,) = stretches_of(SCALE, np.array([100.0, price]), None, np.array([5, 6]), [0, 2])
    assert not desk.venue.pass_stretch(desk.market, found)
    assert desk.venue.snapshot() == before


def test_a_stretch_of_too_many_trades_is_left_to_the_trades(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paper_stretches, "_ROWS_MAX", 3)
    prices = np.arange(100.0, 109.0)
    stretches = Stretches(SCALE, prices, None, np.arange(9), [1, 2, 6, 8, 9])
    assert [stretches.at(place)[2] for place in (0, 1, 3, 4)] == [100.0, 101.0, 107.0, 108.0]
    assert isnan(stretches.at(2)[0])
    assert stretches.at(1)[2] == 101.0


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=120),
    st.lists(st.integers(0, 120), max_size=30),
    st.sampled_from(["grid", "off", "unknown"]),
)
def test_passing_stretches_is_the_same_as_trade_by_trade(
    moves: list[tuple[int, bool]], cuts: list[int], tape: str
) -> None:
    ticks = 1000 + np.cumsum([move for move, _ in moves])
    prices = ticks / 10 if tape != "off" else ticks / 30
    is_buys = None if tape == "unknown" else np.array([is_buy for _, is_buy in moves])
    count = len(moves)
    quantities, times = np.ones(count), np.arange(count) + 10
    ends = [*sorted(min(cut, count) for cut in cuts), count]
    single, passed = (Desk(leverage=D(5)) for _ in range(2))
    for desk in (single, passed):
        desk.trade(float(prices[0]))
        for side, away in (("buy", -8), ("sell", 8), ("buy", -20), ("sell", 20)):
            desk.order(side, "limit", "1", price=str(D(str(round(prices[0], 1))) + D(away) / 10))
    for row in range(count):
        taker = None if is_buys is None else bool(is_buys[row])
        single.venue.on_trade(single.market, float(prices[row]), 1.0, taker, int(times[row]))
    stretches = Stretches(passed.market.scale, prices, is_buys, times, ends)
    start = 0
    for place, end in enumerate(ends):
        if start < end and not passed.venue.pass_stretch(passed.market, stretches.at(place)):
            passed.venue.on_trades(passed.market, prices, quantities, is_buys, times, start, end)
        start = end
    assert single.venue.snapshot() == passed.venue.snapshot()
    assert single.venue.take_events() == passed.venue.take_events()
