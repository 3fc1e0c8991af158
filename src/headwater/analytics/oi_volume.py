"""The open-interest and volume monitor: when a closed bar stands out, and what is said of it.

Knows nothing of where bars come from nor of time passing. `classic` is the specified rule to the
letter: open interest and quote volume in USD, the 100 readings before the bar, sample standard
deviation, strictly greater than 3.0 (5m), 2.5 (15m) or 2.0 (1h) in either direction. The other
methods score log(1 + volume) and the change of log open interest in base units from one bar to
the next: a level wanders and moves with the price, its change does not.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from headwater.analytics.alert_budget import BUDGET_DAYS, DAY_MS, AlertBudget
from headwater.analytics.oi_volume_scores import classic_score, ewma_score, robust_score
from headwater.analytics.oi_volume_series import OiVolumeBar, OiVolumeSeries
from headwater.core.enums import SpikeMethod
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import OiVolumeSpike

THRESHOLDS: Final[dict[Interval, float]] = {
    Interval.M5: 3.0,
    Interval.M15: 2.5,
    Interval.H1: 2.0,
}
"""The specified thresholds; other intervals need one of their own."""
VOLUME_FLOORS_USD: Final[Mapping[Interval, float]] = {
    Interval.M5: 100_000.0,
    Interval.M15: 250_000.0,
    Interval.H1: 1_000_000.0,
}
"""Least volume of a tested bar, USD; other intervals have none."""
INTEREST_FLOORS_USD: Final[Mapping[Interval, float]] = {
    Interval.M5: 500_000.0,
    Interval.M15: 1_000_000.0,
    Interval.H1: 2_500_000.0,
}
"""Least open interest of a tested bar, USD; other intervals have none."""
EWMA_WINDOWS: Final = 4
"""The weighted figures look back over so many windows; older readings weigh next to nothing."""
_SLACK_BARS: Final = 8
_Read = Callable[[OiVolumeSeries, OiVolumeBar], float | None]


class SpikeRule(msgspec.Struct, frozen=True, kw_only=True):
    """How bars of one interval are scored and when they are an alert.

    Attributes:
        interval: length of the bars.
        method: how they are scored.
        threshold: an absolute score must be greater, strictly.
        window: readings before the bar that it is held against; `ewma` looks back four times as
            far, `seasonal` not at all by this number.
        minimum: readings without which there is no score; the whole window unless set lower.
        seasonal_days: earlier days of which `seasonal` takes the same time of day and its
            neighbours.
        seasonal_days_min: days that must have such a reading.
        half_life_bars: of `ewma`: bars after which a reading weighs half.
        volume_floor_usd: bars of less volume are never alerts.
        open_interest_floor_usd: nor those of less open interest.
        cooldown_bars: bars after an alert that give no other one.
    """

    interval: Interval
    method: SpikeMethod = SpikeMethod.CLASSIC
    threshold: float
    window: int = 100
    minimum: int = 100
    seasonal_days: int = 14
    seasonal_days_min: int = 7
    half_life_bars: float = 35.0
    volume_floor_usd: float = 0.0
    open_interest_floor_usd: float = 0.0
    cooldown_bars: int = 3

    @property
    def history_bars(self) -> int:
        """Bars before the tested one that its score needs."""
        if self.method is SpikeMethod.SEASONAL:
            return self.seasonal_days * DAY_MS // self.interval.nominal_ms + 2
        if self.method is SpikeMethod.EWMA:
            return EWMA_WINDOWS * self.window + 1
        return self.window + 1


def rule_problem(rule: SpikeRule) -> str | None:
    """What is wrong with a rule, in words; None when it can be used."""
    length_ms = rule.interval.nominal_ms
    if not (math.isfinite(rule.threshold) and rule.threshold > 0):
        return "the threshold must be a positive number"
    if not 2 <= rule.minimum <= rule.window:
        return "the minimum must be between 2 and the window"
    if rule.method is SpikeMethod.SEASONAL and (DAY_MS % length_ms or 3 * length_ms > DAY_MS):
        return "seasonal needs bars of which at least three make a day"
    return None


class BarVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one bar.

    Attributes:
        bar: the bar; its open interest is known.
        z_oi: score of the open interest, None when there is none.
        z_volume: score of the volume, None likewise.
        threshold: what the scores were held against; infinite when the alert budget is spent.
        stands_out: whether a score is beyond the threshold and the floors are met.
        confirmed: whether both are.
        is_alert: whether to tell people: it stands out and is not part of an event already told.
    """

    bar: OiVolumeBar
    z_oi: float | None
    z_volume: float | None
    threshold: float
    stands_out: bool
    confirmed: bool
    is_alert: bool


