"""The monitor's rule: the hand-worked series, strict thresholds, one alert per event, laws."""

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.feeds.made import instrument

from headwater.analytics.alert_budget import DAY_MS, AlertBudget
from headwater.analytics.oi_volume import (
    INTEREST_FLOORS_USD,
    THRESHOLDS,
    VOLUME_FLOORS_USD,
    BarVerdict,
    SpikeDetector,
    SpikeRule,
    rule_problem,
    spike_of,
)
from headwater.analytics.oi_volume_series import OiVolumeBar
from headwater.core.enums import SpikeMethod
from headwater.core.intervals import Interval

_START_MS = 1_700_000_000_000 // DAY_MS * DAY_MS

# Worked by hand. A hundred deviations that add up to 0: 47 pairs ±10, one ±15, one ±5, two 0.
# Their squares: 94 × 100 + 2 × 225 + 2 × 25 = 9 900, over 99 is 100: sample deviation 10, mean as
# shifted. (Population deviation would be √99, and a window with the tested value in it another.)
_DEVIATIONS = [*[10.0, -10.0] * 47, 15.0, -15.0, 5.0, -5.0, 0.0, 0.0]


def _rule(interval: Interval = Interval.M5, **options: Any) -> SpikeRule:
    given: dict[str, Any] = {
        "interval": interval,
        "threshold": THRESHOLDS.get(interval, 3.0),
    } | options
    return SpikeRule(**given)


class _Tape:
    """Feeds bars one after the other."""

    def __init__(self, rule: SpikeRule, budget: AlertBudget | None = None) -> None:
        self.detector = SpikeDetector(rule, budget)
        self.end_ms = _START_MS

    def add(self, volume: float, interest: float | None = 1e6, price: float = 1.0) -> None:
        """One more bar, not tested."""
        self.end_ms += self.detector.rule.interval.nominal_ms
        self.detector.series.add(
            OiVolumeBar(
                ended_at_ms=self.end_ms,
                volume_usd=volume,
                open_interest=interest,
                open_interest_usd=None if interest is None else interest * price,
            )
        )

    def test(self, volume: float, interest: float | None = 1e6, price: float = 1.0) -> BarVerdict:
        """One more bar, tested."""
        self.add(volume, interest, price)
        verdict = self.detector.judge(self.end_ms)
        assert verdict is not None
        return verdict


def _hand_worked(interval: Interval = Interval.M5, **options: Any) -> _Tape:
    tape = _Tape(_rule(interval, **options))
    for deviation in _DEVIATIONS:
        tape.add(1e6 + deviation, 5e6 - deviation)
    return tape


@pytest.mark.parametrize("interval", THRESHOLDS)
def test_the_hand_worked_series(interval: Interval) -> None:
    edge = 10.0 * THRESHOLDS[interval]
    at_edge = _hand_worked(interval).test(1e6 + edge, 5e6 + edge)
    # (1 000 030 − 1 000 000) / 10 = 3 at 5m, and so on: exactly the threshold, which is not above.
    assert at_edge.z_volume == pytest.approx(THRESHOLDS[interval], abs=1e-12)
    assert at_edge.z_oi == pytest.approx(THRESHOLDS[interval], abs=1e-12)
    assert not at_edge.stands_out
    for sign in (1.0, -1.0):
        beyond = _hand_worked(interval).test(1e6 + sign * (edge + 0.01), 5e6)
        assert beyond.z_volume == pytest.approx(sign * (edge + 0.01) / 10, abs=1e-12)
        assert beyond.z_oi == pytest.approx(0.0, abs=1e-12)
        assert (beyond.is_alert, beyond.confirmed) == (True, False)
        both = _hand_worked(interval).test(1e6 + sign * 99, 5e6 - sign * 99)
        assert (both.is_alert, both.confirmed) == (True, True)


def test_classic_scores_open_interest_in_usd_and_robust_its_change_in_base_units() -> None:
    dearer = _hand_worked().test(1e6, 5e6, price=1.1)
    assert dearer.z_oi == pytest.approx(5e5 / 10, abs=1e-9)
    dearer = _hand_worked(method=SpikeMethod.ROBUST, minimum=99).test(1e6, 5e6, price=1.1)
    assert dearer.z_oi is not None
    assert abs(dearer.z_oi) < 1
    more = _hand_worked(method=SpikeMethod.ROBUST, minimum=99).test(1e6, 5e6 + 500)
    assert more.stands_out


