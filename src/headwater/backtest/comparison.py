"""Runs side by side, from their summaries: what they do not share comes before what they reached.

Two runs over other bars, with other fees or other fills, cannot be compared by their returns alone.
Whatever differs in data or assumptions is therefore named first.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from headwater.analytics.metric_definitions import METRIC_DEFINITIONS
from headwater.backtest.summary import Summary
from headwater.core.errors import RequestError
from headwater.strategies.bars import time_text

__all__ = [
    "RUNS_MAX",
    "ComparedMetric",
    "Comparison",
    "Difference",
    "compared",
    "read_summary",
]

RUNS_MAX: Final = 20
"""Runs that are compared at once: more columns nobody reads."""

FILE_BYTES_MAX: Final = 512 * 1024**2
"""Largest summary that is read: one with the equity of some ten million bars."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something in which the runs are not alike.

    Attributes:
        what: its name, such as `fee` or `bars`.
        values: of each run, in their order, as text.
    """

    what: str
    values: tuple[str, ...]


class ComparedMetric(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of every run.

    Attributes:
        name: as in `METRIC_DEFINITIONS`.
        values: of each run, in their order; None where it is not defined.
    """

    name: str
    values: tuple[float | None, ...]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Runs side by side.

    Attributes:
        runs: names, in their order.
        is_alike: whether data and assumptions are the same, so that figures may be compared.
        differences: of data and assumptions; empty for runs that are alike.
        strategies: in what the strategies and their parameters differ: what is compared.
        insolvent: names of the runs whose account was ruined.
        metrics: figure by figure.
    """

    runs: tuple[str, ...]
    is_alike: bool
    differences: tuple[Difference, ...]
    strategies: tuple[Difference, ...]
    insolvent: tuple[str, ...]
    metrics: tuple[ComparedMetric, ...]


def read_summary(path: Path) -> Summary:
    """A summary that `headwater backtest --json` printed.

    Args:
        path: the file.

    Raises:
        RequestError: it cannot be read, or is none.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise RequestError("run", path, f"a file of at most {FILE_BYTES_MAX // 1024**2} MiB")
        content = path.read_bytes()
    except OSError as error:
        raise RequestError("run", path, f"a file that can be read: {error.strerror}") from error
    try:
        return msgspec.json.decode(content, type=Summary)
    except msgspec.MsgspecError as error:
        raise RequestError("run", path, f"what backtest --json printed: {error}") from error


def compared(runs: Mapping[str, Summary]) -> Comparison:
    """Runs side by side.

    Args:
        runs: summaries by the names that they are to have, at least two.

    Raises:
        RequestError: fewer than two, or more than `RUNS_MAX`.
    """
    if not 2 <= len(runs) <= RUNS_MAX:
        raise RequestError("runs", len(runs), f"from 2 to {RUNS_MAX}")
    found = tuple(runs.values())
    differences = (*_differing(found, _data), *_differing(found, _assumed))
    return Comparison(
        runs=tuple(runs),
        is_alike=not differences,
        differences=differences,
        strategies=_differing(found, _strategy),
        insolvent=tuple(name for name, one in runs.items() if one.insolvent),
        metrics=tuple(
            ComparedMetric(name=name, values=values)
            for name in METRIC_DEFINITIONS
            if (values := tuple(_figure(one, name) for one in found)) != (None,) * len(found)
        ),
    )


def _differing(runs: Sequence[Summary], read: Any) -> tuple[Difference, ...]:
    """What is read of each run and is not the same of all; a thing that one lacks is a dash."""
    columns = [read(one) for one in runs]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = ((name, tuple(column.get(name, "–") for column in columns)) for name in names)
    return tuple(
        Difference(what=name, values=values) for name, values in rows if len(set(values)) > 1
    )


def _data(run: Summary) -> dict[str, str]:
    return {
        "symbol": run.symbol or "not named",
        "bars": f"{run.bars:,}",
        "interval": f"{run.interval_ms} ms",
        "first bar": time_text(run.start_ms),
        "last bar": time_text(run.end_ms),
        "missing bars": f"{run.missing_bars:,}",
    }


def _assumed(run: Summary) -> dict[str, str]:
    return run.assumptions


def _strategy(run: Summary) -> dict[str, str]:
    return {"strategy": run.strategy} | {
        name: "off" if value is None else str(value) for name, value in run.parameters.items()
    }


def _figure(run: Summary, name: str) -> float | None:
    """A figure by its name; None where the run has none that is a number."""
    found: Any = run.metrics
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return found if is_number else None
