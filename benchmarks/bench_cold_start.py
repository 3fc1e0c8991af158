"""How long from the start of a process to the first result of a back-test?

`python -m benchmarks.bench_cold_start [--bars 100000] [--runs 7] [--write]`. A CSV file of bars, a
cross of means of 10 and 30 closes; every run is a new process, a copy of the file that was not read
before, and an empty home folder, so that nothing is cached but the interpreter's compiled modules,
which every installation makes. Wall time, so run it when the machine is quiet; the least of the
runs is told beside the median, the goal is asked of the median. Figures of the library and of the
command line must be the same.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.bar_walk import bar_walk
from benchmarks.peers.case import Bars
from benchmarks.peers.environments import ROOT
from benchmarks.report import machine, median, table, write_section

LIBRARY_GOAL_S: Final = 0.5
COMMAND_GOAL_S: Final = 1.0
TIMEOUT_S: Final = 120.0

_FEE_BPS: Final = 0.1

_PROGRAM: Final = """
import sys
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.data import load_bars
from headwater.backtest.engine import BacktestEngine
from headwater.strategies.sma_cross import SmaCross

result = BacktestEngine(
    SmaCross({"fast": 10, "slow": 30}),
    data=load_bars(sys.argv[1]),
    assumptions=Assumptions(fee_rate=0.00001),
).run()
print(repr(result.final_equity))
"""


@dataclass(frozen=True, slots=True)
class Way:
    """How the first result is asked for.

    Attributes:
        label: in the table.
        command: without the interpreter and the file of bars, which stands where `{}` is.
        goal_s: most seconds of wall time; None where there is no goal.
    """

    label: str
    command: tuple[str, ...]
    goal_s: float | None


WAYS: Final = (
    Way("library, `load_bars` and `BacktestEngine`", ("-c", _PROGRAM, "{}"), LIBRARY_GOAL_S),
    Way(
        "command line, `headwater backtest --json`",
        (
            *("-m", "headwater.app", "backtest", "--strategy", "sma_cross", "--data", "{}"),
            *("--param", "fast=10", "--param", "slow=30", "--capital", "10000"),
            *("--fee-bps", str(_FEE_BPS), "--slippage-bps", "0", "--fill", "next-open", "--json"),
        ),
        COMMAND_GOAL_S,
    ),
    Way("interpreter and numpy alone", ("-c", "import numpy"), None),
)


def write_csv(bars: Bars, path: Path) -> None:
    """The bars as a file of the contract's columns."""
    columns = (bars.timestamp_ms, bars.open, bars.high, bars.low, bars.close, bars.volume)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    lines = ["timestamp,open,high,low,close,volume", *(",".join(map(repr, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


def start(way: Way, data: Path) -> tuple[float, str]:
    """Seconds from before the process is there until it has ended, and what it printed.

    Raises:
        RuntimeError: it ended badly; the text is the end of what it said.
    """
    with tempfile.TemporaryDirectory(prefix="bench-cold-") as home:
        copy = Path(home) / "bars.csv"
        shutil.copy(data, copy)
        command = [sys.executable, *(part.replace("{}", str(copy)) for part in way.command)]
        surroundings = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HOME": home}
        surroundings["XDG_CACHE_HOME"] = home
        began = time.perf_counter()
        done = subprocess.run(
            command,
            env=surroundings,
            cwd=home,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        took = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{way.label}: {done.stderr[-1_000:]}")
    return took, done.stdout


def final_equity(printed: str) -> float:
    """The last equity that a run told, as a number or within its JSON."""
    return float(json.loads(printed)["final_equity"] if "{" in printed else printed)


def rows_of(taken: dict[str, list[float]]) -> tuple[list[list[str]], bool]:
    """Lines of the table, and whether the goals are kept."""
    rows, kept = [], True
    for way in WAYS:
        values, told = taken[way.label], ""
        if way.goal_s is not None:
            is_kept = median(values) <= way.goal_s
            kept = kept and is_kept
            told = f"≤ {way.goal_s:g} s {'kept' if is_kept else 'missed'}"
        rows.append([way.label, f"{median(values):.3f}", f"{min(values):.3f}", told])
    return rows, kept


def agreed(equities: Sequence[float]) -> bool:
    """Whether all came to the same."""
    return max(equities) - min(equities) <= 1e-9 * abs(equities[0])


def main() -> int:
    """Measures, prints, writes when asked; 1 when a goal is missed or results differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-cold-data-") as folder:
        data = Path(folder) / "bars.csv"
        write_csv(bar_walk(options.bars), data)
        # The first of each is not told: it may compile the modules.
        told = [start(way, data)[1] for way in WAYS]
        is_same = agreed([final_equity(each) for each in told if each.strip()])
        taken: dict[str, list[float]] = {way.label: [] for way in WAYS}
        for _ in range(options.runs):
            for way in WAYS:
                taken[way.label].append(start(way, data)[0])
    rows, kept = rows_of(taken)
    text = "\n".join(
        [
            f"### From process start to first result, CSV of {options.bars:,} bars",
            "",
            table(["way", "wall s, median", "least", "goal"], rows),
            "",
            f"{options.runs} runs of each, in turns; nothing cached but compiled modules.",
            *([] if is_same else ["WRONG: library and command line differ in the final equity."]),
            f"Python {platform.python_version()}. Machine: {machine()}.",
        ]
    )
    print(text)
    if options.write:
        write_section("cold start", text)
    return 0 if kept and is_same else 1


if __name__ == "__main__":
    sys.exit(main())
