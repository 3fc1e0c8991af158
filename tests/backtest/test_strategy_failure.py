"""A strategy's error is told with its bar and with the line of its own file."""

from pathlib import Path
from typing import Any

import pytest
from tests.backtest.drives import walk

from headwater.backtest.engine import BacktestEngine
from headwater.backtest.strategy_failure import failure_text, note_bar
from headwater.strategies.base import BaseStrategy, Decision

HERE = Path(__file__).name


class Failing(BaseStrategy):
    """Fails at the tenth bar, in somebody else's code."""

    name = "failing"

    def should_open_position(self, data: Any) -> Decision:
        return (len(data) == 10 and int("ten") > 0), None


class Leaving(BaseStrategy):
    name = "leaving"

    def generate_signals(self, data: Any) -> Any:
        raise SystemExit(0)


def test_a_callback_names_its_bar_and_line() -> None:
    strategy = Failing()
    with pytest.raises(ValueError, match="'ten'") as caught:
        BacktestEngine(strategy, data=walk(1, 30)).run()
    line = 1 + Path(__file__).read_text("utf-8").split("\n").index(
        '        return (len(data) == 10 and int("ten") > 0), None'
    )
    told = failure_text(caught.value, type(strategy))
    assert told.startswith("the strategy failing failed at bar 9 (")
    assert told.endswith(
        f"ValueError: invalid literal for int() with base 10: 'ten' ({HERE}, line {line})"
    )
    assert "\n" not in told


def test_the_last_line_of_the_strategy_and_not_of_what_it_called_is_named() -> None:
    class Deep(BaseStrategy):
        name = "deep"

        def generate_signals(self, data: Any) -> Any:
            return Path("\0").read_text("utf-8")

    strategy = Deep()
    with pytest.raises(ValueError, match="null") as caught:
        BacktestEngine(strategy, data=walk(1, 30)).run()
    assert f"({HERE}, line " in failure_text(caught.value, type(strategy))


def test_an_exit_is_a_failure_without_a_bar() -> None:
    with pytest.raises(SystemExit) as caught:
        BacktestEngine(Leaving(), data=walk(1, 30)).run()
    assert failure_text(caught.value, Leaving).startswith(
        "the strategy leaving failed: SystemExit: 0 ("
    )


def test_an_error_that_was_never_raised_has_no_line() -> None:
    error = KeyError()
    error.add_note("of somebody else")
    assert failure_text(error, Failing) == "the strategy failing failed: KeyError"
    note_bar(error, 3, "then")
    assert failure_text(error, Failing) == "the strategy failing failed at bar 3 (then): KeyError"
