import msgspec
import numpy as np
import pytest
from tests.backtest.drives import walk
from tests.backtest.swept import Crossing

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.cross_validation import CrossValidation
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep_task import SweepTask
from headwater.core.errors import RequestError

RANGES = [ParameterRange.of("fast", 2, 4), ParameterRange.of("slow", 6, 12, 3)]
COSTS = Assumptions(fee_rate=0.0005)


def test_each_fold_is_tested_with_what_was_best_on_the_others() -> None:
    bars = walk(1, 600)
    made = CrossValidation(Crossing, bars, RANGES, COSTS, folds=3, purge_bars=5, embargo_bars=10)
    result = made.run()
    assert result.combinations == 9
    for fold, split in zip(result.folds, made.splits, strict=True):
        pooled = {}
        for fast in (2, 3, 4):
            for slow in (6, 9, 12):
                returns = []
                for part in split.train:
                    task = SweepTask(
                        strategy=Crossing,
                        bars=bars[: part.end],
                        assumptions=COSTS,
                        trade_from=part.start,
                    )
                    equity = task.outcome({"fast": fast, "slow": slow}).equity
                    returns.append(np.diff(equity, prepend=10_000) / np.r_[10_000, equity[:-1]])
                joined = np.concatenate(returns)
                pooled[fast, slow] = joined.mean() / joined.std(ddof=1) * np.sqrt(8_760)
        best = max(pooled, key=lambda one: pooled[one])
        assert tuple(fold.parameters.values()) == best
        assert fold.train_sharpe == pytest.approx(pooled[best], rel=1e-9)
        (tested,) = split.test
        assert fold.from_ms == bars.timestamp_ms[tested.start]
        for part in split.train:
            assert part.end <= tested.start - 5 or part.start >= tested.end + 15


def test_noise_lands_in_the_middle_and_the_best_of_all_on_top() -> None:
    result = CrossValidation(Crossing, walk(2, 3_000), RANGES, COSTS, folds=6).run()
    assert all(0.0 <= one.test_place <= 1.0 for one in result.folds)
    assert 0.1 < result.mean_place < 0.9
    assert "lost money" in result.words[0]
    alone = CrossValidation(
        Crossing, walk(2, 300), [ParameterRange.listed("fast", [3])], COSTS, folds=2
    ).run()
    assert alone.mean_place == 0.5


def test_tables_json_and_progress() -> None:
    told: list[tuple[int, int]] = []
    result = CrossValidation(Crossing, walk(3, 200), RANGES, folds=2).run(
        lambda done, total: told.append((done, total))
    )
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert list(result.table()[0])[:3] == ["fold", "fast", "slow"]
    assert len(msgspec.json.decode(msgspec.json.encode(result))["folds"]) == 2


def test_folds_need_bars() -> None:
    with pytest.raises(RequestError, match="150 bars for so many"):
        CrossValidation(Crossing, walk(4, 100), RANGES, folds=5)
    with pytest.raises(RequestError, match="purge_bars"):
        CrossValidation(Crossing, walk(4, 100), RANGES, folds=2, purge_bars=60)
