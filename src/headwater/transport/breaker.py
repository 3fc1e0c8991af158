"""Stops asking a venue that does not answer, and finds out when it does again.

Closed, calls pass. After `failures` in a row it opens and calls are refused without a network
round trip. After `open_s` one call may probe: its success closes the breaker, its failure opens
it again. A venue that says "too many requests" is alive: that is the limiter's business and
counts for nothing here.
"""

from enum import StrEnum

from headwater.core.clock import Clock
from headwater.core.errors import RateLimited, VenueError, VenueUnavailable


class BreakerState(StrEnum):
    """Whether calls pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitBreaker:
    """One per venue.

    Every call that `before_call` let through is followed by `on_success`, `on_failure` or
    `on_no_verdict`, or by `on_outcome`, which picks one.

    Args:
        clock: measures `open_s`.
        failures: consecutive failures that open it, ≥ 1.
        open_s: seconds for which it stays open, and after which a probe that never reported back
            gives way to another.
    """

    def __init__(self, clock: Clock, failures: int, open_s: float) -> None:
        if failures < 1 or open_s <= 0:
            raise ValueError(f"failures={failures}, open_s={open_s}: want ≥ 1 and > 0")
        self._clock = clock
        self._limit = failures
        self._open_s = open_s
        self._failed = 0
        self._opened_at: float | None = None
        self._probe_at: float | None = None

    @property
    def state(self) -> BreakerState:
        """State now; open turns to half-open by the clock alone."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        if self._clock.monotonic() - self._opened_at < self._open_s:
            return BreakerState.OPEN
        return BreakerState.HALF_OPEN

    @property
    def retry_in_s(self) -> float:
        """Seconds until a call can pass; 0 when one can now."""
        state = self.state
        now = self._clock.monotonic()
        if state is BreakerState.OPEN and self._opened_at is not None:
            return self._opened_at + self._open_s - now
        if state is BreakerState.HALF_OPEN and self._probe_at is not None:
            return max(0.0, self._probe_at + self._open_s - now)
        return 0.0

    def before_call(self) -> bool:
        """Whether the call may go out; when half-open, this takes the one probe."""
        state = self.state
        if state is BreakerState.CLOSED:
            return True
        if state is BreakerState.OPEN or self.retry_in_s > 0:
            return False
        self._probe_at = self._clock.monotonic()
        return True

    def on_success(self) -> None:
        """The venue answered, be it with a refusal."""
        self._failed = 0
        self._opened_at = None
        self._probe_at = None

    def on_failure(self) -> None:
        """The venue did not answer, or only to say that it is broken."""
        state = self.state
        self._failed += 1
        if state is BreakerState.HALF_OPEN or (
            state is BreakerState.CLOSED and self._failed >= self._limit
        ):
            self._opened_at = self._clock.monotonic()
            self._probe_at = None

    def on_no_verdict(self) -> None:
        """The call says nothing of the venue's health: rate limited, cancelled, never sent."""
        self._probe_at = None

    def on_outcome(self, error: BaseException | None) -> None:
        """Judges by how the call ended; None for a reply without an error."""
        if error is None:
            self.on_success()
        elif isinstance(error, VenueUnavailable):
            self.on_failure()
        elif isinstance(error, RateLimited) or not isinstance(error, VenueError):
            self.on_no_verdict()
        else:
            self.on_success()
