"""How good the liquidation maps were: stored forecasts beside what followed, scored.

One row per model, version, venues, horizon and cell width. The baselines are issued and stored as
models of their own and always stand in the table; the score's own reference, distance alone, is
learnt anew from the windows of the 30 days before each forecast. See docs/guides/skill.md.

What is stored never changes and randomness begins with the same number each time, so the same
question about the same days has the same answer.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.skill import (
    SkillReport,
    SkillVerdict,
    badge,
    judging_gain,
    score,
    verdict_of,
)
from headwater.analytics.skill_baseline import (
    LEARNING_MS,
    LEARNING_WINDOWS_MIN,
    distance_baselines,
)
from headwater.analytics.skill_controls import SkillControls, controls
from headwater.analytics.skill_gain import DAY_MS
from headwater.analytics.skill_observation import observe
from headwater.analytics.skill_windows import Forecast
from headwater.core.errors import RequestError, StorageUnavailable
from headwater.services.paged_reading import Fetch
from headwater.services.skill_evidence import (
    CELLS_JOINED,
    Evidence,
    read_evidence,
    read_forecasts,
)
from headwater.storage.forecasts import ForecastSeries, series

BASELINES: Final = ("b0", "b1", "b2", "b3", "b4")
"""Models that know almost nothing; they stay in the table whichever model is asked for."""

SPARSE: Final = ("observed",)
"""Models that show a part of the positions only. They are judged by the blended gain: half their
map, half distance."""

SETTLE_MS: Final = 60_000
"""A window is judged so long after its end, when its last minute is stored."""

DAYS_MAX: Final = 365
ROWS_MAX: Final = 200
"""Most rows of a table: of more, a narrower question is asked for."""
WAITING_MAX: Final = 4
"""Tables that may wait while one is made; further questions are refused."""
SEED: Final = 20_718
"""Where the randomness of the intervals and controls begins."""

Progress = Callable[[int, int], None]
"""Told how many rows of how many are done."""


class SkillQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked.

    Attributes:
        symbol: canonical symbol.
        end_ms: the time of the question, ms since the epoch: what is known by then counts.
        days: and so many days before it, 1 to `DAYS_MAX`.
        model: name of the model, None for all.
        horizons_ms: None for all that are stored.
        cell_widths: of `CELLS_JOINED`.
        exchanges: venues whose liquidations judge, None for the full feed.
    """

    symbol: str
    end_ms: int
    days: int = 30
    model: str | None = None
    horizons_ms: tuple[int, ...] | None = None
    cell_widths: tuple[float, ...] = tuple(CELLS_JOINED)
    exchanges: tuple[str, ...] | None = None


class SkillRow(msgspec.Struct, frozen=True, kw_only=True):
    """One model's score at one horizon and cell width.

    Attributes:
        series: which forecasts; `count` and times are of all that is stored.
        cell_width: share of the price.
        forecasts: issued in the days asked for.
        pending: of those, not over yet.
        dropped_gap: dropped for a hole in the ledger.
        dropped_unmarked: dropped for minutes in which nobody listened.
        report: the score; None where no window had enough before it to learn distance from.
        controls: of the same windows; None without a score, or with windows of one day only.
    """

    series: ForecastSeries
    cell_width: float
    forecasts: int
    pending: int
    dropped_gap: int
    dropped_unmarked: int
    report: SkillReport | None
    controls: SkillControls | None

    @property
    def is_blended(self) -> bool:
        """Whether the blended gain is the one that judges this model."""
        return self.series.model in SPARSE

    @property
    def verdict(self) -> SkillVerdict:
        """What the interval of the gain that judges allows to say."""
        if self.report is None:
            return SkillVerdict.UNKNOWN
        return verdict_of(judging_gain(self.report, blended=self.is_blended).interval)

    @property
    def line(self) -> str:
        """The row in one line, as docs/guides/skill.md explains it."""
        if self.report is None:
            return f"IG none · n=0 → {SkillVerdict.UNKNOWN}"
        return badge(self.report, blended=self.is_blended)

    @property
    def is_sound(self) -> bool | None:
        """Whether all controls came out as they must; None with too few days to tell."""
        if self.controls is None or self.controls.hindsight.per_usd.interval is None:
            return None
        return self.controls.is_sound


class SkillTable(msgspec.Struct, frozen=True, kw_only=True):
    """All rows that answer a question.

    Attributes:
        symbol: canonical symbol.
        start_ms: first time of issue that counts.
        end_ms: first one that does not.
        collecting_since_ms: time of issue of the oldest stored forecast of the symbol; None while
            there is none.
        exchanges: venues whose liquidations judge.
        throttled: those of them whose liquidations are a lower bound.
        others: venues heard that do not judge.
        path_exchange: venue whose price is taken; empty for none.
        mark_share: part of its minutes that are of the mark price, else of traded prices.
        rows: models by name, then horizon and width.
    """

    symbol: str
    start_ms: int
    end_ms: int
    collecting_since_ms: int | None
    exchanges: tuple[str, ...]
    throttled: tuple[str, ...]
    others: tuple[str, ...]
    path_exchange: str
    mark_share: float
    rows: tuple[SkillRow, ...]


