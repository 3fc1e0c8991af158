import re
from pathlib import Path

import msgspec
import pytest
from tests.backtest.drives import walk
from tests.backtest.swept import Crossing

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.look_ahead import LookAhead
from headwater.backtest.parameter_ranges import range_of_text
from headwater.backtest.sweep_requests import (
    SweepRequest,
    WalkForwardRequest,
    run_sweep,
    run_walk_forward,
)
from headwater.strategies.signals import Signals

COSTS = Assumptions(fee_rate=0.001)
RANGES = (range_of_text("fast=3:9:2"), range_of_text("slow=8,20"))


class Peeking(Crossing):
    """Buys where the next close is higher."""

    name = "peeking"

    def generate_signals(self, data: object) -> Signals:
        found = super().generate_signals(data)
        found.enter_long[:-1] = found.bars.close[1:] > found.bars.close[:-1]
        return found


def test_a_named_strategy_is_swept_and_its_best_row_judged(tmp_path: Path) -> None:
    bars = walk(1, 900)
    request = SweepRequest(
        strategy="sma_cross",
        ranges=RANGES,
        fixed={"direction": "both"},
        assumptions=COSTS,
        journal=str(tmp_path / "sweep.jsonl"),
        top=3,
    )
    found = run_sweep(request, bars)
    report = found.report
    # 3, 5, 7, 9 × 8, 20 without 9 × 8.
    assert (report.combinations, report.skipped, len(report.rows)) == (7, 1, 3)
    assert report.rows[0] == found.result.best
    assert found.best.final_equity == found.result.best.final_equity
    assert report.best_parameters["direction"] == "both"
    assert report.overfit.trials == 7
    assert report.look_ahead
    assert report.assumptions["fee"].startswith("10 bps")
    assert len(found.table()) == 3
    assert msgspec.json.decode(msgspec.json.encode(report))["strategy"] == "sma_cross"
    assert run_sweep(request, bars).report.reused == 7


def test_a_best_row_that_looks_ahead_fails_the_sweep() -> None:
    with pytest.raises(LookAhead):
        run_sweep(SweepRequest(strategy=Peeking, ranges=RANGES), walk(2, 400))


def test_a_walk_forward_by_request(tmp_path: Path) -> None:
    request = WalkForwardRequest(
        sweep=SweepRequest(
            strategy="sma_cross", ranges=RANGES, assumptions=COSTS, journal=str(tmp_path)
        ),
        in_sample_days=6,
        out_of_sample_days=3,
        embargo_days=0.5,
        folds=2,
    )
    found = run_walk_forward(request, walk(3, 500))
    assert len(found.folds) == 2
    assert found.folds[0].out_of_sample.from_ms - found.folds[0].in_sample.to_ms == 12 * 3_600_000
    assert len(list(tmp_path.iterdir())) == 2


def test_the_examples_of_the_guide_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = Path(__file__).resolve().parents[2] / "docs" / "guides" / "sweeps.md"
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"bars": walk(4, 24 * 160)}
    blocks = re.findall(r"```python\n(.*?)```", guide.read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, names)
    told = capsys.readouterr().out
    assert "Over-fitted:" in told
    assert "folds, " in told
    assert (tmp_path / "sma.jsonl").exists()
    assert len(list((tmp_path / "sma-folds").iterdir())) == 3
