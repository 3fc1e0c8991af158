"""The latent fair price of each symbol: what market makers quote around.

A log price moved by a common factor of all symbols, own diffusion with clustering volatility,
momentum that fades within half a minute, shocks (a fast run of a few seconds that partly comes
back) and the lasting impact of orders. It is an invention for the simulation: parameters are
chosen so that short windows look like an active day, and fit no recorded market.
"""

import math
import random

from headwater.simulator.listings import Listing

STEP_MS = 50
"""Internal step of the simulation, ms. Time passes in whole steps."""

STEPS_PER_SECOND = 1000 // STEP_MS

_DAY_S = 86_400.0
_STEP_S = STEP_MS / 1000
_COMMON_DAILY_VOLATILITY = 0.022
_OWN_SHARE_MIN = 0.4  # of a symbol's volatility is its own even when beta is high
_CLUSTER_S = 90.0  # memory of the volatility level
_CLUSTER_SPREAD = 0.45  # standard deviation of the log of the volatility level
_MOMENTUM_S = 20.0
_MOMENTUM_SPREAD = 0.35  # standard deviation of momentum
# Drift of a step per unit of momentum, in steps' volatility: over minutes it adds about as much
# variance as the diffusion does, 0.1² · 0.35² · 2 · 20 s · 20 steps/s ≈ 1.
_MOMENTUM_DRIFT = 0.1
_ANCHOR_S = 2 * _DAY_S  # pull back to the starting level, so that months of running stay plausible
_SHOCK_EVERY_S = 120.0
_COMMON_SHOCK_EVERY_S = 300.0
_SHOCK_SIZE = 0.012  # the smallest, of a day's volatility; larger ones follow a power law
_SHOCK_TAIL, _SHOCK_CAP = 1.5, 8.0
_SHOCK_S = (1.0, 4.0)
_SHOCK_COMES_BACK = 0.55
_RETURN_S = (15.0, 60.0)


class Volatility:
    """A volatility level that clusters: the exponential of a slow mean-reverting process.

    Args:
        rng: its own randomness.
    """

    __slots__ = ("_log", "_rng", "factor")

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._log = rng.gauss(0.0, _CLUSTER_SPREAD)
        self.factor = math.exp(self._log - _CLUSTER_SPREAD**2)

    def second(self) -> None:
        """Moves the level by one second."""
        pull = 1.0 / _CLUSTER_S
        noise = _CLUSTER_SPREAD * math.sqrt(2.0 * pull) * self._rng.gauss(0.0, 1.0)
        self._log += noise - self._log * pull
        self.factor = math.exp(self._log - _CLUSTER_SPREAD**2)


class Shocks:
    """Sudden runs: a steady drift for a few seconds, then a part of it back over up to a minute.

    Args:
        rng: its own randomness.
        daily_volatility: scale of the runs.
        every_s: mean seconds between them.
    """

    __slots__ = ("_daily_volatility", "_drift", "_every_s", "_return_drift", "_return_steps",
                 "_rng", "_steps")  # fmt: skip

    def __init__(self, rng: random.Random, daily_volatility: float, every_s: float) -> None:
        self._rng = rng
        self._daily_volatility = daily_volatility
        self._every_s = every_s
        self._drift = 0.0
        self._steps = 0
        self._return_drift = 0.0
        self._return_steps = 0

    def second(self) -> None:
        """Starts a run with the chance of one second, unless one is under way."""
        rng = self._rng
        if self._steps or rng.random() * self._every_s >= 1.0:
            return
        size = self._daily_volatility * _SHOCK_SIZE * rng.choice((-1.0, 1.0))
        self.start(size * min(_SHOCK_CAP, (1.0 - rng.random()) ** (-1.0 / _SHOCK_TAIL)))

    def start(self, size: float) -> None:
        """Starts a run of a given log return in place of any other."""
        rng = self._rng
        self._steps = round(rng.uniform(*_SHOCK_S) * STEPS_PER_SECOND)
        self._drift = size / self._steps
        self._return_steps = round(rng.uniform(*_RETURN_S) * STEPS_PER_SECOND)
        self._return_drift = -size * _SHOCK_COMES_BACK / self._return_steps

    def step(self) -> float:
        """Log return of this step."""
        if self._steps:
            self._steps -= 1
            return self._drift
        if self._return_steps:
            self._return_steps -= 1
            return self._return_drift
        return 0.0


class CommonFactor:
    """What moves all symbols together.

    Args:
        rng: its own randomness.
    """

    __slots__ = ("_rng", "_scale", "_shocks", "_volatility")

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._scale = _COMMON_DAILY_VOLATILITY * math.sqrt(_STEP_S / _DAY_S)
        self._volatility = Volatility(rng)
        self._shocks = Shocks(rng, _COMMON_DAILY_VOLATILITY, _COMMON_SHOCK_EVERY_S)

    def second(self) -> None:
        """Moves what changes once a second; call before the step that begins a second."""
        self._volatility.second()
        self._shocks.second()

    def step(self) -> float:
        """Log return of this step, to be scaled by each symbol's beta."""
        return self._scale * self._volatility.factor * self._rng.gauss(0.0, 1.0) + (
            self._shocks.step()
        )


class FairPrice:
    """One symbol's latent price.

    Args:
        rng: its own randomness.
        listing: volatility and beta.
        ticks: price at the start, in ticks.

    Attributes:
        ticks: the price now, in ticks, not rounded.
        momentum: direction of the own drift now, about -1 to 1.
    """

    __slots__ = ("_anchor", "_beta", "_log", "_own_scale", "_rng", "_shocks", "_volatility",
                 "momentum", "ticks")  # fmt: skip

    def __init__(self, rng: random.Random, listing: Listing, ticks: float) -> None:
        self._rng = rng
        self._anchor = self._log = math.log(ticks)
        self.ticks = ticks
        self.momentum = 0.0
        self._beta = listing.beta
        common = listing.beta * _COMMON_DAILY_VOLATILITY
        own = math.sqrt(
            max(
                listing.daily_volatility**2 - common**2,
                (_OWN_SHARE_MIN * listing.daily_volatility) ** 2,
            )
        )
        # Half of the variance is momentum's.
        self._own_scale = own * math.sqrt(0.5 * _STEP_S / _DAY_S)
        self._volatility = Volatility(rng)
        self._shocks = Shocks(rng, listing.daily_volatility, _SHOCK_EVERY_S)

    def second(self) -> None:
        """Moves what changes once a second; call before the step that begins a second."""
        self._volatility.second()
        self._shocks.second()
        pull = 1.0 / _MOMENTUM_S
        noise = _MOMENTUM_SPREAD * math.sqrt(2.0 * pull) * self._rng.gauss(0.0, 1.0)
        self.momentum += noise - self.momentum * pull

    def step(self, common_return: float) -> None:
        """Moves the price by one step.

        Args:
            common_return: log return of the common factor in this step.
        """
        scale = self._own_scale * self._volatility.factor
        self._log += (
            self._beta * common_return
            + scale * (self._rng.gauss(0.0, 1.0) + _MOMENTUM_DRIFT * self.momentum)
            + self._shocks.step()
            + (self._anchor - self._log) * (_STEP_S / _ANCHOR_S)
        )
        self.ticks = math.exp(self._log)

    def run(self, log_return: float) -> None:
        """Starts a run of a few seconds, of which a part comes back later."""
        self._shocks.start(log_return)

    def push(self, log_return: float) -> None:
        """Lasting impact of an order: shifts the price by a log return."""
        self._log += log_return
        self.ticks = math.exp(self._log)