class LiquidationSkill:
    """Makes tables, one at a time.

    Args:
        fetch: reads storage.
        least_windows: windows before a forecast without which it is not scored.
    """

    def __init__(self, fetch: Fetch, *, least_windows: int = LEARNING_WINDOWS_MIN) -> None:
        self._fetch = fetch
        self._least_windows = least_windows
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def table(self, question: SkillQuestion, progress: Progress | None = None) -> SkillTable:
        """Answers a question; reading and scoring leave the event loop.

        Args:
            question: what is asked.
            progress: told after each row.

        Raises:
            RequestError: a number is out of its range, or the span holds too much.
            StorageUnavailable: too many questions wait.
            StorageError: the database does not answer.
        """
        _check(question)
        if self._waiting > WAITING_MAX:
            raise StorageUnavailable("skill", f"{self._waiting} tables wait to be made")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._make(question, progress)
        finally:
            self._waiting -= 1

    async def _make(self, question: SkillQuestion, progress: Progress | None) -> SkillTable:
        stored = await self._fetch(series(question.symbol))
        start_ms = question.end_ms - question.days * DAY_MS
        chosen = [one for one in stored if _is_asked(one, question, start_ms)]
        jobs = [(one, width) for one in chosen for width in question.cell_widths]
        if len(jobs) > ROWS_MAX:
            raise RequestError("model", question.model, f"a narrower one: {len(jobs)} rows")
        # The baseline learns from the month before the first forecast that counts.
        learnt_ms = start_ms - LEARNING_MS
        evidence = await read_evidence(
            self._fetch, question.symbol, learnt_ms, question.end_ms, question.exchanges
        )
        rows: list[SkillRow] = []
        for one, width in jobs:
            made = await read_forecasts(self._fetch, one, learnt_ms, question.end_ms, width)
            span = (start_ms, question.end_ms)
            rows.append(
                await asyncio.to_thread(
                    score_series, one, width, made, evidence, span, self._least_windows
                )
            )
            if progress is not None:
                progress(len(rows), len(jobs))
        return SkillTable(
            symbol=question.symbol,
            start_ms=start_ms,
            end_ms=question.end_ms,
            collecting_since_ms=min((one.first_issued_ms for one in stored), default=None),
            exchanges=evidence.exchanges,
            throttled=evidence.throttled,
            others=evidence.others,
            path_exchange=evidence.path_exchange,
            mark_share=evidence.mark_share,
            rows=tuple(rows),
        )


def score_series(
    one: ForecastSeries,
    cell_width: float,
    issued: Sequence[Forecast],
    evidence: Evidence,
    span_ms: tuple[int, int],
    least_windows: int,
) -> SkillRow:
    """Scores those forecasts of a series that were issued in a span and are over at its end.

    Args:
        one: which series.
        cell_width: share of the price.
        issued: its forecasts with those of the month before, which are learnt from; oldest first.
        evidence: what followed.
        span_ms: first time of issue that counts, and the time of the question.
        least_windows: windows before a forecast without which it is not scored.
    """
    start_ms, end_ms = span_ms
    over = [made for made in issued if made.issued_ms + made.horizon_ms + SETTLE_MS <= end_ms]
    counted = [made for made in over if made.issued_ms >= start_ms]
    asked = sum(made.issued_ms >= start_ms for made in issued)
    marks, events, gaps = evidence.marks, evidence.events, evidence.gaps
    early = observe(over[: len(over) - len(counted)], marks, events, gaps)
    seen = observe(counted, marks, events, gaps)
    windows = seen.windows
    known = distance_baselines([*early.windows, *windows], least_windows=least_windows)
    baselines = known[len(early.windows) :]
    report = score(windows, baselines, np.random.default_rng(SEED))
    days = {window.forecast.issued_ms // DAY_MS for window in windows}
    checks = None
    if report is not None and len(days) > 1:
        checks = controls(windows, baselines, np.random.default_rng(SEED))
    return SkillRow(
        series=one,
        cell_width=cell_width,
        forecasts=asked,
        pending=asked - len(counted),
        dropped_gap=seen.dropped_gap,
        dropped_unmarked=seen.dropped_unmarked,
        report=report,
        controls=checks,
    )


def _is_asked(one: ForecastSeries, question: SkillQuestion, start_ms: int) -> bool:
    """Whether a series has a part in the answer."""
    named = question.model is None or one.model == question.model or one.model in BASELINES
    timed = question.horizons_ms is None or one.horizon_ms in question.horizons_ms
    return (
        named and timed and one.first_issued_ms < question.end_ms and one.last_issued_ms >= start_ms
    )


def _check(question: SkillQuestion) -> None:
    """Refuses numbers out of their range.

    Raises:
        RequestError: one is.
    """
    if not 1 <= question.days <= DAYS_MAX:
        raise RequestError("days", question.days, f"1 to {DAYS_MAX}")
    for width in question.cell_widths:
        if width not in CELLS_JOINED:
            raise RequestError("cell_width", width, ", ".join(map(str, CELLS_JOINED)))
    for horizon_ms in question.horizons_ms or ():
        if horizon_ms < 1:
            raise RequestError("horizon", horizon_ms, "more than 0 ms")
