"""Stays below a venue's limits, and says how long to wait instead of trying them.

`WeightLimiter` is for REST budgets per IP; `MessagePacer` (messages on one WebSocket connection)
and `ConnectGate` (new connections to one venue) are its smaller kin. None knows a venue; the
numbers come from its facts.

Venues count in fixed windows whose edges we see only through clocks and networks that are a
little off, so ours roll: whatever way a window of that length is laid over what was let through,
it never holds more than the bound (`headwater.transport.rolling_budget`). The sustained rate is
the same, and a burst across an edge cannot happen.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence

import msgspec

from headwater.core.clock import Clock
from headwater.core.errors import RateLimited
from headwater.transport.pacing import ConnectGate, MessagePacer
from headwater.transport.rolling_budget import RollingBudget

__all__ = ["Budget", "ConnectGate", "MessagePacer", "WeightLimiter"]

SAFETY_FRACTION = 0.9
MAX_WAITING = 500
EDGE_PAD_S = 1.0
EDGE_PAD_FRACTION = 0.05
MIN_NAP_S = 0.001  # timers are not finer; without it a rounding error would spin


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue allows.

    Attributes:
        name: of its pool, as requests name it.
        capacity: weight per window.
        window_s: length of the window, seconds.
    """

    name: str
    capacity: int
    window_s: float


class _Ticket:
    """One caller in the queue."""

    __slots__ = ("deadline", "granted", "granted_at", "weights")

    def __init__(
        self, weights: Sequence[tuple[str, int]], deadline: float, granted: asyncio.Future[None]
    ) -> None:
        self.weights = weights
        self.deadline = deadline
        self.granted = granted
        self.granted_at = 0.0


