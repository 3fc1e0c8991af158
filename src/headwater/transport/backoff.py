"""How long to wait before trying again: exponential with full jitter.

After an outage every client of a venue comes back at once; a delay drawn evenly between zero and
the bound spreads them best (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
One object per venue, not per connection (reliability rule R13): it is pure, the caller waits.
"""

import random

HEALTHY_S = 60.0
_MAX_DOUBLINGS = 32


class FullJitterBackoff:
    """Delays between attempts.

    Args:
        base_s: bound of the first delay, > 0.
        ceiling_s: largest bound, ≥ `base_s`.
        rng: source of the jitter.
        healthy_s: data must have flowed for so long before the bound starts over, so that a venue
            which accepts and drops again at once does not see a storm.
    """

    def __init__(
        self,
        base_s: float,
        ceiling_s: float,
        rng: random.Random,
        healthy_s: float = HEALTHY_S,
    ) -> None:
        if not 0 < base_s <= ceiling_s:
            raise ValueError(f"base_s={base_s}, ceiling_s={ceiling_s}: want 0 < base ≤ ceiling")
        self._base_s = base_s
        self._ceiling_s = ceiling_s
        self._rng = rng
        self._healthy_s = healthy_s
        self._doublings = 0
        self._healthy_since: float | None = None

    @property
    def bound_s(self) -> float:
        """Longest that the next delay can be, seconds, `not_before_s` aside."""
        return min(self._ceiling_s, self._base_s * 2.0**self._doublings)

    def next_delay(self, not_before_s: float = 0.0) -> float:
        """Seconds to wait before the next attempt; ends a healthy spell and doubles the bound.

        Args:
            not_before_s: what the venue's `Retry-After` says. The delay is at least that, and
                spread beyond it, so that not everyone returns in the same instant.
        """
        delay = not_before_s + self._rng.uniform(0.0, self.bound_s)
        self._doublings = min(self._doublings + 1, _MAX_DOUBLINGS)
        self._healthy_since = None
        return delay

    def note_healthy(self, monotonic: float) -> None:
        """Data flows at `monotonic`; after `healthy_s` of that the bound starts over.

        Call it now and then while data flows, once a second is enough; connecting is not data.
        """
        if self._healthy_since is None:
            self._healthy_since = monotonic
        elif monotonic - self._healthy_since >= self._healthy_s:
            self._doublings = 0
