"""What do the callbacks' view and the guard against look-ahead cost?

`python -m benchmarks.bench_callbacks [--bars 100000] [--repeats 9] [--write]`. In one process, in
turns: a plain loop over lists (`raw_loop.py`) with the rules of a cross written into it, and our
engine asking a strategy at every bar, which reads its means by `data.sma(10)[-1]` each time or has
kept the two columns in `prepare`. All have every feature of the account on and must come to the
same trades and the same equity. Then whole runs of the shipped strategy with the guard and without.
CPU time; a ratio is taken within a turn, the median is told.
"""

import argparse
import gc
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Final

from benchmarks.bar_walk import bar_walk
from benchmarks.peers.all_features import (
    FAR_STOP,
    FAR_TARGET,
    CalledCross,
    KeptCross,
    funding_of,
    with_all_features,
)
from benchmarks.peers.case import Bars as Columns
from benchmarks.raw_loop import RawResult, raw_cross
from benchmarks.report import machine, median, spread, table, write_section
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.engine import BacktestEngine
from headwater.backtest.funding import FundingBars
from headwater.backtest.outcome import Outcome
from headwater.backtest.per_bar import run_per_bar
from headwater.strategies.bars import Bars
from headwater.strategies.sma_cross import SmaCross

FAST: Final = 10
SLOW: Final = 30
VIEW_GOAL: Final = 1.6
"""Time with the view over that of the plain loop, at most."""

GUARD_GOAL: Final = 0.15
"""The guard's share of a run, at most."""

RAW: Final = "plain loop over lists"
ASKED: Final = "callbacks, `data.sma(10)[-1]` at every bar"
KEPT: Final = "callbacks, columns kept in `prepare`"

_PARAMETERS: Final[dict[str, Any]] = {
    "fast": FAST,
    "slow": SLOW,
    "stop_loss": FAR_STOP,
    "take_profit": FAR_TARGET,
}


def in_turns(ways: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """CPU seconds of each way, by turn; each turn begins with another one."""
    spent: dict[str, list[float]] = {label: [] for label in ways}
    labels = list(ways)
    for turn in range(repeats):
        for place in range(len(labels)):
            label = labels[(place + turn) % len(labels)]
            gc.collect()
            began = time.process_time()
            ways[label]()
            spent[label].append(time.process_time() - began)
    return spent


def fresh(columns: Columns) -> Bars:
    """Bars without any indicator kept from a run before."""
    named = {each.name: getattr(columns, each.name) for each in fields(Columns)}
    return Bars.from_columns(named.pop("timestamp_ms"), named, symbol="BTCUSDT")


def different(raw: RawResult, outcome: Outcome) -> str:
    """What the plain loop and the engine do not agree in; empty when in nothing."""
    if abs(raw.final_equity - float(outcome.equity[-1])) > 0.0:
        return f"final equity {raw.final_equity!r} and {float(outcome.equity[-1])!r}"
    pairs = (
        ("entry bars", raw.entry_bar, outcome.trades.entry_bar.tolist()),
        ("exit prices", raw.exit_price, outcome.trades.exit_price[: len(raw.exit_price)].tolist()),
        ("funding", raw.funding, outcome.trades.funding.tolist()),
    )
    return next((name for name, one, other in pairs if one != other), "")


def view(columns: Columns, repeats: int) -> tuple[list[list[str]], list[str], bool]:
    """Rows of the plain loop and of both ways to write callbacks; what is wrong; goal kept."""
    rules = with_all_features(Assumptions(fee_rate=0.00001))
    payments = FundingBars.of(funding_of(fresh(columns)), fresh(columns))

    def raw() -> RawResult:
        return raw_cross(
            fresh(columns),
            rules,
            payments,
            fast_count=FAST,
            slow_count=SLOW,
            stop_loss=FAR_STOP,
            take_profit=FAR_TARGET,
        )

    def called(kind: type[CalledCross]) -> Callable[[], Outcome]:
        return lambda: run_per_bar(kind(_PARAMETERS), fresh(columns), rules, funding=payments)

    ways: dict[str, Callable[[], Any]] = {
        RAW: raw,
        ASKED: called(CalledCross),
        KEPT: called(KeptCross),
    }
    plain = raw()
    wrong = [
        f"{label} and the plain loop differ: {what}."
        for label in (ASKED, KEPT)
        if (what := different(plain, ways[label]()))
    ]
    spent = in_turns(ways, repeats)
    rows, kept = [], not wrong
    for label, values in spent.items():
        ratio = median([own / least for own, least in zip(values, spent[RAW], strict=True)])
        is_kept = ratio <= VIEW_GOAL
        kept = kept and is_kept
        told = f"{ratio:.2f} ×, ≤ {VIEW_GOAL:g} {'kept' if is_kept else 'missed'}"
        rows.append([label, *_figures(values), "" if label == RAW else told])
    trades = f"Trades {len(plain.entry_bar):,}, final equity {plain.final_equity:.6f} in all three."
    return rows, wrong or [trades], kept


def guard(columns: Columns, repeats: int) -> tuple[list[list[str]], bool]:
    """Rows of whole runs with the guard and without, and whether its share is kept."""

    def run(checked: bool) -> Callable[[], Any]:
        return lambda: BacktestEngine(
            SmaCross({"fast": FAST, "slow": SLOW}),
            data=fresh(columns),
            assumptions=Assumptions(fee_rate=0.00001),
            check_look_ahead=checked,
        ).run()

    count = len(columns.close)
    on, off = f"sparse, {count:,} bars", f"sparse, {count:,} bars, guard off"
    spent = in_turns({on: run(True), off: run(False)}, repeats)
    share = median(
        [1 - bare / guarded for bare, guarded in zip(spent[off], spent[on], strict=True)]
    )
    kept = share <= GUARD_GOAL
    told = f"{share:.1%} of the run, ≤ {GUARD_GOAL:.0%} {'kept' if kept else 'missed'}"
    return [[on, *_figures(spent[on]), told], [off, *_figures(spent[off]), ""]], kept


def _figures(values: Sequence[float]) -> tuple[str, str]:
    return f"{median(values) * 1_000:,.2f} ± {spread(values):.0%}", f"{min(values) * 1_000:,.2f}"


def main() -> int:
    """Measures, prints, writes when asked; 1 when a goal is missed or results differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", nargs="+", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=9, help="of callbacks; the guard's are more")
    parser.add_argument("--rounds", type=int, default=3, help="the guard has so many times more")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    options = parser.parse_args()
    columns = bar_walk(max(options.bars))
    rows, notes, kept = view(columns.head(min(options.bars)), options.repeats)
    for bars in options.bars:
        repeats = options.repeats * options.rounds if bars <= 200_000 else options.repeats
        lines, also_kept = guard(columns.head(bars), repeats)
        rows += lines
        kept = kept and also_kept
    text = "\n".join(
        [
            "### Callbacks and the guard against look-ahead, within one process",
            "",
            table(["way", "CPU ms, median", "least", "share"], rows),
            "",
            f"The first three over {min(options.bars):,} bars.",
            *notes,
            f"Python {platform.python_version()}. Machine: {machine()}.",
        ]
    )
    print(text)
    if options.write:
        write_section("callbacks", text)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
