"""What the documented samples do, as users write them: a class, its parameters, registry, run."""

from typing import Any

import numpy as np
import pytest
from tests.strategies.samples import HOUR, T0

from headwater.backtest.engine import BacktestEngine
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.parameters import Integer, Number
from headwater.strategies.registry import STRATEGY_REGISTRY


class MeanReversionStrategy(BaseStrategy):
    """The three methods as a user writes them, over plain lists of dictionaries."""

    name = "users_mean_reversion"
    declared = (
        Integer("lookback_period", 20, "Bars to look back.", least=5, most=100),
        Number("entry_threshold", 2.0, "Deviations to enter.", least=0.5, most=5.0),
        Number("exit_threshold", 0.5, "Deviations to leave.", least=0.1, most=2.0),
    )

    def generate_signals(self, data: Any) -> list[dict[str, Any]]:
        """A list of items with a direction."""
        period = self.params["lookback_period"]
        signals = []
        for at in range(period, len(data) + 1):
            window = [row["close"] for row in data[at - period : at]]
            deviation = float(np.std(window, ddof=1))
            if not deviation:
                continue
            z = (window[-1] - float(np.mean(window))) / deviation
            if z < -self.params["entry_threshold"]:
                signals.append({"direction": "buy", "timestamp": data[at - 1]["timestamp"]})
            elif z > self.params["entry_threshold"]:
                signals.append({"direction": "sell", "timestamp": data[at - 1]["timestamp"]})
        return signals

    def should_open_position(self, data: Any) -> tuple[bool, dict[str, Any] | None]:
        """Whether the newest z is far below zero."""
        z = data.zscore(self.params["lookback_period"])
        return z[-1] < -self.params["entry_threshold"], {"side": "long"}

    def should_close_position(self, position: Any, data: Any) -> tuple[bool, str | None]:
        """Whether it has come back."""
        assert position.side == "long"
        z = data.zscore(self.params["lookback_period"])
        return z[-1] > -self.params["exit_threshold"], "back at the mean"


def _year(hours: int = 24 * 366) -> list[dict[str, Any]]:
    """BTC/USD by the hour of 2024, as dictionaries with a time and a close."""
    noise = np.random.default_rng(2024).normal(0.0, 0.004, hours)
    closes = 42_000.0 * np.exp(np.cumsum(noise))
    moments = np.datetime64(T0, "ms") + np.arange(hours) * np.timedelta64(HOUR, "ms")
    return [
        {"timestamp": f"{moment}Z", "close": float(close)}
        for moment, close in zip(moments, closes, strict=True)
    ]


def test_a_strategy_and_its_parameters() -> None:
    strategy = MeanReversionStrategy({"lookback_period": 20, "entry_threshold": 2.0})
    assert MeanReversionStrategy.get_parameters() == {
        "lookback_period": {
            "type": "integer", "default": 20, "min": 5, "max": 100,
            "description": "Bars to look back.",
        },
        "entry_threshold": {
            "type": "number", "default": 2.0, "min": 0.5, "max": 5.0,
            "description": "Deviations to enter.",
        },
        "exit_threshold": {
            "type": "number", "default": 0.5, "min": 0.1, "max": 2.0,
            "description": "Deviations to leave.",
        },
    }  # fmt: skip
    signals = strategy.generate_signals(_year(200))
    assert signals
    assert {one["direction"] for one in signals} <= {"buy", "sell"}


def test_the_registry_has_the_base_and_mean_reversion() -> None:
    assert STRATEGY_REGISTRY["base"] is BaseStrategy
    strategy = STRATEGY_REGISTRY["mean_reversion"]({"lookback_period": 20})
    signals = strategy.generate_signals(_year(200))
    assert {one.direction for one in signals} == {"buy", "sell"}


@pytest.mark.parametrize("strategy", [MeanReversionStrategy, STRATEGY_REGISTRY["mean_reversion"]])
def test_a_back_test_of_a_year(strategy: type[BaseStrategy]) -> None:
    result = BacktestEngine(
        strategy({"lookback_period": 20, "entry_threshold": 2.0, "exit_threshold": 0.5}),
        "BTC/USD",
        "1h",
        "2024-01-01",
        "2024-12-31",
        10_000,
        data=_year(),
    ).run()
    assert result.trades
    assert result.total_return == pytest.approx((result.final_equity / 10_000 - 1) * 100)
    assert result.max_drawdown < 0.0
    assert result.sharpe_ratio is not None


def test_the_users_class_and_the_shipped_one_trade_alike() -> None:
    runs = [
        BacktestEngine(strategy(), "BTC/USD", "1h", data=_year(2_000), initial_capital=10_000).run()
        for strategy in (MeanReversionStrategy, STRATEGY_REGISTRY["mean_reversion"])
    ]
    assert [one.entry_bar for one in runs[0].trades] == [one.entry_bar for one in runs[1].trades]
    assert runs[0].final_equity == runs[1].final_equity


def test_three_candles_cannot_give_a_signal_of_twenty() -> None:
    """The impossible expectation of "at least one signal" is answered by a clear message."""
    data = [
        {"timestamp": "2024-01-01T00:00:00Z", "close": 50_000},
        {"timestamp": "2024-01-01T01:00:00Z", "close": 51_000},
        {"timestamp": "2024-01-01T02:00:00Z", "close": 49_000},
    ]
    strategy = STRATEGY_REGISTRY["mean_reversion"]({"lookback_period": 20})
    with pytest.raises(RequestError, match=r"3 bars.*at least 20 bars: mean_reversion looks back"):
        strategy.generate_signals(data)
    with pytest.raises(RequestError, match="at least 20 bars"):
        BacktestEngine(strategy, "BTC/USD", "1h", data=data).run()
