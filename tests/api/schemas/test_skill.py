"""What a reader is told before the numbers."""

import msgspec
import pytest

from headwater.api.schemas.skill import skill_view
from headwater.services.forecasts import ForecastHealth
from headwater.services.liquidation_skill import SkillRow, SkillTable
from headwater.storage.forecasts import ForecastSeries

DAY_MS = 86_400_000
END_MS = 20_720 * DAY_MS
ROW = SkillRow(
    series=ForecastSeries(
        model="observed",
        version="2",
        exchange="all",
        symbol="BTCUSDT",
        horizon_ms=4 * 3_600_000,
        count=9,
        first_issued_ms=END_MS - DAY_MS,
        last_issued_ms=END_MS,
    ),
    cell_width=0.0025,
    forecasts=9,
    pending=4,
    dropped_gap=1,
    dropped_unmarked=2,
    report=None,
    controls=None,
)
TABLE = SkillTable(
    symbol="BTCUSDT",
    start_ms=END_MS - 30 * DAY_MS,
    end_ms=END_MS,
    collecting_since_ms=None,
    exchanges=(),
    throttled=(),
    others=(),
    path_exchange="",
    mark_share=0.0,
    rows=(),
)
HEALTH = ForecastHealth(
    symbols=("BTCUSDT",),
    next_issue_ms=END_MS + 3_600_000,
    last_issued_ms=None,
    stored=0,
    missed=2,
    failed=5,
    problem="BTCUSDT: away",
)


def test_no_forecast_yet_says_since_when_there_will_be() -> None:
    view = skill_view(TABLE, HEALTH)
    assert (view.data, view.meta.collecting_since) == ((), None)
    assert (view.meta.issues_missed, view.meta.issues_failed) == (2, 5)
    assert view.meta.next_issue == "2026-09-24T01:00:00.000Z"
    assert view.meta.note == (
        "no forecast of BTCUSDT is stored yet; the first are written at 2026-09-24T01:00:00.000Z"
    )
    other = msgspec.structs.replace(HEALTH, symbols=("ETHUSDT",))
    for health in (other, None):
        silent = skill_view(TABLE, health)
        assert silent.meta.next_issue is None
        assert silent.meta.issues_missed is None
        assert "none are written for it (see forecast_symbols)" in silent.meta.note


def test_coverage_is_of_the_forecasts_that_are_over() -> None:
    """9 issued, 4 not over; of 5 one lies in a hole and 2 were not heard: 2 of 5 were seen."""
    (row,) = skill_view(msgspec.structs.replace(TABLE, rows=(ROW,)), None).data
    assert row.coverage == pytest.approx(0.4)
    assert (row.horizon, row.judged_by, row.score, row.controls) == ("4h", "blended", None, None)
    none_over = msgspec.structs.replace(ROW, pending=9, dropped_gap=0, dropped_unmarked=0)
    (other,) = skill_view(msgspec.structs.replace(TABLE, rows=(none_over,)), None).data
    assert other.coverage is None
