import sys
from typing import Any

import numpy as np
import pytest
from tests.backtest.drives import walk
from tests.backtest.swept import Crossing, Holding

from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.funding import FundingColumns
from headwater.backtest.sweep_drives import KernelDrive, SingleDrive, has_kernel, repays
from headwater.backtest.sweep_tally import Figure
from headwater.backtest.sweep_task import SweepTask
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.mean_reversion import MeanReversion
from headwater.strategies.sma_cross import SmaCross

EXACT = [
    Figure.FINAL_EQUITY, Figure.BARS_RUN, Figure.CLOSED_TRADES, Figure.WINS, Figure.BARS_EXPOSED,
    Figure.AMBIGUOUS_BARS, Figure.OPEN_TRADES, Figure.PENDING, Figure.INSOLVENT_BAR,
]  # fmt: skip


@pytest.mark.parametrize("fill", list(FillRule))
@pytest.mark.parametrize("trade_from", [0, 700])
@pytest.mark.parametrize(
    ("strategy", "parameters"),
    [
        (SmaCross, {"fast": 5, "slow": 20}),
        (SmaCross, {"fast": 3, "slow": 9, "direction": "both", "stop_loss": 0.02}),
        (MeanReversion, {"lookback_period": 12, "take_profit": 0.01, "direction": "both"}),
        (Crossing, {"fast": 4, "slow": 11, "direction": "both"}),
        (Crossing, {"stop_loss": 0.01, "take_profit": 0.02}),
    ],
)
def test_both_drives_find_the_same(
    strategy: type[BaseStrategy], parameters: dict[str, Any], trade_from: int, fill: FillRule
) -> None:
    task = SweepTask(
        strategy=strategy,
        bars=walk(7, 3_000),
        assumptions=Assumptions(fee_rate=0.0005, slippage_rate=0.0002, fill=fill),
        trade_from=trade_from,
    )
    row, blocks = KernelDrive(task).figures(parameters)
    expected, expected_blocks = SingleDrive(task).figures(parameters)
    assert row[EXACT].tolist() == expected[EXACT].tolist()
    assert row[Figure.CLOSED_TRADES] > 10
    assert row == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert np.abs(blocks - expected_blocks).max() < 1e-13


def task_of(strategy: type[BaseStrategy], **more: Any) -> SweepTask:
    return SweepTask(
        strategy=strategy,
        bars=walk(8, 1_000),
        assumptions=Assumptions(leverage=more.pop("leverage", 1.0)),
        **more,
    )


def test_the_compiled_account_is_for_plain_rules_and_signals() -> None:
    assert has_kernel(task_of(Crossing))
    assert not has_kernel(task_of(Crossing, leverage=2.0))
    assert not has_kernel(task_of(Holding))
    paid = FundingColumns.of([0], [0.0001])
    assert not has_kernel(task_of(Crossing, funding=paid))


def test_without_numba_everything_runs_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    assert not has_kernel(task_of(Crossing))
    assert not repays(task_of(Crossing), 100_000)


def test_it_is_loaded_only_where_it_repays() -> None:
    task = task_of(Crossing)
    assert not repays(task, 50)
    assert not repays(task, 4_999)
    assert repays(task, 5_000)
    assert not repays(task_of(Holding), 1_000_000)


def test_too_few_bars_are_refused_by_both() -> None:
    task = task_of(SmaCross)
    for drive in (KernelDrive(task), SingleDrive(task)):
        with pytest.raises(RequestError, match="at least 2001 bars"):
            drive.figures({"fast": 10, "slow": 2_000})
