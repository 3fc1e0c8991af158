"""Candles without a missing closed one, per symbol and interval.

Every live candle is published; a closed one exactly once. A bar that ended without its closing
message, and every bar missed while disconnected, is fetched by REST and published as closed. What
was seen is kept, so that readers are answered from memory when it is whole. Times are the venue's.
"""

import asyncio
from bisect import insort
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise

from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.enums import Channel, GapCause, GapState
from headwater.core.errors import PlatformError, RequestError, VenueRejected
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.feeds.gaps import GapLedger
from headwater.feeds.repairs import RepairCrew, retry_after_s
from headwater.feeds.settings import CandleSettings
from headwater.transport.backoff import FullJitterBackoff

FetchCandles = Callable[[str, Interval, int, int], Awaitable[Sequence[Candle]]]
"""(native symbol, interval, first opening time, last opening time) → those candles, ascending."""

_SCAN_S = 1.0
_SPAN_MAX = 1500


class CandleSeries:
    """The candles of one symbol and interval.

    Attributes:
        closed: closed candles by opening time.
        opened: their opening times, ascending, without doubles.
        forming: the newest candle when it is not closed.
        next_ms: opening time of the next candle to close, None before the first was seen.
        cause: cause that the next hole gets.
    """

    __slots__ = (
        "_recent_max",
        "cause",
        "closed",
        "forming",
        "interval",
        "native_symbol",
        "next_ms",
        "opened",
        "symbol",
    )

    def __init__(self, first: Candle, recent_max: int) -> None:
        self.symbol = first.symbol
        self.native_symbol = first.native_symbol
        self.interval = first.interval
        self.next_ms = first.timestamp_ms
        self.closed: dict[int, Candle] = {}
        self.opened: list[int] = []
        self.forming: Candle | None = None
        self.cause = GapCause.SEQUENCE_BREAK
        self._recent_max = recent_max

    def add_closed(self, candle: Candle) -> bool:
        """Keeps a closed candle; false when it was known already."""
        opened_ms = candle.timestamp_ms
        if opened_ms in self.closed:
            return False
        if len(self.opened) >= self._recent_max and opened_ms < self.opened[0]:
            return False
        self.closed[opened_ms] = candle
        insort(self.opened, opened_ms)
        if len(self.opened) > self._recent_max:
            del self.closed[self.opened.pop(0)]
        if self.forming is not None and self.forming.timestamp_ms <= opened_ms:
            self.forming = None
        while self.next_ms in self.closed:
            self.next_ms = self.interval.closes_at_ms(self.next_ms)
        return True

    def is_news(self, candle: Candle) -> bool:
        """Whether a forming candle is newer than what is known, also when it was kept a while."""
        known = self.forming
        return known is None or (
            candle.timestamp_ms >= known.timestamp_ms and candle.received_ns >= known.received_ns
        )

    def newest(self, limit: int) -> list[Candle] | None:
        """The newest `limit` candles with the forming one last; None unless known whole."""
        rows = [self.closed[opened_ms] for opened_ms in self.opened]
        if self.forming is not None:
            rows.append(self.forming)
        rows = rows[-limit:]
        if len(rows) < limit or self.forming is None:
            return None
        for before, after in pairwise(rows):
            if self.interval.closes_at_ms(before.timestamp_ms) != after.timestamp_ms:
                return None
        return rows


