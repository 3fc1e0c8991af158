"""Laws that every shipped strategy of signals keeps, on series made to break comparisons."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies.samples import bars_of, closes

from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.registry import STRATEGY_REGISTRY
from headwater.strategies.signals import Signals

SMALL: dict[str, dict[str, Any]] = {
    "bollinger_breakout": {"window": 6, "width": 1.2},
    "breakout_reset": {"window": 4, "exit_window": 2},
    "liquidation_fade": {"lookback_period": 5, "multiple": 1.5, "min_usd": 1, "hold_bars": 3},
    "macd": {"fast": 2, "slow": 4, "signal": 3},
    "mean_reversion": {"lookback_period": 5, "entry_threshold": 1.0},
    "rsi": {"window": 3},
    "sma_cross": {"fast": 2, "slow": 5},
}


def _made(name: str, direction: str = "both") -> BaseStrategy:
    return STRATEGY_REGISTRY[name](SMALL[name] | {"direction": direction})


def _bars(values: list[float]) -> Any:
    # Liquidated volumes that follow from the closes, some of them unknown.
    volume = np.array([one % 7 * (one % 3) for one in values])
    unknown = np.where(np.array(values) == 93.0, np.nan, volume)
    return bars_of(
        values,
        extras={"liquidated_long_usd": unknown, "liquidated_short_usd": volume[::-1].cumsum()},
    )


def test_all_shipped_strategies_of_signals_are_here() -> None:
    signals = {name for name in STRATEGY_REGISTRY if STRATEGY_REGISTRY[name].form() == "signals"}
    assert signals - {"base"} == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
@settings(max_examples=40)
@given(values=closes(least=10, most=90), end=st.integers(0, 90))
def test_the_past_is_the_same_whatever_comes(name: str, values: list[float], end: int) -> None:
    """Signals on a prefix are the beginning of the signals on the whole."""
    strategy, bars = _made(name), _bars(values)
    end = max(strategy.lookback, min(end, len(values)))
    # Columns that come from the end of the series are of the prefix too.
    prefix = bars.prefix(end)
    whole = Signals.of(strategy.generate_signals(bars), bars)
    part = Signals.of(strategy.generate_signals(prefix), prefix)
    assert part.prefix_equals(whole) is None


@pytest.mark.parametrize("name", SMALL)
@settings(max_examples=25)
@given(values=closes(least=10, most=60))
def test_nothing_is_wished_before_the_look_back(name: str, values: list[float]) -> None:
    strategy, bars = _made(name), _bars(values)
    signals = strategy.generate_signals(bars)
    assert all(one.bar >= strategy.lookback - 1 for one in signals)


@pytest.mark.parametrize("name", SMALL)
@settings(max_examples=25)
@given(values=closes(least=10, most=60))
def test_long_only_has_no_short_wish_and_the_same_long_entries(
    name: str, values: list[float]
) -> None:
    bars = _bars(values)
    long, both = (_made(name, one).generate_signals(bars) for one in ("long", "both"))
    assert not long.enter_short.any()
    assert not long.exit_short.any()
    assert np.array_equal(long.enter_long, both.enter_long)


@pytest.mark.parametrize("name", SMALL)
def test_prices_that_never_move_give_no_entry(name: str) -> None:
    signals = _made(name).generate_signals(_bars([100.0] * 60))
    assert not signals.enter_long.any()
    assert not signals.enter_short.any()


@pytest.mark.parametrize("name", SMALL)
def test_three_candles_are_answered_with_the_look_back(name: str) -> None:
    strategy = STRATEGY_REGISTRY[name]()
    rows = [{"timestamp": f"2024-01-0{day}T00:00:00Z", "close": day} for day in (1, 2, 3)]
    with pytest.raises(RequestError, match=f"3 bars.*at least {strategy.lookback} bars: {name}"):
        strategy.generate_signals(rows)
    assert strategy.should_open_position(rows) == (False, None)


@pytest.mark.parametrize("name", SMALL)
@settings(max_examples=8)
@given(values=closes(least=10, most=24))
def test_asked_bar_by_bar_it_says_what_its_signals_say(name: str, values: list[float]) -> None:
    strategy, bars = _made(name), _bars(values)
    signals = strategy.generate_signals(bars)
    for end in range(1, len(values) + 1):
        opens, opening = strategy.should_open_position(bars.prefix(end))
        assert opens == (signals.enter_long[end - 1] or signals.enter_short[end - 1])
        assert opening is None or opening.is_long == signals.enter_long[end - 1]
        leaves, _ = strategy.should_close_position({"side": "long"}, bars.prefix(end))
        turns = strategy.reverses and signals.enter_short[end - 1]
        assert leaves == (signals.exit_long[end - 1] or turns)