class WeightLimiter:
    """Budgets of one venue, shared by all that call it. First come, first served.

    Args:
        exchange: venue id, for errors.
        budgets: what the venue allows.
        clock: monotonic time for our own count, wall time for the edges of the venue's windows.
        safety: share of each capacity that is used, 0 < `safety` ≤ 1; the rest is for
            retransmission, skew and neighbours on the same address.
        max_waiting: callers that may wait; the next one is refused at once.
    """

    def __init__(
        self,
        exchange: str,
        budgets: Sequence[Budget],
        *,
        clock: Clock,
        safety: float = SAFETY_FRACTION,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        if not 0 < safety <= 1:
            raise ValueError(f"safety={safety}: want 0 < safety ≤ 1")
        self._exchange = exchange
        self._clock = clock
        self._max_waiting = max_waiting
        self._windows = {budget.name: budget.window_s for budget in budgets}
        self._counts = {
            budget.name: RollingBudget(
                max(1, int(budget.capacity * safety)),
                budget.window_s,
                # A burst may reach the venue late, the next one early.
                pad_s=min(EDGE_PAD_S, budget.window_s * EDGE_PAD_FRACTION),
            )
            for budget in budgets
        }
        self._queue: deque[_Ticket] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._blocked_until = float("-inf")
        self._blocked_reason = ""

    @property
    def blocked_for_s(self) -> float:
        """Seconds until the venue may be called again after `block_until`; 0 when it may now."""
        return max(0.0, self._blocked_until - self._clock.monotonic())

    @property
    def waiting(self) -> int:
        """Callers in the queue."""
        return len(self._queue)

    def used(self) -> dict[str, int]:
        """Weight that counts now, by budget: ours, and what the venue says others used."""
        now = self._clock.monotonic()
        return {name: count.used(now) for name, count in self._counts.items()}

    async def acquire(self, weights: Sequence[tuple[str, int]], *, max_wait_s: float) -> None:
        """Waits for its turn and takes `weights`, all of them or none.

        Args:
            weights: budget name and weight (≥ 0) pairs; a name may come more than once.
            max_wait_s: longest wait, seconds; 0 to take or be refused now.

        Raises:
            RateLimited: it would take longer, the queue is full, or the venue blocks us;
                `retry_after_s` says how long. Refused as soon as that is known.
            ValueError: an unknown budget, or a weight that no empty budget could hold.
        """
        self._check(weights)
        now = self._clock.monotonic()
        free_at = self._forecast(now, weights)
        if not self._queue and free_at <= now:
            self._take(now, weights)
            return
        if free_at > now + max_wait_s:
            raise self._refusal(free_at - now)
        if len(self._queue) >= self._max_waiting:
            raise self._refusal(free_at - now, f"{self._max_waiting} calls wait already")
        granted = asyncio.get_running_loop().create_future()
        ticket = _Ticket(weights, now + max_wait_s, granted)
        self._queue.append(ticket)
        self._serve()
        try:
            await granted
        except asyncio.CancelledError:
            self._withdraw(ticket)
            raise

    def observe(self, used: Mapping[str, int]) -> None:
        """Takes over what the venue's headers say is used in its current window.

        More than our own count there means that others use the same address, or that we did
        before a restart: it counts until the venue's window ends. Less is ignored, for our
        requests under way are not in it yet. Unknown names are ignored.
        """
        now = self._clock.monotonic()
        wall_s = self._clock.now_ns() / 1e9
        for name, total in used.items():
            count = self._counts.get(name)
            if count is not None:
                elapsed_s = wall_s % self._windows[name]
                count.observe(total, window_began=now - elapsed_s)
        self._serve()

    def block_until(self, deadline_monotonic: float, reason: str) -> None:
        """Lets nothing through before `deadline_monotonic`: 429 with Retry-After, 418.

        Never shortens an earlier block. Callers whose wait ends before are refused now.
        """
        if deadline_monotonic > self._blocked_until:
            self._blocked_until = deadline_monotonic
            self._blocked_reason = reason
            self._serve()

    def _check(self, weights: Sequence[tuple[str, int]]) -> None:
        totals: dict[str, int] = {}
        for name, weight in weights:
            if name not in self._counts or weight < 0:
                raise ValueError(f"{self._exchange}: no budget {name!r} for weight {weight}")
            totals[name] = totals.get(name, 0) + weight
        for name, total in totals.items():
            if total > self._counts[name].limit:
                limit = self._counts[name].limit
                raise ValueError(f"{self._exchange}: weight {total} exceeds {name} ({limit})")

    def _forecast(self, now: float, weights: Sequence[tuple[str, int]]) -> float:
        """When `weights` would be let through if nobody in the queue gave up."""
        at = max(now, self._blocked_until)
        counts = self._counts
        if self._queue:
            counts = {name: count.copy() for name, count in counts.items()}
            for ticket in self._queue:
                at = _free_at(counts, at, ticket.weights)
                for name, weight in ticket.weights:
                    counts[name].take(at, weight)
        return _free_at(counts, at, weights)

    def _earliest(self, now: float, weights: Sequence[tuple[str, int]]) -> float:
        """When `weights` would be let through at the head of the queue."""
        return _free_at(self._counts, max(now, self._blocked_until), weights)

    def _take(self, now: float, weights: Sequence[tuple[str, int]]) -> None:
        for name, weight in weights:
            self._counts[name].take(now, weight)

    def _serve(self) -> None:
        """Lets through whoever may go, refuses whoever cannot in time, sets the next alarm."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock.monotonic()
        while self._queue:
            head = self._queue[0]
            if head.granted.cancelled():  # its task has not run yet to say so
                self._queue.popleft()
                continue
            if self._earliest(now, head.weights) > now:
                break
            self._queue.popleft()
            self._take(now, head.weights)
            head.granted_at = now
            head.granted.set_result(None)
        self._refuse_hopeless(now)
        if self._queue:
            free_at = self._earliest(now, self._queue[0].weights)
            next_deadline = min(ticket.deadline for ticket in self._queue)
            wake_in_s = max(MIN_NAP_S, min(free_at, next_deadline) - now)
            self._timer = asyncio.get_running_loop().call_later(wake_in_s, self._serve)

    def _refuse_hopeless(self, now: float) -> None:
        """Refuses those whose time is up, or ends before the venue lets anyone through."""
        hopeless = [
            ticket
            for ticket in self._queue
            if ticket.deadline <= now or ticket.deadline < self._blocked_until
        ]
        for ticket in hopeless:
            self._queue.remove(ticket)
            if not ticket.granted.done():
                wait_s = self._earliest(now, ticket.weights) - now
                ticket.granted.set_exception(self._refusal(wait_s))

    def _withdraw(self, ticket: _Ticket) -> None:
        """A waiting caller was cancelled: its place or its weight goes back."""
        if ticket in self._queue:
            self._queue.remove(ticket)
        elif not ticket.granted.cancelled() and ticket.granted.exception() is None:
            for name, weight in ticket.weights:
                self._counts[name].give_back(ticket.granted_at, weight)
        self._serve()

    def _refusal(self, wait_s: float, why: str = "") -> RateLimited:
        blocked = self.blocked_for_s > 0
        reason = why or (self._blocked_reason if blocked else "the request budget is used up")
        return RateLimited(
            self._exchange,
            f"{reason}; try again in {wait_s:.1f} s",
            retry_after_s=max(0.0, wait_s),
        )


def _free_at(
    counts: Mapping[str, RollingBudget], at: float, weights: Sequence[tuple[str, int]]
) -> float:
    """Earliest time from `at` on when every budget has room for its share of `weights`."""
    totals: dict[str, int] = {}
    for name, weight in weights:
        totals[name] = totals.get(name, 0) + weight
    return max((counts[name].free_at(at, total) for name, total in totals.items()), default=at)
