"""Comparison of runs: what differs is found, what is alike is not, files are read."""

from pathlib import Path

import msgspec
import pytest
from tests.backtest.report_runs import Once, ruined, run

from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.comparison import RUNS_MAX, compared, read_summary
from headwater.backtest.summary import Summary, summary
from headwater.core.errors import RequestError


def test_runs_that_differ_in_parameters_alone_are_alike() -> None:
    found = compared({"a": summary(run()), "b": summary(run(stop_loss=0.02))})
    assert found.is_alike
    assert found.differences == ()
    assert [(one.what, one.values) for one in found.strategies] == [("stop_loss", ("off", "0.02"))]


def test_other_costs_fills_and_bars_are_named() -> None:
    plain = summary(run())
    costly = summary(run(assumptions=Assumptions(fee_rate=0.001, fill=FillRule.CLOSE)))
    found = compared({"plain": plain, "costly": costly, "short": summary(run(bars=400))})
    assert not found.is_alike
    differing = {one.what: one.values for one in found.differences}
    assert set(differing) == {"bars", "last bar", "fee", "fill"}
    assert differing["bars"] == ("500", "500", "400")
    assert differing["fee"][1].startswith("10 bps")


def test_figures_stand_side_by_side_and_ruin_is_named() -> None:
    one, other = summary(run(Once)), summary(ruined())
    found = compared({"once": one, "ruined": other})
    assert found.insolvent == ("ruined",)
    figures = {metric.name: metric.values for metric in found.metrics}
    assert figures["total_return"] == (one.total_return, other.total_return)
    assert figures["sharpe.bar_365"] == (one.sharpe.bar_365, other.sharpe.bar_365)
    assert figures["win_rate"] == (one.win_rate, None)


@pytest.mark.parametrize("count", [0, 1, RUNS_MAX + 1])
def test_too_few_and_too_many_runs_are_refused(count: int) -> None:
    one = summary(run(Once))
    with pytest.raises(RequestError, match=f"{count}.*from 2 to {RUNS_MAX}"):
        compared({str(number): one for number in range(count)})


def test_a_summary_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    written = summary(run(), with_equity=True)
    file.write_bytes(msgspec.json.encode(written))
    read = read_summary(file)
    assert isinstance(read, Summary)
    assert read.equity == written.equity
    assert compared({"a": read, "b": written}).is_alike


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2]", b"not json"])
def test_what_is_no_summary_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(content)
    with pytest.raises(RequestError, match="backtest --json"):
        read_summary(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"run.*gone\.json"):
        read_summary(tmp_path / "gone.json")
