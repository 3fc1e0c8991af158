"""Views of the skill of liquidation maps: a table of scores, one row per model.

What each number means: docs/guides/skill.md.
"""

from typing import Annotated

from msgspec import Meta

from headwater.analytics.skill import SkillReport, SkillScore
from headwater.analytics.skill_controls import SkillControls
from headwater.api.schemas.base import IsoTime, View, iso_of, iso_or_none
from headwater.api.schemas.market import NotNegative
from headwater.api.schemas.skill_notes import horizon_text, note_of
from headwater.services.forecasts import ForecastHealth
from headwater.services.liquidation_skill import SkillRow, SkillTable

Share = Annotated[float, Meta(ge=0, le=1)]
"""A part of something, 0 to 1."""
Count = Annotated[int, Meta(ge=0)]


class GainView(View, frozen=True, kw_only=True, gc=False):
    """An information gain over the baseline of distance alone.

    Attributes:
        bits: gain; null where nothing was liquidated.
        low: lower end of the 95 % interval; null with fewer than ten days.
        high: upper end.
    """

    bits: float | None
    low: float | None
    high: float | None


class PrecisionView(View, frozen=True, kw_only=True, gc=False):
    """Average precision for one kind of cell.

    Attributes:
        model: of the map's order of cells.
        baseline: of the order by distance.
        prevalence: what any order gets by chance.
    """

    model: Share
    baseline: Share
    prevalence: Share


class ControlsView(View, frozen=True, kw_only=True, gc=False):
    """Maps that must not gain, and one that must, over the same windows: headline gains.

    Attributes:
        is_sound: whether all came out as they must; false: distrust the score; null: too few days.
        shifted: the map of another day.
        swapped: longs and shorts exchanged.
        random_lines: the same masses at random cells.
        hindsight: the outcome itself.
    """

    is_sound: bool | None
    shifted: GainView
    swapped: GainView
    random_lines: GainView
    hindsight: GainView


class SkillScoreView(View, frozen=True, kw_only=True, gc=False):
    """The numbers of a row that was scored.

    Attributes:
        days: UTC days with a window.
        windows: forecasts scored.
        windows_unlearnt: left out because too little came before to learn distance from.
        events: liquidations in reached cells.
        realised_usd: USD of them.
        outside_usd: USD liquidated in no reached cell; not judged.
        per_usd: the headline, bits per liquidated USD.
        blended: of half map, half baseline: what the map adds.
        per_event: bits per liquidation.
        capped: bits per USD, no forecast above 1 % of the weight.
        largest_bits: bits per USD of a map that knew the outcome.
        capture: share of the USD in the tenth of the reached cells that the map raised most.
        lift: capture by chance's 0.1.
        precision: for cells with any liquidation.
        precision_large: for the tenth of cells with most USD.
        area_gain: area under the ROC curve minus the baseline's.
        p_value: of the Diebold–Mariano test that map and baseline are equally good.
    """

    days: Count
    windows: Count
    windows_unlearnt: Count
    events: Count
    realised_usd: NotNegative
    outside_usd: NotNegative
    per_usd: GainView
    blended: GainView
    per_event: GainView
    capped: GainView
    largest_bits: float | None
    capture: float | None
    lift: float | None
    precision: PrecisionView | None
    precision_large: PrecisionView | None
    area_gain: float | None
    p_value: float | None


class SkillRowView(View, frozen=True, kw_only=True, gc=False):
    """One model at one horizon and cell width.

    Attributes:
        model: name.
        version: of model and parameters; a new one begins an empty record.
        venues: venue whose positions it shows, or `all`.
        horizon: for how long a forecast speaks.
        cell_width: share of the price.
        line: the row in words: gain, interval, days, forecasts, verdict.
        verdict: `skill`, `no measurable skill`, `worse than distance alone`, `not enough days`.
        judged_by: the gain that decides: `per_usd`, or `blended` for a map of few positions.
        forecasts: issued in the days asked for.
        pending: of those, not over yet.
        dropped_gap: not judged: a hole in the liquidations or the price.
        dropped_unmarked: not judged: the platform was not listening all the time.
        coverage: part of the forecasts that are over whose time was seen wholly.
        first_issued: first forecast that is stored.
        last_issued: last one.
        score: the numbers; null where nothing could be scored.
        controls: null without a score, or of one day only.
    """

    model: str
    version: str
    venues: str
    horizon: str
    cell_width: float
    line: str
    verdict: str
    judged_by: str
    forecasts: Count
    pending: Count
    dropped_gap: Count
    dropped_unmarked: Count
    coverage: Share | None
    first_issued: IsoTime
    last_issued: IsoTime
    score: SkillScoreView | None
    controls: ControlsView | None


