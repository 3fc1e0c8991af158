"""What does one back-test cost: ours, sparse and with callbacks, beside five engines?

`python -m benchmarks.bench_backtest [--bars 100000 1000000] [--rounds 3] [--write]`. A cross of the
means of 10 and 30 closes over one-minute bars of a random walk, long only, fee 0.001 %. Our
callbacks run with every feature on (a far bracket, slippage, margin tiers with a liquidation price,
funding every eight hours), set so that the trades stay the same; the peers run plain. Every
subject runs in a process and environment of its own (`make bench-peers`), one after the other, each
round in another order; CPU time from data in memory to return, Sharpe, drawdown and trades, the
median of a process' repeats. A ratio is taken within a round, the median of rounds is told; how the
time grows with the bars is measured in pairs of its own.

Engines that can only fill at the close just seen are given that; it is as much work. A subject
whose number of trades is not that of the others is told as wrong, and the benchmark fails. jesse
and freqtrade, which need half a minute and more for a million bars, run up to 100,000 without
`--all`.
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
from benchmarks.report import machine, median, spread, table, write_section


@dataclass(frozen=True, slots=True)
class Subject:
    """An engine in one of its ways.

    Attributes:
        label: in the table.
        peer: name of its driver.
        engine: which of its engines.
        fill: what it fills at.
        repeats: timed runs in one process, of every length alike: the first one pays for memory.
        bars_max: most bars without `--all`.
    """

    label: str
    peer: str
    engine: str = ""
    fill: str = "next-open"
    repeats: int = 3
    bars_max: int = 1_000_000


SPARSE: Final = Subject("headwater, sparse", "headwater", "sparse", repeats=5)
PER_BAR: Final = Subject("headwater, callbacks, all on", "headwater", "per-bar-all-on")
PEERS: Final = (
    Subject("vectorbt, Rust", "vectorbt", "rust", repeats=5),
    Subject("backtesting.py", "backtesting"),
    Subject("nautilus_trader 2", "nautilus", fill="close"),
    Subject("jesse", "jesse", fill="close", repeats=1, bars_max=100_000),
    Subject("freqtrade", "freqtrade", repeats=1, bars_max=100_000),
)

SPARSE_GOALS: Final = {
    ("vectorbt, Rust", 100_000): (2.0, 3.0),
    ("vectorbt, Rust", 1_000_000): (1.3, 2.0),
    "backtesting.py": (40.0, 70.0),
    "nautilus_trader 2": (30.0, None),
}
"""Least ratio to our sparse way, and the aim; by peer, or by peer and bars."""

PER_BAR_GOALS: Final = {
    "backtesting.py": (6.0, 9.0),
    "nautilus_trader 2": (4.0, 7.0),
    "jesse": (20.0, 35.0),
    "freqtrade": (45.0, 70.0),
}
"""The same for our callbacks."""

GROWTH_GOAL: Final = 11.0
"""Time of ten times the bars, at most."""

GROWTH_PAIRS: Final = 9
"""Pairs of runs that it is the median of."""

Spent = dict[str, list[float]]
"""CPU seconds of each round by label."""


def measure(
    bars: int, rounds: int, subjects: Sequence[Subject], folder: Path
) -> tuple[Spent, dict[str, str], dict[str, str]]:
    """CPU seconds by label; who was left out and why; whose trades are not the others'."""
    path = _series(folder, bars)
    spent: Spent = defaultdict(list)
    left_out: dict[str, str] = {}
    counts: dict[str, int] = {}
    for turn in range(rounds):
        for place in range(len(subjects)):
            subject = subjects[(place + turn) % len(subjects)]
            if subject.label in left_out:
                continue
            answer = _run(subject, path)
            if "refused" in answer:
                left_out[subject.label] = answer["refused"]
                continue
            spent[subject.label].append(answer["cpu_s"])
            counts[subject.label] = len(answer["trades"])
            print(f"{bars:,} {subject.label}: {answer['cpu_s']:.4f} s", file=sys.stderr)
    return spent, left_out, _wrong(counts)


def _run(subject: Subject, path: Path) -> dict[str, Any]:
    if not is_ready(subject.peer):
        return {"refused": "not installed: make bench-peers"}
    case = Case(
        bars=str(path),
        fill=subject.fill,
        fee_bps=0.1,
        engine=subject.engine,
        own_indicators=True,
        repeats=subject.repeats,
    )
    try:
        return ask(subject.peer, [as_job(case)])[0]
    except Failed as error:
        return {"refused": str(error).splitlines()[-1]}


def _wrong(counts: dict[str, int]) -> dict[str, str]:
    """Labels whose number of trades is not the usual one; one may be left open at the end."""
    if not counts:
        return {}
    usual = median(list(counts.values()))
    return {
        label: f"{count:,} trades where others have {usual:,.0f}"
        for label, count in counts.items()
        if abs(count - usual) > 1
    }


