"""Open interest of one symbol: what leveraged traders, holders and makers have open together.

Every contract has a long and a short. Leveraged longs and shorts need not be equal; makers hold
the difference, so one-sided open interest is the larger of the two sums plus what unleveraged
holders have open against each other (a slow process). Sampled every five minutes for the history;
the past before the start is made up when it is first asked for and ends at the first live figure.
"""

import math
import random
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Final, NamedTuple

SAMPLE_MS: Final = 300_000
"""Time between kept figures."""

PAST_SAMPLES = 8_640
"""Figures before the start: 30 days."""

MAX_SAMPLES = 10_000
"""Newest figures kept per symbol."""

_TRIM_SLACK: Final = 500
_DAY_S: Final = 86_400.0
_DAILY_SPREAD: Final = 0.05  # standard deviation of a day's log change
_MEMORY_S: Final = 2 * _DAY_S


class InterestSample(NamedTuple):
    """Open interest in lots at a time in ms."""

    timestamp_ms: int
    lots: int


class OpenInterestBook:
    """Open interest now and before.

    Args:
        rng: its own randomness.
        past_rng: randomness of the made-up past.
        held_lots: what unleveraged holders have open at the start, lots, > 0.
        leveraged_lots: returns the larger side of leveraged positions, lots.
        start_ms: time of the start.
    """

    def __init__(
        self,
        rng: random.Random,
        past_rng: random.Random,
        held_lots: int,
        leveraged_lots: Callable[[], int],
        start_ms: int,
    ) -> None:
        self._rng = rng
        self._past_rng = past_rng
        self._leveraged_lots = leveraged_lots
        self._anchor = math.log(held_lots)
        self._log = self._anchor
        self._start_ms = start_ms - start_ms % SAMPLE_MS
        self._stamps = array("q", [self._start_ms])
        self._lots = array("q", [self.lots])
        self._has_past = False

    @property
    def lots(self) -> int:
        """Open interest now, lots, one-sided."""
        return int(math.exp(self._log)) + self._leveraged_lots()

    def second(self) -> None:
        """Moves what holders have open by one second."""
        noise = _DAILY_SPREAD * self._rng.gauss(0.0, 1.0) / math.sqrt(_DAY_S)
        self._log += noise + (self._anchor - self._log) / _MEMORY_S

    def sample(self, now_ms: int) -> None:
        """Keeps the figure when a sampling time has come; call at least once per sample time."""
        due = now_ms - now_ms % SAMPLE_MS
        if due <= self._stamps[-1]:
            return
        self._stamps.append(due)
        self._lots.append(self.lots)
        if len(self._stamps) > MAX_SAMPLES + _TRIM_SLACK:
            self._make_past()
            count = len(self._stamps) - MAX_SAMPLES
            del self._stamps[:count], self._lots[:count]

    def history(
        self, period_ms: int, limit: int, start_ms: int | None, end_ms: int | None
    ) -> list[InterestSample]:
        """Figures at whole multiples of a period, ascending, bounds inclusive.

        Args:
            period_ms: a multiple of `SAMPLE_MS`.
            limit: most rows.
            start_ms: from here forward when given, else the newest.
            end_ms: last time.
        """
        self._make_past()
        stamps = self._stamps
        first = 0 if start_ms is None else bisect_left(stamps, start_ms)
        last = len(stamps) if end_ms is None else bisect_right(stamps, end_ms)
        found = [
            InterestSample(stamps[index], self._lots[index])
            for index in range(first, last)
            if stamps[index] % period_ms == 0
        ]
        if limit <= 0:
            return []
        return found[-limit:] if start_ms is None else found[:limit]

    def _make_past(self) -> None:
        """Makes up the figures before the start, once."""
        if self._has_past:
            return
        self._has_past = True
        rng = self._past_rng
        spread = _DAILY_SPREAD * math.sqrt(SAMPLE_MS / 1000 / _DAY_S)
        pull = SAMPLE_MS / 1000 / _MEMORY_S
        anchor = log = math.log(max(1, self._lots[0]))
        past: list[int] = []
        for _ in range(PAST_SAMPLES):
            log += rng.gauss(0.0, spread) + (anchor - log) * pull
            past.append(int(math.exp(log)))
        past.reverse()
        first_ms = self._start_ms - PAST_SAMPLES * SAMPLE_MS
        self._stamps = array("q", range(first_ms, self._start_ms, SAMPLE_MS)) + self._stamps
        self._lots = array("q", past) + self._lots
