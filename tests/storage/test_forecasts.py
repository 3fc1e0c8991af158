"""Stored forecasts: bit for bit as they were said, and for ever."""

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from tests.storage.samples import T0, fetch, forecast, store_together

from headwater.core.errors import StorageError
from headwater.storage.base import Database, Span
from headwater.storage.forecasts import SPEC, ForecastSeries, between, record_of, row_of, series
from headwater.storage.schema import FORECASTS
from headwater.storage.sessions import WriteSession

QUERY = between("ladder", "1", "all", "BTCUSDT", Span())


def test_what_was_said_first_stays(database: Database) -> None:
    assert store_together(database, [forecast(), forecast(price=7.0)]) == 1
    assert store_together(database, [forecast(price=8.0)]) == 0
    assert fetch(database, QUERY) == [forecast()]


@pytest.mark.parametrize(
    "change",
    [sa.delete(FORECASTS), sa.update(FORECASTS).values(price=1.0)],
    ids=["delete", "update"],
)
def test_the_database_refuses_to_change_or_delete(database: Database, change: sa.Update) -> None:
    store_together(database, [forecast()])
    with (
        WriteSession(database) as session,
        pytest.raises(StorageError, match="append-only"),
        session.transaction(durable=True) as writing,
    ):
        writing.execute(change)
    assert fetch(database, QUERY) == [forecast()]


def test_one_horizon_or_all_of_one_version(database: Database) -> None:
    made = [forecast(T0 + number, horizon_ms=horizon) for number in (0, 1) for horizon in (60, 70)]
    store_together(database, [*made, forecast(version="2"), forecast(model="other")])
    assert fetch(database, QUERY) == made
    newest = Span(newest_first=True, limit=1)
    query = between("ladder", "1", "all", "BTCUSDT", newest, horizon_ms=60)
    assert fetch(database, query) == [made[2]]


def test_which_series_there_are_and_since_when(database: Database) -> None:
    made = [forecast(T0 + number, horizon_ms=horizon) for number in (0, 5) for horizon in (60, 70)]
    store_together(database, [*made, forecast(T0 + 9, version="2"), forecast(symbol="ETHUSDT")])
    found = fetch(database, series("BTCUSDT"))
    assert [(one.version, one.horizon_ms, one.count) for one in found] == [
        ("1", 60, 2),
        ("1", 70, 2),
        ("2", 3_600_000, 1),
    ]
    assert found[0] == ForecastSeries(
        model="ladder",
        version="1",
        exchange="all",
        symbol="BTCUSDT",
        horizon_ms=60,
        count=2,
        first_issued_ms=T0,
        last_issued_ms=T0 + 5,
    )
    assert len(fetch(database, series())) == 4
    assert fetch(database, series("SOLUSDT")) == []


@given(st.lists(st.floats(allow_nan=False), max_size=50))
def test_masses_survive_the_way_through_bytes(masses: list[float]) -> None:
    made = forecast(long_mass=tuple(masses))
    values = dict(zip(SPEC.columns, row_of(made), strict=True))

    class Found:
        def __getattr__(self, name: str) -> object:
            return values[name]

    assert record_of(Found()) == made  # type: ignore[arg-type]
