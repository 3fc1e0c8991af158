"""What commands that try many parameters are told."""

from typing import Any

import pytest

from headwater.app.sweep_options import COUNT_MAX, option_of, progress_shown, sweep_request
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.sweep_requests import SweepRequest
from headwater.core.errors import ConfigError


def request(**changes: Any) -> SweepRequest:
    given: dict[str, Any] = {
        "method": "grid",
        "samples": 10,
        "seed": 1,
        "objective": "sharpe",
        "scheduler": "",
        "workers": None,
        "journal": "",
        "top": 5,
    }
    given.update(changes)
    return sweep_request("sma_cross", ["fast=3:9:3"], ["slow=20"], Assumptions(), **given)


def test_options_become_a_request() -> None:
    found = request()
    assert [one.values for one in found.ranges] == [(3, 6, 9)]
    assert found.fixed == {"slow": "20"}
    assert (found.strategy, found.seed, found.top) == ("sma_cross", 1, 5)


@pytest.mark.parametrize(("name", "option"), [("top", "--top"), ("samples", "--trials")])
@pytest.mark.parametrize("value", [0, COUNT_MAX + 1])
def test_counts_are_bounded(name: str, option: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"{option}: {value}"):
        request(**{name: value})


def test_fields_are_called_by_their_options() -> None:
    assert option_of("samples") == "--trials"
    assert option_of("in_sample_days") == "--in-sample-days"
    assert "fast" in option_of("fast: step")


def test_no_bar_is_shown_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_shown("sweeping") as progress:
        assert progress is None
    assert capsys.readouterr().err == ""
