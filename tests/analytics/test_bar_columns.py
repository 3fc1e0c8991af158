"""Bars as columns: what they are made of, and what is refused."""

import math

import numpy as np
import pytest

from headwater.analytics.bar_columns import BarColumns, read_only
from headwater.analytics.model_columns import ModelBar, ModelMinute


def bar(*minutes: ModelMinute, interest: float | None = 1.0) -> ModelBar:
    return ModelBar(
        opened_at_ms=0, ends_at_ms=10, price=5.0, open_interest=interest, minutes=minutes
    )


def minute(*entries: tuple[float, float]) -> ModelMinute:
    return ModelMinute(mark_low=4.0, mark_high=6.0, entries=entries)


def test_a_minute_of_two_trades_is_two_steps_and_only_the_first_has_its_marks() -> None:
    made = BarColumns.of([bar(minute((5.0, 1.0), (5.5, 2.0)), minute())])
    assert len(made) == 1
    assert made.entry_volume.tolist() == [[1.0, 2.0, 0.0]]
    assert made.entry_price[0, :2].tolist() == [5.0, 5.5]
    assert np.isnan(made.mark_low).tolist() == [[False, True, False]]
    assert math.isnan(BarColumns.of([bar(interest=None)]).open_interest[0])


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("ends_ms", [0, 30]),
        ("opened_ms", [0, 5]),
        ("price", [5.0, math.nan]),
        ("open_interest", [1.0, -1.0]),
        ("mark_low", [[4.0], [7.0]]),
        ("mark_high", [[6.0], [math.nan]]),
        ("entry_volume", [[1.0], [-1.0]]),
        ("entry_price", [[math.nan], [5.0]]),
    ],
)
def test_what_no_market_has_is_refused(field: str, values: list[float]) -> None:
    columns = {
        "opened_ms": np.array([0, 10]),
        "ends_ms": np.array([10, 20]),
        "price": np.array([5.0, 5.0]),
        "open_interest": np.array([1.0, math.nan]),
        "mark_low": np.array([[4.0], [4.0]]),
        "mark_high": np.array([[6.0], [6.0]]),
        "entry_price": np.array([[5.0], [5.0]]),
        "entry_volume": np.array([[1.0], [1.0]]),
    }
    assert len(BarColumns(**columns).checked()) == 2
    with pytest.raises(ValueError, match=r"bar|price|open_interest|step|mark|entry"):
        BarColumns(**{**columns, field: np.array(values)}).checked()


def test_read_only_cannot_be_written_to() -> None:
    made = read_only(np.ones((2, 3)))
    assert made.shape == (2, 3)
    with pytest.raises(ValueError, match="read-only"):
        made[0, 0] = 2.0
