"""What a job does with its inputs: funding, smaller bars and the contract decide its result."""

from typing import Any

import msgspec
import numpy as np
import pytest
from tests.backtest.job_samples import request
from tests.backtest.stored_hours import FUNDED, HOUR, PARAMETERS, ROWS, START

from headwater.backtest.funding import FundingColumns
from headwater.backtest.job_message import uncompressed
from headwater.backtest.job_request import JobRequest, OptimiseRequest, ParameterSpan
from headwater.backtest.job_run import run_job
from headwater.backtest.run_inputs import RunInputs
from headwater.backtest.tier_rows import TierRow
from headwater.core.intervals import Interval
from headwater.strategies.bars import Bars


def hours() -> Bars:
    columns = {
        "open": np.array([float(one) for one, _ in ROWS]),
        "high": np.full(len(ROWS), 15.0),
        "low": np.full(len(ROWS), 5.0),
        "close": np.array([float(one) for _, one in ROWS]),
        "volume": np.ones(len(ROWS)),
    }
    times = START + HOUR * np.arange(len(ROWS))
    return Bars(times, columns, symbol="BTCUSDT", interval_ms=HOUR)


def halves() -> Bars:
    """The halves of hour 3: 15 in the first, 5 in the second."""
    columns = {
        "open": np.array([12.0, 14.0]),
        "high": np.array([15.0, 14.0]),
        "low": np.array([11.0, 5.0]),
        "close": np.array([14.0, 13.0]),
        "volume": np.ones(2),
    }
    times = START + 3 * HOUR + np.arange(2) * HOUR // 2
    return Bars(times, columns, symbol="BTCUSDT", interval_ms=HOUR // 2)


def paid() -> FundingColumns:
    times = START + HOUR * np.array([3, 4, 5])
    return FundingColumns.of(times, [0.5, 0.001, -0.0005])


def wish(**changes: Any) -> Any:
    span = {"timeframe": Interval.H1, "start_ms": START, "end_ms": START + 6 * HOUR}
    return request(**{"parameters": PARAMETERS, "fee_rate": 0.0, **span, **changes})


def done(asked: JobRequest, **inputs: Any) -> dict[str, Any]:
    def load(wanted: JobRequest) -> RunInputs:
        assert wanted is asked
        return RunInputs(bars=hours(), **inputs)

    output = run_job(asked, asked.strategy, load, lambda *_: None)
    found: dict[str, Any] = msgspec.json.decode(uncompressed(output.result))
    return found


def test_funding_is_paid_and_said() -> None:
    found = done(wish(), funding=paid(), funding_text="3 payments")
    assert found["final_equity"] == pytest.approx(FUNDED, rel=1e-12)
    assert found["assumptions"]["funding"] == "3 payments"


def test_smaller_bars_tell_that_the_target_came_first() -> None:
    levels = {**PARAMETERS, "stop_loss": 0.5, "take_profit": 0.2}
    asked = msgspec.structs.replace(wish(), parameters=levels)
    assert done(asked)["trades"][0]["exit_price"] == pytest.approx(6.0)
    found = done(asked, detail=halves())
    assert found["trades"][0]["exit_price"] == pytest.approx(14.4)
    assert "30m bars" in found["assumptions"]["intrabar"]


def test_the_contract_rounds_and_liquidates() -> None:
    assert done(wish(quantity_step=100.0))["final_equity"] == pytest.approx(10_000 - 800 * 4)
    row = TierRow(notional_floor=0.0, maintenance_rate=0.01, leverage_max=20.0)
    found = done(wish(leverage=10.0, tiers=(row,)))
    assert found["trades"][0]["exit_price"] == pytest.approx(90_000 / (100_000 / 12 * 0.99))
    assert "NONE" in done(wish(leverage=10.0))["assumptions"]["liquidation"]


def test_a_search_pays_funding_and_looks_into_its_bars() -> None:
    """One combination: the hand-worked one, with 15 reached before 5 by the smaller bars."""
    run = msgspec.structs.asdict(wish(parameters={"slow": 2, "take_profit": 0.2, "stop_loss": 0.5}))
    span = ParameterSpan(name="fast", start=1.0, stop=1.0, step=1.0)
    asked = OptimiseRequest(**run, spans=(span,))
    found = done(asked, detail=halves(), funding=paid(), funding_text="3 payments")
    assert found["report"]["assumptions"]["funding"] == "3 payments"
    # Out at 14.4 within hour 3, before any payment is due.
    assert found["report"]["rows"][0]["final_equity"] == pytest.approx(10_000 / 12 * 14.4)
    assert found["best"]["final_equity"] == pytest.approx(10_000 / 12 * 14.4)
    run["parameters"] = {"slow": 2}
    found = done(OptimiseRequest(**run, spans=(span,)), funding=paid())
    assert found["report"]["rows"][0]["final_equity"] == pytest.approx(FUNDED)
