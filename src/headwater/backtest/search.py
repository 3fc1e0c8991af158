"""Bayesian search: each batch of combinations is chosen by what the ones before found.

Optuna's tree-structured Parzen estimator (optional extra `optimise`) is asked for a batch, the
whole crew runs it, and the answers are told in the order of the questions: the same seed finds the
same combinations on any number of cores, and an interrupted search takes the same way again.
"""

from typing import Any, Final

import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.backtest.sweep import Progress, Sweep, chunk_of
from headwater.backtest.sweep_candidates import COMBINATIONS_MAX
from headwater.backtest.sweep_crews import Crew
from headwater.backtest.sweep_journal import SweepJournal
from headwater.backtest.sweep_result import SweepResult, objective_values
from headwater.backtest.sweep_tally import Figure
from headwater.core.errors import ConfigError, RequestError

__all__ = ["BATCH", "searched"]

BATCH: Final = 16
"""Combinations that are asked for before the answers of the batch are told."""

_ASKS_PER_SAMPLE: Final = 20


def searched(sweep: Sweep, progress: Progress | None, journal: SweepJournal | None) -> SweepResult:
    """Runs a Bayesian search for the sweep's objective.

    It ends after `samples` distinct combinations, or when 20 times as many were asked for (a small
    grid is soon exhausted).

    Raises:
        ConfigError: optuna is not installed.
        RequestError: `samples` is out of range, or every combination was refused.
    """
    if not 1 <= sweep.samples <= COMBINATIONS_MAX:
        raise RequestError("samples", sweep.samples, f"from 1 to {COMBINATIONS_MAX:,}")
    optuna = _optuna()
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=sweep.seed)
    )
    crew, drive = sweep.crew(sweep.samples)
    with crew:
        return _Search(sweep, optuna, study, crew, drive, journal).run(progress)


class _Search:
    """One search: what was asked, and what it came to."""

    def __init__(
        self,
        sweep: Sweep,
        optuna: Any,
        study: Any,
        crew: Crew,
        drive: str,
        journal: SweepJournal | None,
    ) -> None:
        self._sweep = sweep
        self._failed = optuna.trial.TrialState.FAIL
        self._study = study
        self._crew = crew
        self._drive = drive
        self._journal = journal
        self._known: dict[int, tuple[FloatArray, FloatArray]] = {}
        self._refused: set[int] = set()
        self._reused = 0
        distributions = optuna.distributions
        # Values that have an order are searched by their place, others as categories.
        self._ranges = {
            one.name: distributions.IntDistribution(0, len(one.values) - 1)
            if all(isinstance(value, int | float) for value in one.values)
            else distributions.CategoricalDistribution(range(len(one.values)))
            for one in sweep.grid.ranges
        }

    def run(self, progress: Progress | None) -> SweepResult:
        """Asks, runs and tells until there are enough."""
        samples = self._sweep.samples
        asked = 0
        while len(self._known) < min(samples, len(self._sweep.grid) - len(self._refused)):
            if asked >= _ASKS_PER_SAMPLE * samples:
                break
            asked += self._batch(min(BATCH, samples - len(self._known)))
            if progress is not None:
                progress(len(self._known), samples)
        if not self._known:
            raise RequestError(
                "combinations", f"0 of {asked}", "ranges with a combination that the strategy takes"
            )
        return self._result()

    def _batch(self, size: int) -> int:
        """One batch; returns how many were asked for."""
        grid = self._sweep.grid
        trials: list[tuple[Any, int]] = []
        for _ in range(size):
            trial = self._study.ask(self._ranges)
            number = grid.number([trial.params[one.name] for one in grid.ranges])
            if number in self._refused or (number not in self._known and not grid.allows(number)):
                self._refused.add(number)
                self._study.tell(trial, state=self._failed)
            else:
                trials.append((trial, number))
        self._run([number for _, number in trials])
        for trial, number in trials:
            self._study.tell(trial, self._value(number))
        return size

    def _run(self, numbers: list[int]) -> None:
        """Runs those of the combinations that are not known yet."""
        new = sorted({number for number in numbers if number not in self._known})
        if self._journal is not None:
            for number in [one for one in new if one in self._journal.done]:
                self._known[number] = self._journal.done[number]
                self._reused += 1
                new.remove(number)
        chunks = (
            chunk_of(np.array([at]), self._sweep.grid, [number]) for at, number in enumerate(new)
        )
        for figures in self._crew.run(chunks):
            some = [new[place] for place in figures.places]
            for at, number in enumerate(some):
                self._known[number] = figures.rows[at], figures.blocks[at]
            if self._journal is not None:
                self._journal.append(some, figures)

    def _value(self, number: int) -> float:
        """What the search looks for; without the metric, or ruined, it is as bad as can be."""
        task = self._sweep.task
        row = self._known[number][0]
        value = objective_values(
            self._sweep.objective,
            row[np.newaxis],
            task.assumptions.initial_capital,
            task.bars_a_year,
        )[0]
        return -1e9 if np.isnan(value) or row[Figure.INSOLVENT_BAR] >= 0 else float(value)

    def _result(self) -> SweepResult:
        numbers = sorted(self._known)
        task = self._sweep.task
        return SweepResult(
            strategy=self._sweep.grid.strategy.name,
            grid=self._sweep.grid,
            numbers=np.array(numbers, dtype=np.int64),
            figures=np.array([self._known[one][0] for one in numbers]),
            kept_places=np.arange(len(numbers)),
            blocks=np.array([self._known[one][1] for one in numbers]),
            objective=self._sweep.objective,
            initial_capital=task.assumptions.initial_capital,
            bars_a_year=task.bars_a_year,
            bars=task.length,
            skipped=len(self._refused),
            reused=self._reused,
            drive=self._drive,
        )


def _optuna() -> Any:
    """The library, quiet.

    Raises:
        ConfigError: it is not installed; says how it is.
    """
    try:
        import optuna
    except ImportError as error:
        raise ConfigError(
            "method", "bayesian needs optuna", 'pip install "headwater[optimise]"'
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
