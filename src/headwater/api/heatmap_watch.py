"""One symbol of `/ws/heatmap` that somebody watches: who, how often, and what is due when.

Plain bookkeeping: given the time, it says what is due; it makes no map and sends nothing. Times
are monotonic seconds. Paces lie on one grid, the multiples of their seconds, so that a map made
for the clients of one second serves those of five and of sixty at the same moment.
"""

from math import floor
from typing import Final, Protocol

from headwater.api.stream_topics import HubTopic

MADE_EVERY_S: Final = 1.0
"""A symbol's map is made at most once in this time; until then the newest one is given again."""

RETRY_S: Final = 5.0
"""Time after a failure without another try."""


class Watcher(Protocol):
    """A client that watches a symbol."""

    def begin(self, symbol: str, payload: bytes) -> None:
        """Takes the first snapshot; from now on it hears the symbol's topic."""

    def fail(self, symbol: str, payload: bytes) -> None:
        """Takes the news that there is no map now."""


class PaceGroup:
    """The clients of one symbol and pace.

    Args:
        topic: where their snapshots go.
        pace_s: seconds between two.
        now_s: the next is due at the first multiple of `pace_s` after it.
    """

    __slots__ = ("due_s", "pace_s", "topic", "watchers")

    def __init__(self, topic: HubTopic, pace_s: int, now_s: float) -> None:
        self.topic = topic
        self.pace_s = pace_s
        self.watchers: set[Watcher] = set()
        self.due_s = 0.0
        self.rearm(now_s)

    def rearm(self, now_s: float) -> None:
        """The next snapshot is due at the first multiple of the pace after `now_s`."""
        self.due_s = float((floor(now_s / self.pace_s) + 1) * self.pace_s)


class SymbolWatch:
    """A symbol with its clients and its newest map.

    Args:
        symbol: canonical symbol.

    Attributes:
        symbol: the same.
        groups: its clients by pace.
        waiting: clients that have not had a snapshot yet.
        told: clients that know of the present failure.
        payload: the newest map as it is sent; None when there is none, or it failed since.
        failure: why the newest try gave none, as it is sent; None when it did not fail.
        reason: the same in words.
        newest_at: moment of the newest map, text; None before the first.
        computing: whether a map is being made.
        computed: maps made.
        failed: tries that gave none.
        published: snapshots given to all clients of a pace.
        compute_s: time the newest try took.
    """

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.groups: dict[int, PaceGroup] = {}
        self.waiting: dict[Watcher, None] = {}
        self.told: set[Watcher] = set()
        self.payload: bytes | None = None
        self.failure: bytes | None = None
        self.reason: str | None = None
        self.newest_at: str | None = None
        self.computing = False
        self.computed = 0
        self.failed = 0
        self.published = 0
        self.compute_s = 0.0
        self._slot_s = self._made_s = -RETRY_S
        self._not_before_s = 0.0

    @property
    def clients(self) -> int:
        """How many watch it."""
        return sum(len(group.watchers) for group in self.groups.values())

    def has(self, watcher: Watcher) -> bool:
        """Whether a client watches it, at any pace."""
        return any(watcher in group.watchers for group in self.groups.values())

    def due(self, now_s: float) -> list[PaceGroup]:
        """Groups that should have a snapshot now, not yet told so."""
        return [group for group in self.groups.values() if group.due_s <= now_s]

    def is_wanted(self, now_s: float) -> bool:
        """Whether anybody should have a snapshot now."""
        return bool(self.waiting) or any(one.due_s <= now_s for one in self.groups.values())

    def is_fresh(self, now_s: float) -> bool:
        """Whether the newest map may be given again instead of making another."""
        return self.payload is not None and self._slot(now_s) - self._made_s < MADE_EVERY_S

    def may_compute(self, now_s: float) -> bool:
        """Whether enough time has passed since the last try."""
        wait_s = MADE_EVERY_S if self.failure is None else RETRY_S
        return (
            not self.computing
            and now_s >= self._not_before_s
            and self._slot(now_s) - self._slot_s >= wait_s
        )

    def waits_since_s(self) -> float:
        """When its last try was due; the symbol that waits longest comes first."""
        return self._slot_s

    def start(self, now_s: float) -> None:
        """A map is being made."""
        self._slot_s = self._slot(now_s)
        self.computing = True

    def made(self, payload: bytes, moment: str) -> None:
        """There is a map, as it is sent, of a moment."""
        self._made_s = self._slot_s
        self.computed += 1
        self.payload, self.newest_at = payload, moment
        self.failure = self.reason = None
        self.told.clear()

    def end(self, started_s: float, now_s: float) -> None:
        """The try has ended. Maps that take long are made half of the time at most."""
        self.computing = False
        self.compute_s = now_s - started_s
        self._not_before_s = now_s + self.compute_s

    def _slot(self, now_s: float) -> float:
        """When what is done now was due: timers come late, and must not make every map later."""
        due = [group.due_s for group in self.due(now_s)]
        late = [due_s for due_s in due if now_s - due_s < MADE_EVERY_S]
        return min(late, default=now_s)