def _ratio(spent: Spent, peer: str, ours: str) -> float | None:
    if peer not in spent or ours not in spent:
        return None
    pairs = zip(spent[peer], spent[ours], strict=False)
    return median([theirs / own for theirs, own in pairs])


def _judged(ratio: float | None, goal: tuple[float, float | None] | None) -> tuple[str, bool]:
    if ratio is None:
        return "–", True
    if goal is None:
        return f"{ratio:.2g} ×", True
    least, aim = goal
    kept = ratio >= least
    aimed = f" ({aim:g})" if aim is not None else ""
    return f"{ratio:.1f} ×, ≥ {least:g}{aimed} {'kept' if kept else 'missed'}", kept


def rows_of(bars: int, spent: Spent, subjects: Sequence[Subject]) -> tuple[list[list[str]], bool]:
    """Lines of the table for one length, and whether every goal is kept."""
    rows: list[list[str]] = []
    all_kept = True
    for subject in subjects:
        label = subject.label
        if label not in spent:
            continue
        values = spent[label]
        name_goal = SPARSE_GOALS.get((label, bars)) or SPARSE_GOALS.get(label)
        sparse, kept = _judged(_ratio(spent, label, SPARSE.label), name_goal)
        called, also_kept = _judged(_ratio(spent, label, PER_BAR.label), PER_BAR_GOALS.get(label))
        is_ours = subject.peer == "headwater"
        all_kept = all_kept and (is_ours or (kept and also_kept))
        rows.append(
            [
                f"{bars:,}: {label}",
                f"{median(values) * 1_000:,.1f} ± {spread(values):.0%}",
                f"{bars / median(values):,.0f}",
                "" if is_ours else sparse,
                "" if is_ours else called,
            ]
        )
    return rows, all_kept


def growth(lengths: Sequence[int], folder: Path) -> tuple[list[str], bool]:
    """A line for each way of ours: time of the longest series against the shortest.

    Measured in pairs, one length right after the other: a shared machine is a third slower in one
    minute than in the next, and a million bars feel that more.
    """
    shortest, longest = min(lengths), max(lengths)
    lines: list[str] = []
    kept = True
    for subject in (SPARSE, PER_BAR) if shortest < longest else ():
        ratios: list[float] = []
        for _ in range(GROWTH_PAIRS):
            short, long = (_run(subject, _series(folder, each)) for each in (shortest, longest))
            if "refused" in short or "refused" in long:
                break
            ratios.append(long["cpu_s"] / short["cpu_s"])
            print(f"growth, {subject.label}: {ratios[-1]:.2f} ×", file=sys.stderr)
        if not ratios:
            continue
        ratio = median(ratios)
        allowed = GROWTH_GOAL * longest / shortest / 10
        kept = kept and ratio <= allowed
        lines.append(
            f"{subject.label}: {longest:,} bars take {ratio:.1f} × ± {spread(ratios):.0%} the time "
            f"of {shortest:,}, ≤ {allowed:g} {'kept' if ratio <= allowed else 'missed'} "
            f"({len(ratios)} pairs, one length right after the other)."
        )
    return lines, kept


def _series(folder: Path, bars: int) -> Path:
    """The file of a length, made when it is not there."""
    path = folder / f"walk-{bars}.npz"
    if not path.exists():
        bar_walk(bars).save(path)
    return path


def main() -> int:
    """Measures, prints, writes when asked; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", nargs="+", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=[each.peer for each in PEERS])
    parser.add_argument("--all", action="store_true", help="every peer over every length")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    options = parser.parse_args()
    subjects = (SPARSE, PER_BAR, *(each for each in PEERS if each.peer in options.peers))
    rows: list[list[str]] = []
    notes: list[str] = []
    spent: dict[int, Spent] = {}
    kept = True
    with tempfile.TemporaryDirectory(prefix="bench-backtest-") as folder:
        for bars in options.bars:
            some = [each for each in subjects if options.all or bars <= each.bars_max]
            spent[bars], left_out, wrong = measure(bars, options.rounds, some, Path(folder))
            lines, also_kept = rows_of(bars, spent[bars], subjects)
            rows += lines
            kept = kept and also_kept and not wrong and SPARSE.label in spent[bars]
            notes += [f"{bars:,} {label}: left out, {why}." for label, why in left_out.items()]
            notes += [f"{bars:,} {label}: WRONG, {what}." for label, what in wrong.items()]
        grown, also_kept = growth(options.bars, Path(folder))
    header = ["engine", "CPU ms", "bars a CPU second", "to our sparse", "to our callbacks"]
    text = "\n".join(
        [
            "### One back-test: cross of two means",
            "",
            table(header, rows),
            "",
            "Median of rounds ± half the range; ratios are medians of the rounds' own.",
            *grown,
            *notes,
            f"Machine: {machine()}.",
        ]
    )
    print(text)
    if options.write:
        write_section("backtest", text)
    return 0 if kept and also_kept else 1


if __name__ == "__main__":
    sys.exit(main())
