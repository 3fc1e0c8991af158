"""Drives a venue's REST calls: budget, circuit breaker, transport, retries, errors.

A `RestCall` is a generator that yields requests and is sent replies; this module brings them
together. Each request is tried a bounded number of times with full jitter inside the call's total
deadline. A refusal of the venue is thrown into the generator at once, so that its own paging or
fall-back may answer it. Reads only: nothing here may ever be used to place an order.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from headwater.core.clock import Clock
from headwater.core.errors import RateLimited, VenueError, VenueTimeout, VenueUnavailable
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.feeds.settings import RestSettings
from headwater.transport.backoff import FullJitterBackoff
from headwater.transport.breaker import CircuitBreaker
from headwater.transport.limiter import Budget, WeightLimiter
from headwater.venues.base import Venue
from headwater.venues.messages import RestCall

T = TypeVar("T")

_HTTP_BAN: Final = 418


class HttpSender(Protocol):
    """What is needed of `transport.http.HttpClient`."""

    async def send(
        self, exchange: str, base_url: str, request: HttpRequest, *, timeout_s: float
    ) -> HttpReply:
        """Sends one request; raises `VenueTimeout` or `VenueUnavailable`."""
        ...


class ReplyTap(Protocol):
    """Hears every reply, for the tape."""

    def on_reply(self, base_url: str, request: HttpRequest, reply: HttpReply) -> None:
        """Takes a reply; must return at once."""
        ...


class VenueRest:
    """REST calls of one venue.

    Args:
        venue: reads errors and used weights.
        base_url: where to send.
        http: sends one request.
        limiter: the venue's budgets.
        breaker: refuses calls while the venue is down.
        clock: measures deadlines.
        backoff: makes the delays of one request's retries.
        settings: deadlines and bounds.
        tap: hears replies, None for nobody.
    """

    def __init__(
        self,
        venue: Venue,
        base_url: str,
        http: HttpSender,
        limiter: WeightLimiter,
        breaker: CircuitBreaker,
        clock: Clock,
        backoff: Callable[[], FullJitterBackoff],
        settings: RestSettings,
        tap: ReplyTap | None = None,
    ) -> None:
        self._venue = venue
        self._exchange = venue.facts.venue_id
        self._base_url = base_url
        self._http = http
        self._limiter = limiter
        self._breaker = breaker
        self._clock = clock
        self._backoff = backoff
        self._settings = settings
        self._tap = tap
        self.last_reply_ns: int | None = None
        self.replies = 0
        self.failures = 0
        self.last_failure = ""

    @property
    def breaker_state(self) -> str:
        """closed, open or half_open."""
        return str(self._breaker.state)

    @property
    def used_weight(self) -> dict[str, int]:
        """Weight used in the current windows by pool."""
        return self._limiter.used()

    async def call(self, call: RestCall[T], *, deadline_s: float | None = None) -> T:
        """Runs one call to its result.

        Args:
            call: a fresh generator of `MarketRest`.
            deadline_s: total time for all pages and retries; the settings' when None.

        Returns:
            What the call parsed.

        Raises:
            VenueError: the venue refused, failed or could not be reached in time.
            WireError: a reply could not be read.
            RequestError: the call was impossible.
        """
        allowed = self._settings.deadline_s if deadline_s is None else deadline_s
        deadline = self._clock.monotonic() + allowed
        try:
            request = next(call)
            while True:
                try:
                    reply = await self._request(request, deadline)
                except VenueError as error:
                    request = call.throw(error)
                else:
                    request = call.send(reply)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            call.close()

    async def _request(self, request: HttpRequest, deadline: float) -> HttpReply:
        """Sends one request until it succeeds, is refused, or its tries or time are used up.

        Nobody waits for an open breaker: the caller learns at once when to come back.
        """
        backoff = self._backoff()
        attempts = 0
        while True:
            attempts += 1
            try:
                return await self._try(request, deadline)
            except VenueError as error:
                is_spent = attempts >= self._settings.attempts_max
                if not error.retryable or is_spent or self._breaker.retry_in_s > 0:
                    raise
                delay = backoff.next_delay(error.retry_after_s or 0.0)
                if self._clock.monotonic() + delay >= deadline:
                    raise
            await asyncio.sleep(delay)

    async def _try(self, request: HttpRequest, deadline: float) -> HttpReply:
        left = deadline - self._clock.monotonic()
        if left <= 0:
            raise VenueTimeout(self._exchange, f"{request.path}: no time left")
        weights = ((request.pool, request.weight), *request.limit_weights)
        await self._limiter.acquire(weights, max_wait_s=left)
        if not self._breaker.before_call():
            raise VenueUnavailable(
                self._exchange,
                f"circuit breaker open after repeated failures, the last: {self.last_failure}",
                retry_after_s=self._breaker.retry_in_s,
            )
        try:
            reply = await self._exchange_once(request, deadline)
        except BaseException as error:
            self._breaker.on_outcome(error)
            if isinstance(error, VenueError):
                self.failures += 1
                self.last_failure = error.message
            raise
        self._breaker.on_outcome(None)
        return reply

    async def _exchange_once(self, request: HttpRequest, deadline: float) -> HttpReply:
        """Sends a request that may go out; an error status is raised."""
        left = max(0.001, deadline - self._clock.monotonic())
        base_url = request.base_url or self._base_url
        reply = await self._http.send(
            self._exchange,
            base_url,
            request,
            timeout_s=min(self._settings.timeout_s, left),
        )
        self.replies += 1
        self._limiter.observe(self._venue.used_weights(reply))
        if self._tap is not None:
            self._tap.on_reply(base_url, request, reply)
        error = self._venue.error_of(reply)
        if error is None:
            self.last_reply_ns = reply.received_ns
            return reply
        if isinstance(error, RateLimited):
            self._block(reply.status, error)
        raise error

    def _block(self, status: int, error: RateLimited) -> None:
        """A limit or ban concerns the whole venue: nobody calls before it ends."""
        banned = status == _HTTP_BAN
        fallback = self._settings.ban_default_s if banned else self._settings.limit_default_s
        wait = fallback if error.retry_after_s is None else error.retry_after_s
        reason = f"HTTP {status}: {'banned' if banned else 'limited'} by the venue"
        self._limiter.block_until(self._clock.monotonic() + wait, reason)


def venue_rest(
    venue: Venue,
    base_url: str,
    http: HttpSender,
    clock: Clock,
    rng: random.Random,
    settings: RestSettings,
    tap: ReplyTap | None = None,
) -> VenueRest:
    """A `VenueRest` with the budgets of the venue's facts and a breaker of its own."""
    facts = venue.facts
    budgets = [Budget(name=p.name, capacity=p.capacity, window_s=p.window_s) for p in facts.pools]
    return VenueRest(
        venue,
        base_url,
        http,
        WeightLimiter(facts.venue_id, budgets, clock=clock),
        CircuitBreaker(clock, settings.breaker_failures, settings.breaker_open_s),
        clock,
        lambda: FullJitterBackoff(settings.backoff_base_s, settings.backoff_ceiling_s, rng),
        settings,
        tap,
    )
