"""Days as blocks: what is read is what is stored, packed or not, whatever changed meanwhile."""

import threading
from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.analytics.liquidation_samples import START, event
from tests.storage.samples import store_together

from headwater.analytics.liquidation_columns import LiquidationColumns
from headwater.analytics.volume_tally import STEPS_MS, StepSums, VolumeTally
from headwater.core.enums import PositionSide, StoredTable
from headwater.core.errors import RequestError, StorageError
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation
from headwater.storage import liquidation_days
from headwater.storage.base import Database
from headwater.storage.liquidation_blocks import DAY_MS
from headwater.storage.liquidation_days import Portion, Wanted, pack_one, portions
from headwater.storage.retention import Retention, forget
from headwater.storage.schema import LIQUIDATION_BLOCKS, LIQUIDATION_DAYS, LIQUIDATIONS
from headwater.storage.sessions import ReadSession, WriteSession

DAY = START // DAY_MS
ALL = Wanted(symbol="BTCUSDT", start_ms=START - 10 * DAY_MS, end_ms=START + 10 * DAY_MS)
STATES = st.lists(
    st.builds(
        event,
        st.integers(-3 * DAY_MS, 3 * DAY_MS),
        st.floats(1.0, 1e5),
        st.floats(1e-6, 1e4),
        side=st.sampled_from(PositionSide),
        exchange=st.sampled_from(["binance", "bybit"]),
    ),
    max_size=25,
)
SLOW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def pack(database: Database, before_day: int = DAY + 20) -> int:
    """Packs all days that wait; returns how many."""
    with WriteSession(database) as session:
        count = 0
        while True:
            with session.transaction(durable=False) as writing:
                if not pack_one(writing, before_day):
                    return count
            count += 1


def read(database: Database, wanted: Wanted = ALL, step_ms: int | None = None) -> list[Portion]:
    with ReadSession(database) as session:
        return session.study(lambda state: list(portions(state, wanted, step_ms=step_ms)))


def rows_of(found: Sequence[Portion]) -> list[tuple[float, ...]]:
    """All events, in one order."""
    rows: list[tuple[float, ...]] = []
    for portion in found:
        assert isinstance(portion, LiquidationColumns)
        arrays = [getattr(portion, name).tolist() for name in portion.__struct_fields__]
        rows += zip(*arrays, strict=True)
    return sorted(rows)


def emptied(database: Database) -> None:
    with WriteSession(database) as session, session.transaction(durable=False) as writing:
        for table in (LIQUIDATIONS, LIQUIDATION_DAYS, LIQUIDATION_BLOCKS):
            writing.execute(sa.delete(table))


def blocks(database: Database) -> int:
    with WriteSession(database) as session, session.transaction(durable=False) as writing:
        statement = sa.select(sa.func.count()).select_from(LIQUIDATION_BLOCKS)
        return int(writing.execute(statement).scalar_one())


def stored(events: Sequence[Liquidation]) -> list[tuple[float, ...]]:
    """What the database keeps of events: the first of those with the same key."""
    kept: dict[tuple[object, ...], Liquidation] = {}
    for one in events:
        key = (one.exchange, one.timestamp_ms, one.side, one.price, one.quantity)
        kept.setdefault(key, one)
    return rows_of([LiquidationColumns.of(list(kept.values()))])


@SLOW
@given(STATES, STATES, st.integers(-4, 4))
def test_what_is_read_is_what_is_stored_packed_or_not(
    database: Database, first: list[Liquidation], second: list[Liquidation], before: int
) -> None:
    emptied(database)
    if first:
        store_together(database, first)
    pack(database, DAY + before)
    if second:
        store_together(database, second)
    assert rows_of(read(database)) == stored(first + second)


@SLOW
@given(
    STATES,
    st.sampled_from(STEPS_MS),
    st.integers(-3 * DAY_MS, 3 * DAY_MS),
    st.integers(1, 4 * DAY_MS),
    st.sampled_from([None, frozenset({"bybit"})]),
)
def test_sums_and_events_are_the_same_money(
    database: Database,
    events: list[Liquidation],
    step_ms: int,
    start: int,
    length: int,
    exchanges: frozenset[str] | None,
) -> None:
    emptied(database)
    if events:
        store_together(database, events)
    start_ms, end_ms = START + start, START + start + length
    wanted = Wanted(symbol="BTCUSDT", start_ms=start_ms, end_ms=end_ms, exchanges=exchanges)
    answers = []
    for step in (None, step_ms):
        tally = VolumeTally(Interval.D1, start_ms, end_ms)
        for portion in read(database, wanted, step):
            tally.add_sums(portion) if isinstance(portion, StepSums) else tally.add(portion)
        answers.append(tally.buckets())
        pack(database)
    assert answers[0] == answers[1]


def test_days_that_are_over_are_packed_once(database: Database) -> None:
    store_together(database, [event(0), event(5), event(DAY_MS), event(0, exchange="okx")])
    assert pack(database, DAY + 1) == 2
    assert pack(database, DAY + 1) == 0
    assert blocks(database) == 2 * (1 + len(STEPS_MS))
    found = read(database, step_ms=STEPS_MS[-1])
    assert [type(one) for one in found] == [StepSums, StepSums, LiquidationColumns]


