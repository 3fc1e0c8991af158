"""Back-fill of one venue: brings storage up to what the venue still tells, and says how far it is.

A pass walks over the parts of all series, the newest first; a part that is finished for good is
marked in storage after its rows are on the disk, so a later pass, or the next process, goes on
where this one was. A part that may still grow is looked at in every pass, and only what storage
lacks is asked for. One question is under way at a time, and none while others have used their
share of the venue's budget; a refusal is waited out. Knows neither venues nor sockets.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
import structlog

from headwater.core.clock import Clock
from headwater.core.errors import RateLimited, RequestError, VenueRejected, WireError
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import Candle, FundingRate, MarkCandle, OpenInterest
from headwater.services.history_series import Part, Series, SeriesKind, parts_of
from headwater.storage import backfills, candles, mark_candles, open_interest
from headwater.storage.backfills import Backfilled
from headwater.storage.base import LIMIT_MAX, Query, Span
from headwater.storage.store import Store

SHARE_MAX: Final = 0.4
"""Share of any of the venue's budgets beyond which back-fill asks nothing: the rest is for live."""

LOOK_AGAIN_S: Final = 0.25
"""How often a budget that is used up is looked at again."""

RETRY_AFTER_S: Final = 5.0
"""Pause after a refusal that does not say how long to wait."""

REFUSED_S: Final = 1.0
"""Shortest pause after a refusal."""

REFUSALS_MAX: Final = 20
"""Refusals of one question in a row after which the pass is given up."""

FUNDING_ROWS_MAX: Final = 100
"""Settlements asked for at a time: two days have 48 at most."""

PROGRESS_EVERY: Final = 20
"""Parts between two lines of progress in the log."""

_log: Final = structlog.stdlib.get_logger("headwater.services.backfill")


class HistorySource(Protocol):
    """What is asked of a venue; all raise `VenueError`, `WireError` or `RequestError`."""

    async def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[Candle]:
        """Candles, oldest first; the last one may still be forming."""
        ...

    async def mark_candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[MarkCandle]:
        """Bars of the mark price, oldest first; the last one may still be forming."""
        ...

    async def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[OpenInterest]:
        """Open interest by period, oldest first."""
        ...

    async def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[FundingRate]:
        """Past settlements, oldest first."""
        ...


class BackfillProgress(msgspec.Struct, kw_only=True):
    """How far the back-fill of a venue is.

    Attributes:
        exchange: venue id.
        is_running: whether a pass is under way.
        parts_total: parts of this pass, or of the last one.
        parts_done: those of them that are stored.
        rows_stored: rows that were new, since the start of the process.
        passes: finished passes since then.
        waits: times that it waited for the venue's budget.
        problem: why the last pass ended early; empty when it did not.
        skipped: series that the venue refused in this pass, or in the last one.
        done_ms: wall time of the end of the last finished pass, None before the first.
    """

    exchange: str
    is_running: bool = False
    parts_total: int = 0
    parts_done: int = 0
    rows_stored: int = 0
    passes: int = 0
    waits: int = 0
    problem: str = ""
    skipped: int = 0
    done_ms: int | None = None