class SpikeDetector:
    """Scores the bars of one instrument and interval, in order, and tells each event once.

    An event is a run of tested bars that stand out. After an alert there is no other one until a
    tested bar did not stand out and `cooldown_bars` have passed; an event that begins during the
    cool-down is told after it, if it still goes on.

    Args:
        rule: how; it must have no problem, see `rule_problem`.
        budget: the rule's, shared by the instruments under it; None for none.
    """

    def __init__(self, rule: SpikeRule, budget: AlertBudget | None = None) -> None:
        self.rule: Final = rule
        extra = 0 if budget is None else BUDGET_DAYS * DAY_MS // rule.interval.nominal_ms
        self.history_bars: Final = rule.history_bars + extra
        self.series: Final = OiVolumeSeries(rule.interval, self.history_bars + _SLACK_BARS)
        self._budget = budget
        self._tested_ms: int | None = None
        self._alerted_ms: int | None = None
        self._armed = True

    def scores(self, bar: OiVolumeBar) -> tuple[float | None, float | None]:
        """Scores of open interest and of volume against the bars before, each None without one."""
        if self.rule.method is SpikeMethod.CLASSIC:
            return self._score(bar, _interest_usd), self._score(bar, _volume_usd)
        return self._score(bar, _interest_change), self._score(bar, _volume_log)

    def rehearse(self, ended_at_ms: int) -> None:
        """Scores a bar of the past for the alert budget; it is never an alert."""
        bar = self._untested(ended_at_ms)
        if bar is None:
            return
        self._tested_ms = ended_at_ms
        if self._budget is not None and self._meets_floors(bar):
            self._budget.saw(ended_at_ms, _strength(*self.scores(bar)))

    def judge(self, ended_at_ms: int) -> BarVerdict | None:
        """Tests one bar that was added before.

        Args:
            ended_at_ms: its end.

        Returns:
            The verdict; None when the bar is not there, has no open interest, or is not newer
            than the last one tested: a bar that comes late counts for later ones only.
        """
        bar = self._untested(ended_at_ms)
        if bar is None:
            return None
        self._tested_ms = ended_at_ms
        z_oi, z_volume = self.scores(bar)
        threshold = self.rule.threshold
        meets_floors = self._meets_floors(bar)
        if self._budget is not None:
            threshold = self._budget.threshold(ended_at_ms)
            if meets_floors:
                self._budget.saw(ended_at_ms, _strength(z_oi, z_volume))
        beyond = [z is not None and abs(z) > threshold for z in (z_oi, z_volume)]
        stands_out = meets_floors and any(beyond)
        return BarVerdict(
            bar=bar,
            z_oi=z_oi,
            z_volume=z_volume,
            threshold=threshold,
            stands_out=stands_out,
            confirmed=stands_out and all(beyond),
            is_alert=self._alert(ended_at_ms, stands_out),
        )

    def _untested(self, ended_at_ms: int) -> OiVolumeBar | None:
        bar = self.series.at(ended_at_ms)
        if bar is None or bar.open_interest is None:
            return None
        is_later = self._tested_ms is None or ended_at_ms > self._tested_ms
        return bar if is_later else None

    def _meets_floors(self, bar: OiVolumeBar) -> bool:
        rule = self.rule
        interest_usd = bar.open_interest_usd or 0.0
        return (
            bar.volume_usd >= rule.volume_floor_usd and interest_usd >= rule.open_interest_floor_usd
        )

    def _alert(self, ended_at_ms: int, stands_out: bool) -> bool:
        """Whether a bar opens a new event; moves the event on."""
        if not stands_out:
            self._armed = True
            return False
        cooldown_ms = self.rule.cooldown_bars * self.rule.interval.nominal_ms
        is_cool = self._alerted_ms is None or ended_at_ms - self._alerted_ms > cooldown_ms
        if not (self._armed and is_cool):
            return False
        self._armed = False
        self._alerted_ms = ended_at_ms
        if self._budget is not None:
            self._budget.alerted(ended_at_ms)
        return True

    def _score(self, bar: OiVolumeBar, read: _Read) -> float | None:
        rule, series = self.rule, self.series
        value = read(series, bar)
        if value is None:
            return None
        if rule.method is SpikeMethod.SEASONAL:
            prior = self._same_time_of_day(bar, read)
            return None if prior is None else robust_score(value, prior)
        is_weighted = rule.method is SpikeMethod.EWMA
        count = rule.window * (EWMA_WINDOWS if is_weighted else 1)
        readings = series.before(bar.ended_at_ms, count, read)
        if len(readings) < rule.minimum:
            return None
        if is_weighted:
            return ewma_score(value, readings, rule.half_life_bars)
        if rule.method is SpikeMethod.ROBUST:
            return robust_score(value, readings)
        return classic_score(value, readings)

    def _same_time_of_day(self, bar: OiVolumeBar, read: _Read) -> list[float] | None:
        """Readings of the same time on earlier days, and a bar before and after; None: too few."""
        length_ms = self.rule.interval.nominal_ms
        found: list[float] = []
        days = 0
        for day in range(1, self.rule.seasonal_days + 1):
            had = len(found)
            for shift_ms in (-length_ms, 0, length_ms):
                earlier = self.series.at(bar.ended_at_ms - day * DAY_MS + shift_ms)
                value = None if earlier is None else read(self.series, earlier)
                if value is not None:
                    found.append(value)
            days += len(found) > had
        return found if days >= min(self.rule.seasonal_days_min, self.rule.seasonal_days) else None


