"""Bars of the database with settled funding and smaller candles, and a run over them by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.backtest.stored_hours import (
    FUNDED,
    HOUR,
    PARAMETERS,
    START,
    halves,
    hours,
    payments,
)
from tests.storage.ready_tables import with_tables
from tests.storage.samples import candle, funding, store_together

from headwater.backtest import stored_inputs as module
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.engine import BacktestEngine
from headwater.backtest.run_inputs import FundingSource, RunInputs
from headwater.backtest.stored_bars import StoredBars
from headwater.backtest.stored_inputs import StoredInputs, stored_inputs
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.storage.base import Database
from headwater.storage.sessions import ReadSession
from headwater.strategies.registry import strategy_class


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = with_tables(tmp_path / "inputs.sqlite3")
    with found.claim():
        store_together(found, [*hours(), *halves()])
        yield found


def _read(
    database: Database,
    interval: Interval = Interval.H1,
    end_ms: int = START + 100 * HOUR,
    **changes: Any,
) -> RunInputs:
    bars = StoredBars(
        exchange="binance", symbol="BTCUSDT", interval=interval, start_ms=0, end_ms=end_ms
    )
    with ReadSession(database) as session:
        return stored_inputs(session, StoredInputs(bars=bars, **changes))


def test_settled_payments_within_the_bars_are_read_once_each(database: Database) -> None:
    estimate = funding(START, funding_time_ms=START + 2 * HOUR, rate=0.9)
    store_together(database, [*payments(), estimate, funding(START + HOUR, symbol="ETHUSDT")])
    found = _read(database)
    assert found.funding is not None
    assert found.funding.timestamp_ms.tolist() == [START + hour * HOUR for hour in (3, 4, 5)]
    assert found.funding.rate.tolist() == [0.5, 0.001, -0.0005]
    assert found.funding.mark_price is None
    assert found.funding_text.startswith("3 payments at their times, as binance settled them")
    assert found.stated(Assumptions()).told()["funding"] == found.funding_text


def test_a_run_over_stored_candles_pays_what_was_settled_while_it_held(database: Database) -> None:
    store_together(database, payments())
    inputs = _read(database)
    result = BacktestEngine(
        strategy_class("sma_cross")(PARAMETERS),
        data=inputs.bars,
        assumptions=inputs.stated(Assumptions()),
        funding=inputs.funding,
    ).run()
    assert result.final_equity == pytest.approx(FUNDED, rel=1e-12)
    assert result.trades[0].funding == pytest.approx(10_000 / 12 * (-0.013 + 0.004), rel=1e-12)


def test_none_stored_is_said_and_a_demand_for_it_is_refused(database: Database) -> None:
    found = _read(database)
    assert found.funding is None
    assert found.funding_text.startswith("none: no funding is paid")
    assert "headwater fetch funding --venue binance --symbol BTCUSDT" in found.funding_text
    with pytest.raises(RequestError, match=r"funding=.*headwater fetch funding"):
        _read(database, funding=FundingSource.STORED)


def test_none_is_read_where_none_is_wanted(database: Database) -> None:
    store_together(database, payments())
    found = _read(database, funding=FundingSource.NONE)
    assert (found.funding, found.funding_text) == (None, "none: no funding is paid or received")


def test_too_many_payments_are_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    store_together(database, payments())
    monkeypatch.setattr(module, "STORED_ROWS_MAX", 3)
    with pytest.raises(RequestError, match="at most 3 payments"):
        _read(database)


def test_smaller_candles_of_the_same_span_are_read(database: Database) -> None:
    found = _read(database, detail=Interval.M30)
    assert found.detail is not None
    assert found.detail.timestamp_ms.tolist() == [START + 3 * HOUR, START + 3 * HOUR + HOUR // 2]
    told = found.stated(Assumptions()).told()["intrabar"]
    assert "30m bars (there for 1 of 6 bars) tell what came first" in told


def test_of_the_last_month_all_days_are_read(tmp_path: Path) -> None:
    days = [START + day * 24 * HOUR for day in range(31 + 29 + 31)]
    database = with_tables(tmp_path / "months.sqlite3")
    named = {"exchange": "binance", "symbol": "BTCUSDT"}
    rows = [candle(at_ms, interval=Interval.D1, **named) for at_ms in days]
    rows += [candle(days[day], interval=Interval.MONTH1, **named) for day in (0, 31, 60)]
    with database.claim():
        store_together(database, rows)
        found = _read(
            database,
            interval=Interval.MONTH1,
            end_ms=days[-1] + 1,
            detail=Interval.D1,
            funding=FundingSource.NONE,
        )
    assert found.detail is not None
    assert found.detail.timestamp_ms.tolist() == days


@pytest.mark.parametrize("detail", [Interval.H1, Interval.D1])
def test_smaller_candles_must_be_smaller(database: Database, detail: Interval) -> None:
    with pytest.raises(RequestError, match=r"detail='1.'.*below 1h"):
        _read(database, detail=detail)


def test_smaller_candles_that_are_not_stored_are_told_with_how_to_get_them(
    database: Database,
) -> None:
    with pytest.raises(RequestError, match=r"detail=.*--interval 5m"):
        _read(database, detail=Interval.M5)
