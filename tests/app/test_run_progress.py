"""What is said while a strategy runs."""

import pytest
import typer

from headwater.app.run_progress import bar_progress, failures_told
from headwater.core.errors import ConfigError
from headwater.strategies.sma_cross import SmaCross


def test_no_bar_is_shown_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with bar_progress(SmaCross(), is_asked=True) as progress:
        assert progress is None
    assert capsys.readouterr().err == ""


def test_a_failure_of_the_strategy_ends_with_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, failures_told(SmaCross()):
        raise ValueError("no idea")
    assert ended.value.exit_code == 1
    assert "sma_cross failed: ValueError: no idea" in capsys.readouterr().err


def test_our_own_refusals_pass() -> None:
    with pytest.raises(ConfigError), failures_told(SmaCross()):
        raise ConfigError("--data", "x", "y")