def spike_of(
    verdict: BarVerdict, rule: SpikeRule, instrument: Instrument, received_ns: int
) -> OiVolumeSpike:
    """The record of an alert.

    Args:
        verdict: an alert's.
        rule: that it was found by.
        instrument: whose bar it is.
        received_ns: our wall time of the finding, ns.
    """
    bar = verdict.bar
    return OiVolumeSpike(
        exchange=instrument.exchange,
        symbol=instrument.symbol,
        native_symbol=instrument.native_symbol,
        timestamp_ms=bar.ended_at_ms,
        received_ns=received_ns,
        interval=rule.interval,
        method=rule.method,
        threshold=verdict.threshold,
        z_oi=verdict.z_oi,
        z_volume=verdict.z_volume,
        confirmed=verdict.confirmed,
        open_interest_usd=bar.open_interest_usd or 0.0,
        volume_usd=bar.volume_usd,
    )


def _strength(z_oi: float | None, z_volume: float | None) -> float:
    return max(abs(z) for z in (z_oi or 0.0, z_volume or 0.0))


def _volume_usd(series: OiVolumeSeries, bar: OiVolumeBar) -> float | None:
    del series
    return bar.volume_usd


def _interest_usd(series: OiVolumeSeries, bar: OiVolumeBar) -> float | None:
    del series
    return bar.open_interest_usd


def _volume_log(series: OiVolumeSeries, bar: OiVolumeBar) -> float | None:
    del series
    return math.log1p(bar.volume_usd)


def _interest_change(series: OiVolumeSeries, bar: OiVolumeBar) -> float | None:
    """Change of log open interest from the bar just before; None where one is missing or zero."""
    before = series.at(bar.ended_at_ms - series.interval.nominal_ms)
    if before is None or not before.open_interest or not bar.open_interest:
        return None
    return math.log(bar.open_interest / before.open_interest)
