"""Writing and reading on either kind of database: what is written comes back, once, or not."""

import itertools

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.storage.samples import T0, fetch, one_of_each, store, store_together, trade

from headwater.core.enums import Side, StoredTable
from headwater.core.errors import StorageError, StorageRefused
from headwater.core.records import Trade
from headwater.storage import trades
from headwater.storage.base import Database, Query, Span
from headwater.storage.sessions import ReadSession, WriteSession
from headwater.storage.tables import TABLE_OF, TABLES

ALL = Span(limit=1_000)


def _everything(database: Database) -> list[object]:
    found: list[object] = []
    for spec in TABLES.values():
        found += fetch(database, Query(ALL.of(spec), spec.record_of))
    return found


def test_each_record_comes_back_equal_and_writing_twice_changes_nothing(
    database: Database,
) -> None:
    records = one_of_each()
    assert store(database, records) == len(records)
    assert store(database, records) == 0
    assert _everything(database) == records


def test_each_table_has_a_rule_and_each_rule_a_table() -> None:
    assert set(TABLES) == set(StoredTable)
    assert set(TABLES.values()) == set(TABLE_OF.values())


_doubles = st.floats(allow_nan=False, width=64)
_texts = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20
)
_examples = itertools.count()
_whole = st.integers(min_value=-(2**63), max_value=2**63 - 1)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(price=_doubles, text=_texts, number=_whole, trade_id=st.one_of(_whole, _texts))
def test_any_value_comes_back_as_it_was(
    database: Database, price: float, text: str, number: int, trade_id: int | str
) -> None:
    venue = f"venue{next(_examples)}"  # the examples share the database
    written = Trade(
        venue, text, text, number, number, Side.BUY, price, price, price, trade_id, number
    )
    store(database, [written])
    (found,) = fetch(database, trades.between(venue, text, ALL))
    assert found == written
    assert type(found.trade_id) is type(trade_id)


def test_a_transaction_that_fails_writes_nothing(database: Database) -> None:
    spec = TABLES[StoredTable.TRADES]
    bad = spec.row_of(trade(2))[:-5] + (None,) * 5
    with (
        WriteSession(database) as session,
        pytest.raises(StorageError) as refused,
        session.transaction(durable=False) as writing,
    ):
        assert writing.insert(spec, [spec.row_of(trade(1))]) + writing.insert(spec, [bad])
    assert not refused.value.retryable
    assert fetch(database, trades.between("binance", "BTCUSDT", ALL)) == []


def test_a_session_goes_on_after_a_failure(database: Database) -> None:
    spec = TABLES[StoredTable.TRADES]
    with WriteSession(database) as session:
        with pytest.raises(StorageError), session.transaction(durable=False) as writing:
            writing.execute(sa.text("SELECT nothing FROM nowhere"))
        assert session.usable
        with session.transaction(durable=True) as writing:
            assert writing.insert(spec, [spec.row_of(trade(1))]) == 1


def test_readers_cannot_write(database: Database) -> None:
    store(database, [trade(1)])
    with ReadSession(database) as session:
        with pytest.raises(sa.exc.DBAPIError, match=r"read-?only"):
            session.connection.execute(sa.delete(TABLES[StoredTable.TRADES].table))
        session.connection.rollback()
        assert session.fetch(trades.between("binance", "BTCUSDT", ALL)) == [trade(1)]


def test_a_snapshot_does_not_see_what_is_written_meanwhile(database: Database) -> None:
    spec = TABLES[StoredTable.TRADES]
    store_together(database, [trade(number) for number in range(3)])
    with ReadSession(database) as session, session.snapshot() as state:
        first = [row for page in state.pages(spec) for row in page]
        store_together(database, [trade(number) for number in range(3, 9)])
        again = [row for page in state.pages(spec) for row in page]
        assert sorted(again) == sorted(first)
        assert len(first) == 3
    assert len(fetch(database, trades.between("binance", "BTCUSDT", ALL))) == 9


def test_rows_of_one_key_in_one_batch_follow_the_rule_in_their_order(database: Database) -> None:
    """Trades are facts: the first stays."""
    first, second = trade(1), trade(1, trade_id=1)
    assert first == second
    store_together(database, [first, second, trade(2), first])
    assert fetch(database, trades.between("binance", "BTCUSDT", ALL)) == [first, trade(2)]
    assert first.timestamp_ms == T0


@pytest.mark.parametrize("impossible", [2**63, 2**70, -(2**63) - 1])
def test_a_number_that_no_column_holds_is_refused(database: Database, impossible: int) -> None:
    row = msgspec.structs.replace(trade(1), sequence=impossible)
    with pytest.raises(StorageRefused):
        store(database, [row])
    assert store(database, [trade(1)]) == 1
