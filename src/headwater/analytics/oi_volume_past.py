"""What a spike rule would have told of bars that are over: the live detector, run over the past.

Bars and times are passed in. The detector is the one that the live monitor uses, bar by bar, each
judged by those before it alone; so a preview and the monitor cannot have two opinions of a bar.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from headwater.analytics.oi_volume import BarVerdict, SpikeDetector, SpikeRule
from headwater.analytics.oi_volume_series import OiVolumeBar

EVENT_BARS: Final = 24
"""Bars before the span, besides a cool-down, that are judged so that an event which began there is
not told again: no longer event is recognised."""


class PastAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the bars of a span.

    Attributes:
        tested: bars that were judged: those whose open interest is known.
        alerts: verdicts of those that would have been told, oldest first.
    """

    tested: int
    alerts: tuple[BarVerdict, ...]


def warm_up_bars(rule: SpikeRule) -> int:
    """Bars before a span that are judged without being counted."""
    return rule.cooldown_bars + EVENT_BARS


def bars_needed(rule: SpikeRule, span_bars: int) -> int:
    """Bars that a span of so many needs, those before it for windows and events included."""
    return span_bars + warm_up_bars(rule) + rule.history_bars


def past_alerts(
    rule: SpikeRule, bars: Iterable[OiVolumeBar], start_ms: int, end_ms: int
) -> PastAlerts:
    """The alerts of bars that ended in a span, without an alert budget.

    Args:
        rule: how; it must have no problem, see `rule_problem`.
        bars: of one instrument, in any order; `bars_needed` of them say all.
        start_ms: bars must end later than this.
        end_ms: and no later than this.
    """
    detector = SpikeDetector(rule)
    judged_after_ms = start_ms - warm_up_bars(rule) * rule.interval.nominal_ms
    tested = 0
    alerts = []
    for bar in sorted(bars, key=lambda one: one.ended_at_ms):
        if bar.ended_at_ms > end_ms:
            break
        detector.series.add(bar)
        if bar.ended_at_ms <= judged_after_ms:
            continue
        verdict = detector.judge(bar.ended_at_ms)
        if verdict is None or bar.ended_at_ms <= start_ms:
            continue
        tested += 1
        if verdict.is_alert:
            alerts.append(verdict)
    return PastAlerts(tested=tested, alerts=tuple(alerts))
