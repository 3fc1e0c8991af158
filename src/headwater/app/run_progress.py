"""What commands say while a strategy runs: a bar of progress, and why it failed."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from headwater.backtest.look_ahead import LookAhead
from headwater.backtest.strategy_failure import failure_text
from headwater.core.errors import PlatformError
from headwater.strategies.base import BaseStrategy

__all__ = ["bar_progress", "failures_told"]


@contextmanager
def failures_told(strategy: BaseStrategy) -> Iterator[None]:
    """Ends with status 1 where a strategy fails or looks ahead; says where it did."""
    try:
        yield
    except LookAhead as error:
        sys.stderr.write(f"headwater: {error}\n")
        raise typer.Exit(1) from error
    except PlatformError:
        raise
    except (Exception, SystemExit) as error:
        sys.stderr.write(f"headwater: {failure_text(error, type(strategy))}\n")
        raise typer.Exit(1) from error


@contextmanager
def bar_progress(
    strategy: BaseStrategy, *, is_asked: bool = False
) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error while a strategy is asked at every bar; on a terminal only.

    Args:
        strategy: that runs.
        is_asked: whether one of signals is asked at every bar, too.
    """
    if (strategy.form() == "signals" and not is_asked) or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(strategy.name, total=None)

        def told(done: int, of: int) -> None:
            shown.update(task, completed=done, total=of)

        yield told
