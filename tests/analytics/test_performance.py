import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.analytics.performance import Performance, performance
from headwater.core.errors import RequestError

DAY_MS = 86_400_000


def _daily(equity: list[float], **more: Any) -> Performance:
    times = DAY_MS * np.arange(20_000, 20_000 + len(equity))
    return performance(equity, capital=100.0, timestamps_ms=times, interval_ms=DAY_MS, **more)


def test_worked_by_hand() -> None:
    # 100 → 110 → 99 → 108.9: returns 0.1, −0.1, 0.1; mean 1/30, deviations 1/15, 2/15, 1/15:
    # Σ squares 6/225, std = sqrt(3/225) = 0.11547; sqrt(365) = 19.105. Downside sqrt(0.01 / 3).
    found = _daily([110.0, 99.0, 108.9], trade_pnls=[10.0, -1.1], exposed=[0, 3, -2])
    year = math.sqrt(365.0)
    std = math.sqrt(3.0) / 15.0
    assert found.final_equity == 108.9
    assert found.total_pnl == pytest.approx(8.9)
    assert found.total_return == pytest.approx(0.089)
    assert found.cagr == pytest.approx(1.089 ** (365 / 3) - 1.0)
    assert found.volatility == pytest.approx(std * year)
    assert found.downside_volatility == pytest.approx(0.1 / math.sqrt(3.0) * year)
    assert found.sharpe.bar_365 == pytest.approx(year / 30.0 / std)
    # Days: −0.1 and 0.1, the first day has none before it: mean 0.
    assert found.sharpe.daily_arith_365 == pytest.approx(0.0, abs=1e-12)
    assert found.sortino == pytest.approx(year / 30.0 / (0.1 / math.sqrt(3.0)))
    assert found.omega == pytest.approx(2.0)
    assert found.max_drawdown == pytest.approx(-0.1)
    assert found.calmar == pytest.approx((1.089 ** (365 / 3) - 1.0) / 0.1)
    assert found.pain_ratio == pytest.approx((1.089 ** (365 / 3) - 1.0) / (0.11 / 3))
    assert (found.max_drawdown_bars, found.max_drawdown_ms) == (2, 2 * DAY_MS)
    assert (found.profit, found.total_trades, found.win_rate) == (8.9, 2, 0.5)
    assert found.exposure == pytest.approx(2 / 3)
    assert found.ruined_bar is None


def test_daily_ratios_differ_by_their_year_only() -> None:
    sharpe = _daily([110.0, 99.0, 108.9, 130.0]).sharpe
    assert sharpe.daily_arith_365 is not None
    assert sharpe.daily_arith_252 is not None
    ratio = sharpe.daily_arith_252 / sharpe.daily_arith_365
    assert ratio == pytest.approx(math.sqrt(252 / 365))


def test_a_run_that_never_traded() -> None:
    found = _daily([100.0] * 5, exposed=[0] * 5)
    assert (found.total_return, found.cagr, found.max_drawdown, found.exposure) == (0, 0, 0, 0)
    assert found.volatility == 0.0
    assert found.sharpe.bar_365 is found.sharpe.daily_arith_365 is found.sortino is None
    assert found.calmar is found.omega is found.pain_ratio is found.avg_drawdown is None


def test_a_run_without_bars() -> None:
    found = _daily([])
    assert (found.final_equity, found.total_return, found.max_drawdown) == (100.0, 0.0, 0.0)
    assert found.cagr is found.volatility is found.exposure is None


def test_nothing_counts_after_the_ruin() -> None:
    broke = _daily([110.0, -20.0])
    later = _daily([110.0, -20.0, 500.0, -70.0])
    assert broke == later
    assert (broke.ruined_bar, broke.final_equity, broke.total_return) == (1, -20.0, -1.2)
    assert broke.max_drawdown == pytest.approx(-20.0 / 110.0 - 1.0)
    assert broke.cagr is broke.calmar is None
    assert _daily([50.0, 0.0]).cagr == -1.0


@settings(max_examples=200, deadline=None)
@given(
    equity=st.lists(st.floats(-1e3, 1e12) | st.just(100.0), max_size=40),
    pnls=st.lists(st.floats(-1e9, 1e9), max_size=10),
)
def test_every_number_can_be_written_as_json(equity: list[float], pnls: list[float]) -> None:
    def look(value: object) -> None:
        if isinstance(value, dict):
            for part in value.values():
                look(part)
        elif isinstance(value, list | tuple):
            for part in value:
                look(part)
        elif value is not None:
            assert type(value) in (int, float)
            assert math.isfinite(value)  # type: ignore[arg-type]

    found = _daily(equity, trade_pnls=pnls)
    look(msgspec.to_builtins(found))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Performance) == found


def test_exposure_needs_a_value_for_each_bar() -> None:
    with pytest.raises(RequestError, match="exposed"):
        _daily([100.0], exposed=[1, 1])
    with pytest.raises(RequestError, match="timestamps_ms"):
        performance([1.0, 2.0], capital=1.0, timestamps_ms=[5, 4], interval_ms=1)
