"""The writer: batches, order of the classes, failures that pass and rows that never fit."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from tests.storage.samples import T0, fetch, forecast, gap, store_together, trade

from headwater.core.clock import ManualClock, SystemClock
from headwater.core.enums import StoredTable
from headwater.core.errors import StorageError, StorageRefused, StorageUnavailable
from headwater.storage import forecasts, gaps, trades
from headwater.storage.base import Database, Span
from headwater.storage.retention import Retention
from headwater.storage.sessions import WriteSession
from headwater.storage.writer import StorageWriter, WriterSettings

ALL = trades.between("binance", "BTCUSDT", Span(limit=100_000))
PATIENCE_S = 20.0
NEVER = 3_600.0
MakeWriter = Callable[[WriterSettings], StorageWriter]


@pytest.fixture
def make_writer(database: Database) -> Iterator[MakeWriter]:
    made: list[StorageWriter] = []

    def make(settings: WriterSettings) -> StorageWriter:
        writer = StorageWriter(database, SystemClock(), settings)
        writer.start()
        made.append(writer)
        return writer

    yield make
    for writer in made:
        writer.close()
        writer.ended.result(PATIENCE_S)


def test_what_waits_is_written_on_demand_and_at_the_end(
    database: Database, make_writer: MakeWriter
) -> None:
    writer = make_writer(WriterSettings(flush_s=NEVER, batch_rows=10))
    for number in range(25):
        writer.put(trade(number))
    writer.flush().result(PATIENCE_S)
    assert len(fetch(database, ALL)) == 25
    for number in range(25, 28):
        writer.put(trade(number))
    assert writer.close() == 0
    assert len(fetch(database, ALL)) == 28
    counted = writer.health.tables[StoredTable.TRADES]
    assert (counted.written, counted.waiting, counted.dropped) == (28, 0, 0)
    assert writer.health.healthy


def test_a_durable_row_is_there_when_it_is_acknowledged(
    database: Database, make_writer: MakeWriter
) -> None:
    writer = make_writer(WriterSettings(flush_s=NEVER))
    assert writer.put_durable([forecast(), forecast(T0 + 1)]).result(PATIENCE_S) == 2
    query = forecasts.between("ladder", "1", "all", "BTCUSDT", Span())
    assert len(fetch(database, query)) == 2
    assert writer.put_durable([forecast()]).result(PATIENCE_S) == 0
    assert writer.put_durable([]).result(PATIENCE_S) == 0


def test_a_row_that_never_fits_does_not_hold_up_the_others(
    database: Database, make_writer: MakeWriter
) -> None:
    writer = make_writer(WriterSettings(flush_s=NEVER))
    for number in range(20):
        unfit = msgspec.structs.replace(trade(number), price=None)
        writer.put(unfit if number in (3, 17) else trade(number))
    writer.flush().result(PATIENCE_S)
    assert len(fetch(database, ALL)) == 18
    health = writer.health
    assert health.tables[StoredTable.TRADES].refused == 2
    assert "price" in health.last_error
    bad = writer.put_durable([forecast(price=None)])
    good = writer.put_durable([forecast()])
    assert good.result(PATIENCE_S) == 1
    with pytest.raises(StorageRefused):
        bad.result(PATIENCE_S)


def test_a_row_that_never_fits_costs_no_row_of_another_table(
    database: Database, make_writer: MakeWriter
) -> None:
    """One good row alone of its table, in a batch that another table's row spoils."""
    writer = make_writer(WriterSettings(flush_s=NEVER))
    writer.put(msgspec.structs.replace(trade(0), price=None))
    writer.put(gap())
    writer.flush().result(PATIENCE_S)
    tables = writer.health.tables
    assert tables[StoredTable.TRADES].refused == 1
    assert (tables[StoredTable.GAPS].refused, tables[StoredTable.GAPS].written) == (0, 1)
    assert len(fetch(database, gaps.between(Span()))) == 1


def test_one_who_goes_away_does_not_end_the_writer(
    database: Database, make_writer: MakeWriter
) -> None:
    writer = make_writer(WriterSettings(flush_s=NEVER))
    for number in range(50):
        asked: list[Future[Any]] = [writer.flush(), writer.put_durable([forecast(T0 + number)])]
        for one in asked:
            one.cancel()
    writer.put(trade(0))
    writer.flush().result(PATIENCE_S)
    assert not writer.ended.done()
    assert len(fetch(database, ALL)) == 1