class CandleKeeper:
    """The candles of one venue.

    Args:
        bus: hears candles.
        ledger: hears closed candles that could not be had.
        crew: runs the fetches.
        clock: wall time.
        offset_ms: the venue's clock less ours.
        fetch: brings closed candles back; None where there is nobody to ask.
        backoff: makes the delays between tries.
        settings: bounds and graces.
    """

    def __init__(
        self,
        bus: Bus,
        ledger: GapLedger,
        crew: RepairCrew,
        clock: Clock,
        offset_ms: Callable[[], int],
        fetch: FetchCandles | None,
        backoff: Callable[[], FullJitterBackoff],
        settings: CandleSettings,
    ) -> None:
        self._publish = bus.publish
        self._ledger = ledger
        self._crew = crew
        self._clock = clock
        self._offset_ms = offset_ms
        self._fetch = fetch
        self._backoff = backoff
        self._settings = settings
        self._series: dict[tuple[str, Interval], CandleSeries] = {}
        self.duplicates = 0
        self.recovered = 0

    def on_candle(self, candle: Candle) -> None:
        """Takes a live candle."""
        series = self._series.get((candle.symbol, candle.interval))
        if series is None:
            series = self._begin(candle)
        if candle.is_closed:
            if not series.add_closed(candle):
                self.duplicates += 1
                return
        elif candle.timestamp_ms in series.closed:
            self.duplicates += 1  # a late message of a bar that is closed already
            return
        elif series.is_news(candle):
            series.forming = candle
        else:
            self.duplicates += 1
            return
        self._publish(candle)

    def interrupted(self, native_symbols: Iterable[str], cause: GapCause) -> None:
        """The streams of these symbols were interrupted: holes found next have this cause."""
        wanted = set(native_symbols)
        for series in self._series.values():
            if series.native_symbol in wanted:
                series.cause = cause

    def forget(self, symbol: str, interval: Interval) -> None:
        """Nobody wants this series any more."""
        self._series.pop((symbol, interval), None)

    def seed(self, candles: Sequence[Candle]) -> None:
        """Keeps candles that REST brought, behind a live series, without publishing them."""
        for candle in candles:
            series = self._series.get((candle.symbol, candle.interval))
            if series is not None and candle.is_closed and candle.timestamp_ms < series.next_ms:
                series.add_closed(candle)

    def newest(self, symbol: str, interval: Interval, limit: int) -> list[Candle] | None:
        """The newest `limit` candles from memory, oldest first; None when not known whole."""
        series = self._series.get((symbol, interval))
        return None if series is None else series.newest(limit)

    def known(self, symbol: str, interval: Interval) -> dict[int, Candle]:
        """Every candle kept, by opening time; the forming one is among them."""
        series = self._series.get((symbol, interval))
        if series is None:
            return {}
        forming = series.forming
        extra = {} if forming is None else {forming.timestamp_ms: forming}
        return {**series.closed, **extra}

    def merged(
        self, symbol: str, interval: Interval, candles: Sequence[Candle]
    ) -> Sequence[Candle]:
        """Adds live candles to what REST brought: a REST answer may be a little behind."""
        series = self._series.get((symbol, interval))
        if series is None or not candles:
            return candles
        rows = {candle.timestamp_ms: candle for candle in candles}
        first_ms = candles[0].timestamp_ms
        rows.update({ms: one for ms, one in series.closed.items() if ms >= first_ms})
        forming = series.forming
        if forming is not None and forming.timestamp_ms >= first_ms:
            known = rows.get(forming.timestamp_ms)
            if known is None or forming.received_ns > known.received_ns:
                rows[forming.timestamp_ms] = forming
        return [rows[opened_ms] for opened_ms in sorted(rows)]

    async def run(self) -> None:
        """Looks for bars that ended without a closing message, for ever."""
        while True:
            await asyncio.sleep(_SCAN_S)
            self.scan()

    def scan(self) -> None:
        """Looks once."""
        venue_ms = self._clock.now_ms() + self._offset_ms()
        due_ms = venue_ms - round(self._settings.close_grace_s * 1000)
        for key, series in self._series.items():
            if series.interval.closes_at_ms(series.next_ms) <= due_ms and self._fetch is not None:
                work = partial(self._complete, series, self._fetch)
                self._crew.submit(("candles", *key), work)

    def _begin(self, first: Candle) -> CandleSeries:
        if len(self._series) >= self._settings.series_max:
            self._series.pop(next(iter(self._series)))
        series = CandleSeries(first, self._settings.recent_max)
        self._series[first.symbol, first.interval] = series
        return series

    async def _complete(self, series: CandleSeries, fetch: FetchCandles) -> None:
        """Fetches the closed candles between the last one known and now."""
        backoff = self._backoff()
        key = (series.symbol, series.interval)
        give_up_at = self._clock.monotonic() + self._settings.repair_horizon_s
        first_ms = series.next_ms
        refusals = 0
        problem = "the venue does not list them"
        while refusals < self._settings.repair_attempts_max:
            last_ms = self._last_ended_ms(series)
            if self._series.get(key) is not series or series.next_ms > last_ms:
                return
            first_ms = series.next_ms
            not_before_s = 0.0
            try:
                candles = await fetch(series.native_symbol, series.interval, first_ms, last_ms)
            except (RequestError, VenueRejected) as error:
                problem = str(error)
                break
            except PlatformError as error:
                problem = str(error)
                not_before_s = retry_after_s(error)
                if self._clock.monotonic() > give_up_at:
                    break
            else:
                self._take(series, candles)
                refusals += 1
                if series.next_ms > last_ms:
                    return
            await asyncio.sleep(backoff.next_delay(not_before_s))
        self._give_up(series, first_ms, problem)

    def _take(self, series: CandleSeries, candles: Iterable[Candle]) -> None:
        for candle in candles:
            if candle.is_closed and series.add_closed(candle):
                self.recovered += 1
                self._publish(candle)

    def _last_ended_ms(self, series: CandleSeries) -> int:
        """Opening time of the newest bar that has ended, at most a page after the first."""
        venue_ms = self._clock.now_ms() + self._offset_ms()
        current_ms = series.interval.opens_at_ms(venue_ms)
        last_ms = series.interval.opens_at_ms(current_ms - 1)
        return min(last_ms, series.next_ms + _SPAN_MAX * series.interval.nominal_ms)

    def _give_up(self, series: CandleSeries, first_ms: int, problem: str) -> None:
        """Notes closed candles that could not be had and goes on with the next bar."""
        last_ms = self._last_ended_ms(series)
        gap_id = self._ledger.open(
            Channel.CANDLES,
            series.symbol,
            series.native_symbol,
            series.cause,
            start_ms=first_ms,
            detail=f"{series.interval} candles from {first_ms} to {last_ms}: {problem}",
        )
        self._ledger.settle(gap_id, GapState.UNRECOVERABLE, until_ms=last_ms)
        series.cause = GapCause.SEQUENCE_BREAK
        following_ms = series.interval.closes_at_ms(last_ms)
        while series.next_ms < following_ms or series.next_ms in series.closed:
            series.next_ms = series.interval.closes_at_ms(series.next_ms)
