"""What commands that try many parameters are told."""

from pathlib import Path
from typing import Any

import pytest

from headwater.app.sweep_options import COUNT_MAX, SearchOptions, option_of, progress_shown
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.sweep_requests import SweepRequest
from headwater.core.errors import ConfigError


def request(*, top: int = 5, **changes: Any) -> SweepRequest:
    given: dict[str, Any] = {"range_": ["fast=3:9:3"], "trials": 10, "seed": 1, **changes}
    return SearchOptions(**given).request("sma_cross", ["slow=20"], Assumptions(), top=top)


def test_options_become_a_request() -> None:
    found = request()
    assert [one.values for one in found.ranges] == [(3, 6, 9)]
    assert found.fixed == {"slow": "20"}
    assert (found.strategy, found.seed, found.top) == ("sma_cross", 1, 5)


@pytest.mark.parametrize(("name", "option"), [("top", "--top"), ("trials", "--trials")])
@pytest.mark.parametrize("value", [0, COUNT_MAX + 1])
def test_counts_are_bounded(name: str, option: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"{option}: {value}"):
        request(**{name: value})


def test_fields_are_called_by_their_options() -> None:
    assert option_of("samples") == "--trials"
    assert option_of("in_sample_days") == "--in-sample-days"
    assert "fast" in option_of("fast: step")


def test_a_journal_that_is_not_there_is_told_and_a_folder_that_is_not_there_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new.jsonl"
    SearchOptions(resume=str(new)).check_resume()
    assert f"nothing to resume at {new}; it is begun there" in capsys.readouterr().err
    assert not new.exists()
    new.touch()
    SearchOptions(resume=str(new)).check_resume()
    SearchOptions().check_resume()
    assert capsys.readouterr().err == ""
    with pytest.raises(ConfigError, match=r"--resume.*nothing to resume, and no folder"):
        SearchOptions(resume=str(tmp_path / "no" / "such.jsonl")).check_resume()
    assert not (tmp_path / "no").exists()


def test_no_bar_is_shown_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_shown("sweeping") as progress:
        assert progress is None
    assert capsys.readouterr().err == ""
