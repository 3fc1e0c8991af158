import msgspec
import numpy as np
import pytest

from headwater.analytics.performance import performance
from headwater.backtest.walk_forward_result import (
    FoldFigures,
    ParameterStability,
    WalkForwardFold,
    WalkForwardResult,
)


def fold(number: int, gained: float, efficiency: float | None) -> WalkForwardFold:
    figures = FoldFigures(
        from_ms=0,
        to_ms=1,
        bars=2,
        total_return=gained,
        growth_rate=0.1,
        sharpe=None,
        max_drawdown=-0.1,
        trades=3,
    )
    return WalkForwardFold(
        number=number,
        parameters={"fast": number},
        in_sample=figures,
        out_of_sample=figures,
        efficiency=efficiency,
        insolvent=False,
    )


def result(*folds: WalkForwardFold, planned: int = 0) -> WalkForwardResult:
    equity = np.array([100.0, 110.0])
    times = np.array([0, 3_600_000])
    return WalkForwardResult(
        strategy="crossing",
        objective="sharpe",
        folds=folds,
        planned_folds=planned or len(folds),
        timestamp_ms=times,
        equity=equity,
        performance=performance(equity, capital=100.0, timestamps_ms=times, interval_ms=3_600_000),
        stability=(ParameterStability(name="fast", chosen=(1, 2), distinct=2, mean_step=1.0),),
        assumptions={"fee": "10 bps"},
    )


def test_efficiency_is_the_middle_one_of_those_that_are_known() -> None:
    assert result(fold(1, 0.1, 0.2), fold(2, 0.1, None), fold(3, 0.1, 0.8)).efficiency == (
        pytest.approx(0.5)
    )
    assert result(fold(1, 0.1, None)).efficiency is None


def test_words_say_what_it_means() -> None:
    held = result(fold(1, 0.1, 0.9), fold(2, -0.1, 0.7)).words()
    assert held[0] == "2 folds, 50% gained out of sample; joined +10.0%."
    assert "80% of its rate in sample: what was learned held" in held[1]
    assert "over-fitting is likely" in result(fold(1, 0.1, 0.1)).words()[1]
    assert "nothing to choose" in result(fold(1, 0.1, None)).words()[1]
    assert "ruined in fold 1" in result(fold(1, 0.1, 0.1), planned=4).words()[-1]


def test_tables_and_json() -> None:
    found = result(fold(1, 0.1, 0.9))
    assert list(found.table()[0])[:4] == ["fold", "fast", "in_from_ms", "in_to_ms"]
    read = msgspec.json.decode(msgspec.json.encode(found.summary()))
    assert read["folds"][0]["parameters"] == {"fast": 1}
    assert read["stability"][0]["mean_step"] == 1.0
    assert read["performance"]["final_equity"] == 110.0