class SkillMetaView(View, frozen=True, kw_only=True, gc=False):
    """How the table came about.

    Attributes:
        symbol: canonical symbol.
        start_time: first time of issue that counts.
        end_time: time of the question.
        exchanges: venues whose liquidations judge.
        throttled: those of them whose liquidations are a lower bound.
        others: venues heard whose liquidations do not judge.
        path_exchange: venue whose price is taken; empty for none.
        mark_share: part of its minutes that are of the mark price, else of traded prices.
        collecting_since: first stored forecast of the symbol; null while there is none.
        next_issue: next forecasts; null where this process writes none for the symbol.
        issues_missed: hours that went by unwritten since this process started; null as above.
        issues_failed: maps or symbols of an hour that could not be written, all symbols.
        note: what a reader should know first, in words; empty for nothing.
    """

    symbol: str
    start_time: IsoTime
    end_time: IsoTime
    exchanges: tuple[str, ...]
    throttled: tuple[str, ...]
    others: tuple[str, ...]
    path_exchange: str
    mark_share: Share
    collecting_since: IsoTime | None
    next_issue: IsoTime | None
    issues_missed: Count | None
    issues_failed: Count | None
    note: str


class SkillView(View, frozen=True, kw_only=True, gc=False):
    """Scores of liquidation maps.

    Attributes:
        data: one row per model, version, venues, horizon and cell width.
        meta: how they came about.
    """

    data: tuple[SkillRowView, ...]
    meta: SkillMetaView


def skill_view(table: SkillTable, health: ForecastHealth | None) -> SkillView:
    """The answer.

    Args:
        table: the scores.
        health: of the service that writes forecasts; None where none runs.
    """
    writing = health if health is not None and table.symbol in health.symbols else None
    next_ms = None if writing is None else writing.next_issue_ms
    meta = SkillMetaView(
        symbol=table.symbol,
        start_time=iso_of(table.start_ms),
        end_time=iso_of(table.end_ms),
        exchanges=table.exchanges,
        throttled=table.throttled,
        others=table.others,
        path_exchange=table.path_exchange,
        mark_share=table.mark_share,
        collecting_since=iso_or_none(table.collecting_since_ms),
        next_issue=iso_or_none(next_ms),
        issues_missed=None if writing is None else writing.missed,
        issues_failed=None if writing is None else writing.failed,
        note=note_of(table, next_ms),
    )
    return SkillView(data=tuple(row_view(row) for row in table.rows), meta=meta)


def row_view(row: SkillRow) -> SkillRowView:
    """One row."""
    over = row.forecasts - row.pending
    seen = over - row.dropped_gap - row.dropped_unmarked
    return SkillRowView(
        model=row.series.model,
        version=row.series.version,
        venues=row.series.exchange,
        horizon=horizon_text(row.series.horizon_ms),
        cell_width=row.cell_width,
        line=row.line,
        verdict=row.verdict.value,
        judged_by="blended" if row.is_blended else "per_usd",
        forecasts=row.forecasts,
        pending=row.pending,
        dropped_gap=row.dropped_gap,
        dropped_unmarked=row.dropped_unmarked,
        coverage=seen / over if over else None,
        first_issued=iso_of(row.series.first_issued_ms),
        last_issued=iso_of(row.series.last_issued_ms),
        score=None if row.report is None else _score_view(row.report),
        controls=None if row.controls is None else _controls_view(row.controls, row.is_sound),
    )


def _score_view(report: SkillReport) -> SkillScoreView:
    ranked = report.ranking
    hit = large = None
    if ranked is not None:
        hit, large = (
            PrecisionView(model=one.model, baseline=one.baseline, prevalence=one.prevalence)
            for one in (ranked.hit, ranked.large)
        )
    return SkillScoreView(
        days=report.days,
        windows=report.windows,
        windows_unlearnt=report.windows_unlearnt,
        events=report.events,
        realised_usd=report.usd,
        outside_usd=report.outside_usd,
        per_usd=_gain_view(report.per_usd),
        blended=_gain_view(report.blended),
        per_event=_gain_view(report.per_event),
        capped=_gain_view(report.capped),
        largest_bits=report.largest_bits,
        capture=None if ranked is None else ranked.capture,
        lift=None if ranked is None else ranked.lift,
        precision=hit,
        precision_large=large,
        area_gain=None if ranked is None else ranked.area_gain,
        p_value=None if report.test is None else report.test.p_value,
    )


def _controls_view(checks: SkillControls, is_sound: bool | None) -> ControlsView:
    return ControlsView(
        is_sound=is_sound,
        shifted=_gain_view(checks.shifted.per_usd),
        swapped=_gain_view(checks.swapped.per_usd),
        random_lines=_gain_view(checks.random_lines.per_usd),
        hindsight=_gain_view(checks.hindsight.per_usd),
    )


def _gain_view(gain: SkillScore) -> GainView:
    interval = gain.interval
    return GainView(
        bits=gain.bits,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
    )
