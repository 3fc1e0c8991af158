"""The contract: parameters, forms, and callbacks that follow from signals."""

from typing import Any

import numpy as np
import pytest
from tests.strategies.samples import bars_of

from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars
from headwater.strategies.base import BaseStrategy
from headwater.strategies.context import StrategyContext
from headwater.strategies.growing_bars import GrowingBars
from headwater.strategies.openings import Opening
from headwater.strategies.parameters import Integer
from headwater.strategies.signals import Signals
from headwater.strategies.trade_parameters import BRACKET


class Above(BaseStrategy):
    """Long above a level, short below it."""

    name = "above"
    declared = (Integer("level", 5, "A price.", least=1, most=9), *BRACKET)

    @property
    def lookback(self) -> int:
        return 2

    @property
    def reverses(self) -> bool:
        return True

    def check(self) -> None:
        if self.params["level"] == 7:
            raise RequestError("level", 7, "any other")

    def generate_signals(self, data: Any) -> Signals:
        bars = self.enough(data)
        return Signals(
            bars,
            enter_long=bars.close > self.params["level"],
            enter_short=bars.close < self.params["level"],
        )


class Asked(BaseStrategy):
    """Answers by itself."""

    def should_open_position(self, data: Any) -> tuple[bool, Any]:
        return len(data) > 1, "short"


class Heard(BaseStrategy):
    """Hears events."""

    def on_bar(self, context: StrategyContext) -> None:
        del context


def test_the_form_is_what_the_class_has_written() -> None:
    assert [one.form() for one in (BaseStrategy, Above, Asked, Heard)] == [
        "signals",
        "signals",
        "callbacks",
        "events",
    ]


def test_parameters_come_as_a_mapping_or_as_keywords() -> None:
    assert Above().params["level"] == 5
    assert Above({"level": "6"}).params["level"] == 6
    assert Above({"level": 6}, level=8).params["level"] == 8
    assert Above.get_parameters()["level"] == {
        "type": "integer", "default": 5, "min": 1, "max": 9, "description": "A price.",
    }  # fmt: skip
    assert BaseStrategy.get_parameters() == {}
    for params, message in (({"lvl": 1}, "above has level"), ({"level": 10}, "level='10'")):
        with pytest.raises(RequestError, match=message):
            Above(params)
    with pytest.raises(RequestError, match="any other"):
        Above(level=7)
    with pytest.raises(RequestError, match="a mapping of names to values"):
        Above([7])  # type: ignore[arg-type]


def test_a_class_that_states_no_name_has_its_own() -> None:
    class Quiet(Above):
        """Says nothing.

        Really.
        """

    class Silent(BaseStrategy):
        pass

    assert (Quiet.name, Quiet.description) == ("Quiet", "Says nothing.")
    assert (Silent.name, Silent.description) == ("Silent", "")
    assert (Above.name, BaseStrategy.name) == ("above", "base")


def test_too_few_bars_are_answered_with_the_look_back() -> None:
    with pytest.raises(RequestError, match="data='1 bars': at least 2 bars: above looks back"):
        Above().generate_signals([{"timestamp": "2024-01-01", "close": 1}])
    assert Above().should_open_position(bars_of([9.0])) == (False, None)
    assert Above().should_close_position({"side": "long"}, bars_of([1.0])) == (False, None)
    assert Above().should_open_position(bars_of([])) == (False, None)


def test_by_default_callbacks_say_what_the_newest_signal_says() -> None:
    strategy = Above(stop_loss=0.1)
    assert strategy.should_open_position(bars_of([1.0, 6.0])) == (
        True,
        Opening(is_long=True, stop_loss=0.1),
    )
    assert strategy.should_open_position(bars_of([6.0, 4.0]))[1].is_long is False
    assert strategy.should_open_position(bars_of([6.0, 5.0])) == (False, None)
    assert strategy.should_close_position({"side": "long"}, bars_of([6.0, 4.0])) == (True, "signal")
    assert strategy.should_close_position({"side": "long"}, bars_of([4.0, 6.0])) == (False, None)
    growing = GrowingBars(bars_of([1.0, 6.0, 4.0]), end=2)
    assert strategy.should_open_position(growing)[0]
    rows = [{"timestamp": f"2024-01-0{day}", "close": day * 3} for day in (1, 2)]
    assert strategy.should_open_position(rows)[0]


def test_the_base_itself_never_acts_and_says_so() -> None:
    with pytest.raises(RequestError, match="one that writes generate_signals"):
        BaseStrategy().generate_signals([])
    base = BaseStrategy()
    assert (base.lookback, base.reverses) == (0, False)
    for hook in (base.on_start, base.on_bar, base.on_trade, base.on_liquidation, base.on_funding):
        hook(None)  # type: ignore[arg-type]
    base.on_fill(None)  # type: ignore[arg-type]
    base.prepare(GrowingBars(bars_of([1.0])))


def test_the_bracket_is_that_of_the_parameters_and_checked() -> None:
    assert Above(take_profit=0.2).checked_bracket().take_profit == 0.2
    assert BaseStrategy().checked_bracket().stop_loss is None

    class Wild(BaseStrategy):
        """A stop of all."""

        declared = (Integer("stop_loss", 1, "All of it.", least=1, most=2),)

    with pytest.raises(RequestError, match="stop_loss"):
        Wild().checked_bracket()


def test_enough_gives_bars_of_whatever_it_was_given() -> None:
    bars = Above().enough({"timestamp": ["2024-01-01", "2024-01-02"], "close": np.ones(2)})
    assert isinstance(bars, Bars)