def test_the_same_row_again_changes_no_block(database: Database) -> None:
    store_together(database, [event(0)])
    pack(database)
    before = blocks(database)
    assert store_together(database, [event(0)]) == 0
    assert blocks(database) == before > 0


@pytest.mark.parametrize(
    "change",
    [
        sa.insert(LIQUIDATIONS).from_select(
            [column.name for column in LIQUIDATIONS.columns],
            sa.select(
                *(
                    sa.literal(7.0).label("price") if column.name == "price" else column
                    for column in LIQUIDATIONS.columns
                )
            ),
        ),
        sa.update(LIQUIDATIONS).values(value=1.0),
        sa.update(LIQUIDATIONS).values(timestamp_ms=START + DAY_MS),
        sa.delete(LIQUIDATIONS),
    ],
)
def test_every_change_of_a_row_by_anybody_takes_its_day_s_blocks_away(
    database: Database, change: sa.Executable
) -> None:
    store_together(database, [event(0, 100.0)])
    pack(database)
    with WriteSession(database) as session, session.transaction(durable=False) as writing:
        writing.execute(change)
    assert blocks(database) == 0
    assert all(isinstance(one, LiquidationColumns) for one in read(database, step_ms=STEPS_MS[0]))
    after = rows_of(read(database))
    pack(database)
    assert rows_of(read(database)) == after


def test_retention_takes_a_day_s_blocks_with_its_rows(database: Database) -> None:
    store_together(database, [event(0), event(DAY_MS), event(DAY_MS + 5)])
    pack(database)
    with WriteSession(database) as session:
        retention = Retention({StoredTable.LIQUIDATIONS: 1.0})
        assert sum(forget(session, retention, START + 2 * DAY_MS + 1)) == 2
    assert len(rows_of(read(database))) == 1
    pack(database)
    with WriteSession(database) as session, session.transaction(durable=False) as writing:
        days = writing.execute(sa.select(LIQUIDATION_DAYS.c.day)).scalars().all()
    assert list(days) == [DAY + 1], "a day without rows is no day of liquidations"


def test_what_a_block_cannot_hold_stays_as_rows(database: Database) -> None:
    store_together(database, [event(0, 1.0, 1e17), event(1)])
    assert (pack(database), pack(database), blocks(database)) == (1, 0, 0)
    assert len(rows_of(read(database))) == 2
    store_together(database, [event(2)])
    assert pack(database) == 1, "it changed, so it is looked at again"


@pytest.mark.parametrize("column", ["value", "quantity"])
def test_a_day_with_infinity_hinders_no_other(database: Database, column: str) -> None:
    """One that an older program stored: its day stays as rows, and the next one is packed."""
    store_together(database, [event(0), event(DAY_MS)])
    with WriteSession(database) as session, session.transaction(durable=False) as writing:
        first = LIQUIDATIONS.c.timestamp_ms < (DAY + 1) * DAY_MS
        writing.execute(sa.update(LIQUIDATIONS).where(first).values({column: float("inf")}))
    assert pack(database) == 2
    assert blocks(database) == 1 + len(STEPS_MS)


def test_a_day_with_too_many_rows_stays_as_rows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liquidation_days, "BLOCK_ROWS_MAX", 2)
    store_together(database, [event(0), event(1), event(2)])
    assert (pack(database), blocks(database)) == (1, 0)


def test_a_question_that_reads_too_much_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_together(database, [event(number) for number in range(4)])
    monkeypatch.setattr(liquidation_days, "ROWS_MAX", 3)
    with pytest.raises(RequestError, match="a span of at most 3 liquidations"):
        read(database)
    pack(database)
    monkeypatch.setattr(liquidation_days, "PACKED_ROWS_MAX", 3)
    assert sum(map(len, read(database, step_ms=STEPS_MS[-1]))) == 1, "sums are few"
    with pytest.raises(RequestError, match="a span of at most 3 liquidations"):
        read(database)


def test_another_writer_cannot_slip_a_row_past_a_block_that_is_being_made(
    database: Database,
) -> None:
    """PostgreSQL lets many write: the row waits for the block, and then takes it away.

    SQLite has one writer, by its lock: there the other one waits for the transaction as a whole.
    """
    store_together(database, [event(0)])
    late = threading.Thread(target=store_together, args=(database, [event(1)]))
    with WriteSession(database) as session, session.transaction(durable=False) as writing:
        assert pack_one(writing, DAY + 1)
        late.start()
        late.join(0.2)
        assert late.is_alive()
    late.join()
    assert blocks(database) == 0
    assert len(rows_of(read(database))) == 2


def test_a_block_is_not_made_while_another_writer_is_at_it(database: Database) -> None:
    """It gives up after three seconds, holds nobody up longer, and sees the row afterwards."""
    store_together(database, [event(0)])
    if database.label.startswith("postgresql"):
        with WriteSession(database) as other, other.transaction(durable=False) as writing:
            writing.execute(sa.update(LIQUIDATIONS).values(value=2.0))
            with pytest.raises(StorageError, match="lock timeout"):
                pack(database)
        assert blocks(database) == 0
    assert pack(database) == 1
