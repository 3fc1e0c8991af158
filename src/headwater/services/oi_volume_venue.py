"""One venue under the open-interest and volume monitor: what is fetched when, and what is told.

Knows a venue by `OiVolumeSource` only. One task per venue works here, one request at a time, so
that a slow or failing venue holds up nobody else. Each instrument and interval is visited at the
start, when it loads its past, and then a little after the end of every bar.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec
import structlog

from headwater.analytics.alert_budget import AlertBudget
from headwater.analytics.oi_volume import SpikeDetector, SpikeRule, spike_of
from headwater.analytics.oi_volume_series import bars_of, by_minute
from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.errors import PlatformError, RequestError, UnknownSymbol
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import Candle, OpenInterest
from headwater.services.oi_samples import OpenInterestSamples

RECHECK_BARS: Final = 6
"""Bars before the newest that are asked for again: open interest may come later than the candle."""
ALERT_AGE_BARS_MAX: Final = 3
"""A bar that ended longer ago than so many of its lengths is learnt from, but never told."""
SLEEP_MAX_S: Final = 60.0
"""Longest sleep between two looks at the clock, in case somebody sets it."""
TABLE_WAIT_S: Final = 1.0
"""Time between two looks for the venue's instrument list."""
_YIELD_EVERY: Final = 50

_log: Final = structlog.stdlib.get_logger("headwater.services.oi_volume")


class OiVolumeSource(Protocol):
    """What the monitor asks of a venue. Methods raise `PlatformError`s."""

    @property
    def table(self) -> InstrumentTable:
        """All instruments; empty until the first load succeeded."""
        ...

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

    async def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[OpenInterest]:
        """Open interest at the end of each period, oldest first; `NotSupported` where none."""
        ...


class OiVolumeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is monitored and how often venues are asked.

    Attributes:
        symbols: canonical symbols; one that a venue does not list is left out there.
        rules: one per interval.
        alerts_per_day: budget of each venue and rule, over all symbols; None for none.
        close_delay_s: seconds after a bar's end at which it is first asked for.
        retry_s: seconds before the first repetition when that failed or was not complete; each
            further one waits twice as long.
        retries_max: repetitions per bar; then the next bar's visit catches up.
        pace_s: least seconds between two visits of one venue.
        visit_timeout_s: longest visit.
    """

    symbols: tuple[str, ...]
    rules: tuple[SpikeRule, ...]
    alerts_per_day: float | None = None
    close_delay_s: float = 10.0
    retry_s: float = 40.0
    retries_max: int = 4
    pace_s: float = 0.25
    visit_timeout_s: float = 120.0


class RuleReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a rule does on one venue.

    Attributes:
        exchange: venue id.
        rule: the rule.
        symbols: instruments under it.
        scored: of these, those whose newest bar is complete.
        failures: visits that failed so far.
        last_problem: why a visit failed, of one that fails now; empty when none does.
        alerts: alerts told so far.
        expected_per_day: bars a day beyond the threshold in force, None without an alert budget.
    """

    exchange: str
    rule: SpikeRule
    symbols: int
    scored: int
    failures: int
    last_problem: str
    alerts: int
    expected_per_day: float | None


class _Line:
    """One instrument and interval."""

    def __init__(self, symbol: str, rule: SpikeRule, budget: AlertBudget | None) -> None:
        self.symbol: Final = symbol
        self.rule: Final = rule
        self.detector: Final = SpikeDetector(rule, budget)
        self.due_ms = 0
        self.looked_ms = 0
        self.attempts = 0
        self.is_sampled = False
        self.is_done = False
        self.is_complete = False
        self.failures = 0
        self.last_problem = ""
        self.alerts = 0


