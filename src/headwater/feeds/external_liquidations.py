"""Past liquidations from an external service (requirements O-S9, O-S20): asked once, remembered.

A failure is an answer without rows and with the words what was wrong: who asks has data of the
platform's own, which must go out. After a failure of the service as a whole nobody waits for it
again before `FAILURE_KEPT_S` have passed. What a reply means stands in `external_replies`.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import msgspec
import structlog

from headwater.core.clock import Clock
from headwater.core.errors import RateLimited, VenueError, VenueUnavailable, WireError
from headwater.core.external_liquidations import (
    EXTERNAL,
    ExternalOrders,
    ExternalVolume,
    ExternalVolumes,
)
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation
from headwater.feeds.external_replies import (
    orders_request,
    read_orders,
    read_volumes,
    volumes_request,
)
from headwater.feeds.venue_rest import HttpSender

TIMEOUT_S: Final = 15.0
"""Longest wait for a reply (O-S9)."""
SUCCESS_KEPT_S: Final = 60.0
"""How long an answer is given again."""
FAILURE_KEPT_S: Final = 15.0
"""How long a failure is."""
REPLY_BYTES_MAX: Final = 8 * 1024 * 1024
"""Longest reply that the client of the service should take."""
CALLS_MAX: Final = 16
"""Questions under way at a time; more are refused at once, and not remembered."""
KEPT_MAX: Final = 512
"""Answers remembered of each kind; beyond it the oldest goes."""
ROWS_KEPT_MAX: Final = 300_000
"""Rows remembered of each kind, in all answers; beyond it the oldest answer goes."""

RowT = TypeVar("RowT")
Key = tuple[str | int, ...]

_log: Final = structlog.stdlib.get_logger("headwater.feeds.external_liquidations")


class ExternalHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What the external service did.

    Attributes:
        calls: questions put to it.
        failures: of them without a usable answer.
        refused: questions not put because `CALLS_MAX` were under way.
        answers_kept: answers remembered now, failures included.
        rows_kept: rows in them.
        failing_since_ms: first of the failures since the last success; None while it works.
        problem: of the last failure, in words that may be shown to anybody.
    """

    calls: int
    failures: int
    refused: int
    answers_kept: int
    rows_kept: int
    failing_since_ms: int | None
    problem: str


class _Kept(msgspec.Struct, Generic[RowT], frozen=True):
    """An answer and how long it is given again, monotonic seconds."""

    rows: tuple[RowT, ...]
    problem: str
    expires_s: float


