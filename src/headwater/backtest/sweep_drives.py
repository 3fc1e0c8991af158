"""The two ways to run the combinations of a sweep in one process: compiled, or one by one."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final, Protocol

import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.backtest.assumptions import FillRule
from headwater.backtest.searchable import check_one_is_enough
from headwater.backtest.sweep_columns import SweepBars
from headwater.backtest.sweep_tally import BLOCKS, Figure, block_edges
from headwater.backtest.sweep_task import SweepTask, resolved, traded_signals

__all__ = ["KERNEL_COMBINATIONS_MIN", "Drive", "KernelDrive", "SingleDrive", "has_kernel", "repays"]

KERNEL_COMBINATIONS_MIN: Final = 50
"""Loading the compiled account takes as long as some 50 single runs, compiling it some 300."""

_STEPS_MIN: Final = 5_000_000


class Drive(Protocol):
    """Runs one combination; several threads may ask at once."""

    def figures(self, parameters: Mapping[str, Any]) -> tuple[FloatArray, FloatArray]:
        """Row and blocks of one combination, as `tally_of`."""


class SingleDrive:
    """Each combination as a single back-test runs it, indicators shared."""

    def __init__(self, task: SweepTask) -> None:
        self._task = task
        self._bars = SweepBars(task.bars)

    def figures(self, parameters: Mapping[str, Any]) -> tuple[FloatArray, FloatArray]:
        """Row and blocks of one combination."""
        return self._task.figures(parameters, self._bars)


class KernelDrive:
    """Signals as columns, the account as machine code (numba, optional extra `fast`)."""

    def __init__(self, task: SweepTask) -> None:
        # Here, because importing them imports numba.
        from headwater.backtest import shipped_codes, sweep_kernel

        self._kernel = sweep_kernel
        self._shipped = shipped_codes
        self._strategy = resolved(task.strategy)
        self._is_shipped = shipped_codes.has_shipped_codes(self._strategy)
        self._task = task
        self._bars = SweepBars(task.bars)
        self._traded = task.bars[task.trade_from :]
        traded = self._traded
        self._prices = (traded.open, traded.high, traded.low, traded.close)
        self._edges = block_edges(len(traded))
        self._log = np.empty((0, 6))

    def figures(self, parameters: Mapping[str, Any]) -> tuple[FloatArray, FloatArray]:
        """Row and blocks of one combination."""
        strategy = self._strategy(parameters)
        check_one_is_enough(strategy)
        bracket = strategy.checked_bracket()
        if self._is_shipped:
            codes = np.empty(len(self._bars), dtype=np.uint8)
            strategy.enough(self._bars)
            self._shipped.shipped_codes(strategy, self._bars, codes)
            codes = codes[self._task.trade_from :]
        else:
            signals = traded_signals(strategy, self._bars, self._traded)
            codes = self._kernel.pack_signals(signals)
        rules = self._task.assumptions
        row, blocks = np.zeros(Figure.COUNT), np.zeros((BLOCKS, 2))
        self._kernel.simulate(
            codes,
            self._prices,
            np.array(
                [
                    rules.initial_capital,
                    rules.fee_rate,
                    1.0 + rules.slippage_rate,
                    1.0 - rules.slippage_rate,
                    np.nan if bracket.stop_loss is None else bracket.stop_loss,
                    np.nan if bracket.take_profit is None else bracket.take_profit,
                    float(rules.fill is FillRule.NEXT_OPEN),
                ]
            ),
            strategy.reverses,
            self._edges,
            row,
            blocks,
            self._log,
        )
        return row, blocks


def has_kernel(task: SweepTask) -> bool:
    """Whether the compiled account can run the task: plain rules, signals, and numba is there."""
    return (
        task.assumptions.is_plain
        and task.funding is None
        and task.detail is None
        and resolved(task.strategy).form() == "signals"
        and find_spec("numba") is not None
    )


def repays(task: SweepTask, combinations: int) -> bool:
    """Whether so many combinations are worth loading or compiling the account for."""
    return (
        combinations > KERNEL_COMBINATIONS_MIN
        and combinations * task.length >= _STEPS_MIN
        and has_kernel(task)
    )
