"""Past funding and open interest: the venue's word, and storage's while the venue is away.

The venue is asked first, because storage does not know which settlement or reading it may lack.
What storage gives instead is told to be so, with the reason. Knows neither venues nor sockets.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from headwater.core.clock import Clock
from headwater.core.errors import VenueError
from headwater.core.intervals import Interval
from headwater.core.records import FundingRate, OpenInterest
from headwater.storage import funding, open_interest
from headwater.storage.base import Query, Span
from headwater.storage.store import Store

RowT = TypeVar("RowT", FundingRate, OpenInterest)

AskVenue = Callable[[], Awaitable[Sequence[RowT]]]
"""Puts the whole question to the venue: rows, oldest first."""


class ReadingsQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which readings.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        limit: most of them, ≥ 1: the newest, or with `start_ms` the first ones from there.
        start_ms: earliest, inclusive; None for the newest ones.
        end_ms: latest, inclusive; None for now.
    """

    exchange: str
    symbol: str
    limit: int
    start_ms: int | None = None
    end_ms: int | None = None


class FoundReadings(msgspec.Struct, Generic[RowT], frozen=True, kw_only=True):
    """What was found.

    Attributes:
        rows: oldest first.
        missing: why it may be less than the venue has; empty when the venue answered.
    """

    rows: Sequence[RowT]
    missing: str = ""


class PastReadings:
    """Answers questions about past funding and open interest.

    Args:
        store: where past ones lie.
        clock: tells which settlements are over.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def funding(
        self, question: ReadingsQuestion, ask: AskVenue[FundingRate]
    ) -> FoundReadings[FundingRate]:
        """Settlements by their time; of storage those that are over.

        Raises:
            VenueError: the venue fails, and storage has none of them.
            StorageError: the venue fails, and the database does not answer.
        """
        return await self._read(
            question,
            ask,
            lambda span: funding.between(question.exchange, question.symbol, span),
        )

    async def open_interest(
        self, question: ReadingsQuestion, period: Interval, ask: AskVenue[OpenInterest]
    ) -> FoundReadings[OpenInterest]:
        """Readings at the full period.

        Raises:
            VenueError: the venue fails, and storage has none of them.
            StorageError: the venue fails, and the database does not answer.
        """
        return await self._read(
            question,
            ask,
            lambda span: open_interest.at_periods(question.exchange, question.symbol, period, span),
        )

    async def _read(
        self,
        question: ReadingsQuestion,
        ask: AskVenue[RowT],
        query: Callable[[Span], Query[RowT]],
    ) -> FoundReadings[RowT]:
        try:
            return FoundReadings(rows=await ask())
        except VenueError as error:
            now_ms = self._clock.now_ms()
            last_ms = now_ms if question.end_ms is None else min(question.end_ms, now_ms)
            is_newest = question.start_ms is None
            span = Span(
                start_ms=question.start_ms,
                end_ms=last_ms + 1,
                limit=question.limit,
                newest_first=is_newest,
            )
            found = await self._store.fetch(query(span))
            if not found:
                raise
            rows = found[::-1] if is_newest else found
            words = f"these are the stored ones, and some may be missing: {error}"
            return FoundReadings(rows=rows, missing=words)
