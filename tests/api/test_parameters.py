"""Parameters are read strictly."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from headwater.api.parameters import (
    MOMENT_MAX_MS,
    WholeNumber,
    check_span,
    read_interval,
    read_moment,
)
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval


@pytest.mark.parametrize(
    "text",
    [
        *("0", "-1", "1501", "1000000000", "NaN", "Infinity", "1e3", "1.0", "+5", "1_0"),
        *("true", "null", "0x5", "٥", "９", " 5", "5 ", "5\n", "5\x00", "", "9" * 5000),
    ],
)
def test_only_digits_within_bounds_are_numbers(text: str) -> None:
    with pytest.raises(PydanticCustomError, match="not allowed") as caught:
        WholeNumber(1, 1500)(text)
    assert caught.value.context == {"allowed": "a whole number from 1 to 1500"}


@given(st.integers(1, 1500))
def test_every_number_within_bounds_is_read(number: int) -> None:
    assert WholeNumber(1, 1500)(str(number)) == number


@pytest.mark.parametrize(
    ("text", "moment_ms"),
    [
        ("0", 0),
        ("1731000000", 1_731_000_000_000),
        ("1731000000123", 1_731_000_000_123),
        ("1000000000000", None),
        ("1000000000001", 1_000_000_000_001),
        ("2024-11-07T17:20:00.123Z", 1_731_000_000_123),
        ("2024-11-07t17:20:00.123z", 1_731_000_000_123),
        ("2024-11-07T17:20:00.123", 1_731_000_000_123),
        ("2024-11-07T18:20:00+01:00", 1_731_000_000_000),
        ("2024-11-07T18:20:00 01:00", 1_731_000_000_000),
        ("2024-11-07T16:20:00-01:00", 1_731_000_000_000),
        ("2024-11-07 17:20:00Z", 1_731_000_000_000),
        ("2024-11-07", 1_730_937_600_000),
        ("9999-12-31T23:59:59.999Z", MOMENT_MAX_MS),
        ("253402300799", 253_402_300_799_000),
        ("253402300800", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("1969-12-31T23:59:59Z", None),
        ("-1", None),
        ("1e12", None),
        ("NaN", None),
        ("2024-13-01", None),
        ("2024-02-30T00:00:00Z", None),
        ("2024-W01-1", None),
        ("20240101", 20_240_101_000),
        ("yesterday", None),
        ("", None),
        ("9" * 5000, None),
    ],
)
def test_times_are_milliseconds_seconds_or_iso(text: str, moment_ms: int | None) -> None:
    if moment_ms is None:
        with pytest.raises(PydanticCustomError):
            read_moment(text)
    else:
        assert read_moment(text) == moment_ms


def test_a_time_left_out_stays_out() -> None:
    assert read_moment(None) is None


@given(st.integers(0, 253_402_300_799))
def test_iso_times_are_read_as_the_standard_library_means_them(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    read = read_moment(moment.isoformat())
    assert read == seconds * 1000


@given(st.text(max_size=60))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    try:
        read = read_moment(text)
    except PydanticCustomError:
        return
    assert isinstance(read, int)
    assert 0 <= read <= MOMENT_MAX_MS


def test_intervals_are_spelt_exactly() -> None:
    assert read_interval("1M") is Interval.MONTH1
    with pytest.raises(PydanticCustomError) as caught:
        read_interval("1H")
    assert caught.value.context is not None
    assert "1h" in caught.value.context["allowed"]


def test_a_span_must_not_end_before_it_starts() -> None:
    check_span(1, 1)
    check_span(None, 1)
    check_span(1, None)
    with pytest.raises(RequestError, match="not before start_time"):
        check_span(2, 1)
