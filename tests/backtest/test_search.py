import sys
from pathlib import Path

import numpy as np
import pytest
from tests.backtest.drives import walk
from tests.backtest.swept import Crossing

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep import Sweep
from headwater.core.errors import ConfigError, RequestError

BARS = walk(1, 400)
RANGES = [
    ParameterRange.of("fast", 2, 20),
    ParameterRange.of("slow", 4, 40),
    ParameterRange.listed("direction", ["long", "both"]),
]


def sweep(samples: int = 40, seed: int = 3, **more: object) -> Sweep:
    return Sweep(
        Crossing,
        BARS,
        RANGES,
        Assumptions(fee_rate=0.0005),
        method="bayesian",
        samples=samples,
        seed=seed,
        **more,  # type: ignore[arg-type]
    )


def test_the_same_seed_takes_the_same_way_on_any_number_of_cores() -> None:
    one, two, other = sweep(workers=1).run(), sweep(workers=2).run(), sweep(seed=4).run()
    assert len(one) == 40
    assert one.numbers.tolist() == two.numbers.tolist() != other.numbers.tolist()
    assert one.figures.tolist() == two.figures.tolist()
    assert all(one.grid.allows(number) for number in one.numbers.tolist())


def test_it_learns() -> None:
    """What it asks for after the first batches is better than what chance draws."""
    whole = Sweep(Crossing, BARS, RANGES, Assumptions(fee_rate=0.0005)).run()
    found = sweep(samples=120).run()
    typical = float(np.nanmedian(whole.values("sharpe")))
    assert float(np.nanmedian(found.values("sharpe"))) > typical
    assert found.best.sharpe is not None
    better = np.mean(whole.values("sharpe") > found.best.sharpe)
    assert better < 0.02


def test_a_small_grid_is_exhausted_and_no_more() -> None:
    small = Sweep(
        Crossing, BARS, [ParameterRange.of("fast", 6, 9)], method="bayesian", samples=50
    ).run()
    # slow is 8: of 6, 7, 8, 9 two are faster.
    assert [row.parameters["fast"] for row in small.rows()] in ([6, 7], [7, 6])
    assert small.skipped == 2


def test_an_interrupted_search_takes_the_same_way_again(tmp_path: Path) -> None:
    journal = tmp_path / "search.jsonl"

    class Cancelled(Exception):
        pass

    def cancel(done: int, _: int) -> None:
        if done >= 16:
            raise Cancelled

    with pytest.raises(Cancelled):
        sweep().run(cancel, journal)
    again, fresh = sweep().run(resume=journal), sweep().run()
    assert again.reused >= 10
    assert again.numbers.tolist() == fresh.numbers.tolist()
    assert again.figures.tolist() == fresh.figures.tolist()


def test_without_optuna_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r'pip install "headwater\[optimise\]"'):
        sweep().run()


def test_nothing_allowed_is_told() -> None:
    none = Sweep(Crossing, BARS, [ParameterRange.of("fast", 8, 9)], method="bayesian", samples=3)
    with pytest.raises(RequestError, match="combinations"):
        none.run()
    with pytest.raises(RequestError, match="samples"):
        sweep(samples=0).run()
