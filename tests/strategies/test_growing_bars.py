"""The view of a callback: the past grows bar by bar, the future is not there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies.samples import HOUR, T0, bars_of, closes

from headwater.core.errors import RequestError
from headwater.strategies.growing_bars import GrowingBars


@given(closes(least=1, most=40), st.integers(0, 10))
def test_every_column_is_that_of_the_prefix_at_every_bar(
    values: list[float], first_look: int
) -> None:
    whole = bars_of(values, extras={"oi": [one * 2 for one in values]})
    data = GrowingBars(whole)
    for end in range(1, len(values) + 1):
        data.advance()
        past = whole.prefix(end)
        assert len(data) == end
        if end <= first_look:
            continue  # A column that is looked at late has its past all the same.
        assert data.close == past.close.tolist()
        assert data.timestamp_ms == past.timestamp_ms.tolist()
        assert data.extra("oi") == past["oi"].tolist()
        assert np.array_equal(data["high"], past.high)
        assert np.array_equal(np.array(data.sma(3)), past.sma(3), equal_nan=True)
        assert data[-1] == past[-1]
        assert len(data.past()) == end
    assert not data.changed_columns()


def test_there_is_no_way_to_the_next_bar() -> None:
    data = GrowingBars(bars_of([1.0, 2.0, 3.0]), end=2)
    assert data.close == [1.0, 2.0]
    for which in (2, -3):
        with pytest.raises(IndexError):
            data[which]
    assert data["close"].tolist() == [1.0, 2.0]
    with pytest.raises(AttributeError, match="no 'heat'"):
        data.heat  # noqa: B018
    with pytest.raises(RequestError, match="heat"):
        data.extra("heat")
    assert (data.symbol, data.interval_ms, data[1].timestamp_ms) == ("BTCUSDT", HOUR, T0 + HOUR)


def test_a_list_that_was_kept_goes_on_growing() -> None:
    data = GrowingBars(bars_of([1.0, 2.0, 3.0]))
    fast, closes_ = data.sma(2), data.close
    assert fast == []
    assert data.sma(2) is fast
    for _ in range(3):
        data.advance()
    assert fast[1:] == [1.5, 2.5]
    assert closes_ is data.close


def test_a_column_that_somebody_wrote_into_is_noticed() -> None:
    data = GrowingBars(bars_of([1.0, 2.0]), end=1)
    assert not data.changed_columns()
    data.close[0] = 9.0
    assert data.changed_columns()
    data.close[0] = 1.0
    data.close.append(2.0)
    assert data.changed_columns()
