"""Upkeep in steps: days are packed when they are over, and a failure waits for the next round."""

import pytest
from tests.analytics.liquidation_samples import START, event
from tests.storage.samples import store_together, trade

from headwater.core.clock import ManualClock
from headwater.core.enums import StoredTable
from headwater.core.errors import StorageUnavailable
from headwater.storage.base import Database
from headwater.storage.liquidation_blocks import DAY_MS
from headwater.storage.maintenance import PACK_AFTER_MS, Maintenance
from headwater.storage.retention import Retention
from headwater.storage.sessions import WriteSession

OVER_MS = START + DAY_MS + PACK_AFTER_MS
"""When the first day of the samples is packed."""


def round_of(maintenance: Maintenance, database: Database) -> int:
    """Steps of one round."""
    steps = 0
    with WriteSession(database) as session:
        while maintenance.is_due:
            maintenance.step(session)
            steps += 1
    return steps


def test_a_day_is_packed_an_hour_after_its_end(database: Database) -> None:
    store_together(database, [event(0), event(DAY_MS)])
    clock = ManualClock((OVER_MS - 1) * 1_000_000)
    maintenance = Maintenance(clock, Retention(), 600.0)
    round_of(maintenance, database)
    assert maintenance.packed == 0
    assert not maintenance.is_due
    clock.advance(600.0)
    round_of(maintenance, database)
    assert maintenance.packed == 1


def test_rows_are_forgotten_before_days_are_packed(database: Database) -> None:
    store_together(database, [event(0)])
    store_together(database, [trade(1, at_ms=START), trade(2, at_ms=OVER_MS)])
    maintenance = Maintenance(
        ManualClock(OVER_MS * 1_000_000), Retention({StoredTable.TRADES: 0.5}), 600.0
    )
    round_of(maintenance, database)
    assert (maintenance.forgotten, maintenance.packed) == (1, 1)


def test_a_round_can_be_given_up_and_comes_again(database: Database) -> None:
    store_together(database, [event(0), event(0, exchange="okx")])
    clock = ManualClock(OVER_MS * 1_000_000)
    maintenance = Maintenance(clock, Retention(), 600.0)
    with WriteSession(database) as session:
        maintenance.step(session)
        maintenance.give_up()
    assert (maintenance.is_running, maintenance.is_due, maintenance.packed) == (False, False, 1)
    clock.advance(600.0)
    round_of(maintenance, database)
    assert maintenance.packed == 2


def test_a_day_that_cannot_be_packed_now_fails_nobody(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> bool:
        raise StorageUnavailable("made", "busy")

    monkeypatch.setattr("headwater.storage.maintenance.pack_one", busy)
    maintenance = Maintenance(ManualClock(OVER_MS * 1_000_000), Retention(), 600.0)
    assert round_of(maintenance, database) == 1
    assert not maintenance.is_running
