"""A bounded crew for back-fills: a few at a time, each once, the rest in a bounded line.

Keeps a reconnect of hundreds of symbols from asking for everything at once. Knows nothing of what
is repaired; the weight limiter below it keeps the venue's budget.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable

from headwater.core.errors import PlatformError, VenueError

Work = Callable[[], Awaitable[None]]


class RepairCrew:
    """Runs repairs in order of arrival.

    Args:
        parallel: repairs under way at once, ≥ 1.
        waiting_max: repairs that may wait; beyond it `submit` refuses.
    """

    def __init__(self, parallel: int, waiting_max: int) -> None:
        self.parallel = parallel
        self._waiting_max = waiting_max
        self._waiting: deque[tuple[Hashable, Work]] = deque()
        self._known: set[Hashable] = set()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def submit(self, key: Hashable, work: Work) -> bool:
        """Puts a repair in line, unless one with this key waits or runs already.

        Args:
            key: what is repaired.
            work: makes the coroutine; it must settle its own failures.

        Returns:
            False when the line is full and the repair was refused; else true.
        """
        if key in self._known:
            return True
        if len(self._waiting) >= self._waiting_max:
            return False
        self._known.add(key)
        self._waiting.append((key, work))
        self._wake.set()
        self._idle.clear()
        return True

    async def work(self) -> None:
        """One worker's life; run `parallel` of them. Crashes end it after freeing its key."""
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            key, repair = self._waiting.popleft()
            try:
                await repair()
            finally:
                self._known.discard(key)
                if not self._known:
                    self._idle.set()

    @property
    def busy(self) -> int:
        """Repairs waiting or under way."""
        return len(self._known)

    async def wait_idle(self) -> None:
        """Waits until nothing waits or runs."""
        await self._idle.wait()


def retry_after_s(error: PlatformError) -> float:
    """Seconds before which another try makes no sense; 0 when the error does not say."""
    return (error.retry_after_s or 0.0) if isinstance(error, VenueError) else 0.0
