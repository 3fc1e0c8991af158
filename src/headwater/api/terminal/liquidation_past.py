"""What liquidation sockets ask of the past: never an error, few questions at a time.

What cannot be had is told in words, so that what is live goes out in any case (O-S9, O-D14).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from headwater.api.errors import problem_of
from headwater.core.errors import PlatformError
from headwater.core.intervals import Interval
from headwater.services.liquidation_history import Wanted
from headwater.services.past_liquidations import (
    FoundOrders,
    FoundSeries,
    FoundVolumes,
    PastLiquidations,
)

NEWEST: Final = 50
"""Liquidations with which a client begins (O-S9)."""

QUESTIONS_AT_A_TIME: Final = 8
"""Questions put to the database or the service at a time; others wait. A restart after which every
client comes back at once is no storm of questions."""

PATIENCE_S: Final = 30.0
"""Longest time that a feed waits for its past, its turn included; then it goes on without."""

T = TypeVar("T")

_NOTHING_STORED: Final = "this process stores nothing, so it knows of no past liquidations"
_log: Final = structlog.stdlib.get_logger("headwater.api.terminal")


class LiquidationPast:
    """Asks on behalf of every feed.

    Args:
        past: what is stored and, before it, what an external service tells; None where nothing is
            stored.
    """

    def __init__(self, past: PastLiquidations | None) -> None:
        self._past = past
        self._turns = asyncio.Semaphore(QUESTIONS_AT_A_TIME)

    @property
    def may_recover(self) -> bool:
        """Whether what is missing may be there when it is asked for again."""
        return self._past is not None

    async def newest(self, wanted: Wanted, value_min_usd: float) -> FoundOrders:
        """The newest `NEWEST` liquidations of at least a value."""
        past = self._past
        if past is None:
            return _no_orders(_NOTHING_STORED)
        return await self._ask(
            lambda: past.newest(wanted, limit=NEWEST, value_min_usd=value_min_usd), _no_orders
        )

    async def series(self, wanted: Wanted, interval: Interval, since_ms: int) -> FoundSeries:
        """Volume up to a time and single liquidations since; see `PastLiquidations.series`."""
        past = self._past
        if past is None:
            return _no_series(_NOTHING_STORED)
        return await self._ask(lambda: past.series(wanted, interval, since_ms), _no_series)

    async def _ask(self, question: Callable[[], Awaitable[T]], without: Callable[[str], T]) -> T:
        """The answer, or what stands for it when there is none."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._turns:
                return await question()
        except PlatformError as error:
            _log.warning("no past liquidations", reason=str(error))
            return without(problem_of(error).detail)
        except TimeoutError:
            _log.warning("no past liquidations", reason=f"no answer within {PATIENCE_S:g} s")
            return without(f"the past was not told within {PATIENCE_S:g} s")


def _no_orders(missing: str) -> FoundOrders:
    return FoundOrders(own=(), missing=missing)


def _no_series(missing: str) -> FoundSeries:
    return FoundSeries(volumes=FoundVolumes(own=(), missing=missing), events=())
