"""Our command against the oracle: every case, every trade, the whole curve, to 1e-9.

It goes through `headwater backtest --json`, which is what anybody else would hold us to.
"""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from benchmarks.peers.case import Bars, Case
from tests.peers import oracle
from tests.peers.cases import CASES, Named, named
from tests.peers.comparing import Answer, sharpe_by_bars, unlike
from tests.peers.series import SERIES
from typer.testing import CliRunner

from headwater.app.cli import app


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bars")
    for name, make in SERIES.items():
        _write_csv(make(), made / f"{name}.csv")
    return made


def _write_csv(bars: Bars, path: Path) -> None:
    columns = (bars.timestamp_ms, bars.open, bars.high, bars.low, bars.close, bars.volume)
    lines = ["timestamp,open,high,low,close,volume"]
    lines += [
        ",".join(map(repr, row)) for row in zip(*(each.tolist() for each in columns), strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")


def _parameters(case: Case) -> dict[str, Any]:
    if case.strategy == "sma_cross":
        given: dict[str, Any] = {"fast": case.fast, "slow": case.slow}
        brackets = {"stop_loss": case.stop_loss, "take_profit": case.take_profit}
        given |= {name: value for name, value in brackets.items() if value is not None}
    else:
        given = {
            "lookback_period": case.lookback_period,
            "entry_threshold": case.entry_threshold,
            "exit_threshold": case.exit_threshold,
            "ddof": case.ddof,
        }
    return {**given, "direction": case.direction}


def _ours(case: Case, csv: Path) -> Answer:
    words = [
        *("backtest", "--strategy", case.strategy, "--data", str(csv)),
        *("--capital", f"{case.capital:g}", "--fee-bps", f"{case.fee_bps:g}"),
        *("--slippage-bps", f"{case.slippage_bps:g}", "--fill", case.fill, "--json", "--equity"),
    ]
    for name, value in _parameters(case).items():
        words += ["--param", f"{name}={value}"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    said: Answer = json.loads(done.stdout)
    names = ("side", "entry_bar", "exit_bar", "entry_price", "exit_price", "pnl")
    said["trades"] = [[each[name] for name in names] for each in said["trades"]]
    return said


def _offered(case: Case) -> bool:
    """Whether the command has what the case needs: brackets are of `sma_cross` only."""
    return case.strategy == "sma_cross" or not case.has_brackets


OFFERED = [each for each in CASES if _offered(each[1])]


@pytest.mark.parametrize("given", OFFERED, ids=lambda given: named(*given))
def test_ours_is_what_the_oracle_gives(given: Named, folder: Path) -> None:
    series, case = given
    bars = SERIES[series]()
    wanted = oracle.run(case, bars)
    got = _ours(case, folder / f"{series}.csv")
    assert unlike(wanted, got, case.capital) == []
    assert got["insolvent"] == wanted.insolvent
    assert bool(got["pending"]) == wanted.pending
    if not wanted.insolvent:
        sharpe = sharpe_by_bars(wanted.equity, case.capital, bars)
        assert math.isclose(sharpe, got["sharpe"]["bar_365"], rel_tol=1e-7)