def test_no_score_before_the_window_is_full() -> None:
    tape = _Tape(_rule())
    for deviation in _DEVIATIONS[:99]:
        tape.add(1e6 + deviation)
    early = tape.test(1e9, 1e9)
    assert (early.z_volume, early.z_oi, early.is_alert) == (None, None, False)
    lower = _Tape(_rule(minimum=50))
    for deviation in _DEVIATIONS[:50]:
        lower.add(1e6 + deviation, None)
    # Fifty volumes are enough here, but no open interest was known before.
    first = lower.test(1e9, 1e9)
    assert (first.is_alert, first.confirmed, first.z_oi) == (True, False, None)


def test_floors() -> None:
    interval = Interval.M5
    floors: dict[str, Any] = {
        "volume_floor_usd": VOLUME_FLOORS_USD[interval],
        "open_interest_floor_usd": INTEREST_FLOORS_USD[interval],
    }
    assert _hand_worked(**floors).test(1e7).is_alert
    assert not _hand_worked(**floors).test(99_999.0).is_alert
    assert not _hand_worked(**floors).test(1e7, 499_999.0).is_alert


def test_a_shift_of_the_level_is_told_once() -> None:
    tape = _hand_worked()
    told = [tape.test(1e6 + _DEVIATIONS[place], 6e6).is_alert for place in range(30)]
    assert told == [True, *[False] * 29]


def test_cool_down_after_an_alert() -> None:
    tape = _hand_worked(method=SpikeMethod.ROBUST, minimum=90, cooldown_bars=3)
    told = [tape.test(volume).is_alert for volume in (2e6, 1e6, 2e6, 2e6, 2e6, 2e6, 1e6, 2e6)]
    # The second event begins in the cool-down, still goes on at its end, and is told there.
    assert told == [True, False, False, False, True, False, False, False]


def test_a_bar_is_tested_once_and_only_when_complete() -> None:
    tape = _hand_worked()
    tape.add(1e9, None)
    assert tape.detector.judge(tape.end_ms) is None
    late_ms = tape.end_ms
    assert tape.test(1e9).is_alert
    assert tape.detector.judge(tape.end_ms) is None
    late = OiVolumeBar(ended_at_ms=late_ms, volume_usd=1.0, open_interest=1.0, open_interest_usd=1)
    assert tape.detector.series.add(late)
    assert tape.detector.judge(late_ms) is None
    assert tape.detector.judge(_START_MS) is None


def test_a_budget_raises_the_threshold() -> None:
    budget = AlertBudget(1.0, 3.0)
    tape = _Tape(_rule(), budget)
    assert tape.detector.history_bars == 101 + 14 * 288
    for deviation in _DEVIATIONS:
        tape.add(1e6 + deviation, 5e6 - deviation)
    tape.add(1e6 + 500, 5e6)
    tape.detector.rehearse(tape.end_ms)
    for deviation in _DEVIATIONS:
        tape.add(1e6 + deviation, 5e6 - deviation)
    # In the past one bar was 50 deviations away: one of five now would be too many a day.
    weak = tape.test(1e6 + 50, 5e6)
    assert not weak.stands_out
    assert weak.threshold == pytest.approx(50.0)
    strong = tape.test(1e6 + 900, 5e6)
    assert strong.is_alert
    assert strong.threshold == pytest.approx(50.0)
    assert tape.test(1e6 + 90_000, 5e6).threshold == math.inf


def test_the_record_of_an_alert() -> None:
    rule = _rule()
    spike = spike_of(_hand_worked().test(1e6 + 40, 5e6), rule, instrument(), 17)
    assert (spike.timestamp_ms, spike.received_ns) == (_START_MS + 101 * 300_000, 17)
    assert (spike.interval, spike.method, spike.threshold) == (Interval.M5, "classic", 3.0)
    assert (spike.z_volume, spike.z_oi, spike.confirmed) == (4.0, 0.0, False)
    assert (spike.volume_usd, spike.open_interest_usd) == (1e6 + 40, 5e6)


