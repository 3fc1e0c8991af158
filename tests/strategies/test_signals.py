"""Signals: columns inside, a sequence of items outside."""

from typing import Any

import numpy as np
import pytest
from tests.strategies.samples import HOUR, T0, bars_of

from headwater.core.errors import RequestError
from headwater.strategies.signals import Signal, SignalAction, Signals

BARS = bars_of([1.0, 2.0, 3.0, 4.0])


def _yes(*bars: int) -> Any:
    column = np.zeros(4, dtype=np.bool_)
    column[list(bars)] = True
    return column


def test_the_wishes_come_in_order_and_exits_before_entries() -> None:
    signals = Signals(
        BARS,
        enter_long=_yes(0, 2),
        exit_long=_yes(1, 2),
        enter_short=_yes(1),
        exit_short=_yes(2),
    )
    assert [(one.bar, one.action.value) for one in signals] == [
        (0, "enter_long"),
        (1, "exit_long"),
        (1, "enter_short"),
        (2, "exit_long"),
        (2, "exit_short"),
        (2, "enter_long"),
    ]
    assert len(signals) == 6
    assert [one.direction for one in signals] == ["buy", "sell", "sell", "sell", "buy", "buy"]
    assert signals[0] == Signal(bar=0, timestamp_ms=T0, action=SignalAction.ENTER_LONG, close=1.0)
    assert signals[-1].timestamp == "2024-01-01T02:00:00Z"
    assert [one.bar for one in signals[1:3]] == [1, 1]
    assert list(Signals(BARS)) == []


@pytest.mark.parametrize(
    "items",
    [
        [{"direction": "buy", "bar": 1}, {"direction": "sell", "bar": np.int64(3)}],
        [
            {"direction": "buy", "timestamp": "2024-01-01T01:00:00Z"},
            {"direction": "sell", "timestamp": T0 + 3 * HOUR},
        ],
        [
            {"direction": "buy", "timestamp_ms": T0 + HOUR},
            {"action": "exit_long", "bar": 3},
            {"action": "exit_short", "bar": 1},
        ],
    ],
)
def test_a_list_of_items_means_the_same_as_columns(items: list[dict[str, Any]]) -> None:
    signals = Signals.of(items, BARS)
    assert signals.enter_long.tolist() == _yes(1).tolist()
    assert signals.exit_short.tolist() == _yes(1).tolist()
    assert signals.exit_long.tolist() == _yes(3).tolist()
    assert not signals.enter_short.any()
    assert Signals.of(signals, BARS) is signals
    assert [one.bar for one in Signals.of(list(signals), BARS)] == [one.bar for one in signals]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "NoneType"),
        ("buy", "str"),
        ({"direction": "buy"}, "dict"),
        ([5], r"signals\[0\]='int'"),
        ([{"direction": "buy"}], "the bar or the timestamp"),
        ([{"direction": "buy", "bar": 4}], "the bar or the timestamp"),
        ([{"direction": "buy", "bar": -1}], "the bar or the timestamp"),
        ([{"direction": "buy", "bar": True}], "the bar or the timestamp"),
        ([{"direction": "buy", "timestamp": "2025-01-01"}], "the bar or the timestamp"),
        ([{"direction": "up", "bar": 1}], r"signals\[0\].direction='up': buy or sell"),
        ([{"action": "hold", "bar": 1}], "one of enter_long"),
        ([{"action": "enter_long", "bar": 1}, {"action": "enter_short", "bar": 1}], "bar 1 at"),
        (Signals(BARS[:2]), "of 2 bars"),
    ],
)
def test_what_is_no_list_of_wishes_is_refused(given: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        Signals.of(given, BARS)


def test_columns_are_of_yes_and_no_and_one_a_bar() -> None:
    with pytest.raises(RequestError, match="array of booleans"):
        Signals(BARS, enter_long=np.array([1.0, np.nan, 0, 0]))
    with pytest.raises(RequestError, match=r"one value a bar: \(4,\)"):
        Signals(BARS, exit_long=_yes(1)[:3])
    with pytest.raises(RequestError, match="not to enter long and short"):
        Signals(BARS, enter_long=_yes(1), enter_short=_yes(1, 2))


def test_the_first_bar_that_differs_from_a_prefix_is_found() -> None:
    whole = Signals(BARS, enter_long=_yes(0, 3), exit_long=_yes(2))
    same = Signals(BARS[:3], enter_long=_yes(0)[:3], exit_long=_yes(2)[:3])
    other = Signals(BARS[:3], enter_long=_yes(0, 2)[:3], exit_long=_yes(1, 2)[:3])
    assert same.prefix_equals(whole) is None
    assert whole.prefix_equals(same) is None
    assert other.prefix_equals(whole) == 1


def test_a_signal_is_read_like_a_dictionary_too() -> None:
    (signal,) = Signals(BARS, enter_long=_yes(2))
    assert signal["direction"] == signal.direction == "buy"
    assert signal["timestamp"].endswith("Z")
    with pytest.raises(KeyError, match="colour"):
        signal["colour"]
