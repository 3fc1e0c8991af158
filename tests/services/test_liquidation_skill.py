"""Tables of skill from a real database, on a market whose liquidations are known beforehand."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.services.skill_market import (
    DAY_MS,
    START_MS,
    candles_of,
    hours_of,
    liquidations_of,
    made_database,
    oracle_of,
    uniform_of,
)
from tests.services.test_skill_evidence import Reading
from tests.storage.samples import gap, store_together

from headwater.analytics.skill import SkillVerdict
from headwater.core.enums import Channel, GapState
from headwater.core.errors import RequestError, StorageUnavailable
from headwater.services.forecasts import HOUR_MS
from headwater.services.liquidation_skill import (
    WAITING_MAX,
    LiquidationSkill,
    SkillQuestion,
    SkillRow,
    SkillTable,
)
from headwater.storage.base import Database, Query
from headwater.storage.sessions import ReadSession

DAYS = 14
END_MS = START_MS + DAYS * DAY_MS + 60_000
QUESTION = SkillQuestion(symbol="BTCUSDT", end_ms=END_MS, cell_widths=(0.001,))
LEAST = 24


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """Two weeks: the oracle, a map that knows one of two liquidations, and B0."""
    made = made_database(tmp_path_factory.mktemp("skill"))
    hours = hours_of(DAYS)
    with made.claim():
        store_together(made, [one for hour in hours for one in candles_of(hour)])
        store_together(made, [one for hour in hours for one in liquidations_of(hour)])
        store_together(made, [oracle_of(hour) for hour in hours])
        store_together(made, [oracle_of(hour, known=1) for hour in hours])
        store_together(made, [uniform_of(hour) for hour in hours])
        # Hours 30 and 31 lie in a hole; the one at 40 was filled in.
        store_together(
            made,
            [
                gap(
                    START_MS + start * HOUR_MS + 600_000,
                    gap_id=start,
                    until_ms=START_MS + end * HOUR_MS + 600_000,
                    exchange="bybit",
                    channel=Channel.LIQUIDATIONS,
                    state=state,
                )
                for start, end, state in (
                    (30, 31, GapState.UNRECOVERABLE),
                    (40, 41, GapState.REPAIRED),
                )
            ],
        )
    return made


def by_model(table: SkillTable) -> dict[str, SkillRow]:
    return {row.series.model: row for row in table.rows}


async def test_the_oracle_is_known_by_its_score_and_b0_has_none(database: Database) -> None:
    """336 forecasts, 2 of them in a hole; the first 24 are learnt from."""
    told: list[tuple[int, int]] = []
    skill = LiquidationSkill(Reading(database), least_windows=LEAST)
    table = await skill.table(QUESTION, lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert (table.collecting_since_ms, table.exchanges) == (START_MS, ("bybit",))
    rows = by_model(table)
    assert list(rows) == ["b0", "observed", "oracle"]
    oracle = rows["oracle"]
    assert (oracle.forecasts, oracle.pending) == (336, 0)
    assert (oracle.dropped_gap, oracle.dropped_unmarked) == (2, 0)
    assert oracle.report is not None
    assert (oracle.report.windows, oracle.report.windows_unlearnt) == (310, 24)
    assert oracle.verdict is SkillVerdict.SKILL
    assert oracle.is_sound is True
    assert oracle.report.per_usd.interval is not None
    assert oracle.report.per_usd.interval.low > 2.0
    assert oracle.line.startswith("IG +")
    assert "→" not in oracle.line
    plain = rows["b0"]
    assert plain.report is not None
    assert plain.report.per_usd.interval is not None
    assert abs(plain.report.per_usd.bits or 0.0) < 0.1
    assert plain.verdict is not SkillVerdict.SKILL


async def test_a_sparse_model_is_judged_by_what_it_adds(database: Database) -> None:
    """It knows one of two liquidations: alone it misses the other wholly, blended it gains."""
    table = await LiquidationSkill(Reading(database), least_windows=LEAST).table(QUESTION)
    row = by_model(table)["observed"]
    assert row.is_blended
    assert row.report is not None
    assert row.report.blended.interval is not None
    assert row.report.blended.interval.low > 0.0
    assert row.verdict is SkillVerdict.SKILL
    assert row.line.startswith("blended IG +")


async def test_a_model_comes_with_the_baselines_and_the_same_question_has_the_same_answer(
    database: Database,
) -> None:
    skill = LiquidationSkill(Reading(database), least_windows=LEAST)
    question = SkillQuestion(symbol="BTCUSDT", end_ms=END_MS, days=5, model="oracle")
    one, again = await skill.table(question), await skill.table(question)
    assert [(row.series.model, row.cell_width) for row in one.rows] == [
        ("b0", 0.001),
        ("b0", 0.0025),
        ("oracle", 0.001),
        ("oracle", 0.0025),
    ]
    assert one.rows == again.rows
    # What was issued before is learnt from, so nothing is left out. The question is asked a minute
    # after midnight: the forecast of five days before, to the minute, is the second of its day.
    report = one.rows[2].report
    assert report is not None
    assert (report.windows, report.windows_unlearnt) == (119, 0)
    # Five days are too few for an interval, and for judging by one.
    assert one.rows[2].verdict is SkillVerdict.UNKNOWN
    assert one.rows[2].is_sound is None


async def test_what_is_not_over_is_pending_and_what_nobody_heard_is_dropped(
    database: Database,
) -> None:
    """Asked 5.5 hours into the last day with 1 day: 24 forecasts issued, the last not over."""
    end_ms = END_MS - 60_000 - DAY_MS + 5 * HOUR_MS + 30 * 60_000
    skill = LiquidationSkill(Reading(database), least_windows=LEAST)
    question = SkillQuestion(symbol="BTCUSDT", end_ms=end_ms, days=1, cell_widths=(0.001,))
    row = by_model(await skill.table(question))["oracle"]
    # Stored after the time of the question: not known by then.
    assert (row.forecasts, row.pending) == (24, 1)
    other = SkillQuestion(symbol="BTCUSDT", end_ms=END_MS, exchanges=("okx",))
    unheard = by_model(await skill.table(other))["oracle"]
    assert (unheard.report, unheard.dropped_unmarked) == (None, 336)
    assert unheard.line == "IG none · n=0 → not enough days"


async def test_no_forecast_is_an_empty_table(database: Database) -> None:
    skill = LiquidationSkill(Reading(database))
    table = await skill.table(SkillQuestion(symbol="ETHUSDT", end_ms=END_MS))
    assert (table.rows, table.collecting_since_ms) == ((), None)
    later = await skill.table(SkillQuestion(symbol="BTCUSDT", end_ms=END_MS + 90 * DAY_MS, days=1))
    assert (later.rows, later.collecting_since_ms) == ((), START_MS)


@pytest.mark.parametrize(
    ("field", "question"),
    [
        ("days", SkillQuestion(symbol="BTCUSDT", end_ms=END_MS, days=0)),
        ("days", SkillQuestion(symbol="BTCUSDT", end_ms=END_MS, days=366)),
        ("cell_width", SkillQuestion(symbol="BTCUSDT", end_ms=END_MS, cell_widths=(0.002,))),
        ("horizon", SkillQuestion(symbol="BTCUSDT", end_ms=END_MS, horizons_ms=(0,))),
    ],
)
async def test_numbers_out_of_range_are_refused(
    database: Database, field: str, question: SkillQuestion
) -> None:
    with pytest.raises(RequestError, match=field):
        await LiquidationSkill(Reading(database)).table(question)


async def test_one_table_at_a_time_and_few_may_wait(database: Database) -> None:
    under_way: list[str] = []
    most = 0

    async def fetch(query: Query[object]) -> Sequence[object]:
        nonlocal most
        under_way.append("")
        most = max(most, len(under_way))
        await asyncio.sleep(0)
        under_way.pop()
        with ReadSession(database) as session:
            return session.fetch(query)

    skill = LiquidationSkill(fetch)  # type: ignore[arg-type]  # of any record
    question = SkillQuestion(symbol="ETHUSDT", end_ms=END_MS)
    waiting = [asyncio.create_task(skill.table(question)) for _ in range(WAITING_MAX + 2)]
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert most == 1
    assert [type(one) for one in found] == [SkillTable] * (WAITING_MAX + 1) + [StorageUnavailable]
    assert isinstance(await skill.table(question), SkillTable)
