"""The JSON of several contracts."""

import msgspec
import pytest
from tests.backtest.portfolio_runs import crossing

from headwater.backtest.portfolio_summary import portfolio_summary


def test_the_summary_is_json_and_says_what_the_result_says() -> None:
    result = crossing()
    found = msgspec.json.decode(msgspec.json.encode(portfolio_summary(result)))
    assert found["final_equity"] == result.outcome.final_equity
    assert len(found["trades"]) == len(result.trades)
    last = found["trades"][-1]
    assert (last["exit_ms"], last["exit_price"], last["pnl"]) == (None, None, None)
    assert found["assumptions"]["sizing"].startswith("asked at every close of every contract")
    assert found["look_ahead"] == "the strategy is handed the past bars alone"
    assert (found["equity"], found["equity_ms"]) == (None, None)
    assert found["metrics"]["final_equity"] == pytest.approx(found["final_equity"])
    assert [one["coverage"]["bars"] for one in found["contracts"]] == [300, 280]


def test_the_equity_comes_with_its_times() -> None:
    result = crossing()
    found = portfolio_summary(result, with_equity=True)
    assert found.equity_ms == tuple(result.outcome.sample_ms.tolist())
    assert found.equity == tuple(result.outcome.equity.tolist())
