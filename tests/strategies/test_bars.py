"""Bars: columns that are read, checked and never changed."""

from typing import Any

import numpy as np
import pytest
from tests.strategies.samples import HOUR, T0, bars_of

from headwater.core.errors import RequestError
from headwater.strategies.bars import COLUMNS, Bar, Bars, time_text

COLUMNS_OF_TWO: dict[str, Any] = {
    "open": [1, 2], "high": [3, 4], "low": [1, 2], "close": [2, 3], "volume": [0, 6],
}  # fmt: skip
TIMES = [T0, T0 + HOUR]


def _bars(**changes: Any) -> Bars:
    return Bars.from_columns(TIMES, COLUMNS_OF_TWO | changes, extras={"oi": [1, np.nan]})


def test_bars_are_asked_by_name_number_and_stretch() -> None:
    bars = _bars()
    assert bars["close"].tolist() == bars.close.tolist() == [2.0, 3.0]
    assert bars["timestamp_ms"].tolist() == TIMES
    assert bars["oi"][0] == 1.0
    assert bars[-1] == Bar(timestamp_ms=T0 + HOUR, open=2, high=4, low=2, close=3, volume=6)
    assert bars[-1].timestamp == "2024-01-01T01:00:00Z"
    assert (len(bars), bars.interval_ms, bars.symbol) == (2, HOUR, "")
    assert len(bars[:1]) == len(bars.prefix(1)) == 1
    assert bars[1:].extras["oi"].shape == (1,)
    # One bar alone keeps the interval that its neighbours told.
    assert bars[:1].interval_ms == HOUR
    with pytest.raises(IndexError):
        bars[2]
    with pytest.raises(RequestError, match=r"column='heat': one of open, .*, oi"):
        bars["heat"]


def test_times_of_parts_of_a_second_are_told() -> None:
    assert time_text(T0) == "2024-01-01T00:00:00Z"
    assert time_text(T0 + 5) == "2024-01-01T00:00:00.005Z"
    assert "2 bars of an unnamed symbol" in repr(_bars())
    assert repr(_bars()[:0]) == "<0 bars of an unnamed symbol>"


def test_columns_cannot_be_written_through_the_bars() -> None:
    bars = _bars()
    for name in COLUMNS:
        with pytest.raises(ValueError, match="read-only"):
            bars.column(name)[0] = 9.0
    with pytest.raises(ValueError, match="read-only"):
        bars.sma(1)[0] = 9.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"close": [2, 3, 4]}, r"close='\(3,\)': as many values"),
        ({"close": "x"}, "close="),
        ({"close": [[2, 3]]}, "one dimension"),
        ({"close": [2, np.nan]}, "close='nan': finite and > 0; bar 1 at 2024-01-01T01:00:00Z"),
        ({"high": [np.inf, 4]}, "high='inf'.*bar 0"),
        ({"low": [0, 2]}, "low='0.0'"),
        ({"volume": [-1, 2]}, "volume='-1.0': finite and ≥ 0"),
        ({"open": [1, 9]}, "open='9.0': from low 2.0 to high 4.0; bar 1"),
        ({"high": [1, 4]}, "close='2.0': from low 1.0 to high 1.0; bar 0"),
    ],
)
def test_what_no_market_has_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        _bars(**changes)


def test_missing_columns_and_wrong_times_are_named() -> None:
    with pytest.raises(RequestError, match="columns='high, volume'"):
        Bars.from_columns(TIMES, {"open": [1], "low": [1], "close": [1]})
    with pytest.raises(RequestError, match=r"01:00:00Z'.*is there twice"):
        Bars.from_columns([T0 + HOUR] * 2, COLUMNS_OF_TWO)
    with pytest.raises(RequestError, match="comes after 2024-01-01T01"):
        Bars.from_columns(TIMES[::-1], COLUMNS_OF_TWO)


def test_zero_bars_are_bars() -> None:
    empty = Bars.from_columns([], {name: [] for name in COLUMNS})
    assert len(empty) == 0
    assert empty.interval_ms == 0
    assert bars_of([1.0]).interval_ms == 0
