"""Which strategies may be named: registered ones and the operator's files, never a path."""

import pytest
from tests.backtest.hostile_strategies import ALL, FILES

from headwater.backtest.strategy_catalogue import FILES_MAX, StrategyCatalogue
from headwater.core.errors import ConfigError, RequestError
from headwater.strategies.sma_cross import SmaCross


def test_registered_ones_and_files_by_name() -> None:
    catalogue = StrategyCatalogue(FILES)
    assert catalogue.of("sma_cross") is SmaCross
    assert catalogue.of("raises").name == "raises"
    assert catalogue.reference("sma_cross") == "sma_cross"
    assert catalogue.reference("raises") == FILES[0]
    assert {one.name for one in ALL} <= set(catalogue.names())
    told = {one.name: one for one in catalogue.available()}
    assert (told["raises"].source, told["sma_cross"].source) == ("file", "registered")
    assert told["sma_cross"].form == "signals"
    assert told["sma_cross"].parameters["fast"]["type"] == "integer"


@pytest.mark.parametrize("name", ["", "nothing", "../sma_cross", FILES[0], "os", "bars"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(RequestError) as refused:
        StrategyCatalogue(FILES[1:]).of(name)
    assert refused.value.field == "strategy"


def test_parameters_are_checked() -> None:
    catalogue = StrategyCatalogue()
    catalogue.check("sma_cross", {"fast": "5", "slow": 20})
    with pytest.raises(RequestError, match="fast"):
        catalogue.check("sma_cross", {"fast": 0})
    with pytest.raises(RequestError, match="speed"):
        catalogue.check("sma_cross", {"speed": 0})


def test_values_of_a_search_are_checked_one_by_one() -> None:
    """Fast from 5 to 50 and slow from 5 to 90: not every pair can be run, and that is no fault."""
    catalogue = StrategyCatalogue()
    catalogue.check_swept("sma_cross", {"direction": "both"}, {"fast": (5, 50), "slow": (5, 90)})
    for fixed, swept, named in (
        ({"direction": "up"}, {"fast": (5, 9)}, "direction"),
        ({}, {"fast": (5, -1)}, "fast"),
        ({}, {"speed": (1, 2)}, "speed"),
    ):
        with pytest.raises(RequestError, match=named):
            catalogue.check_swept("sma_cross", fixed, swept)


def test_a_search_of_what_takes_several_contracts_is_refused() -> None:
    with pytest.raises(RequestError, match="takes 2 contracts") as refused:
        StrategyCatalogue().check_swept("funding_carry", {}, {"leg_size": (0.1, 0.2)})
    assert (refused.value.field, refused.value.value) == ("strategy", "funding_carry")


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (("nowhere.py:Own",), "a Python file that is there"),
        ((FILES[0].partition(":")[0] + ":Nothing",), "a class of"),
        ((FILES[0], FILES[0]), "is taken"),
        (("nowhere.py",) * (FILES_MAX + 1), "51 files"),
    ],
)
def test_files_that_cannot_be_are_a_setting_that_is_wrong(
    files: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem) as wrong:
        StrategyCatalogue(files)
    assert wrong.value.setting == "strategy_files"
