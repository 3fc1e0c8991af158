import numpy as np
import pytest

from headwater.analytics.indicator_series import (
    read_positive,
    read_series,
    read_window,
    require_same_length,
)
from headwater.analytics.rolling_sums import sma
from headwater.core.errors import RequestError


def test_numbers_of_any_kind_are_read_and_doubles_are_not_copied() -> None:
    values = np.array([1.0, 2.0])
    assert read_series("values", values)[0] is values
    assert read_series("values", [1, 2])[0].tolist() == [1.0, 2.0]
    assert read_series("values", [])[1] == 0


def test_a_beginning_that_is_not_defined_yet_is_passed_over() -> None:
    assert read_series("values", [np.nan, np.nan, 3.0])[1] == 2
    assert read_series("values", [np.nan, np.nan])[1] == 2
    assert sma(sma([1.0, 3.0, 5.0, 9.0], 2), 2)[2:].tolist() == [3.0, 5.5]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ([1.0, np.nan, 2.0], "close[1]"),
        ([np.nan, 1.0, 2.0, np.nan], "close[3]"),
        ([1.0, 2.0, np.inf], "close[2]"),
        ([-np.inf, 1.0], "close[0]"),
        ([1.0, 1e151], "close[1]"),
        ([[1.0], [2.0]], "close"),
        (3.0, "close"),
        (["a"], "close"),
    ],
)
def test_a_series_that_cannot_be_read_is_named(values: object, field: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_series("close", values)  # type: ignore[arg-type]
    assert refused.value.field == field


@pytest.mark.parametrize("window", [0, -1, 2.5, True, "7"])
def test_a_window_is_a_whole_number_of_bars(window: object) -> None:
    with pytest.raises(RequestError) as refused:
        read_window("lookback", window)  # type: ignore[arg-type]
    assert (refused.value.field, refused.value.value) == ("lookback", str(window))
    assert read_window("lookback", np.int64(7)) == 7


@pytest.mark.parametrize("number", [0.0, -1.0, np.nan, np.inf])
def test_a_factor_is_above_zero(number: float) -> None:
    with pytest.raises(RequestError, match="width"):
        read_positive("width", number)


def test_columns_have_one_length() -> None:
    require_same_length(high=np.zeros(3), low=np.ones(3))
    with pytest.raises(RequestError, match="low"):
        require_same_length(high=np.zeros(3), low=np.ones(2))