class _Memory(Generic[RowT]):
    """Answers of one kind, those being fetched included."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[Key, _Kept[RowT]] = {}
        self._pending: dict[Key, asyncio.Future[_Kept[RowT]]] = {}
        self.rows_kept = 0

    def __len__(self) -> int:
        return len(self._kept)

    def fresh(self, key: Key) -> _Kept[RowT] | None:
        """What is remembered and may still be given."""
        kept = self._kept.get(key)
        if kept is None or kept.expires_s > self._clock.monotonic():
            return kept
        self._drop(key)
        return None

    def under_way(self, key: Key) -> "asyncio.Future[_Kept[RowT]] | None":
        """The same question, put by somebody else."""
        return self._pending.get(key)

    def begin(self, key: Key) -> "asyncio.Future[_Kept[RowT]]":
        """Notes that a question is put; ends with `finish` or `give_up`."""
        made: asyncio.Future[_Kept[RowT]] = asyncio.get_running_loop().create_future()
        self._pending[key] = made
        return made

    def finish(self, key: Key, kept: _Kept[RowT]) -> None:
        """Remembers the answer and gives it to everybody who waits."""
        self._pending.pop(key).set_result(kept)
        self._kept[key] = kept
        self.rows_kept += len(kept.rows)
        while len(self._kept) > KEPT_MAX or self.rows_kept > ROWS_KEPT_MAX:
            self._drop(next(iter(self._kept)))

    def give_up(self, key: Key) -> None:
        """There is no answer: who put the question went away."""
        pending = self._pending.pop(key, None)
        if pending is not None:
            pending.cancel()

    def _drop(self, key: Key) -> None:
        self.rows_kept -= len(self._kept.pop(key).rows)


class ExternalLiquidations:
    """Asks the service, at most once per question and `SUCCESS_KEPT_S`.

    Args:
        base_url: scheme, host and path before the names of the questions, without a slash at the
            end.
        http: sends one request; bounds the reply and follows no redirect.
        clock: measures ages.
        timeout_s: longest wait for a reply.
    """

    def __init__(
        self, base_url: str, http: HttpSender, clock: Clock, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._base_url = base_url
        self._http = http
        self._clock = clock
        self._timeout_s = timeout_s
        self._orders = _Memory[Liquidation](clock)
        self._volumes = _Memory[ExternalVolume](clock)
        self._calls = 0
        self._failures = 0
        self._refused = 0
        self._under_way = 0
        self._paused_until_s = 0.0
        self._failing_since_ms: int | None = None
        self._problem = ""

    async def orders(self, symbol: str) -> ExternalOrders:
        """The newest liquidations of a canonical symbol."""

        def read(reply: HttpReply) -> tuple[Liquidation, ...]:
            return read_orders(reply, symbol)

        kept = await self._ask(self._orders, (symbol,), orders_request(symbol), read)
        return ExternalOrders(rows=kept.rows, problem=kept.problem)

    async def volumes(
        self, symbol: str, interval: Interval, start_ms: int, end_ms: int
    ) -> ExternalVolumes:
        """Liquidated volume per bucket.

        Args:
            symbol: canonical symbol.
            interval: length of a bucket.
            start_ms: beginning of the first bucket.
            end_ms: end of the last one, exclusive.
        """

        def read(reply: HttpReply) -> tuple[ExternalVolume, ...]:
            return read_volumes(reply, interval, start_ms, end_ms)

        request = volumes_request(symbol, interval, start_ms, end_ms)
        key = (symbol, interval.value, start_ms, end_ms)
        kept = await self._ask(self._volumes, key, request, read)
        return ExternalVolumes(rows=kept.rows, problem=kept.problem)

    @property
    def health(self) -> ExternalHealth:
        """What the service did so far."""
        return ExternalHealth(
            calls=self._calls,
            failures=self._failures,
            refused=self._refused,
            answers_kept=len(self._orders) + len(self._volumes),
            rows_kept=self._orders.rows_kept + self._volumes.rows_kept,
            failing_since_ms=self._failing_since_ms,
            problem=self._problem,
        )

    async def _ask(
        self,
        memory: _Memory[RowT],
        key: Key,
        request: HttpRequest,
        read: Callable[[HttpReply], tuple[RowT, ...]],
    ) -> _Kept[RowT]:
        """The answer from memory, from somebody who asks the same, or from the service."""
        while True:
            kept = memory.fresh(key)
            if kept is not None:
                return kept
            pending = memory.under_way(key)
            if pending is None:
                break
            await asyncio.wait((pending,))
            if not pending.cancelled():  # else the one who asked went away: ask ourselves
                return pending.result()
        now_s = self._clock.monotonic()
        if now_s < self._paused_until_s:
            return _Kept((), self._problem, now_s)
        if self._under_way >= CALLS_MAX:
            self._refused += 1
            return _Kept((), f"{CALLS_MAX} questions are under way", now_s)
        memory.begin(key)
        self._under_way += 1
        try:
            kept = await self._call(request, read)
            memory.finish(key, kept)
        finally:
            self._under_way -= 1
            memory.give_up(key)
        return kept

    async def _call(
        self, request: HttpRequest, read: Callable[[HttpReply], tuple[RowT, ...]]
    ) -> _Kept[RowT]:
        self._calls += 1
        try:
            reply = await self._http.send(
                EXTERNAL, self._base_url, request, timeout_s=self._timeout_s
            )
            # A reply of megabytes would hold the loop for tens of milliseconds.
            rows = await asyncio.to_thread(read, reply)
        except (VenueError, WireError) as error:
            return _Kept((), self._failed(request, error), self._until(FAILURE_KEPT_S))
        if self._failing_since_ms is not None:
            _log.info("external_liquidations_work_again", path=request.path)
        self._failing_since_ms = None
        self._paused_until_s = 0.0
        self._problem = ""
        return _Kept(rows, "", self._until(SUCCESS_KEPT_S))

    def _failed(self, request: HttpRequest, error: VenueError | WireError) -> str:
        """Notes a failure; returns what may be said of it, which is nothing of the reply's own."""
        if isinstance(error, WireError):
            problem = f"GET {request.path}: the reply means nothing"
        else:
            problem = error.message
        self._failures += 1
        self._problem = problem
        if self._failing_since_ms is None:
            self._failing_since_ms = self._clock.now_ms()
        if isinstance(error, VenueUnavailable | RateLimited):
            self._paused_until_s = self._until(FAILURE_KEPT_S)
        _log.warning("external_liquidations_fail", path=request.path, reason=str(error))
        return problem

    def _until(self, seconds: float) -> float:
        return self._clock.monotonic() + seconds
