"""Strategies for tests of sweeps, importable in other processes."""

import os
import signal
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars
from headwater.strategies.base import BaseStrategy, Decision
from headwater.strategies.openings import Opening
from headwater.strategies.parameters import Choice, Integer, Number, Parameter
from headwater.strategies.signals import Signals


class Crossing(BaseStrategy):
    """Two averages as a user writes them, as signals."""

    name = "crossing"
    declared: ClassVar[tuple[Parameter, ...]] = (
        Integer("fast", 3, "Bars of the fast average.", least=1, most=500),
        Integer("slow", 8, "Bars of the slow average.", least=2, most=500),
        Choice("direction", "long", "Sides.", options=("long", "both")),
        Number("stop_loss", None, "Fraction.", least=0.001, most=0.5),
        Number("take_profit", None, "Fraction.", least=0.001, most=0.5),
    )

    def check(self) -> None:
        if self.params["fast"] >= self.params["slow"]:
            raise RequestError("fast", self.params["fast"], f"less than {self.params['slow']}")

    @property
    def reverses(self) -> bool:
        return bool(self.params["direction"] == "both")

    def generate_signals(self, data: Any) -> Signals:
        bars = Bars.of(data)
        fast, slow = bars.sma(self.params["fast"]), bars.sma(self.params["slow"])
        up, down = np.zeros((2, len(bars)), dtype=np.bool_)
        up[1:] = (fast[1:] > slow[1:]) & (fast[:-1] <= slow[:-1])
        down[1:] = (fast[1:] < slow[1:]) & (fast[:-1] >= slow[:-1])
        if self.reverses:
            return Signals(bars, enter_long=up, enter_short=down)
        return Signals(bars, enter_long=up, exit_long=down)


class Holding(BaseStrategy):
    """Buys at every close at which it is flat and holds for some bars, as callbacks."""

    name = "holding"
    declared: ClassVar[tuple[Parameter, ...]] = (
        Integer("bars", 3, "How long it holds.", least=1, most=100),
    )

    def should_open_position(self, data: Any) -> Decision:
        return True, None

    def should_close_position(self, position: Any, data: Any) -> Decision:
        return len(data) - position.entry_bar >= self.params["bars"], "held long enough"


class Shorting(Holding):
    """Sells at every close at which it is flat and holds for some bars."""

    name = "shorting"

    def should_open_position(self, data: Any) -> Decision:
        return True, Opening(is_long=False)


class Failing(Crossing):
    """Raises at one combination."""

    name = "failing"

    def generate_signals(self, data: Any) -> Signals:
        if self.params["fast"] == 4:
            raise RequestError("fast", 4, "not 4")
        return super().generate_signals(data)


class FatalOnce(Crossing):
    """Kills its process at one combination, once for each file that `FATAL_ONCE` names."""

    name = "fatal_once"

    def generate_signals(self, data: Any) -> Signals:
        mark = os.environ.get("FATAL_ONCE", "")
        if self.params["fast"] == 4 and mark and not Path(mark).exists():
            Path(mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().generate_signals(data)


class Listening(BaseStrategy):
    """Of events, which sweeps do not run."""

    name = "listening"
    declared: ClassVar[tuple[Parameter, ...]] = (Integer("bars", 3, "Any.", least=1, most=9),)

    def on_bar(self, context: Any) -> None:
        """Does nothing."""
