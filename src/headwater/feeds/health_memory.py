"""What a venue's health was over time: how long it was healthy, and its newest trouble.

A value of health speaks of one moment. Whoever measures it notes it here; the time until the next
note counts as what was noted last.
"""

from collections import deque
from typing import Final

from headwater.core.clock import Clock
from headwater.feeds.source import VenueHealth

HOUR_S: Final = 3600.0
LOSSES_MAX: Final = 3600
"""Notes with lost connections that are remembered; of more in an hour the oldest are not told."""


class HealthMemory:
    """The past of one venue, from its first moment on.

    Args:
        clock: measures the time between notes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self._noted_at = self._started
        self._healthy = False
        self._was_healthy = False
        self._healthy_s = 0.0
        self._wire_errors = 0
        self._rest_failures = 0
        self._reconnects = 0
        self._losses: deque[tuple[float, int]] = deque(maxlen=LOSSES_MAX)
        self.last_error: str | None = None

    def note(self, health: VenueHealth, wire_error: str, rest_failure: str) -> None:
        """Takes a measurement.

        Args:
            health: of this moment; its counters only grow.
            wire_error: the newest frame that could not be read, in words.
            rest_failure: the newest REST call that failed, in words.
        """
        now = self._clock.monotonic()
        if self._healthy:
            self._healthy_s += now - self._noted_at
        self._noted_at = now
        self._healthy = health.healthy
        self._was_healthy |= health.healthy
        if self._was_healthy and not health.healthy:  # before, it only starts
            self.last_error = health.reason
        if health.reconnects > self._reconnects:
            self._losses.append((now, health.reconnects - self._reconnects))
            reasons = (one.reason for one in health.channels if one.reason)
            self.last_error = next(reasons, "a connection was lost")
        if health.wire_errors > self._wire_errors:
            self.last_error = wire_error
        if health.rest_failures > self._rest_failures:
            self.last_error = rest_failure
        self._reconnects = health.reconnects
        self._wire_errors = health.wire_errors
        self._rest_failures = health.rest_failures

    @property
    def reconnects_1h(self) -> int:
        """Connections lost in the hour before the newest note."""
        while self._losses and self._losses[0][0] <= self._noted_at - HOUR_S:
            self._losses.popleft()
        return sum(count for _, count in self._losses)

    @property
    def since_start_s(self) -> float:
        """Seconds from the start to the newest note."""
        return self._noted_at - self._started

    @property
    def healthy_s(self) -> float:
        """Seconds of them in which the venue was healthy."""
        return self._healthy_s