class VenueBackfill:
    """The series of one venue.

    Args:
        exchange: venue id.
        source: is asked.
        store: gets the rows.
        clock: tells the time.
        load: largest share of any of the venue's budgets that is used now, 0 to 1.

    Attributes:
        progress: how far it is.
    """

    def __init__(
        self,
        exchange: str,
        source: HistorySource,
        store: Store,
        clock: Clock,
        load: Callable[[], float],
    ) -> None:
        self._source = source
        self._store = store
        self._clock = clock
        self._load = load
        self.progress = BackfillProgress(exchange=exchange)

    async def run_pass(
        self, series: Sequence[Series], start_ms: int, until_ms: int | None = None
    ) -> None:
        """Stores what is missing of `series` from `start_ms` to now.

        A series that the venue refuses, or tells unreadably, is left out of the rest of the pass.

        Args:
            series: of which; what the venue cannot tell of them any more is left out.
            start_ms: earliest time; its part is fetched whole.
            until_ms: latest time, inclusive; its part is fetched whole too. None for now.

        Raises:
            VenueError: the venue cannot be reached, or refuses for too long.
            StorageError: rows could not be stored, or storage does not answer.
        """
        progress = self.progress
        progress.is_running, progress.problem, progress.skipped = True, "", 0
        try:
            await self._store.flush()  # what the streams brought need not be asked for
            now_ms = self._clock.now_ms()
            parts = [
                part
                for part in await self._unfinished(parts_of(series, start_ms, now_ms), now_ms)
                if until_ms is None or part.start_ms <= until_ms
            ]
            progress.parts_total, progress.parts_done = len(parts), 0
            refused: set[Series] = set()
            for part in parts:
                if part.series not in refused and not await self._part(part):
                    refused.add(part.series)
                    progress.skipped = len(refused)
                progress.parts_done += 1
                if progress.parts_done % PROGRESS_EVERY == 0:
                    self._tell("backfill_progress")
            progress.passes += 1
            progress.done_ms = self._clock.now_ms()
            self._tell("backfill_done")
        finally:
            progress.is_running = False

    def _tell(self, event: str) -> None:
        progress = self.progress
        _log.info(
            event,
            exchange=progress.exchange,
            parts=f"{progress.parts_done}/{progress.parts_total}",
            rows=progress.rows_stored,
            waits=progress.waits,
            skipped=progress.skipped,
        )

    async def _unfinished(self, parts: Sequence[Part], now_ms: int) -> list[Part]:
        """Those parts that no earlier pass finished, in the same order."""
        marked: dict[Series, dict[int, Backfilled]] = {}
        left = []
        for part in parts:
            if part.series not in marked:
                marked[part.series] = await self._marked(part.series)
            mark = marked[part.series].get(part.start_ms)
            if mark is None or not part.is_finished(mark.end_ms, mark.done_ns // 1_000_000, now_ms):
                left.append(part)
        return left

    async def _marked(self, series: Series) -> dict[int, Backfilled]:
        """The parts of a series that were asked for after their end, by their beginning."""
        query = backfills.between(
            self.progress.exchange,
            series.instrument.symbol,
            series.name,
            Span(limit=LIMIT_MAX, newest_first=True),
        )
        return {one.start_ms: one for one in await self._store.fetch(query)}

    async def _part(self, part: Part) -> bool:
        """Stores what is missing of one part; False when the venue does not give the series."""
        asked_ms = self._clock.now_ms()
        span = await self._missing(part, asked_ms)
        found: Sequence[Any] = ()
        if span is not None:
            try:
                found = await self._ask(part.series, *span)
            except (RequestError, VenueRejected, WireError) as error:
                _log.warning(
                    "backfill_refused",
                    exchange=self.progress.exchange,
                    symbol=part.series.instrument.symbol,
                    series=part.series.name,
                    start_ms=part.start_ms,
                    reason=str(error),
                )
                return False
        if found:
            self.progress.rows_stored += await self._store.put_durable(found)
        if part.is_settled(asked_ms):
            await self._store.put_durable([self._mark(part, len(found))])
        return True

    def _mark(self, part: Part, rows: int) -> Backfilled:
        return Backfilled(
            exchange=self.progress.exchange,
            symbol=part.series.instrument.symbol,
            series=part.series.name,
            start_ms=part.start_ms,
            end_ms=part.end_ms,
            rows_found=rows,
            done_ns=self._clock.now_ns(),
        )

    async def _missing(self, part: Part, now_ms: int) -> tuple[int, int] | None:
        """First and last time of a part that storage lacks; None when it has them all."""
        series = part.series
        if series.interval is None:
            return (part.start_ms, min(part.end_ms - 1, now_ms))
        span = Span(start_ms=part.start_ms, end_ms=part.end_ms, limit=LIMIT_MAX)
        where = (self.progress.exchange, series.instrument.symbol, series.interval, span)
        known = set(await self._store.fetch(stored_times(series.kind)(*where)))
        missing = [moment for moment in part.times(now_ms) if moment not in known]
        return (missing[0], missing[-1]) if missing else None

    async def _ask(self, series: Series, first_ms: int, last_ms: int) -> Sequence[Any]:
        """What the venue has from one time to another, both inclusive."""
        for _ in range(REFUSALS_MAX):
            await self.wait_for_budget()
            try:
                return await self._ask_once(series, first_ms, last_ms)
            except RateLimited as error:
                self.progress.waits += 1
                refusal = error
                await asyncio.sleep(max(error.retry_after_s or RETRY_AFTER_S, REFUSED_S))
        raise refusal

    async def wait_for_budget(self) -> None:
        """Waits until others have left back-fill its share of every budget."""
        if self._load() < SHARE_MAX:
            return
        self.progress.waits += 1
        while self._load() >= SHARE_MAX:  # noqa: ASYNC110 - a budget frees itself by time alone
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _ask_once(self, series: Series, first_ms: int, last_ms: int) -> Sequence[Any]:
        instrument, interval = series.instrument, series.interval
        if interval is None:
            settled = await self._source.funding_history(
                instrument, limit=FUNDING_ROWS_MAX, start_ms=first_ms, end_ms=last_ms
            )
            return [row for row in settled if first_ms <= row.funding_time_ms <= last_ms]
        limit = (last_ms - first_ms) // interval.nominal_ms + 1
        if series.kind is SeriesKind.OPEN_INTEREST:
            readings = await self._source.open_interest_history(
                instrument, interval, limit=limit, start_ms=first_ms, end_ms=last_ms
            )
            return [row for row in readings if first_ms <= row.timestamp_ms <= last_ms]
        bars: Sequence[Candle | MarkCandle]
        if series.kind is SeriesKind.MARK_CANDLES:
            bars = await self._source.mark_candles(
                instrument, interval, limit=limit, start_ms=first_ms, end_ms=last_ms
            )
        else:
            bars = await self._source.candles(
                instrument, interval, limit=limit, start_ms=first_ms, end_ms=last_ms
            )
        return [row for row in bars if row.is_closed and first_ms <= row.timestamp_ms <= last_ms]


def stored_times(kind: SeriesKind) -> Callable[[str, str, Interval, Span], Query[int]]:
    """Which query tells the times of the rows of a kind that need not be asked for again.

    Bars of the mark price are asked for also where they were heard: the venue's own have the
    extremes between two messages.
    """
    if kind is SeriesKind.CANDLES:
        return candles.opening_times
    if kind is SeriesKind.MARK_CANDLES:
        return mark_candles.told_times
    return open_interest.period_times
