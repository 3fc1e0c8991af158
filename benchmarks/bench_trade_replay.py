"""How fast are trades replayed under a market maker, beside hftbacktest?

`python -m benchmarks.bench_trade_replay [--trades 1000000] [--rounds 3] [--write]`. Three ways of
the market maker: two limits replaced every second, limits that stay until they are filled, and the
first with a strategy that hears every trade. CPU time from the tape in memory to position, cash and
number of fills; hftbacktest's strategy is compiled by Numba before the time is taken, ours is
Python, on the interpreter that asks and, for comparison, on the peer's version of Python. The two
fill models are not the same, so fills are told and not compared; a run whose number of orders is
not the other's fails.
"""

import argparse
import platform
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.peers.asking import Failed, ask, is_ready
from benchmarks.peers.tape_case import MODES, TapeCase
from benchmarks.report import machine, median, spread, table, write_section
from benchmarks.trade_tape import trade_tape

GOAL: Final = 0.2
AIM: Final = 0.5
"""Our trades a second over hftbacktest's."""

SUBJECTS: Final = ("headwater", "hftbacktest")
"""Who is judged, and the peer."""

OTHER: Final = "headwater, Python 3.12"
"""The same on the peer's version of Python; told, not judged."""

DRIVERS: Final = {
    "headwater": "headwater-tape",
    "hftbacktest": "hftbacktest",
    OTHER: "headwater-tape-py312",
}
"""By subject: who is asked."""

SAME_ORDERS: Final = 0.1
"""Largest difference of the numbers of orders, as a fraction, that is still the same work."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One process' replay."""

    cpu_s: float
    orders: int
    fills: int
    peak_mb: float


def replayed(driver: str, case: TapeCase) -> Replayed | str:
    """A replay of a tape in a process of its own, or why there is none."""
    if not is_ready(driver):
        return "not installed: make bench-peers"
    try:
        answer = ask(driver, [asdict(case)])[0]
    except Failed as error:
        return str(error).splitlines()[-1]
    return Replayed(answer["cpu_s"], answer["orders"], answer["fills"], answer["peak_mb"])


def too_far(found: dict[str, list[Replayed]]) -> list[str]:
    """Where one of the two has placed far fewer or more orders, in words."""
    if any(each not in found for each in SUBJECTS):
        return []
    own, theirs = (found[each][0].orders for each in SUBJECTS)
    if abs(own - theirs) <= SAME_ORDERS * theirs:
        return []
    return [f"{own:,} orders, where the other has {theirs:,}: not the same work"]


def rows_of(
    mode: str, trades: int, found: dict[str, list[Replayed]]
) -> tuple[list[list[str]], bool]:
    """Lines of the table for one way of the market maker, and whether the goal is kept."""
    rows: list[list[str]] = []
    kept = True
    for subject, runs in found.items():
        spent = [each.cpu_s for each in runs]
        ratio = ""
        if subject != SUBJECTS[1] and SUBJECTS[1] in found:
            both = zip(found[SUBJECTS[1]], runs, strict=False)
            value = median([theirs.cpu_s / own.cpu_s for theirs, own in both])
            ratio = f"{value:.2f} ×"
            if subject == SUBJECTS[0]:
                kept = value >= GOAL
                ratio += f", ≥ {GOAL:g} ({AIM:g}) {'kept' if kept else 'missed'}"
        rows.append(
            [
                f"{mode}: {subject}",
                f"{median(spent) * 1_000:,.1f} ± {spread(spent):.0%}",
                f"{trades / median(spent) / 1e6:.2f}",
                f"{runs[0].orders:,}",
                f"{runs[0].fills:,}",
                f"{median([each.peak_mb for each in runs]):,.0f}",
                ratio,
            ]
        )
    return rows, kept


def main() -> int:
    """Measures, prints, writes when asked; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trades", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    options = parser.parse_args()
    rows: list[list[str]] = []
    notes: dict[str, str] = {}
    kept = True
    with tempfile.TemporaryDirectory(prefix="bench-replay-") as folder:
        path = Path(folder) / "tape.npz"
        trade_tape(options.trades).save(path)
        for mode in MODES:
            case = TapeCase(tape=str(path), mode=mode)
            found: dict[str, list[Replayed]] = defaultdict(list)
            for turn in range(options.rounds):
                for subject in tuple(DRIVERS)[:: -1 if turn % 2 else 1]:
                    if subject in notes:
                        continue
                    one = replayed(DRIVERS[subject], case)
                    if isinstance(one, str):
                        notes[subject] = one
                    else:
                        found[subject].append(one)
                        print(f"{mode} {subject}: {one.cpu_s:.3f} s", file=sys.stderr)
            differing = too_far(found)
            for reason in differing:
                notes.setdefault(mode, reason)
            lines, also_kept = rows_of(mode, options.trades, found)
            rows += lines
            kept = kept and also_kept and not differing and SUBJECTS[0] in found
    header = [
        "market maker",
        "CPU ms",
        "million trades a CPU second",
        "orders",
        "fills",
        "MB",
        "to theirs",
    ]
    text = "\n".join(
        [
            f"### Replay of {options.trades:,} trades under a market maker",
            "",
            table(header, rows),
            "",
            *(f"{subject}: {why}." for subject, why in notes.items()),
            f"headwater on Python {platform.python_version()}. Machine: {machine()}.",
        ]
    )
    print(text)
    if options.write:
        write_section("trade replay", text)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
