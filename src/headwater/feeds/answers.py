"""A short memory of answers: young ones are reused, the same question is asked once at a time.

Bounded by count and age; the oldest answers go. Failures are not remembered.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar, cast

from headwater.core.clock import Clock

T = TypeVar("T")


class AnswerCache:
    """Answers by question.

    Args:
        clock: measures ages.
        limit: most answers kept, ≥ 1.
    """

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._kept: dict[Hashable, tuple[float, float, Any]] = {}
        self._asking: dict[Hashable, asyncio.Future[Any]] = {}
        self.hits = 0
        self.misses = 0

    async def get(self, key: Hashable, ttl_s: float, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to `key`, at most `ttl_s` old.

        Whoever asks while the question is under way waits for the same answer; when its asker is
        cancelled, one of those who wait asks again.

        Args:
            key: the question, with everything that changes the answer.
            ttl_s: age in seconds to which an answer is reused.
            ask: gets a fresh one.

        Raises:
            Whatever `ask` raises.
        """
        while True:
            kept = self._kept.get(key)
            if kept is not None and self._clock.monotonic() - kept[0] < ttl_s:
                self.hits += 1
                return cast("T", kept[2])
            under_way = self._asking.get(key)
            if under_way is None:
                return await self._ask(key, ttl_s, ask)
            self.hits += 1
            await asyncio.wait((under_way,))
            if not under_way.cancelled():
                return cast("T", under_way.result())

    async def _ask(self, key: Hashable, ttl_s: float, ask: Callable[[], Awaitable[T]]) -> T:
        self.misses += 1
        asking: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asking[key] = asking
        try:
            answer = await ask()
        except asyncio.CancelledError:
            asking.cancel()
            raise
        except BaseException as error:
            asking.set_exception(error)
            asking.exception()  # told to this caller in any case: nobody else need take it
            raise
        else:
            asking.set_result(answer)
            self._keep(key, ttl_s, answer)
            return answer
        finally:
            del self._asking[key]

    def _keep(self, key: Hashable, ttl_s: float, answer: object) -> None:
        """Remembers an answer; the oldest go when they are too old or too many."""
        now = self._clock.monotonic()
        kept = self._kept
        kept.pop(key, None)
        kept[key] = (now, ttl_s, answer)
        while kept:
            oldest = next(iter(kept))
            made_at, oldest_ttl_s, _ = kept[oldest]
            if oldest == key or (now - made_at < oldest_ttl_s and len(kept) <= self._limit):
                return
            del kept[oldest]
