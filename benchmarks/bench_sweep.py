"""What does a sweep cost: 100 and 1,000 pairs of means over 100,000 bars, beside two packages?

`python -m benchmarks.bench_sweep [--combinations 100 1000] [--rounds 3] [--write]`. Return, Sharpe,
drawdown and number of trades of every pair; wall time, as the work is spread over two cores:
vectorbt holds pairs as columns, a block of 100 at a time, backtesting.py's `optimize` has two
processes and is run once for the large sweep. Memory is the largest of the process (and of each
worker). Before a time is told, returns of all pairs must agree.
"""

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.bar_walk import bar_walk
from benchmarks.peers.asking import Failed, ask, is_ready
from benchmarks.peers.case import Case, as_job
from benchmarks.report import machine, median, table, write_section

OURS: Final = "headwater"
GOALS: Final = {"vectorbt": (20.0, 40.0), "backtesting": (200.0, 400.0)}
"""Least ratio of wall time to ours, and the aim."""

MEMORY_GOAL_MB: Final = 300.0
MEMORY_GROWTH_GOAL: Final = 1.2
"""Memory of the largest sweep to that of the smallest, at most."""

SAME: Final = 1e-6
"""Largest difference of two returns that counts as none: rolling sums carry their rounding."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One process' sweep."""

    wall_s: float
    peak_mb: float
    returns: tuple[float, ...]


def pairs(count: int) -> tuple[tuple[int, int], ...]:
    """A whole grid of `count` pairs, fast means from 2 on, slow ones from 25 on."""
    fasts = max(each for each in range(1, 22) if count % each == 0 and each * each <= count)
    return tuple((2 + fast, 25 + slow) for fast in range(fasts) for slow in range(count // fasts))


def measure(peer: str, combinations: int, path: Path) -> Measured | str:
    """The sweep in a process of its own, or why there is none."""
    if not is_ready(peer):
        return "not installed: make bench-peers"
    case = Case(
        bars=str(path),
        fee_bps=0.1,
        engine="rust" if peer == "vectorbt" else "",
        own_indicators=True,
        sweep=pairs(combinations),
    )
    try:
        answer: dict[str, Any] = ask(peer, [as_job(case)])[0]
    except Failed as error:
        return str(error).splitlines()[-1]
    if "refused" in answer:
        return str(answer["refused"])
    memory = answer["peak_mb"] + case.processes * answer.get("peak_mb_each_worker", 0.0)
    return Measured(answer["wall_s"], memory, tuple(answer["returns"]))


def rotations(
    combinations: int, rounds: int, peers: Sequence[str], path: Path
) -> tuple[dict[str, list[Measured]], dict[str, str]]:
    """What each measured in each round, and why one is left out."""
    found: dict[str, list[Measured]] = defaultdict(list)
    left_out: dict[str, str] = {}
    for turn in range(rounds):
        for place in range(len(peers)):
            peer = peers[(place + turn) % len(peers)]
            if peer in left_out or (peer == "backtesting" and combinations > 100 and turn):
                continue
            one = measure(peer, combinations, path)
            if isinstance(one, str):
                left_out[peer] = one
                continue
            found[peer].append(one)
            print(f"{combinations:,} {peer}: {one.wall_s:.2f} s", file=sys.stderr)
    return found, left_out


def unequal(found: dict[str, list[Measured]]) -> list[str]:
    """Peers whose returns are not those of the first, in words."""
    names = list(found)
    said = []
    for name in names[1:]:
        both = zip(found[names[0]][0].returns, found[name][0].returns, strict=True)
        worst = max(abs(one - other) for one, other in both)
        if worst > SAME:
            said.append(f"{name} and {names[0]} differ by {worst:.2g} in a return")
    return said


def rows_of(combinations: int, found: dict[str, list[Measured]]) -> tuple[list[list[str]], bool]:
    """Lines of the table, and whether the goals are kept."""
    rows: list[list[str]] = []
    kept = True
    for peer, runs in found.items():
        wall = median([each.wall_s for each in runs])
        ratio = ""
        if peer in GOALS and OURS in found:
            least, aim = GOALS[peer]
            each = zip(runs, found[OURS], strict=False)
            value = median([theirs.wall_s / ours.wall_s for theirs, ours in each])
            kept = kept and value >= least
            ratio = f"{value:.0f} ×, ≥ {least:g} ({aim:g}) {'kept' if value >= least else 'missed'}"
        memory = median([each.peak_mb for each in runs])
        rows.append([f"{combinations:,}: {peer}", f"{wall:.3f}", f"{memory:,.0f}", ratio])
    return rows, kept


def memory_kept(ours: dict[int, float]) -> tuple[list[str], bool]:
    """Our memory against its two goals; `ours` is MB by combinations."""
    if not ours:
        return [], True
    growth = ours[max(ours)] / ours[min(ours)]
    kept = growth <= MEMORY_GROWTH_GOAL and max(ours.values()) <= MEMORY_GOAL_MB
    line = (
        f"Our memory: {max(ours.values()):,.0f} MB, ≤ {MEMORY_GOAL_MB:g}, and {growth:.2f} × that "
        f"of the smallest sweep, ≤ {MEMORY_GROWTH_GOAL:g}: {'kept' if kept else 'missed'}."
    )
    return [line], kept


def main() -> int:
    """Measures, prints, writes when asked; 1 when a goal is missed or results differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=int, default=100_000)
    parser.add_argument("--combinations", nargs="+", type=int, default=[100, 1_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="+", default=["vectorbt", "backtesting"])
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    options = parser.parse_args()
    rows: list[list[str]] = []
    notes: list[str] = []
    ours_mb: dict[int, float] = {}
    kept = True
    with tempfile.TemporaryDirectory(prefix="bench-sweep-") as folder:
        path = Path(folder) / "walk.npz"
        bar_walk(options.bars).save(path)
        for combinations in options.combinations:
            found, left_out = rotations(combinations, options.rounds, [OURS, *options.peers], path)
            differing = unequal(found)
            lines, also_kept = rows_of(combinations, found)
            kept = kept and also_kept and not differing
            rows += lines
            notes += [f"{combinations:,}: {each}." for each in differing]
            notes += [f"{combinations:,} {peer}: {why}." for peer, why in left_out.items()]
            if OURS in found:
                ours_mb[combinations] = median([each.peak_mb for each in found[OURS]])
    memory, memory_is_kept = memory_kept(ours_mb)
    header = ["combinations", "wall s", "MB, workers too", "to ours"]
    text = "\n".join(
        [
            f"### Sweep of two means over {options.bars:,} bars, two cores",
            "",
            table(header, rows),
            "",
            *memory,
            *notes,
            f"Machine: {machine()}.",
        ]
    )
    print(text)
    if options.write:
        write_section("sweep", text)
    return 0 if kept and memory_is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
