"""Candles from storage first, from the venue for what is missing, joined without a seam.

Of a span that is over, storage answers alone when it has every candle. What it lacks is one
question to the venue, from the first missing candle to the last, and so are the forming candle and
the newest ones, whose live memory is the better source. Where both tell of a candle the higher
revision stays, and a closed one before a forming one. When the venue fails, what storage has is
given, with the words what is missing.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import product

import msgspec

from headwater.core.clock import Clock
from headwater.core.errors import VenueError, WireError
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.storage import candles
from headwater.storage.base import Span
from headwater.storage.store import Store

AskVenue = Callable[[int | None, int | None, int], Awaitable[Sequence[Candle]]]
"""(first opening, last opening, most rows) → candles of the venue, oldest first."""


class CandleQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which candles.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        interval: length of a candle.
        limit: most of them, ≥ 1.
        start_ms: earliest opening, inclusive; None for the newest ones.
        end_ms: latest opening, inclusive; None for now.
    """

    exchange: str
    symbol: str
    interval: Interval
    limit: int
    start_ms: int | None = None
    end_ms: int | None = None

    def openings(self, now_ms: int) -> list[int]:
        """When the wanted candles open, rising: at most `limit`, the forming one included.

        Args:
            now_ms: no candle opens later.
        """
        interval = self.interval
        last_ms = now_ms if self.end_ms is None else min(self.end_ms, now_ms)
        found: list[int] = []
        if self.start_ms is None:
            at_ms = interval.opens_at_ms(last_ms)
            while len(found) < self.limit and at_ms >= 0:
                found.append(at_ms)
                at_ms = interval.opens_at_ms(at_ms - 1)
            return found[::-1]
        at_ms = interval.opens_at_ms(self.start_ms)
        if at_ms < self.start_ms:
            at_ms = interval.closes_at_ms(at_ms)
        while len(found) < self.limit and at_ms <= last_ms:
            found.append(at_ms)
            at_ms = interval.closes_at_ms(at_ms)
        return found


class FoundCandles(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Attributes:
        candles: oldest first.
        missing: what of the question could not be answered and why; empty when nothing.
    """

    candles: Sequence[Candle]
    missing: str = ""


class CandleHistory:
    """Answers questions about candles.

    Args:
        store: where past ones lie.
        clock: tells which are over.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def read(self, question: CandleQuestion, ask: AskVenue) -> FoundCandles:
        """The wanted candles.

        Args:
            question: which.
            ask: puts a question to the venue.

        Raises:
            VenueError: the venue is needed and fails, and storage has none of them.
            WireError: its answer cannot be read, and storage has none of them.
            StorageError: the database does not answer.
        """
        now_ms = self._clock.now_ms()
        if question.start_ms is None and question.end_ms is None:
            return await self._newest(question, now_ms, ask)
        wanted = question.openings(now_ms)
        if not wanted:
            return FoundCandles(candles=[])
        stored = await self._stored(question, wanted[0], wanted[-1])
        known = {one.timestamp_ms for one in stored if one.is_closed}
        missing = [at_ms for at_ms in wanted if at_ms not in known]
        if not missing:
            return FoundCandles(candles=stored)
        first_ms, last_ms = missing[0], missing[-1]
        count = wanted.index(last_ms) - wanted.index(first_ms) + 1
        try:
            told = await ask(first_ms, last_ms, count)
        except (VenueError, WireError) as error:
            if not stored:
                raise
            return FoundCandles(candles=stored, missing=_words(len(missing), len(wanted), error))
        if not stored and not told:
            # Of before the contract was listed, as far as we know: the venue knows where it begins.
            told = await ask(question.start_ms, question.end_ms, question.limit)
        return FoundCandles(candles=joined(stored, told)[: question.limit])

    async def reach(
        self, exchanges: Sequence[str], symbols: Sequence[str]
    ) -> tuple[int, int] | None:
        """Openings of the earliest and the latest stored candle of any length, ms.

        Args:
            exchanges: venue ids.
            symbols: canonical symbols that mean the same contract.

        Returns:
            None when nothing is stored.

        Raises:
            StorageError: the database does not answer.
        """
        firsts: list[int] = []
        lasts: list[int] = []
        oldest, newest = Span(limit=1), Span(limit=1, newest_first=True)
        for series in product(exchanges, symbols, Interval):
            # Both ends of a series are found by its key: no row between them is read.
            firsts += await self._store.fetch(candles.opening_times(*series, oldest))
            lasts += await self._store.fetch(candles.opening_times(*series, newest))
        return (min(firsts), max(lasts)) if firsts else None

    async def _newest(self, question: CandleQuestion, now_ms: int, ask: AskVenue) -> FoundCandles:
        """Live memory or the venue know best; storage where neither can be had."""
        try:
            return FoundCandles(candles=await ask(None, None, question.limit))
        except (VenueError, WireError) as error:
            wanted = question.openings(now_ms)
            stored = await self._stored(question, wanted[0], wanted[-1])
            if not stored:
                raise
            missing = len(wanted) - len(stored)
            return FoundCandles(candles=stored, missing=_words(missing, len(wanted), error))

    async def _stored(
        self, question: CandleQuestion, first_ms: int, last_ms: int
    ) -> Sequence[Candle]:
        span = Span(start_ms=first_ms, end_ms=last_ms + 1, limit=question.limit)
        query = candles.between(question.exchange, question.symbol, question.interval, span)
        return await self._store.fetch(query)


def joined(stored: Iterable[Candle], told: Iterable[Candle]) -> list[Candle]:
    """One series of two tellings, oldest first, each candle once.

    A closed candle stays before a forming one, then the higher revision, then the venue's word.
    """
    found: dict[int, Candle] = {one.timestamp_ms: one for one in stored}
    for one in told:
        other = found.get(one.timestamp_ms)
        if other is None or _weight(one) >= _weight(other):
            found[one.timestamp_ms] = one
    return [found[at_ms] for at_ms in sorted(found)]


def _weight(candle: Candle) -> tuple[bool, int]:
    return (candle.is_closed, candle.revision)


def _words(missing: int, wanted: int, error: VenueError | WireError) -> str:
    return f"{missing} of {wanted} candles are missing: {error}"
