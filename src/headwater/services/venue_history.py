"""Keeps the stored history of one venue whole: after the start, after every outage, and by the way.

The owner of the back-fill and of what becomes of the downtime. Wakes when a connection is live
again or a hole was settled, and now and then without a reason; what fails is tried again with
growing pauses. Hears the bus; knows neither venues nor sockets.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import structlog

from headwater.bus.bus import Bus, Reader, ReaderClosed
from headwater.bus.topics import TopicFilter
from headwater.core.clock import Clock
from headwater.core.enums import Channel, FeedState, GapCause, GapState
from headwater.core.errors import PlatformError, StorageError, VenueError
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import ConnectionState, Gap, Record
from headwater.services.backfill import BackfillProgress, VenueBackfill, stored_times
from headwater.services.history_series import Part, Series, SeriesKind, VenueOffer, series_of
from headwater.services.stream_life import Downtime, StreamLife
from headwater.services.trade_backfill import Healed, TradeQuestions, heal_trades
from headwater.storage.base import LIMIT_MAX, Span
from headwater.storage.store import Store

QUEUE_CAPACITY: Final = 1_024
"""Changes that may wait for this service; the oldest go, and one of them is enough to wake it."""

CALM_S: Final = 5.0
"""Pause between an outage's end and the back-fill: streams and repairs come first."""

REPEAT_S: Final = 300.0
"""Longest time between two passes: venues read open interest once in five minutes."""

FAILED_PAUSE_S: Final = 5.0
"""Pause after a pass that failed; doubled after each further one."""

FAILED_PAUSE_MAX_S: Final = 300.0
"""Longest such pause."""

_DAY_MS: Final = Interval.D1.nominal_ms

_log: Final = structlog.stdlib.get_logger("headwater.services.venue_history")


class HistoryPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept whole.

    Attributes:
        offer: what the venue gives.
        reach_days: how far back, days; 0 for nothing.
        threshold_usd: least value of a stored trade.
        instruments: the contracts, once the venue's list is loaded.
        ready: waits until it is.
    """

    offer: VenueOffer
    reach_days: float
    threshold_usd: float
    instruments: Callable[[], Sequence[Instrument]]
    ready: Callable[[], Awaitable[None]]


class VenueHistory:
    """The stored history of one venue.

    Args:
        plan: what is kept whole.
        backfill: fetches series.
        life: tells of downtimes.
        questions: bring trades back.
        store: keeps everything.
        bus: tells of outages.
        clock: tells the time.
    """

    def __init__(
        self,
        plan: HistoryPlan,
        backfill: VenueBackfill,
        life: StreamLife,
        questions: TradeQuestions,
        store: Store,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._backfill = backfill
        self._life = life
        self._questions = questions
        self._store = store
        self._bus = bus
        self._clock = clock
        self._downtimes: list[Downtime] = []

    @property
    def progress(self) -> BackfillProgress:
        """How far the back-fill is."""
        return self._backfill.progress

    async def run(self) -> None:
        """Works until cancelled or until the bus closes its reader."""
        exchange = self._plan.offer.exchange
        filters = [TopicFilter(kind, exchange) for kind in (Gap, ConnectionState)]
        reader = self._bus.subscribe(f"history {exchange}", filters, QUEUE_CAPACITY)
        pause_s = FAILED_PAUSE_S
        try:
            await self._plan.ready()
            while True:
                try:
                    await self.heal()
                except (VenueError, StorageError) as error:
                    self._note(error, pause_s)
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, FAILED_PAUSE_MAX_S)
                else:
                    pause_s = FAILED_PAUSE_S
                    await _until_due(reader)
        except ReaderClosed:
            return
        finally:
            reader.close()

    async def heal(self) -> None:
        """One pass over the series, then over the downtimes that ended.

        Raises:
            VenueError: the venue cannot be reached; what was stored stays.
            StorageError: the database does not take it.
        """
        self._downtimes += self._life.take_back()
        series: list[Series] = []
        if self._plan.reach_days:
            for instrument in self._plan.instruments():
                series += series_of(self._plan.offer, instrument)
            await self._backfill.run_pass(series, self._reach_ms())
        while self._downtimes:
            hole = self._downtimes[0]
            done = await self._healed(hole, series)
            self._life.settle(hole, done.state, done.recovered, done.detail)
            self._downtimes.pop(0)

    def _reach_ms(self) -> int:
        return self._clock.now_ms() - round(self._plan.reach_days * _DAY_MS)

    async def _healed(self, hole: Downtime, series: Sequence[Series]) -> Healed:
        if not self._plan.reach_days:
            return _lost("back-filling is turned off")
        if hole.spell.channel is Channel.TRADES:
            try:
                return await heal_trades(
                    hole, self._questions, self._store, self._plan.threshold_usd
                )
            except VenueError as error:
                if error.retryable:
                    raise
                return _lost(str(error))
            except PlatformError as error:
                if isinstance(error, StorageError):
                    raise
                return _lost(str(error))
        kind = (
            SeriesKind.CANDLES
            if hole.spell.channel is Channel.CANDLES
            else SeriesKind.OPEN_INTEREST
        )
        now_ms = self._clock.now_ms()
        chosen = [
            one
            for one in series
            if one.kind is kind
            and one.instrument.symbol == hole.spell.symbol
            and one.tells(hole.start_ms, now_ms)
        ]
        if kind is SeriesKind.OPEN_INTEREST:
            del chosen[1:]  # the finest has the moments of the longer ones too
        return await self._compared(hole, chosen)

    async def _compared(self, hole: Downtime, series: Sequence[Series]) -> Healed:
        """Whether the pass brought everything that was due in the hole."""
        due = found = 0
        for one in series:
            assert one.interval is not None, "candles and readings have a length"
            start_ms = one.interval.opens_at_ms(hole.start_ms)
            span = Span(start_ms=start_ms, end_ms=hole.until_ms, limit=LIMIT_MAX)
            where = (self._plan.offer.exchange, one.instrument.symbol, one.interval, span)
            known = await self._store.fetch(stored_times(one.kind)(*where))
            part = Part(series=one, start_ms=start_ms, end_ms=hole.until_ms)
            times = set(part.times(hole.until_ms))
            due += len(times)
            found += len(times.intersection(known))
        if not series:
            return _lost("the venue does not tell it again")
        if found < due:
            lost = _lost(f"{due - found} of {due} rows are missing at the venue")
            return msgspec.structs.replace(lost, recovered=found)
        return Healed(
            state=GapState.REPAIRED,
            recovered=found,
            detail="the platform did not run; history was fetched",
        )

    def _note(self, error: PlatformError, pause_s: float) -> None:
        self.progress.problem = str(error)
        _log.warning(
            "history_waits",
            exchange=self.progress.exchange,
            reason=str(error),
            again_in_s=pause_s,
        )


def _lost(reason: str) -> Healed:
    return Healed(
        state=GapState.UNRECOVERABLE, recovered=0, detail=f"the platform did not run; {reason}"
    )


async def _until_due(reader: Reader) -> None:
    """Waits for the end of an outage and the calm after it, or for the time of the next pass."""
    try:
        async with asyncio.timeout(REPEAT_S):
            while not any(_ends_an_outage(record) for record in await reader.next_batch()):
                continue
    except TimeoutError:
        return
    await asyncio.sleep(CALM_S)
    reader.drain()


def _ends_an_outage(record: Record) -> bool:
    if isinstance(record, Gap):
        # Of a downtime already the word that its stream is back.
        return record.state is not GapState.OPEN or record.cause is GapCause.DOWNTIME
    return (
        isinstance(record, ConnectionState)
        and record.channel is None
        and record.state is FeedState.LIVE
    )
