"""Parameters of the maps: read strictly."""

import pytest
from pydantic_core import PydanticCustomError

from headwater.api.map_parameters import (
    HeatmapModel,
    read_bin_size,
    read_epsilon,
    read_flag,
    read_weights,
    read_window,
)
from headwater.core.errors import RequestError
from headwater.services.map_question import MapModel


def test_every_model_but_the_realised_one_is_made_by_the_maps() -> None:
    assert {one.value for one in HeatmapModel} - {"realised"} == {one.value for one in MapModel}


def test_what_is_left_out_has_a_default() -> None:
    assert read_bin_size(None) is None
    assert read_window(None) is None
    assert [one.leverage for one in read_weights(None)] == [5.0, 10.0, 25.0, 50.0, 100.0]


def test_weights_are_made_to_add_up_to_one() -> None:
    assert [(one.leverage, one.weight) for one in read_weights("10:1,100:3")] == [
        (10.0, 0.25),
        (100.0, 0.75),
    ]
    for text in ("", "10", "10:a", "3:1", "10:0", "10:1,10:1", "10:-1", "10:inf"):
        with pytest.raises(RequestError, match="leverage_weights"):
            read_weights(text)


def test_numbers_and_flags() -> None:
    assert read_bin_size("2.5") == 2.5
    assert read_epsilon("0.1") == 0.1
    assert (read_flag("true"), read_flag("false"), read_flag(True)) == (True, False, True)
    for read, text in (
        (read_bin_size, "1e9"),
        (read_bin_size, "10 "),
        (read_bin_size, "+5"),
        (read_bin_size, "1_0"),
        (read_bin_size, "٣"),
        (read_bin_size, "NaN"),
        (read_epsilon, " 1"),
        (read_epsilon, "inf"),
        (read_epsilon, "0"),
        (read_epsilon, "x"),
        (read_flag, "1"),
        (read_window, "5d"),
    ):
        with pytest.raises(PydanticCustomError):
            read(text)
