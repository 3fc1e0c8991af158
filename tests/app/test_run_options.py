"""What commands that run strategies are told, and the name of the option in each refusal."""

from pathlib import Path

import pytest

from headwater.app.run_options import (
    BarsWanted,
    CostsWanted,
    assumptions_of,
    bars_of,
    pairs_of,
    span_of,
    strategy_of,
    written,
)
from headwater.backtest.assumptions import FillRule
from headwater.core.errors import ConfigError, RequestError

DAY_MS = 86_400_000
NEW_YEAR_MS = 1_704_067_200_000


def wanted(data: Path | None = None, **changes: str | None) -> BarsWanted:
    given = {"symbol": "", "exchange": "", "interval": "", "start": None, "end": None, **changes}
    return BarsWanted(data=data, **given)  # type: ignore[arg-type]


def costs(**changes: float | str | None) -> CostsWanted:
    given = {"capital": 100.0, "fee_bps": 10.0, "slippage_bps": 5.0, **changes}
    return CostsWanted(fill=FillRule.CLOSE, **given)  # type: ignore[arg-type]


@pytest.fixture
def days(tmp_path: Path) -> Path:
    """Ten days from 2024-01-01 on."""
    file = tmp_path / "days.csv"
    rows = [f"{NEW_YEAR_MS + at * DAY_MS},1,2,1,1,1" for at in range(10)]
    file.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows]) + "\n")
    return file


def test_costs_become_assumptions() -> None:
    found, note = assumptions_of(costs())
    assert (found.fee_rate, found.slippage_rate) == (0.001, 0.0005)
    assert found.fill is FillRule.CLOSE
    assert (found.exchange, note) == ("", "")


def test_a_stated_fee_is_nobodys_but_the_callers() -> None:
    found, note = assumptions_of(costs(exchange="bybit"))
    assert (found.exchange, note) == ("", "")


def test_an_unstated_fee_is_the_venues() -> None:
    found, note = assumptions_of(costs(fee_bps=None, exchange="Hyperliquid"))
    assert found.exchange == "hyperliquid"
    assert found.fee_rate == pytest.approx(0.00045)
    assert "4.5 bps" in note
    assert "--fee-bps" in note


def test_a_date_as_the_end_means_its_whole_day() -> None:
    assert span_of(wanted(start="2024-01-02", end="2024-01-03")) == (
        NEW_YEAR_MS + DAY_MS,
        NEW_YEAR_MS + 3 * DAY_MS,
    )
    assert span_of(wanted(end="2024-01-03T00:00:00Z")) == (None, NEW_YEAR_MS + 2 * DAY_MS)
    with pytest.raises(RequestError, match="end"):
        span_of(wanted(start="2024-01-05", end="2024-01-03"))


def test_bars_of_a_file_are_cut_to_the_wanted_time(days: Path) -> None:
    assert len(bars_of(wanted(days))) == 10
    found = bars_of(wanted(days, start="2024-01-03", end="2024-01-05", symbol="BTCUSDT"))
    assert found.timestamp_ms.tolist() == [NEW_YEAR_MS + at * DAY_MS for at in (2, 3, 4)]
    assert found.symbol == "BTCUSDT"


def test_a_time_without_bars_tells_that_of_the_data(days: Path) -> None:
    with pytest.raises(ConfigError, match=r"--start: 2025.*2024-01-01.*2024-01-10"):
        bars_of(wanted(days, start="2025-01-01"))


def test_no_file_is_named() -> None:
    with pytest.raises(ConfigError, match="--data: not given"):
        bars_of(wanted(exchange="okx"))


def test_pairs_are_names_and_values() -> None:
    assert pairs_of("--param", ["a=1", "b = x=y"], "name=value") == {"a": "1", "b": "x=y"}
    for bad in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(ConfigError, match="--param"):
            pairs_of("--param", bad, "name=value")


def test_a_strategy_has_its_parameters() -> None:
    found = strategy_of("sma_cross", ["fast=5", "direction=both"])
    assert (found.params["fast"], found.params["slow"], found.params["direction"]) == (
        5,
        30,
        "both",
    )


def test_a_file_that_cannot_be_written_names_the_option(tmp_path: Path) -> None:
    file = tmp_path / "no" / "report.html"
    with pytest.raises(ConfigError, match=r"--html.*No such file"), written("--html", file):
        file.write_text("x")
