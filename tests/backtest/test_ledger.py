"""The exact account against the fast one."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.drives import random_signals, walk

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.funding import FundingBars, FundingColumns
from headwater.backtest.ledger import exact_account
from headwater.backtest.outcome import ExitReason, Outcome, TradeLog
from headwater.backtest.sparse import run_sparse
from headwater.strategies.openings import Bracket

TINY = 1e-11


@given(
    seed=st.integers(0, 2**32),
    fee=st.sampled_from([0.0, 0.001, -0.0002]),
    stop=st.sampled_from([None, 0.02]),
    is_funded=st.booleans(),
    reverses=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_floats_are_off_by_rounding_alone(
    seed: int, fee: float, stop: float | None, is_funded: bool, reverses: bool
) -> None:
    bars = walk(seed, 400)
    rules = Assumptions(fee_rate=fee, slippage_rate=0.0003).checked()
    funding = None
    if is_funded:
        funding = FundingBars.of(
            FundingColumns.of(bars.timestamp_ms[::8], [0.0001] * len(bars.timestamp_ms[::8])), bars
        )
    outcome = run_sparse(
        bars,
        random_signals(seed, bars, share=0.2),
        rules,
        bracket=Bracket(stop_loss=stop),
        reverses=reverses,
        funding=funding,
    )
    last = float(bars.close[len(outcome.equity) - 1])
    assert exact_account(outcome, last).error < TINY


def test_by_hand() -> None:
    # 2 bought at 10 (fee 0.5), sold at 13 (fee 0.25), 1 received; 1 sold short at 20 and open.
    log = TradeLog()
    log.is_long.extend([True, False])
    log.entry_bar.extend([0, 5])
    log.exit_bar.extend([3, -1])
    log.entry_price.extend([10.0, 20.0])
    log.exit_price.extend([13.0, float("nan")])
    log.quantity.extend([2.0, 1.0])
    log.entry_fee.extend([0.5, 0.125])
    log.exit_fee.extend([0.25, 0.0])
    log.funding.extend([1.0, 0.0])
    log.exit_reason.extend([ExitReason.SIGNAL, None])
    outcome = Outcome(
        initial_capital=100.0,
        equity=np.array([108.125]),
        held=np.array([-1.0]),
        trades=log.columns(),
    )
    exact = exact_account(outcome, 18.0)
    # 100 + 2 × 3 + 20 + 1 − 0.875 = 126.125, less one at 18.
    assert exact.cash == Decimal("126.125")
    assert exact.held == -1
    assert exact.fees == Decimal("0.875")
    assert exact.funding == 1
    assert exact.final_equity == Decimal("108.125")
    assert exact.error == pytest.approx(0.0, abs=1e-300)
