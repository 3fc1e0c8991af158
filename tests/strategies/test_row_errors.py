"""Errors of rows: a text for people, the number as data."""

from headwater.core.errors import RequestError
from headwater.strategies.row_errors import RowError


def test_a_row_is_counted_from_one_in_words_and_from_zero_as_data() -> None:
    error = RowError("close", "x", "a number", row=4)
    assert isinstance(error, RequestError)
    assert (error.row, error.field, error.bare) == (4, "close", "a number")
    assert str(error) == "close='x': a number; row 5"


def test_a_row_may_have_another_name() -> None:
    error = RowError("close", "x", "a number", row=4, where="bar 4 at noon")
    assert error.allowed == "a number; bar 4 at noon"
