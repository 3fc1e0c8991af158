"""Strategies that a search does not run are refused before anything is read."""

from typing import Any, ClassVar

import pytest
from tests.backtest.drives import walk
from tests.backtest.swept import Crossing, Holding, Listening

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.searchable import check_one_is_enough, check_searchable
from headwater.backtest.sweep import Sweep
from headwater.backtest.sweep_task import SweepTask
from headwater.backtest.walk_forward import Search, WalkForward
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars
from headwater.strategies.base import BaseStrategy
from headwater.strategies.funding_carry import FundingCarry
from headwater.strategies.parameters import Integer, Parameter
from headwater.strategies.signals import Signals

ALLOWED = "one of signals or callbacks over a single contract"
COSTS = Assumptions(fee_rate=0.0005)
UNREAD = "what would be refused if it were read"


class Legs(BaseStrategy):
    """Takes as many contracts as its parameter says; at least as many bars as that."""

    name = "legs"
    declared: ClassVar[tuple[Parameter, ...]] = (
        Integer("legs", 1, "Contracts.", least=1, most=9),
        Integer("bars", 5, "Bars.", least=1, most=9),
    )

    @property
    def contracts_least(self) -> int:
        return int(self.params["legs"])

    def check(self) -> None:
        if self.params["bars"] < self.params["legs"]:
            raise RequestError("bars", self.params["bars"], "as many as legs")

    def generate_signals(self, data: Any) -> Signals:
        bars = Bars.of(data)
        return Signals(bars, enter_long=bars.close > 0)


class Broken(Legs):
    """Cannot be made."""

    name = "broken"

    def check(self) -> None:
        raise ZeroDivisionError("by design")


def test_signals_and_callbacks_over_one_contract_are_searched() -> None:
    check_searchable(Crossing)
    check_searchable(Crossing, {"slow": 2})  # refused with the default of the other one alone
    check_searchable(Holding)
    check_searchable(Legs, {"legs": 1})


@pytest.mark.parametrize(
    ("kind", "fixed", "why"),
    [
        (FundingCarry, {}, "takes 2 contracts"),
        (Listening, {}, "hears events"),
        (Legs, {"legs": 3}, "takes 3 contracts"),
        (Broken, {}, "ZeroDivisionError: by design"),
    ],
)
def test_all_others_are_named_with_the_reason(
    kind: type[BaseStrategy], fixed: dict[str, Any], why: str
) -> None:
    with pytest.raises(RequestError, match=why) as refused:
        check_searchable(kind, fixed)
    assert (refused.value.field, refused.value.value) == ("strategy", kind.name)
    assert "a strategy that can be made" in refused.value.allowed or (
        refused.value.allowed.startswith(ALLOWED)
    )


@pytest.mark.parametrize("kind", [FundingCarry, Listening])
def test_neither_search_looks_at_the_data_first(kind: type[BaseStrategy]) -> None:
    with pytest.raises(RequestError, match=ALLOWED):
        Sweep(kind, UNREAD, [], COSTS)
    with pytest.raises(RequestError, match=ALLOWED):
        WalkForward(kind, UNREAD, Search(ranges=[]), in_sample_days=1, out_of_sample_days=1)


def test_a_combination_that_takes_several_is_named_and_not_run_over_one() -> None:
    sweep = Sweep(Legs, walk(3, 60), [ParameterRange.listed("legs", [1, 2])], COSTS, workers=1)
    with pytest.raises(RequestError, match=r"combination='legs=2': .*takes 2 contracts"):
        sweep.run()
    with pytest.raises(RequestError, match="takes 2 contracts"):
        SweepTask(strategy=Legs, bars=walk(3, 60), assumptions=COSTS).outcome({"legs": 2})
    with pytest.raises(RequestError, match="takes 9 contracts"):
        check_one_is_enough(Legs({"legs": 9, "bars": 9}))
