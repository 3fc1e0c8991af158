"""What the commands that try many parameters are told, beside what every run is told."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from headwater.app.run_options import (
    named_options,
    pairs_of,
)
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.sweep_requests import SweepRequest
from headwater.core.errors import ConfigError

__all__ = [
    "COUNT_MAX",
    "SearchOptions",
    "option_of",
    "progress_shown",
]

Ranges = Annotated[
    list[str] | None,
    typer.Option(
        "--range",
        help="Values to try: name=start:stop:step, name=start:stop or name=a,b,c; repeated.",
    ),
]
Search = Annotated[str, typer.Option(help="How they are chosen: grid (all), random, or bayesian.")]
Trials = Annotated[int, typer.Option(help="Combinations of a random or bayesian search.")]
Seed = Annotated[int, typer.Option(help="Decides what is drawn.")]
Objective = Annotated[
    str,
    typer.Option(
        help="What is best: sharpe, total_return, max_drawdown, calmar, profit_factor, win_rate."
    ),
]
Resume = Annotated[
    str, typer.Option(help="Journal: gone on from where it is there, and written; else none.")
]
Scheduler = Annotated[
    str, typer.Option(help="Address of a Dask scheduler (tcp://host:port); else this machine.")
]
Workers = Annotated[int | None, typer.Option(help="At once; else as many as there are processors.")]

COUNT_MAX: Final = 1_000_000
"""Most rows and most combinations of a search."""

_PARAM_FORM: Final = "name=value, such as fast=10"
_OPTIONS: Final = {
    "range": "--range",
    "ranges": "--range",
    "method": "--search",
    "samples": "--trials",
    "objective": "--objective",
    "workers": "--workers",
    "scheduler": "--scheduler",
    "journal": "--resume",
    "resume": "--resume",
    "in_sample_days": "--in-sample-days",
    "out_of_sample_days": "--out-of-sample-days",
    "embargo_days": "--embargo-days",
    "folds": "--folds",
    "data": "--data",
    "funding": "--funding",
    "detail": "--detail",
    "strategy": "--strategy",
    "parameter": "--range or --param",
    "combinations": "--range",
}


def option_of(field: str) -> str:
    """The option that a refused field came from; a parameter's name came from its range."""
    name = field.partition(":")[0]
    return _OPTIONS.get(name, f"--range or --param {field}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """What is tried and where, as it was written."""

    range_: Ranges = None
    search: Search = "grid"
    trials: Trials = 100
    seed: Seed = 0
    objective: Objective = "sharpe"
    resume: Resume = ""
    scheduler: Scheduler = ""
    workers: Workers = None

    def check_strategy(self, strategy: str, params: Sequence[str] | None) -> None:
        """Refuses a strategy that no search runs, before any data are read.

        Args:
            strategy: as it was written.
            params: fixed parameters as name=value.

        Raises:
            ConfigError: names the option, and what is allowed.
        """
        from headwater.backtest.searchable import check_searchable
        from headwater.strategies.registry import strategy_class

        with named_options(option_of):
            check_searchable(strategy_class(strategy), pairs_of("--param", params, _PARAM_FORM))

    def request(
        self, strategy: str, params: Sequence[str] | None, assumptions: Assumptions, *, top: int
    ) -> SweepRequest:
        """The request of a sweep.

        Args:
            strategy: as it was written.
            params: fixed parameters as name=value.
            assumptions: of every run.
            top: rows that are shown.

        Raises:
            ConfigError: a range or parameter is none; names it.
        """
        from headwater.backtest.parameter_ranges import range_of_text
        from headwater.strategies.registry import strategy_class

        for option, value in (("--top", top), ("--trials", self.trials)):
            if not 1 <= value <= COUNT_MAX:
                raise ConfigError(option, repr(value), f"from 1 to {COUNT_MAX:,}")
        with named_options(option_of):
            return SweepRequest(
                # A path is resolved here once; a name travels to workers as it is.
                strategy=strategy_class(strategy).name if ".py" not in strategy else strategy,
                ranges=[range_of_text(one) for one in self.range_ or ()],
                fixed=pairs_of("--param", params, _PARAM_FORM),
                assumptions=assumptions,
                method=self.search,
                samples=self.trials,
                seed=self.seed,
                objective=self.objective,
                scheduler=self.scheduler,
                workers=self.workers,
                journal=self.resume,
                top=top,
            )

    def check_resume(self) -> None:
        """Says when there is nothing to go on from, so that a mistyped place is noticed.

        Raises:
            ConfigError: not even the folder that the journal would be in is there.
        """
        path = Path(self.resume).expanduser()
        if not self.resume or path.exists():
            return
        if not path.parent.is_dir():
            raise ConfigError(
                "--resume",
                f"{self.resume!r}: there is nothing to resume, and no folder {str(path.parent)!r}",
                "a journal that was begun, or a new one in a folder that is there",
            )
        typer.echo(f"journal: nothing to resume at {path}; it is begun there", err=True)


@contextmanager
def progress_shown(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error; on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:-1], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None)

        def told(done: int, of: int) -> None:
            shown.update(task, completed=done, total=of)

        yield told
