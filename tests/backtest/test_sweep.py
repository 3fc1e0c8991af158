"""Whole sweeps: a small one by hand, all ways of running one, and one that is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.backtest.drives import bars_of, walk
from tests.backtest.swept import Crossing, Holding, Listening

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep import Sweep
from headwater.core.errors import PlatformError, RequestError

FAST = ParameterRange.of("fast", 2, 9)
SLOW = ParameterRange.of("slow", 4, 30, 2)
COSTS = Assumptions(fee_rate=0.0005, slippage_rate=0.0001)
ROOT = Path(__file__).resolve().parents[2]


def test_a_sweep_by_hand() -> None:
    """Bought at every close, held for 1 or 2 bars, opens equal to the closes before, no costs.

    Closes 100, 110, 99, 118.8, 118.8, with fills at the next open:
    held 1: bought at the open of bar 1 (100), sold at that of bar 2 (110): × 1.1; decided again at
    the close of bar 2, bought at the open of bar 3 (99), sold at that of bar 4 (118.8): × 1.2.
    1,000 × 1.1 × 1.2 = 1,320.
    held 2: bought at 100, sold at the open of bar 3 (99): 990; decided again at the close of bar 3,
    bought at the open of bar 4 at 118.8, still held at 118.8: 990.
    """
    close = [100.0, 110.0, 99.0, 118.8, 118.8]
    open_ = [100.0, 100.0, 110.0, 99.0, 118.8]
    bars = bars_of(open_, np.maximum(open_, close), np.minimum(open_, close), close)
    result = Sweep(
        Holding,
        bars,
        [ParameterRange.of("bars", 1, 2)],
        Assumptions(initial_capital=1_000.0),
        objective="total_return",
    ).run()
    first, second = result.rows()
    assert (first.parameters, second.parameters) == ({"bars": 1}, {"bars": 2})
    assert first.final_equity == pytest.approx(1_320.0)
    assert (first.trades, first.win_rate, first.profit_factor) == (2, 1.0, None)
    assert second.final_equity == pytest.approx(990.0)
    assert (second.trades, second.win_rate, second.open_trade) == (1, 0.0, True)
    # From 110 (equity 1,100) down to 99 (990).
    assert second.max_drawdown == pytest.approx(-0.1)
    assert result.best == first


def test_every_way_of_running_it_finds_the_same() -> None:
    bars = walk(1, 60_000, deviation=0.002)
    small = bars[:2_000]
    ranges = [FAST, SLOW]
    compiled = Sweep(Crossing, bars, ranges, COSTS, workers=2).run()
    assert compiled.drive == "compiled, 2 threads"
    assert len(compiled) + compiled.skipped == 8 * 14
    single = Sweep(Crossing, bars, ranges, COSTS, workers=1)
    one = Sweep(Crossing, small, ranges, COSTS).run()
    assert one.drive == "single, one process"
    # The first and the last combination of the compiled one, run as a single back-test is.
    for place in (0, len(compiled) - 1):
        row, _ = single.task.figures(single.grid.parameters(int(compiled.numbers[place])))
        assert compiled.figures[place] == pytest.approx(row, rel=1e-12, abs=1e-12)
        assert compiled.figures[place, 0] == row[0]


def test_callbacks_go_to_processes_when_they_are_many() -> None:
    sweep = Sweep(Holding, walk(2, 3_000), [ParameterRange.of("bars", 1, 3)], COSTS, workers=2)
    _, few = sweep.crew(3)
    crew, many = sweep.crew(10_000)
    with crew:
        assert (few, many) == ("single, one process", "single, 2 processes")


def test_progress_is_told_and_can_end_it() -> None:
    told: list[tuple[int, int]] = []
    sweep = Sweep(Crossing, walk(3, 300), [FAST, SLOW], COSTS)
    result = sweep.run(lambda done, total: told.append((done, total)))
    assert told[0] == (0, len(result))
    assert told[-1] == (len(result), len(result))
    assert [done for done, _ in told] == sorted(done for done, _ in told)

    class Cancelled(Exception):
        pass

    def cancel(done: int, _: int) -> None:
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        sweep.run(cancel)


def test_random_combinations_are_repeatable() -> None:
    def run(seed: int) -> list[int]:
        made = Sweep(
            Crossing, walk(4, 200), [FAST, SLOW], COSTS, method="random", samples=20, seed=seed
        )
        numbers: list[int] = made.run().numbers.tolist()
        return numbers

    assert run(1) == run(1) != run(2)
    assert len(run(1)) == 20


def test_many_combinations_keep_some_of_their_blocks() -> None:
    """Of 1,176 combinations every third: 392 are enough to judge the choice by."""
    ranges = [ParameterRange.of("fast", 1, 48), ParameterRange.of("slow", 2, 49)]
    result = Sweep(Crossing, walk(5, 60), ranges).run()
    assert len(result) == 48 * 49 // 2 == 1_176
    assert result.kept_places.tolist() == list(range(0, 1_176, 3))
    sums = result.blocks.sum(axis=1)
    assert sums == pytest.approx(result.figures[::3, 2:4], abs=1e-12)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"objective": "luck"}, "one of sharpe, total_return"),
        ({"method": "guess"}, "one of grid, random, bayesian"),
        ({"workers": 0}, "from 1 to 64"),
        ({"trade_from": 300}, "at least one bar"),
        ({"assumptions": Assumptions(fee_rate=2.0)}, "fee_rate"),
        ({"strategy": Listening, "ranges": [ParameterRange.of("bars", 1, 2)]}, "events"),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, Any], told: str) -> None:
    parts: dict[str, Any] = {"strategy": Crossing, "data": walk(6, 300), "ranges": [FAST, SLOW]}
    with pytest.raises(PlatformError, match=told):
        Sweep(**(parts | more)).run()


def test_no_bars_are_refused() -> None:
    with pytest.raises(RequestError, match="0 bars"):
        Sweep(Crossing, walk(7, 10)[:0], [FAST])


KILLED = """
import sys
from pathlib import Path
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep import Sweep
from tests.backtest.drives import walk
from tests.backtest.swept import Crossing

def progress(done, total):
    print(done, flush=True)
    if done >= 20:
        sys.stdin.read()

ranges = [ParameterRange.of("fast", 2, 9), ParameterRange.of("slow", 4, 30, 2)]
Sweep(Crossing, walk(8, 500), ranges, workers=1).run(progress, Path(sys.argv[1]))
"""


def test_a_killed_sweep_goes_on_where_it_was(tmp_path: Path) -> None:
    """The process is killed with its journal open; the next one runs only what was left."""
    journal = tmp_path / "sweep.jsonl"
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(journal)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as killed:
        assert killed.stdout is not None
        while int(killed.stdout.readline()) < 20:
            pass
        killed.send_signal(signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    finished = journal.read_bytes().count(b"\n") - 1
    assert finished >= 20

    sweep = Sweep(Crossing, walk(8, 500), [FAST, SLOW], workers=1)
    resumed, fresh = sweep.run(resume=journal), sweep.run()
    assert resumed.reused == finished < len(resumed)
    assert resumed.figures.tolist() == fresh.figures.tolist()
    assert resumed.blocks.tolist() == fresh.blocks.tolist()
    # A third time nothing is left to run.
    assert sweep.run(resume=journal).reused == len(fresh)
    with pytest.raises(RequestError, match="other assumptions"):
        Sweep(Crossing, walk(8, 500), [FAST, SLOW], COSTS).run(resume=journal)
