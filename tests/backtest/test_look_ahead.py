"""Strategies that know the future are found; honest ones are let through."""

from typing import Any

import numpy as np
import pytest
from tests.backtest.drives import walk

from headwater.analytics.indicators import crossed_above, crossed_below
from headwater.backtest.look_ahead import LookAhead, check_signals
from headwater.strategies.bars import Bars
from headwater.strategies.base import BaseStrategy
from headwater.strategies.signals import Signals


class Honest(BaseStrategy):
    name = "honest"

    @property
    def lookback(self) -> int:
        return 31

    def generate_signals(self, data: Any) -> Signals:
        bars = Bars.of(data)
        fast, slow = bars.sma(10), bars.sma(30)
        return Signals(
            bars, enter_long=crossed_above(fast, slow), exit_long=crossed_below(fast, slow)
        )


class Peeking(Honest):
    """Buys at the crossings of the next bar."""

    name = "peeking"

    def generate_signals(self, data: Any) -> Signals:
        bars = Bars.of(data)
        known = super().generate_signals(bars).enter_long
        early = np.zeros(len(bars), dtype=np.bool_)
        early[:-1] = known[1:]
        return Signals(bars, enter_long=early)


class PeekingAtExits(Honest):
    """Buys honestly and sells before the bar that falls; most bars would do for an exit."""

    name = "peeking_at_exits"

    def generate_signals(self, data: Any) -> Signals:
        bars = Bars.of(data)
        following = np.append(bars.close[1:], bars.close[-1])
        return Signals(
            bars,
            enter_long=super().generate_signals(bars).enter_long,
            exit_long=following < bars.close,
        )


class WholeSeries(BaseStrategy):
    """Measures each close by the mean of all."""

    name = "whole_series"

    def generate_signals(self, data: Any) -> Signals:
        bars = Bars.of(data)
        return Signals(bars, enter_long=bars.close < bars.close.mean())


class Centred(BaseStrategy):
    """Smooths by bars on both sides."""

    name = "centred"

    def generate_signals(self, data: Any) -> Signals:
        bars = Bars.of(data)
        smooth = np.convolve(bars.close, np.ones(5) / 5, mode="same")
        return Signals(bars, enter_long=crossed_above(bars.close, smooth))


@pytest.mark.parametrize("length", [60, 500, 5_000, 60_000])
def test_an_honest_strategy_is_let_through(length: int) -> None:
    bars = walk(1, length)
    report = check_signals(Honest(), bars, Honest().generate_signals(bars))
    assert len(report.beginnings) >= 3
    assert max(report.beginnings) < length
    assert "none differs" in report.how


@pytest.mark.parametrize("cheat", [Peeking, PeekingAtExits, WholeSeries, Centred])
@pytest.mark.parametrize("length", [500, 5_000, 60_000])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_cheat_is_found(cheat: type[BaseStrategy], length: int, seed: int) -> None:
    bars = walk(seed, length)
    strategy = cheat()
    signals = Signals.of(strategy.generate_signals(bars), bars)
    with pytest.raises(LookAhead, match="look-ahead") as caught:
        check_signals(strategy, bars, signals)
    found = caught.value
    # The bar that is named is really the first that differs on that beginning.
    beginning = bars.prefix(found.known)
    again = Signals.of(strategy.generate_signals(beginning), beginning)
    differs = again.enter_long != signals.enter_long[: found.known]
    differs |= again.exit_long != signals.exit_long[: found.known]
    assert found.bar == int(differs.argmax())
    assert differs[found.bar]


def test_a_long_look_back_does_not_switch_the_search_off() -> None:
    class Patient(WholeSeries):
        name = "patient"

        @property
        def lookback(self) -> int:
            return 4_000

    bars = walk(1, 60_000)
    with pytest.raises(LookAhead) as caught:
        check_signals(Patient(), bars, Patient().generate_signals(bars))
    assert 4_000 <= caught.value.known <= 8_000


def test_too_few_bars_for_a_comparison_are_told() -> None:
    bars = walk(1, 31)
    report = check_signals(Honest(), bars, Honest().generate_signals(bars))
    assert report.beginnings == ()
    assert "0 beginnings" in report.how
