"""Alignment of candles, checked against the calendar."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.core.intervals import Interval


def _ms(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("interval", "opened"),
    [
        (Interval.M1, (2024, 8, 8, 23, 54)),
        (Interval.M3, (2024, 8, 8, 23, 54)),
        (Interval.M15, (2024, 8, 8, 23, 45)),
        (Interval.H8, (2024, 8, 8, 16)),
        (Interval.D1, (2024, 8, 8)),
        # 2024-08-08 is a Thursday.
        (Interval.W1, (2024, 8, 5)),
        (Interval.MONTH1, (2024, 8, 1)),
    ],
)
def test_opening_time(interval: Interval, opened: tuple[int, ...]) -> None:
    assert interval.opens_at_ms(_ms(2024, 8, 8, 23, 54, 37) + 5) == _ms(*opened)


def test_months_have_their_own_length() -> None:
    february = _ms(2024, 2, 1)
    assert Interval.MONTH1.closes_at_ms(february) == _ms(2024, 3, 1)
    assert Interval.MONTH1.closes_at_ms(_ms(2023, 12, 1)) == _ms(2024, 1, 1)


@given(st.sampled_from(Interval), st.integers(0, 4_102_444_800_000))
def test_every_moment_lies_in_exactly_one_candle(interval: Interval, moment_ms: int) -> None:
    opened = interval.opens_at_ms(moment_ms)
    closed = interval.closes_at_ms(opened)
    assert opened <= moment_ms < closed
    assert interval.opens_at_ms(closed - 1) == opened
    assert interval.opens_at_ms(closed) == closed
