"""Declared parameters: read from any spelling, refused by name."""

from typing import Any

import pytest

from headwater.core.errors import RequestError
from headwater.strategies.parameters import (
    Choice,
    Integer,
    Number,
    Parameter,
    Switch,
    Text,
    checked_parameters,
)

WINDOW = Integer("window", 20, "Bars.", least=5, most=100)
STOP = Number("stop", None, "A fraction.", least=0.01, most=0.5)
WIDTH = Number("width", 2.0, "Deviations.", least=0.5, most=5.0)
SIDE = Choice("side", "long", "Which.", options=("long", "both"))
LOUD = Switch("loud", False, "Whether.")
NOTE = Text("note", "", "Words.", most=5)
ALL: tuple[Parameter, ...] = (WINDOW, STOP, WIDTH, SIDE, LOUD, NOTE)


@pytest.mark.parametrize(
    ("parameter", "given", "read"),
    [
        (WINDOW, 7, 7), (WINDOW, "7", 7), (WINDOW, 7.0, 7), (WINDOW, 5, 5), (WINDOW, "100", 100),
        (WIDTH, 3, 3.0), (WIDTH, "0.5", 0.5), (STOP, None, None), (STOP, "none", None),
        (STOP, "", None), (STOP, 0.5, 0.5), (SIDE, " Both ", "both"), (LOUD, "yes", True),
        (LOUD, True, True), (LOUD, "0", False), (LOUD, 1, True), (NOTE, 5, "5"),
    ],
)  # fmt: skip
def test_values_of_every_spelling_are_read(parameter: Parameter, given: Any, read: Any) -> None:
    found = parameter.read(given)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("parameter", "given", "message"),
    [
        (WINDOW, 4, "window='4': a whole number from 5 to 100"),
        (WINDOW, 101, "window='101'"), (WINDOW, 7.5, "window='7.5'"), (WINDOW, True, "window="),
        (WINDOW, "x", "window='x'"), (WINDOW, None, "window='None'"), (WINDOW, [], "window="),
        (WINDOW, float("nan"), "window='nan'"), (WINDOW, "inf", "window='inf'"),
        (WIDTH, None, "width='None'"), (WIDTH, 5.01, "a number from 0.5 to 5"),
        (STOP, 0.6, "a number from 0.01 to 0.5, or none"), (STOP, {}, "stop="),
        (SIDE, "short", "side='short': one of long, both"), (LOUD, "maybe", "true or false"),
        (NOTE, "longer", "at most 5"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_named(parameter: Parameter, given: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        parameter.read(given)


def test_all_parameters_have_a_value_and_none_can_be_changed() -> None:
    params = checked_parameters(ALL, {"window": "9"}, "mine")
    assert dict(params) == {
        "window": 9, "stop": None, "width": 2.0, "side": "long", "loud": False, "note": "",
    }  # fmt: skip
    with pytest.raises(TypeError):
        params["window"] = 3  # type: ignore[index]


def test_an_unknown_name_is_told_with_those_that_there_are() -> None:
    with pytest.raises(RequestError, match="parameter='windows': mine has window, stop, width"):
        checked_parameters(ALL, {"windows": 9}, "mine")
    with pytest.raises(RequestError, match="base has none at all"):
        checked_parameters((), {"windows": 9}, "base")


def test_each_is_described() -> None:
    assert WINDOW.described() == {
        "type": "integer", "default": 20, "min": 5, "max": 100, "description": "Bars.",
    }  # fmt: skip
    assert STOP.described()["type"] == "number"
    assert SIDE.described()["options"] == ["long", "both"]
    assert (LOUD.described()["type"], NOTE.described()["type"]) == ("boolean", "string")


@pytest.mark.parametrize("given", [10**400, -(10**400), "1_0", "\uff11\uff10", "\u0667", "1e999"])
def test_no_number_of_nobody_is_read(given: Any) -> None:
    """Too large for any float, or spelt as only a program would: 1_0 is ten to Python."""
    with pytest.raises(RequestError, match=r"^window=.*a whole number from 5 to 100"):
        WINDOW.read(given)
    with pytest.raises(RequestError, match=r"^width=.*a number from 0.5 to 5"):
        WIDTH.read(given)
