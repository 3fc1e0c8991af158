"""Spaces what goes out on WebSocket connections: messages on one, new connections to a venue.

Both let through at most so many in any window of a length, first come, first served, with a
bounded queue.
"""

import asyncio
import random
from collections import deque

from headwater.core.clock import Clock
from headwater.core.errors import RateLimited

MESSAGES_SHARE = 0.9
CONNECTS_SHARE = 0.9
MESSAGES_PAD_S = 0.5
CONNECT_JITTER_S = 0.25
MAX_WAITING = 500
MIN_NAP_S = 0.001  # timers are not finer; without it a rounding error would spin


class _Turnstile:
    """At most `count` per rolling `window_s`, one after the other, with a bounded queue."""

    def __init__(self, exchange: str, count: int, window_s: float, clock: Clock) -> None:
        self._exchange = exchange
        self._passed: deque[float] = deque(maxlen=count)
        self._count = count
        self._window_s = window_s
        self._clock = clock
        self._order = asyncio.Lock()
        self._waiting = 0
        self._blocked_until = float("-inf")

    def block_until(self, deadline_monotonic: float) -> None:
        self._blocked_until = max(self._blocked_until, deadline_monotonic)

    async def pass_through(self) -> None:
        if self._waiting >= MAX_WAITING:
            raise RateLimited(
                self._exchange, f"{MAX_WAITING} wait already", retry_after_s=self._window_s
            )
        self._waiting += 1
        try:
            async with self._order:  # first come, first served; a cancelled one takes nothing
                wait_s = self._wait_s()
                while wait_s > 0:
                    await asyncio.sleep(max(MIN_NAP_S, wait_s))
                    wait_s = self._wait_s()  # a timer may be early, and a block may have come
                self._passed.append(self._clock.monotonic())
        finally:
            self._waiting -= 1

    def _wait_s(self) -> float:
        now = self._clock.monotonic()
        wait_s = self._blocked_until - now
        if len(self._passed) == self._count:
            wait_s = max(wait_s, self._passed[0] + self._window_s - now)
        return wait_s


class MessagePacer:
    """Spaces the messages that we send on one WebSocket connection.

    A first burst goes out at once; the window is `MESSAGES_PAD_S` longer than the venue's, for a
    burst that is held up on the way runs into the next. Pongs are sent past this gate and have
    the share of the limit that it leaves.

    Args:
        exchange: venue id, for errors.
        messages_per_s: what the venue allows.
        clock: measures the window.
        requests: subscribe and unsubscribe messages that the venue allows per
            `request_window_s`; None for no such limit.
        request_window_s: length of that window, seconds.
    """

    def __init__(
        self,
        exchange: str,
        messages_per_s: float,
        *,
        clock: Clock,
        requests: int | None = None,
        request_window_s: float = 3600.0,
    ) -> None:
        ours_per_s = messages_per_s * MESSAGES_SHARE
        count = max(1, int(ours_per_s))
        window_s = max(1.0, count / ours_per_s) + MESSAGES_PAD_S
        self._turnstile = _Turnstile(exchange, count, window_s, clock)
        self._requests: _Turnstile | None = None
        if requests is not None:
            allowed = max(1, int(requests * MESSAGES_SHARE))
            self._requests = _Turnstile(exchange, allowed, request_window_s, clock)

    async def turn(self, *, is_request: bool = True) -> None:
        """Waits until a message may be sent; send it at once, without waiting in between.

        Args:
            is_request: whether the message counts as a request.

        Raises:
            RateLimited: `MAX_WAITING` others wait already.
        """
        if is_request and self._requests is not None:
            await self._requests.pass_through()
        await self._turnstile.pass_through()


class ConnectGate:
    """Spaces new connections to one venue, from wherever in the process they come.

    Args:
        exchange: venue id, for errors.
        connects: new connections that the venue allows per window.
        window_s: length of the window, seconds.
        clock: measures the window.
        rng: source of the jitter.
        jitter_s: each comer waits up to so long first, drawn evenly, so that connections that
            were lost together do not return in one instant.
    """

    def __init__(
        self,
        exchange: str,
        connects: int,
        window_s: float,
        *,
        clock: Clock,
        rng: random.Random,
        jitter_s: float = CONNECT_JITTER_S,
    ) -> None:
        self._turnstile = _Turnstile(
            exchange, max(1, int(connects * CONNECTS_SHARE)), window_s, clock
        )
        self._rng = rng
        self._jitter_s = jitter_s

    def block_until(self, deadline_monotonic: float) -> None:
        """Lets nobody connect before: the venue refused with Retry-After, or bans us."""
        self._turnstile.block_until(deadline_monotonic)

    async def turn(self) -> None:
        """Waits until a connection may be opened.

        Raises:
            RateLimited: `MAX_WAITING` others wait already.
        """
        await asyncio.sleep(self._rng.uniform(0.0, self._jitter_s))
        await self._turnstile.pass_through()
