"""The short way's money: by hand, and equal to the last digit to the drive that asks every bar."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.drives import Answering, bars_of, random_signals, walk

from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.outcome import ExitReason
from headwater.backtest.per_bar import run_per_bar
from headwater.backtest.plain_fills import run_plain
from headwater.backtest.plain_wishes import PlainWishes
from headwater.backtest.sparse import run_sparse
from headwater.strategies.openings import Bracket
from headwater.strategies.signals import Signals


def test_by_hand() -> None:
    # 990 at a fee of 10 % buy 9 at 100: 900 and 90. Sold at 110: 990 less 99. Equity at the close
    # of bar 1 is 9 × 105, of bar 2 the cash 891. At its close it is wished for again, at bar 3's
    # open of 81 it buys 10: 810 and 81.
    bars = bars_of(
        [100.0, 100.0, 110.0, 81.0],
        [120.0, 120.0, 120.0, 120.0],
        [80.0, 80.0, 80.0, 80.0],
        [100.0, 105.0, 115.0, 90.0],
    )
    signals = Signals(
        bars,
        enter_long=np.array([True, False, True, False]),
        exit_long=np.array([False, True, False, False]),
    )
    rules = Assumptions(initial_capital=990.0, fee_rate=0.1).checked()
    outcome = run_plain(bars, PlainWishes.of(signals, delay=1, reverses=False), rules)
    assert outcome is not None
    assert outcome.equity.tolist() == pytest.approx([990.0, 945.0, 891.0, 900.0])
    assert outcome.held.tolist() == pytest.approx([0.0, 9.0, 0.0, 10.0])
    first, second = outcome.trades.records()
    assert (first.side, first.entry_bar, first.exit_bar) == ("long", 1, 2)
    assert (first.entry_price, first.exit_price, first.funding) == (100.0, 110.0, 0.0)
    assert (first.quantity, first.pnl, first.fees) == pytest.approx((9.0, -99.0, 189.0))
    assert first.exit_reason is ExitReason.SIGNAL
    assert (second.entry_bar, second.exit_bar, second.exit_price) == (3, None, None)
    assert (second.pnl, second.exit_reason) == (None, None)
    assert second.fees == pytest.approx(81.0)
    assert outcome.trades.pnl().tolist() == pytest.approx([-99.0])


def test_a_ruined_account_is_left_to_the_walk() -> None:
    # Sold short at 100 with all there is, and the price goes beyond twice that.
    bars = bars_of([100.0] * 3, [250.0] * 3, [90.0] * 3, [100.0, 100.0, 250.0])
    signals = Signals(bars, enter_short=np.array([True, False, False]))
    wishes = PlainWishes.of(signals, delay=1, reverses=False)
    assert run_plain(bars, wishes, Assumptions().checked()) is None


def test_a_ruin_is_found_however_long_the_wishes_go_on() -> None:
    # Each short takes (2 − 100) × the cash there was: after 155 of them no float holds it.
    prices = [1.0, 100.0] * 400
    bars = bars_of(prices, prices, prices, prices)
    is_first = np.arange(len(prices)) % 2 == 0
    signals = Signals(bars, enter_short=is_first, exit_short=~is_first)
    rules = Assumptions(fill=FillRule.CLOSE).checked()
    assert run_plain(bars, PlainWishes.of(signals, delay=0, reverses=False), rules) is None
    outcome = run_sparse(bars, signals, rules)
    assert (outcome.insolvent_bar, outcome.final_equity) == (1, -980_000.0)


@given(
    seed=st.integers(0, 2**32),
    length=st.integers(1, 300),
    share=st.sampled_from([0.02, 0.2]),
    kind=st.sampled_from(["long", "short", "turning", "both"]),
    fill=st.sampled_from(list(FillRule)),
    fee=st.sampled_from([0.0, 0.001, -0.0002]),
    slippage=st.sampled_from([0.0, 0.0005]),
    reverses=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_it_agrees_with_the_drive_that_asks_every_bar(
    seed: int,
    length: int,
    share: float,
    kind: str,
    fill: FillRule,
    fee: float,
    slippage: float,
    reverses: bool,
) -> None:
    bars = walk(seed, length)
    chosen = random_signals(seed, bars, share=share)
    enter, leave = chosen.enter_long, chosen.exit_long & ~chosen.enter_long
    signals = {
        "long": Signals(bars, enter_long=enter, exit_long=leave),
        "short": Signals(bars, enter_short=enter, exit_short=leave),
        "turning": Signals(bars, enter_long=enter, enter_short=chosen.enter_short),
        "both": chosen,
    }[kind]
    rules = Assumptions(fee_rate=fee, slippage_rate=slippage, fill=fill).checked()
    delay = 1 if fill is FillRule.NEXT_OPEN else 0
    plain = run_plain(bars, PlainWishes.of(signals, delay=delay, reverses=reverses), rules)
    asked = run_per_bar(Answering(signals, Bracket(), reverses=reverses), bars, rules)
    if plain is None:
        assert asked.insolvent_bar is not None
        return
    assert list(plain.trades.records()) == list(asked.trades.records())
    assert np.array_equal(plain.equity, asked.equity)
    assert np.array_equal(plain.held, asked.held)
    assert plain.pending == asked.pending
