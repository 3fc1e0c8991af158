"""Index, mark price and funding of one symbol.

The index is the latent fair price (a basket of spot markets that the simulation does not show).
The mark is the median of the index with funding accrued, the index plus the smoothed basis, and
the last trade, as large venues do. Funding: the premium averaged over the interval, plus the
interest clamped around it: F = (P + clamp(I - P, ±0.05 %)) / (8 / hours), I = 0.01 %. Source:
Binance's published formula for USD-M contracts; its weighting of late premiums is left out.
"""

import math
import random
from typing import Final, NamedTuple

from headwater.simulator.candles import CandleRow
from headwater.simulator.fair_price import STEP_MS
from headwater.simulator.mark_bars import MarkBars

MAX_FUNDING_ROWS = 1_500
"""Past settlements kept per symbol; the oldest are forgotten."""

_HOUR_MS: Final = 3_600_000
_INTEREST: Final = 0.0001
_CLAMP: Final = 0.0005
_RATE_CAP: Final = 0.02
_BASIS_S: Final = 30.0
_PREMIUM_S: Final = 600.0
_PREMIUM_MEAN, _PREMIUM_SPREAD = 0.0002, 0.0006
_PREMIUM_MOMENTUM: Final = 0.0001
_PRIOR_S: Final = 1_800  # weight of the premium before the start in the first average
_PAST_ROWS: Final = 1_000
_PAST_MEMORY: Final = 0.85


class Settlement(NamedTuple):
    """One funding settlement: time in ms and rate as a fraction per interval."""

    funding_time_ms: int
    rate: float


class Premium:
    """How far makers quote from the index, as a fraction: slow, slightly positive on average.

    Args:
        rng: its own randomness.
    """

    __slots__ = ("_level", "_rng", "value")

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._level = rng.gauss(_PREMIUM_MEAN, _PREMIUM_SPREAD)
        self.value = self._level

    def second(self, momentum: float) -> None:
        """Moves by one second; momentum of the fair price adds a little."""
        pull = 1.0 / _PREMIUM_S
        noise = _PREMIUM_SPREAD * math.sqrt(2.0 * pull) * self._rng.gauss(0.0, 1.0)
        self._level += noise + (_PREMIUM_MEAN - self._level) * pull
        target = self._level + _PREMIUM_MOMENTUM * momentum
        self.value += (target - self.value) * 0.1

    def lean(self, change: float) -> None:
        """Moves level and value: what makers learn from the same symbol elsewhere."""
        self._level += change
        self.value += change


def funding_rate(premium: float, interval_h: int) -> float:
    """Rate of a settlement, a fraction per interval, to eight places.

    Args:
        premium: mean of (contract - index) / index over the interval.
        interval_h: hours between settlements.
    """
    rate = premium + max(-_CLAMP, min(_CLAMP, _INTEREST - premium))
    return round(max(-_RATE_CAP, min(_RATE_CAP, rate * interval_h / 8)), 8)


class MarkPricer:
    """Mark, index and funding of one symbol.

    Args:
        rng: its own randomness, for the settlements of the past.
        interval_h: hours between settlements.
        start_ms: time of the start.
        listed_at_ms: no settlement is older.
        index: index price at the start, ticks.
        premium: premium at the start, fraction.
        minute: the minute of trades that the start cuts off.

    Attributes:
        bars: the way of the mark price.
        index: index price, ticks.
        mark: mark price, ticks.
        next_funding_ms: time of the coming settlement.
        settlements: past ones, ascending, at most `MAX_FUNDING_ROWS`.
    """

    def __init__(
        self,
        rng: random.Random,
        interval_h: int,
        start_ms: int,
        listed_at_ms: int,
        index: float,
        premium: float,
        minute: CandleRow,
    ) -> None:
        self._interval_h = interval_h
        self._interval_ms = interval_h * _HOUR_MS
        self.index = index
        self._basis = index * premium
        self.mark = index + self._basis
        self.bars = MarkBars(start_ms, self.mark, minute)
        self._premium_sum = premium * _PRIOR_S
        self._premium_count = _PRIOR_S
        self.next_funding_ms = start_ms - start_ms % self._interval_ms + self._interval_ms
        self.settlements = _past_settlements(
            rng, interval_h, self.next_funding_ms - self._interval_ms, listed_at_ms
        )
        self._pull = STEP_MS / 1000 / _BASIS_S

    @property
    def estimate(self) -> float:
        """Rate that the coming settlement would have if the interval ended now."""
        return funding_rate(self._premium_sum / self._premium_count, self._interval_h)

    def step(self, now_ms: int, index: float, middle: float, last: int) -> None:
        """Moves index and mark by one step.

        Args:
            now_ms: end of the step.
            index: fair price, ticks.
            middle: middle of the book, ticks.
            last: last traded price, ticks.
        """
        self.index = index
        self._basis += (middle - index - self._basis) * self._pull
        left = (self.next_funding_ms - now_ms) / self._interval_ms
        accrued = index * (1.0 + self.estimate * left)
        smoothed = index + self._basis
        # The median of three.
        self.mark = max(min(accrued, smoothed), min(max(accrued, smoothed), float(last)))
        self.bars.take(now_ms, self.mark)

    def second(self, middle: float) -> None:
        """Takes one sample of the premium; call once a second."""
        self._premium_sum += (middle - self.index) / self.index
        self._premium_count += 1

    def settle(self, now_ms: int) -> Settlement | None:
        """Settles funding when its time has come; at most one settlement per call."""
        if now_ms < self.next_funding_ms:
            return None
        done = Settlement(self.next_funding_ms, self.estimate)
        self.settlements.append(done)
        del self.settlements[:-MAX_FUNDING_ROWS]
        self.next_funding_ms += self._interval_ms
        self._premium_sum /= self._premium_count
        self._premium_count = 1
        return done


def _past_settlements(
    rng: random.Random, interval_h: int, last_ms: int, listed_at_ms: int
) -> list[Settlement]:
    """Settlements up to `last_ms`, ascending."""
    rows: list[Settlement] = []
    premium = rng.gauss(_PREMIUM_MEAN, _PREMIUM_SPREAD)
    fresh = _PREMIUM_SPREAD * math.sqrt(1.0 - _PAST_MEMORY**2)
    moment = last_ms
    while len(rows) < _PAST_ROWS and moment > listed_at_ms:
        rows.append(Settlement(moment, funding_rate(premium, interval_h)))
        premium = _PREMIUM_MEAN + (premium - _PREMIUM_MEAN) * _PAST_MEMORY + rng.gauss(0.0, fresh)
        moment -= interval_h * _HOUR_MS
    rows.reverse()
    return rows