def test_a_writer_that_ended_by_an_error_refuses_and_keeps_nobody_waiting(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = StorageWriter(database, SystemClock(), WriterSettings(flush_s=NEVER))
    monkeypatch.setattr(writer, "_write_all", lambda: 1 // 0)
    writer.start()
    with pytest.raises(ZeroDivisionError):
        writer.ended.result(PATIENCE_S)
    assert writer.close() == 0
    with pytest.raises(StorageUnavailable):
        writer.flush().result(PATIENCE_S)
    with pytest.raises(StorageUnavailable):
        writer.put_durable([forecast()]).result(PATIENCE_S)


def test_it_goes_on_by_itself_when_a_failure_has_passed(
    database: Database, make_writer: MakeWriter
) -> None:
    """Without the table nothing can be written; its return is the end of the failure."""
    writer = make_writer(WriterSettings(flush_s=NEVER, retry_first_s=0.01, waiting_rows_max=30))
    _run(database, "ALTER TABLE trades RENAME TO hidden")
    for number in range(20):
        writer.put(trade(number))
    with pytest.raises(StorageError):
        writer.flush().result(PATIENCE_S)
    failing = writer.health
    assert not failing.healthy
    assert "trades" in failing.last_error
    for number in range(20, 40):
        writer.put(trade(number))
    _run(database, "ALTER TABLE hidden RENAME TO trades")
    for _ in range(1_000):
        try:
            writer.flush().result(PATIENCE_S)
            break
        except StorageError:
            continue
    assert writer.health.healthy
    counted = writer.health.tables[StoredTable.TRADES]
    assert (counted.dropped, counted.waiting) == (10, 0)
    assert [one.trade_id for one in fetch(database, ALL)] == sorted(range(10, 40), key=str)


def test_rows_that_cannot_be_written_at_the_end_are_counted(database: Database) -> None:
    writer = StorageWriter(database, SystemClock(), WriterSettings(flush_s=NEVER))
    writer.start()
    _run(database, "ALTER TABLE trades RENAME TO hidden")
    for number in range(3):
        writer.put(trade(number))
    assert writer.close() == 3
    assert writer.health.tables[StoredTable.TRADES].dropped == 3
    writer.ended.result(PATIENCE_S)


def test_retention_runs_between_writes(database: Database) -> None:
    clock = ManualClock(T0 * 1_000_000)
    day_ms = 86_400_000
    store_together(database, [trade(number, at_ms=T0 - number * day_ms) for number in range(10)])
    settings = WriterSettings(
        flush_s=0.01, retention=Retention({StoredTable.TRADES: 4.5}), retention_every_s=600
    )
    writer = StorageWriter(database, clock, settings)
    writer.start()
    while writer.health.forgotten < 5:
        writer.flush().result(PATIENCE_S)
    writer.put(trade(20, at_ms=T0 - 20 * day_ms))
    assert writer.close() == 0
    writer.ended.result(PATIENCE_S)
    assert {one.trade_id for one in fetch(database, ALL)} == {0, 1, 2, 3, 4, 20}


def test_retention_that_failed_once_is_forgiven_without_a_row_to_write(database: Database) -> None:
    store_together(database, [trade(0)])
    settings = WriterSettings(
        flush_s=0.01, retention=Retention({StoredTable.TRADES: 1}), retention_every_s=0.01
    )
    _run(database, "ALTER TABLE trades RENAME TO hidden")
    writer = StorageWriter(database, SystemClock(), settings)
    writer.start()
    _wait_until(lambda: not writer.health.healthy)
    _run(database, "ALTER TABLE hidden RENAME TO trades")
    _wait_until(lambda: writer.health.healthy)
    writer.close()
    writer.ended.result(PATIENCE_S)


def _wait_until(reached: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < ends
        time.sleep(0.005)


def _run(database: Database, statement: str) -> None:
    with WriteSession(database) as session, session.transaction(durable=True) as writing:
        writing.execute(sa.text(statement))
