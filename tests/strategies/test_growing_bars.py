"""The view of a callback: the past grows bar by bar, the future is not there."""

from collections.abc import Callable

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


def test_many_indicators_asked_for_at_every_bar_are_made_once() -> None:
    whole = bars_of([float(one) for one in range(1, 9)])
    data = GrowingBars(whole)
    for end in range(1, len(whole) + 1):
        data.advance()
        for window in range(1, 301):
            shown = data.rolling_max(window, "close")
            assert np.isnan(shown[-1]) if window > end else shown[-1] == end
    assert len(data.growing) == 300


def test_there_is_no_way_to_the_next_bar() -> None:
    data = GrowingBars(bars_of([1.0, 2.0, 3.0]), end=2)
    assert data.close == [1.0, 2.0]
    for which in (2, -3):
        with pytest.raises(IndexError):
            data[which]
    assert data["close"].tolist() == [1.0, 2.0]
    with pytest.raises(AttributeError, match="'heat'"):
        data.heat  # type: ignore[attr-defined]  # noqa: B018
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


def test_steps_end_early_where_a_column_has_come_that_they_do_not_know() -> None:
    data = GrowingBars(bars_of([1.0, 2.0, 3.0, 4.0]))
    steps = data.steps(4)
    assert next(steps)
    fast = data.sma(1)
    assert (data.is_stale, fast) == (True, [1.0])
    assert next(steps, None) is None
    assert len(data) == 1
    steps = data.steps(3)
    assert not data.is_stale
    assert next(steps)
    closes_ = data.close
    assert (fast, closes_) == ([1.0, 2.0], [1.0, 2.0])
    steps = data.steps(2)
    assert len(list(steps)) == 2
    assert closes_ == fast == [1.0, 2.0, 3.0, 4.0]
    assert len(data) == 4
    assert not data.changed_columns()


@given(closes(least=2, most=30), st.lists(st.integers(0, 29), min_size=4, max_size=4))
def test_columns_that_come_at_any_bar_have_all_of_the_past(
    values: list[float], first_looks: list[int]
) -> None:
    whole = bars_of(values)
    data = GrowingBars(whole)
    looks: tuple[Callable[[], list[float]], ...] = (
        lambda: data.close,
        lambda: data.low,
        lambda: data.sma(3),
        lambda: data.ema(2),
    )
    kept: list[tuple[list[float], list[float]]] = []
    wholes = (whole.close, whole.low, whole.sma(3), whole.ema(2))
    steps = data.steps(len(values))
    for bar in range(len(values)):
        if next(steps, None) is None:
            steps = data.steps(len(values))
            next(steps)
        for look, column, at in zip(looks, wholes, first_looks, strict=True):
            if at == bar:
                kept.append((look(), column.tolist()))
        assert len(data) == bar + 1
        for shown, full in kept:
            assert np.array_equal(shown, full[: bar + 1], equal_nan=True)
    assert not data.changed_columns()


def test_a_column_that_somebody_wrote_into_is_noticed() -> None:
    data = GrowingBars(bars_of([1.0, 2.0]), end=1)
    assert not data.changed_columns()
    data.close[0] = 9.0
    assert data.changed_columns()
    data.close[0] = 1.0
    data.close.append(2.0)
    assert data.changed_columns()
