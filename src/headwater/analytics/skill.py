"""The skill score of a liquidation heat map: everything about one model in one report.

Headline is the information gain per USD over what distance alone tells, with an interval; the
verdict follows from the interval, never from the number. What the score is, how to read it and what
it cannot say: docs/guides/skill.md.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.analytics.skill_cells import HALF_SMOOTHING, CellTable, tabulate
from headwater.analytics.skill_gain import (
    DayGain,
    Gain,
    capped_gain,
    daily_gains,
    event_gain,
    largest_gain,
    usd_gain,
)
from headwater.analytics.skill_ranking import Ranking, ranking
from headwater.analytics.skill_reliability import ReliabilityDecile, reliability
from headwater.analytics.skill_uncertainty import (
    DRAWS,
    EqualGainTest,
    Interval,
    bootstrap_interval,
    days_of,
    equal_gain_test,
)
from headwater.analytics.skill_windows import Window

NO_SKILL: Final = "no measurable skill"
"""What is said, in exactly these words, when the interval holds 0."""
_PLACES_MAX: Final = 4


class SkillVerdict(StrEnum):
    """What the interval of the headline allows to say."""

    SKILL = "skill"
    NONE = NO_SKILL
    HARM = "worse than distance alone"
    UNKNOWN = "not enough days"


class SkillScore(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One information gain.

    Attributes:
        bits: per unit of weight; None where nothing was liquidated.
        interval: 95 %, None where there are too few days.
    """

    bits: float | None
    interval: Interval | None


class SkillReport(msgspec.Struct, frozen=True, kw_only=True):
    """A model's score over a stretch of time.

    Attributes:
        models: model and version of the forecasts, normally one.
        horizon_ms: of all windows.
        cell_width: of the cells, as a share of price.
        windows: windows scored.
        windows_unlearnt: windows left out because too little came before for a baseline.
        days: UTC days with a scored window.
        events: liquidations in reached cells.
        usd: USD of them.
        outside_usd: USD liquidated in no reached cell of a scored window, not judged.
        per_usd: the headline, bits per USD.
        per_event: bits per liquidation.
        capped: bits per USD, no window above 1 % of the weight.
        blended: bits per USD of half map, half baseline. A sparse map that is right where it shows
            anything loses by the headline and gains by this.
        largest_bits: bits per USD of a map that knew the outcome; None without outcome.
        test: Diebold–Mariano test of the headline.
        ranking: companions; None without anything to rank.
        reliability: ten deciles, lowest prediction first.
        daily: the headline day by day.
        verdict: what the headline's interval allows to say.
    """

    models: tuple[str, ...]
    horizon_ms: int
    cell_width: float
    windows: int
    windows_unlearnt: int
    days: int
    events: int
    usd: float
    outside_usd: float
    per_usd: SkillScore
    per_event: SkillScore
    capped: SkillScore
    blended: SkillScore
    largest_bits: float | None
    test: EqualGainTest | None
    ranking: Ranking | None
    reliability: tuple[ReliabilityDecile, ...]
    daily: tuple[DayGain, ...]
    verdict: SkillVerdict


def score(
    windows: Sequence[Window],
    baselines: Sequence[FloatArray | None],
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
) -> SkillReport | None:
    """Scores forecasts of one model, one horizon and one cell width.

    Args:
        windows: forecasts and what followed, of one or more symbols.
        baselines: the reference of each, as `distance_baselines` gives them; None leaves it out.
        rng: randomness of the intervals.
        draws: of the bootstrap.

    Returns:
        None when no window has a baseline.

    Raises:
        ValueError: windows of several horizons or cell widths, or a baseline that is not positive.
    """
    pairs = [(one, base) for one, base in zip(windows, baselines, strict=True) if base is not None]
    if not pairs:
        return None
    scored = [one for one, _ in pairs]
    widths = {one.forecast.cell_width for one in scored}
    if len(widths) > 1:
        raise ValueError(f"windows of {len(widths)} cell widths: must be of one")
    known = [base for _, base in pairs]
    table, blended = tabulate(scored, known), tabulate(scored, known, HALF_SMOOTHING)
    headline = usd_gain(table)
    per_usd = _scored(headline, table, rng, draws)
    return SkillReport(
        models=tuple(sorted({f"{one.forecast.model} {one.forecast.version}" for one in scored})),
        horizon_ms=table.horizon_ms,
        cell_width=widths.pop(),
        windows=len(scored),
        windows_unlearnt=len(windows) - len(scored),
        days=len(np.unique(days_of(table.issued_ms))),
        events=int(table.events.sum()),
        usd=float(table.usd.sum()),
        outside_usd=sum(one.outside_usd for one in scored),
        per_usd=per_usd,
        per_event=_scored(event_gain(table), table, rng, draws),
        capped=_scored(capped_gain(table), table, rng, draws),
        blended=_scored(usd_gain(blended), blended, rng, draws),
        largest_bits=largest_gain(table),
        test=equal_gain_test(headline, table.issued_ms, table.horizon_ms),
        ranking=ranking(table),
        reliability=reliability(table),
        daily=daily_gains(headline, table.issued_ms),
        verdict=verdict_of(per_usd.interval),
    )


def verdict_of(interval: Interval | None) -> SkillVerdict:
    """What an interval allows to say; None is of too few days."""
    if interval is None:
        return SkillVerdict.UNKNOWN
    if interval.holds(0.0):
        return SkillVerdict.NONE
    return SkillVerdict.SKILL if interval.low > 0.0 else SkillVerdict.HARM


def judging_gain(report: SkillReport, *, blended: bool = False) -> SkillScore:
    """The gain that judges a model: the headline, or the blended one of a sparse map."""
    return report.blended if blended else report.per_usd


def badge(report: SkillReport, *, blended: bool = False) -> str:
    """The report in one line: `IG +0.06 bit/USD [−0.01, 0.13] · 30 d · n=612 → …`.

    The verdict follows the arrow unless it is skill, which the interval says by itself. More than
    two places are shown where an end of the interval would else look like 0 and is not.

    Args:
        report: of one model.
        blended: whether the blended gain is shown and judges; the line then says so.
    """
    gain = judging_gain(report, blended=blended)
    interval = gain.interval
    verdict = verdict_of(interval)
    places = _places(interval)
    text = "blended IG" if blended else "IG"
    text += " none" if gain.bits is None else f" {_number(gain.bits, places, plus='+')} bit/USD"
    if interval is not None:
        text += f" [{_number(interval.low, places)}, {_number(interval.high, places)}]"
    text += f" · {report.days} d · n={report.windows}"
    if verdict is not SkillVerdict.SKILL:
        text += f" → {verdict}"
    return text


def _scored(gain: Gain, table: CellTable, rng: np.random.Generator, draws: int) -> SkillScore:
    """A gain with its interval."""
    interval = bootstrap_interval(gain, table.issued_ms, table.symbols, rng, draws=draws)
    return SkillScore(bits=gain.value, interval=interval)


def _places(interval: Interval | None) -> int:
    """Decimal places with which no end of the interval looks like 0 that is not."""
    ends = () if interval is None else (interval.low, interval.high)
    for places in range(2, _PLACES_MAX):
        if all(end == 0.0 or round(end, places) != 0.0 for end in ends):
            return places
    return _PLACES_MAX


def _number(value: float, places: int, plus: str = "") -> str:
    """A number with a true minus sign; what rounds to 0 has none."""
    rounded = round(value, places)
    sign = "−" if rounded < 0.0 else plus
    return f"{sign}{abs(rounded):.{places}f}"