def test_rules_that_cannot_be_used_say_why() -> None:
    assert rule_problem(_rule()) is None
    wrong: tuple[dict[str, Any], ...] = (
        {"threshold": 0.0},
        {"threshold": math.nan},
        {"minimum": 101},
        {"minimum": 1},
        {"interval": Interval.H12, "method": SpikeMethod.SEASONAL},
        {"interval": Interval.D3, "method": SpikeMethod.SEASONAL},
    )
    for options in wrong:
        assert rule_problem(_rule(**options))


def test_seasonal_knows_the_time_of_day() -> None:
    rng = random.Random(1)

    def ordinary(bar: int) -> float:
        return 1e6 * math.exp(2.5 * math.sin(bar / 24 * math.tau) + rng.gauss(0, 0.2))

    def at_hour(hour: int) -> float | None:
        tape = _Tape(_rule(Interval.H1, method=SpikeMethod.SEASONAL))
        for bar in range(15 * 24 + hour):
            tape.add(ordinary(bar), 1e6 * math.exp(rng.gauss(0, 0.01)))
        return tape.test(1e6 * math.exp(2.5)).z_volume

    by_day, by_night = at_hour(6), at_hour(18)
    assert by_day is not None
    assert abs(by_day) < 2
    assert by_night is not None
    assert by_night > 10


def _market(seed: int, bars: int) -> list[tuple[float, float]]:
    """Volumes and open interest in whole numbers, so that scaling and shifting stay exact."""
    rng = random.Random(seed)
    return [
        (float(round(1e7 * math.exp(rng.gauss(0, 1.1)))), float(round(1e8 + rng.gauss(0, 1e6))))
        for _ in range(bars)
    ]


def _scores(rule: SpikeRule, rows: Sequence[tuple[float, float]]) -> list[float]:
    tape = _Tape(rule)
    for volume, interest in rows[:-1]:
        tape.add(volume, interest)
    verdict = tape.test(*rows[-1])
    assert verdict.z_oi is not None
    assert verdict.z_volume is not None
    return [verdict.z_oi, verdict.z_volume]


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), factor=st.floats(0.5, 1e4))
@pytest.mark.parametrize("method", SpikeMethod)
def test_scores_are_free_of_scale(method: SpikeMethod, seed: int, factor: float) -> None:
    rule = _rule(Interval.H1, method=method)
    rows = _market(seed, rule.history_bars + 1)
    scaled = [(volume * factor, interest * factor) for volume, interest in rows]
    assert _scores(rule, scaled) == pytest.approx(_scores(rule, rows), rel=1e-4, abs=1e-4)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), shift=st.integers(0, 10**9))
def test_classic_is_free_of_shift(seed: int, shift: int) -> None:
    rows = _market(seed, 101)
    shifted = [(volume + shift, interest + shift) for volume, interest in rows]
    assert _scores(_rule(), shifted) == pytest.approx(_scores(_rule(), rows), rel=1e-6, abs=1e-6)


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), order=st.randoms(use_true_random=False))
def test_duplicates_and_disorder_change_nothing(seed: int, order: random.Random) -> None:
    rule = _rule(method=SpikeMethod.ROBUST)
    rows = _market(seed, 102)
    tape = _Tape(rule)
    for volume, interest in rows:
        tape.add(volume, interest)
    bars = [tape.detector.series.at(_START_MS + n * 300_000) for n in range(1, 103)]
    again = SpikeDetector(rule)
    mixed = [*bars, *order.sample(bars, 40)]
    order.shuffle(mixed)
    for bar in mixed:
        assert bar is not None
        again.series.add(bar)
    assert again.judge(tape.end_ms) == tape.detector.judge(tape.end_ms)


@pytest.mark.parametrize("method", SpikeMethod)
@given(level=st.floats(1, 1e12))
@settings(max_examples=10)
def test_a_constant_market_is_silent(method: SpikeMethod, level: float) -> None:
    rule = _rule(Interval.H1, method=method)
    tape = _Tape(rule)
    for _ in range(rule.history_bars):
        tape.add(level, level)
    verdict = tape.test(level, level)
    assert (verdict.z_oi, verdict.z_volume, verdict.is_alert) == (None, None, False)
