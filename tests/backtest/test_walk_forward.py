from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.drives import bars_of, walk
from tests.backtest.swept import Crossing, Holding, Shorting

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep import Sweep
from headwater.backtest.sweep_task import SweepTask
from headwater.backtest.walk_forward import FOLD_BARS_MIN, Search, WalkForward
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars

SEARCH = Search(ranges=[ParameterRange.of("fast", 2, 5), ParameterRange.of("slow", 8, 14, 2)])
COSTS = Assumptions(fee_rate=0.0005, slippage_rate=0.0001)


def walk_forward(bars: Bars, **more: Any) -> WalkForward:
    parts: dict[str, Any] = {
        "strategy": Crossing,
        "search": SEARCH,
        "in_sample_days": 5,
        "out_of_sample_days": 2,
        "assumptions": COSTS,
    }
    return WalkForward(data=bars, **(parts | more))


@settings(max_examples=150, deadline=None)
@given(
    length=st.integers(200, 1_500),
    inside=st.integers(2, 20),
    outside=st.integers(2, 10),
    embargo=st.floats(0, 2),
    anchored=st.booleans(),
)
def test_no_bar_is_learned_from_and_tested_on(
    length: int, inside: int, outside: int, embargo: float, anchored: bool
) -> None:
    bars = walk(1, length)
    try:
        made = walk_forward(
            bars,
            in_sample_days=inside,
            out_of_sample_days=outside,
            embargo_days=embargo,
            anchored=anchored,
        )
    except RequestError as error:
        assert length < 24 * (inside + embargo) + FOLD_BARS_MIN + 1, error
        return
    apart = int(np.ceil(embargo * 24))
    before = None
    for window in made.windows:
        (train,), (test,) = window.train, window.test
        assert train.start < train.end <= test.start - apart
        assert FOLD_BARS_MIN <= test.end - test.start <= 24 * outside
        assert test.end <= length
        assert train.start == 0 if anchored else train.end - train.start == 24 * inside
        # Tests follow each other: no bar is tested twice or left out.
        assert before is None or test.start == before
        before = test.end


def test_each_fold_is_the_best_of_its_past_run_on_what_follows() -> None:
    bars = walk(2, 600)
    made = walk_forward(bars)
    result = made.run()
    assert len(result.folds) == len(made.windows) == (600 - 120 + 47) // 48
    capital = 10_000.0
    for fold, window in zip(result.folds, made.windows, strict=True):
        (train,), (test,) = window.train, window.test
        inside = Sweep(Crossing, bars[train.start : train.end], SEARCH.ranges, COSTS).run()
        assert fold.parameters == inside.best.parameters
        assert fold.in_sample.sharpe == inside.best.sharpe
        task = SweepTask(
            strategy=Crossing, bars=bars[: test.end], assumptions=COSTS, trade_from=test.start
        )
        outcome = task.outcome(fold.parameters)
        assert fold.out_of_sample.trades == len(outcome.trades.pnl())
        start = test.start - made.windows[0].test[0].start
        piece = result.equity[start : start + len(outcome.equity)]
        # All but the last close, from which the cost of closing is taken.
        scaled = outcome.equity[:-1] * (capital / 10_000.0)
        assert piece[:-1] == pytest.approx(scaled, rel=1e-9)
        capital = float(piece[-1])
    assert result.performance.final_equity == capital
    assert result.timestamp_ms[0] == bars.timestamp_ms[120]
    assert len(result.equity) == 600 - 120


def test_an_open_position_is_valued_as_closed() -> None:
    """Prices stand still at 100; one position is bought at the second bar and never left.

    1 % fee both ways: 10,000 / 1.01 × 0.99 = 9,801.98….
    """
    flat = [100.0] * 200
    result = WalkForward(
        Holding,
        bars_of(flat, flat, flat, flat),
        Search(ranges=[ParameterRange.listed("bars", [100])]),
        in_sample_days=5,
        out_of_sample_days=80 / 24,
        assumptions=Assumptions(fee_rate=0.01),
    ).run()
    assert result.folds[0].out_of_sample.trades == 0
    assert result.equity[-2] == pytest.approx(10_000 / 1.01)
    assert result.equity[-1] == pytest.approx(10_000 / 1.01 * 0.99)


def test_the_future_changes_no_fold_before_it() -> None:
    bars = walk(3, 700)
    whole, cut = walk_forward(bars).run(), walk_forward(bars[:500]).run()
    shared = len(cut.folds) - 1
    assert whole.folds[:shared] == cut.folds[:shared]
    assert whole.equity[: 48 * shared].tolist() == cut.equity[: 48 * shared].tolist()


def test_a_ruined_account_ends_it() -> None:
    """Short while the price stands still, and then when it trebles in the second of four folds."""
    prices = np.concatenate((np.full(190, 100.0), np.full(122, 300.0)))
    open_ = np.concatenate((prices[:1], prices[:-1]))
    bars = bars_of(open_, np.maximum(open_, prices), np.minimum(open_, prices), prices)
    result = walk_forward(
        bars, strategy=Shorting, search=Search(ranges=[ParameterRange.listed("bars", [90])])
    ).run()
    assert (len(result.folds), result.planned_folds) == (2, 4)
    assert [one.insolvent for one in result.folds] == [False, True]
    # Folds of 48 bars begin at bar 120; the account is gone at the close of bar 190.
    assert len(result.equity) == 190 + 1 - 120
    assert result.equity[-1] < 0.0
    assert result.performance.ruined_bar == len(result.equity) - 1


def test_only_the_latest_folds_and_a_journal_for_each(tmp_path: Path) -> None:
    bars = walk(4, 600)
    made = walk_forward(bars, folds=3)
    told: list[tuple[int, int]] = []
    first = made.run(lambda done, total: told.append((done, total)), tmp_path)
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"fold-00{number}.jsonl" for number in (1, 2, 3)
    ]
    again = made.run(resume=tmp_path)
    assert again.folds == first.folds
    whole = walk_forward(bars).run()
    assert [one.parameters for one in first.folds] == [one.parameters for one in whole.folds[-3:]]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"in_sample_days": 1}, "in_sample_days.*at least 1.25 days.*30 bars"),
        ({"out_of_sample_days": 0.1}, "out_of_sample_days"),
        ({"in_sample_days": 24}, "at least 606: 576 to learn from, 0 between, 30 to test on"),
        ({"embargo_days": -1}, "embargo_days"),
        ({"folds": 99}, "from 1 to 10"),
        ({"search": Search(ranges=[ParameterRange.of("speed", 1, 2)])}, "fast, slow"),
    ],
)
def test_what_cannot_be_is_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(RequestError, match=told):
        walk_forward(walk(5, 600), **more)
