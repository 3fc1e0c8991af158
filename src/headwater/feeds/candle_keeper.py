"""Candles without a missing closed one, per symbol and interval.

Every live candle is published; a closed one once, and again with a higher `revision` when the venue
tells it with other values afterwards (late trades). A bar that ended without its closing message,
and every bar missed while disconnected, is fetched by REST and published as closed. What was seen
is kept, so that readers are answered from memory when it is whole. Times are the venue's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.enums import Channel, GapCause, GapState
from headwater.core.errors import PlatformError, RequestError, VenueRejected
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.feeds.candle_series import CandleSeries
from headwater.feeds.gaps import GapLedger
from headwater.feeds.repairs import RepairCrew, retry_after_s
from headwater.feeds.settings import CandleSettings
from headwater.transport.backoff import FullJitterBackoff

FetchCandles = Callable[[str, Interval, int, int], Awaitable[Sequence[Candle]]]
"""(native symbol, interval, first opening time, last opening time) → those candles, ascending."""

HearCandle = Callable[[Candle], None]
"""Told of each candle right after it was published."""

_SCAN_S = 1.0
_SPAN_MAX = 1500


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
        self._hearers: dict[tuple[str, Interval], tuple[HearCandle, ...]] = {}
        self.duplicates = 0
        self.recovered = 0
        self.corrected = 0

    def on_candle(self, candle: Candle) -> None:
        """Takes a live candle."""
        series = self._series.get((candle.symbol, candle.interval))
        if series is None:
            series = self._begin(candle)
        if candle.is_closed:
            self._take_closed(series, candle)
            return
        if candle.timestamp_ms in series.closed:
            self.duplicates += 1  # a late message of a bar that is closed already
            return
        if series.is_news(candle):
            series.forming = candle
        else:
            self.duplicates += 1
            return
        self._emit(candle)

    def listen(self, symbol: str, interval: Interval, hear: HearCandle) -> None:
        """Tells `hear` of each candle of a series once it is published."""
        key = (symbol, interval)
        self._hearers[key] = (*self._hearers.get(key, ()), hear)

    def unlisten(self, symbol: str, interval: Interval, hear: HearCandle) -> None:
        """Ends what `listen` began."""
        key = (symbol, interval)
        left = tuple(one for one in self._hearers.get(key, ()) if one != hear)
        if left:
            self._hearers[key] = left
        else:
            self._hearers.pop(key, None)

    def interrupted(self, native_symbols: Iterable[str], cause: GapCause) -> None:
        """The streams of these symbols were interrupted: holes found next have this cause.

        A candle that had just closed is compared with REST: late trades may have been missed.
        """
        wanted = set(native_symbols)
        venue_ms = self._venue_ms()
        for series in self._series.values():
            if series.native_symbol not in wanted or series.is_built:
                continue
            series.cause = cause
            if series.opened and series.recheck_ms is None:
                newest_ms = series.opened[-1]
                ended_s = (venue_ms - series.interval.closes_at_ms(newest_ms)) / 1000
                if ended_s <= self._settings.late_trades_s:
                    series.recheck_ms = newest_ms

    def forget(self, symbol: str, interval: Interval) -> None:
        """Nobody wants this series any more."""
        self._series.pop((symbol, interval), None)

    def seed(self, candles: Sequence[Candle]) -> None:
        """Keeps candles that REST brought, behind a live series, without publishing them.

        Only one that is known with other values is published: it is a correction.
        """
        for candle in candles:
            series = self._series.get((candle.symbol, candle.interval))
            if series is None or not candle.is_closed:
                continue
            if candle.timestamp_ms in series.closed:
                self._recheck(series, candle)
            elif candle.timestamp_ms < series.next_ms:
                series.add_closed(candle)

    def newest(self, symbol: str, interval: Interval, limit: int) -> list[Candle] | None:
        """The newest `limit` candles from memory, oldest first; None when not known whole."""
        series = self._series.get((symbol, interval))
        return None if series is None else series.newest(limit)

    def parts(self, symbol: str, interval: Interval, first_ms: int, end_ms: int) -> list[Candle]:
        """What is known of the candles that opened from `first_ms` to before `end_ms`, in order."""
        series = self._series.get((symbol, interval))
        return [] if series is None else series.parts(first_ms, end_ms)

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
        due_ms = self._venue_ms() - round(self._settings.close_grace_s * 1000)
        for key, series in self._series.items():
            if self._fetch is None or series.is_built:
                continue
            first_ms = _first_due_ms(series)
            if series.interval.closes_at_ms(first_ms) <= due_ms:
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
        refusals = 0
        problem = "the venue does not list them"
        while refusals < self._settings.repair_attempts_max:
            first_ms, last_ms = _first_due_ms(series), self._last_ended_ms(series)
            if self._series.get(key) is not series or first_ms > last_ms:
                return
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
                series.recheck_ms = None
                self._take(series, candles)
                refusals += 1
                if series.next_ms > last_ms:
                    return
            await asyncio.sleep(backoff.next_delay(not_before_s))
        series.recheck_ms = None
        if series.next_ms <= self._last_ended_ms(series):
            self._give_up(series, problem)

    def _take(self, series: CandleSeries, candles: Iterable[Candle]) -> None:
        for candle in candles:
            if not candle.is_closed:
                continue
            if candle.timestamp_ms in series.closed:
                self._recheck(series, candle)
            elif series.add_closed(candle) is not None:
                self.recovered += 1
                self._emit(candle)

    def _take_closed(self, series: CandleSeries, candle: Candle) -> None:
        """Publishes a closed candle unless it says nothing new."""
        news = series.add_closed(candle)
        if news is None:
            self.duplicates += 1
            return
        if news is not candle:
            self.corrected += 1
        self._emit(news)

    def _recheck(self, series: CandleSeries, candle: Candle) -> None:
        """Compares what REST says of a closed candle, once it has had time to count everything."""
        ended_ms = series.interval.closes_at_ms(candle.timestamp_ms)
        if self._venue_ms() - ended_ms < self._settings.close_grace_s * 1000:
            return
        corrected = series.add_closed(candle)
        if corrected is not None:
            self.corrected += 1
            self._emit(corrected)

    def _emit(self, candle: Candle) -> None:
        """Publishes a candle and tells who builds on it."""
        self._publish(candle)
        for hear in self._hearers.get((candle.symbol, candle.interval), ()):
            hear(candle)

    def _venue_ms(self) -> int:
        return self._clock.now_ms() + self._offset_ms()

    def _last_ended_ms(self, series: CandleSeries) -> int:
        """Opening time of the newest bar that has ended, at most a page after the first."""
        current_ms = series.interval.opens_at_ms(self._venue_ms())
        last_ms = series.interval.opens_at_ms(current_ms - 1)
        return min(last_ms, series.next_ms + _SPAN_MAX * series.interval.nominal_ms)

    def _give_up(self, series: CandleSeries, problem: str) -> None:
        """Notes closed candles that could not be had and goes on with the next bar."""
        first_ms, last_ms = series.next_ms, self._last_ended_ms(series)
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


def _first_due_ms(series: CandleSeries) -> int:
    """Opening time of the first candle that REST is to be asked for."""
    return series.next_ms if series.recheck_ms is None else min(series.recheck_ms, series.next_ms)
