"""Retention: what is too old goes, series by series and page by page; nothing else does."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.storage.samples import T0, candle, fetch, forecast, store_together, trade

from headwater.core.enums import StoredTable
from headwater.storage import candles, forecasts, trades
from headwater.storage.base import PAGE_ROWS, Database, Query, Span
from headwater.storage.retention import Retention, forget
from headwater.storage.sessions import WriteSession

DAY_MS = 86_400_000


def _forget(database: Database, retention: Retention) -> list[int]:
    with WriteSession(database) as session:
        return list(forget(session, retention, T0))


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.sets(
        st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 20)), max_size=40
    ),
    days=st.integers(0, 20),
)
def test_exactly_the_old_ones_of_every_series_go(
    database: Database, rows: set[tuple[str, str, int]], days: int
) -> None:
    everything = Query(Span(limit=1_000).of(candles.SPEC), candles.record_of)
    _forget(database, Retention({StoredTable.CANDLES: -1_000}))
    assert fetch(database, everything) == []
    if rows:
        made = [candle(T0 - age * DAY_MS, exchange=e, symbol=s) for e, s, age in rows]
        store_together(database, made)
    deleted = sum(_forget(database, Retention({StoredTable.CANDLES: days})))
    left = {
        (one.exchange, one.symbol, (T0 - one.timestamp_ms) // DAY_MS)
        for one in fetch(database, everything)
    }
    assert left == {row for row in rows if row[2] <= days}
    assert deleted == len(rows) - len(left)


def test_many_rows_go_in_pages_and_those_of_one_moment_together(database: Database) -> None:
    old = T0 - 2 * DAY_MS
    made = [trade(number, at_ms=old + number) for number in range(PAGE_ROWS + 10)]
    made += [trade(20_000 + number, at_ms=old + PAGE_ROWS) for number in range(100)]
    store_together(database, made)
    steps = _forget(database, Retention({StoredTable.TRADES: 1.0}))
    assert steps == [PAGE_ROWS + 101, 9]
    assert fetch(database, trades.between("binance", "BTCUSDT", Span())) == []


@pytest.mark.parametrize("days", [{}, {StoredTable.FORECASTS: 0.001}])
def test_what_is_not_named_stays_and_so_do_forecasts(
    database: Database, days: dict[StoredTable, float]
) -> None:
    store_together(database, [forecast(T0 - 900 * DAY_MS)])
    store_together(database, [trade(1, at_ms=T0 - 900 * DAY_MS)])
    assert _forget(database, Retention(days)) == []
    assert fetch(database, forecasts.between("ladder", "1", "all", "BTCUSDT", Span())) != []
    assert fetch(database, trades.between("binance", "BTCUSDT", Span())) != []