class VenueWatch:
    """Watches one venue.

    Bars that ended before `run` began are learnt from and never told.

    Args:
        exchange: venue id.
        source: the venue.
        bus: hears the alerts.
        clock: tells the time.
        settings: what to watch.
        samples: live open interest, used where the venue has no history of it.
    """

    def __init__(
        self,
        exchange: str,
        source: OiVolumeSource,
        *,
        bus: Bus,
        clock: Clock,
        settings: OiVolumeSettings,
        samples: OpenInterestSamples,
    ) -> None:
        self._exchange = exchange
        self._source = source
        self._bus = bus
        self._clock = clock
        self._settings = settings
        self._samples = samples
        self._started_ms = 0
        self._has_told_sampled = False
        per_day = settings.alerts_per_day
        self._budgets = {
            rule.interval: None if per_day is None else AlertBudget(per_day, rule.threshold)
            for rule in settings.rules
        }
        self._lines = [
            _Line(symbol, rule, self._budgets[rule.interval])
            for rule in settings.rules
            for symbol in settings.symbols
        ]

    async def run(self) -> None:
        """Works until cancelled; returns at once when there is nothing to watch."""
        if not self._lines:
            return
        self._started_ms = self._clock.now_ms()
        while True:
            line = min(self._lines, key=lambda one: one.due_ms)
            wait_s = (line.due_ms - self._clock.now_ms()) / 1000
            if not len(self._source.table):
                wait_s = TABLE_WAIT_S
            if wait_s > 0:
                await asyncio.sleep(min(wait_s, SLEEP_MAX_S))
                continue
            await self._visit(line)
            await asyncio.sleep(self._settings.pace_s)

    def reports(self) -> list[RuleReport]:
        """How each rule does."""
        found = []
        for rule in self._settings.rules:
            lines = [line for line in self._lines if line.rule is rule]
            budget = self._budgets[rule.interval]
            problems = [line.last_problem for line in lines if line.last_problem]
            found.append(
                RuleReport(
                    exchange=self._exchange,
                    rule=rule,
                    symbols=len(lines),
                    scored=sum(line.is_complete for line in lines),
                    failures=sum(line.failures for line in lines),
                    last_problem=problems[-1] if problems else "",
                    alerts=sum(line.alerts for line in lines),
                    expected_per_day=None if budget is None else budget.expected_per_day(),
                )
            )
        return found

    async def _visit(self, line: _Line) -> None:
        """Brings one line up to date and says when to come again; its failures end here."""
        problem = ""
        try:
            async with asyncio.timeout(self._settings.visit_timeout_s):
                await self._catch_up(line)
        except UnknownSymbol as error:
            problem = str(error)
            line.attempts = self._settings.retries_max
        except PlatformError as error:
            problem = str(error)
        except TimeoutError:
            problem = f"no answer in {self._settings.visit_timeout_s:g} s"
        except Exception as error:  # noqa: BLE001 - the border of one line
            # One instrument's fault, even a mistake of ours, must not end the others' watch.
            problem = repr(error)
            _log.exception("oi_volume_visit_crashed", exchange=self._exchange, symbol=line.symbol)
        if problem:
            line.failures += 1
            line.is_done = line.is_complete = False
            if problem != line.last_problem:
                _log.warning(
                    "oi_volume_visit_failed",
                    exchange=self._exchange,
                    symbol=line.symbol,
                    timeframe=line.rule.interval,
                    reason=problem,
                )
        line.last_problem = problem
        self._plan(line)

    def _plan(self, line: _Line) -> None:
        """The next visit: after the next bar, or earlier when this one is not complete."""
        settings, now_ms = self._settings, self._clock.now_ms()
        interval = line.rule.interval
        end_ms = interval.closes_at_ms(interval.opens_at_ms(now_ms))
        next_ms = end_ms + round(settings.close_delay_s * 1000)
        retry_ms = now_ms + round(settings.retry_s * 1000 * 2**line.attempts)
        if line.is_done or line.attempts >= settings.retries_max or retry_ms >= next_ms:
            line.attempts = 0
            line.due_ms = next_ms
        else:
            line.attempts += 1
            line.due_ms = retry_ms

    async def _catch_up(self, line: _Line) -> None:
        instrument = self._source.table.resolve(line.symbol)
        interval, series = line.rule.interval, line.detector.series
        ended_ms = interval.opens_at_ms(self._clock.now_ms())
        limit = line.detector.history_bars
        if series.newest_ms is not None:
            missing = (ended_ms - series.newest_ms) // interval.nominal_ms
            limit = min(limit, missing + RECHECK_BARS)
        readings = await self._readings(line, instrument, limit)
        # One more, because the newest one is still forming.
        candles = await self._source.candles(instrument, interval, limit=limit + 1)
        for bar in bars_of(candles, readings, self._clock.now_ms()):
            series.add(bar)
        newest = series.at(ended_ms)
        line.is_complete = newest is not None and newest.open_interest is not None
        # A live reading that was not there at the bar's end does not come later.
        line.is_done = newest is not None if line.is_sampled else line.is_complete
        await self._test(line, instrument)

    async def _readings(
        self, line: _Line, instrument: Instrument, limit: int
    ) -> Mapping[int, OpenInterest]:
        """Open interest by minute: the venue's history, or the live readings where it has none."""
        if not line.is_sampled:
            try:
                history = await self._source.open_interest_history(
                    instrument, line.rule.interval, limit=limit
                )
            except RequestError as error:
                if not self._samples.want(self._exchange, instrument.symbol):
                    raise
                line.is_sampled = True
                self._tell_sampled(error)
            else:
                return by_minute(history)
        return self._samples.of(self._exchange, instrument.symbol)

    def _tell_sampled(self, error: RequestError) -> None:
        """Logs once why live readings stand in for the past."""
        if not self._has_told_sampled:
            self._has_told_sampled = True
            _log.info("oi_volume_sampled", exchange=self._exchange, reason=str(error))

    async def _test(self, line: _Line, instrument: Instrument) -> None:
        """Tests every complete bar that was not looked at, oldest first."""
        detector, rule = line.detector, line.rule
        oldest_told_ms = max(
            self._started_ms,
            self._clock.now_ms() - ALERT_AGE_BARS_MAX * rule.interval.nominal_ms,
        )
        bars = detector.series.complete_after(line.looked_ms)
        for number, bar in enumerate(bars, start=1):
            line.looked_ms = bar.ended_at_ms
            if bar.ended_at_ms <= oldest_told_ms:
                detector.rehearse(bar.ended_at_ms)
                if number % _YIELD_EVERY == 0:
                    await asyncio.sleep(0)
                continue
            verdict = detector.judge(bar.ended_at_ms)
            if verdict is not None and verdict.is_alert:
                line.alerts += 1
                self._bus.publish(spike_of(verdict, rule, instrument, self._clock.now_ns()))
