"""How long one channel may be silent before silence is a fault, learned from its own past.

A venue states how long a liquid symbol is silent at most (`VenueFacts.stale_after_s`). A channel
that is busy is held to that. A quiet one may be silent for three times its longest recent silence.
Heartbeats, acknowledgements and other channels' data do not count. Pure: time is passed in.

The remedy escalates: subscribe again, then renew the connection, then wait twice as long.
"""

from enum import Enum
from typing import Final

from headwater.feeds.settings import SessionSettings

HEALED_WITHIN_S: Final = 2.0
"""Data this soon after a remedy was brought back by it: the silence before it is not learned."""

_BUSY_SHARE: Final = 0.1
_SMOOTHING: Final = 1 / 32


class Remedy(Enum):
    """What to do about a silent channel."""

    RESUBSCRIBE = "resubscribe"
    RECONNECT = "reconnect"


class SilenceWatch:
    """Watches the silence of one subscription; outlives the connections that carry it.

    Args:
        configured_s: longest normal silence of a liquid symbol; None for a channel that may be
            silent for ever.
        settings: factors and ceilings.
        now: monotonic seconds.
    """

    __slots__ = (
        "_acted_at",
        "_configured",
        "_last_data",
        "_longest_before",
        "_longest_now",
        "_mark",
        "_settings",
        "_stage",
        "_strikes",
        "_typical",
        "_window_started",
    )

    def __init__(self, configured_s: float | None, settings: SessionSettings, now: float) -> None:
        self._configured = configured_s
        self._settings = settings
        self._mark = now
        self._last_data: float | None = None
        self._acted_at: float | None = None
        self._typical: float | None = None
        self._longest_now = 0.0
        self._longest_before = 0.0
        self._window_started = now
        self._stage = 0
        self._strikes = 0

    @property
    def watched(self) -> bool:
        """Whether silence can ever be a fault here."""
        return self._configured is not None

    @property
    def last_data(self) -> float | None:
        """Monotonic time at which data was last seen, None before the first."""
        return self._last_data

    @property
    def limit_s(self) -> float | None:
        """Seconds of silence allowed now; None for ever."""
        configured = self._configured
        if configured is None:
            return None
        limit = configured
        typical = self._typical
        if typical is None or typical > configured * _BUSY_SHARE:
            longest = max(self._longest_now, self._longest_before)
            limit = max(configured, self._settings.learned_factor * longest)
        ceiling = max(self._settings.quiet_max_s, configured)
        return min(limit * float(2 ** min(self._strikes, 20)), ceiling)

    def asked(self, now: float) -> None:
        """The stream was asked for just now: its silence counts from here."""
        self._mark = max(self._mark, now)

    def seen(self, now: float) -> None:
        """Notes that data came since the last look."""
        if self._last_data is not None:
            healed = self._acted_at is not None and now - self._acted_at <= HEALED_WITHIN_S
            if not healed:
                self._learn(now - self._last_data, now)
        self._last_data = now
        self._mark = now
        self._acted_at = None
        self._stage = 0
        self._strikes = 0

    def overdue(self, now: float) -> bool:
        """Whether the channel has been silent for longer than it may."""
        limit = self.limit_s
        return limit is not None and now - self._mark > limit

    def remedy(self, now: float) -> Remedy:
        """The next remedy of an overdue channel; notes that it is applied now."""
        self._mark = now
        self._acted_at = now
        if self._stage == 0:
            self._stage = 1
            return Remedy.RESUBSCRIBE
        return Remedy.RECONNECT

    def carried_over(self, now: float) -> None:
        """A new connection carries the subscription now, the old one ended in good order."""
        self._mark = now
        if self._stage:
            self._acted_at = now
            self._stage = 0
            self._strikes += 1

    def interrupted(self, now: float) -> None:
        """The connection was lost: silence counts anew, and the outage is not learned."""
        self.carried_over(now)
        self._last_data = None

    def known_quiet(self, now: float) -> None:
        """Other evidence (REST) shows that nothing was missed: the silence was real quiet."""
        if self._last_data is not None:
            self._learn(now - self._last_data, now)
        self._mark = now
        self._stage = 0
        self._strikes = min(self._strikes + 1, 20) if self._last_data is None else 0

    def _learn(self, gap: float, now: float) -> None:
        if now - self._window_started > self._settings.learned_window_s:
            self._longest_before = self._longest_now
            self._longest_now = 0.0
            self._window_started = now
        self._longest_now = max(self._longest_now, gap)
        typical = self._typical
        self._typical = gap if typical is None else typical + (gap - typical) * _SMOOTHING
