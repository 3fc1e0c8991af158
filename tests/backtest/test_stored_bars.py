"""Bars of the database: closed candles only, and what was known by each close."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.storage.ready_tables import with_tables
from tests.storage.samples import candle, funding, liquidation, open_interest, store_together

from headwater.backtest import stored_bars as module
from headwater.backtest.stored_bars import ExtraColumn, StoredBars, known_before, stored_bars
from headwater.core.enums import PositionSide, Side
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.storage.base import Database
from headwater.storage.sessions import ReadSession
from headwater.strategies.bars import Bars

HOUR = 3_600_000
START = 1_704_067_200_000  # 2024-01-01T00:00:00Z


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = with_tables(tmp_path / "bars.sqlite3")
    with found.claim():
        yield found


def _candle(hour: int, **changes: Any) -> Any:
    prices = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0 + hour / 10, "volume": 5.0}
    return candle(START + hour * HOUR, interval=Interval.H1, **{**prices, **changes})


def _read(database: Database, **changes: Any) -> Bars:
    wanted: dict[str, Any] = {
        "exchange": "okx",
        "symbol": "ETHUSDT",
        "interval": Interval.H1,
        "start_ms": START,
        "end_ms": START + 100 * HOUR,
    }
    with ReadSession(database) as session:
        return stored_bars(session, StoredBars(**(wanted | changes)))


def test_closed_candles_of_one_series_are_bars(database: Database) -> None:
    store_together(
        database,
        [
            *(_candle(hour) for hour in (3, 0, 1, 4)),
            _candle(5, is_closed=False),
            _candle(2, symbol="BTCUSDT"),
            candle(START + 2 * HOUR, interval=Interval.M1),
        ],
    )
    bars = _read(database)
    assert bars.timestamp_ms.tolist() == [START + hour * HOUR for hour in (0, 1, 3, 4)]
    assert bars.close.tolist() == [11.0, 11.1, 11.3, 11.4]
    assert bars.volume.tolist() == [5.0] * 4
    assert (bars.symbol, bars.interval_ms) == ("ETHUSDT", HOUR)
    part = _read(database, start_ms=START + HOUR, end_ms=START + 4 * HOUR)
    assert part.timestamp_ms.tolist() == [START + HOUR, START + 3 * HOUR]
    # One bar does not tell its length; the question does.
    assert _read(database, end_ms=START + HOUR).interval_ms == HOUR


def test_what_is_not_stored_is_told_with_what_is_and_how_to_get_it(database: Database) -> None:
    with pytest.raises(RequestError, match="there are none of this symbol"):
        _read(database)
    store_together(database, [_candle(0), _candle(1)])
    with pytest.raises(RequestError) as caught:
        _read(database, interval=Interval.M5)
    told = str(caught.value)
    assert "1h from 2024-01-01T00:00:00Z to 2024-01-01T01:00:00Z" in told
    assert (
        "headwater fetch candles --venue okx --symbol ETHUSDT --interval 5m --since 2024-01-01 "
        "--into storage" in told
    )
    with pytest.raises(RequestError, match="a time after the start"):
        _read(database, end_ms=START)


def test_too_many_candles_are_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    store_together(database, [_candle(hour) for hour in range(3)])
    monkeypatch.setattr(module, "STORED_ROWS_MAX", 2)
    with pytest.raises(RequestError, match="at most 2 candles"):
        _read(database)


def test_funding_and_open_interest_are_those_known_before_the_close(database: Database) -> None:
    store_together(database, [_candle(hour) for hour in range(4)])
    of = {"exchange": "okx", "symbol": "ETHUSDT"}
    store_together(
        database,
        [
            # Settled at the very close of bar 0: known in bar 1. Told late: when it was told.
            funding(START + HOUR, rate=0.001, **of),
            funding(START + 3 * HOUR + 5, rate=0.003, **of, funding_time_ms=START + 2 * HOUR),
            # An estimate of a coming settlement is none yet.
            funding(START + HOUR + 5, rate=0.009, **of, funding_time_ms=START + 3 * HOUR),
            funding(START - 8 * HOUR, rate=0.0005, **of),
            funding(START, rate=0.7, exchange="binance", symbol="ETHUSDT"),
        ],
    )
    store_together(
        database,
        [
            open_interest(START + 2 * HOUR - 1, open_interest=7.0, **of),
            open_interest(START + 3 * HOUR, open_interest=8.0, **of),
        ],
    )
    bars = _read(database, extras=(ExtraColumn.FUNDING_RATE, ExtraColumn.OPEN_INTEREST))
    assert bars["funding_rate"].tolist() == [0.0005, 0.001, 0.001, 0.003]
    assert np.isnan(bars["open_interest"][0])
    assert bars["open_interest"][1:].tolist() == [7.0, 7.0, 8.0]


def test_liquidated_volume_is_summed_by_side_within_each_bar(database: Database) -> None:
    store_together(database, [_candle(hour) for hour in (0, 1, 2, 4)])

    def forced(at_ms: int, value: float, side: Side, exchange: str = "okx") -> Any:
        is_long = side is Side.SELL
        return liquidation(
            START + at_ms,
            symbol="ETHUSDT",
            exchange=exchange,
            side=side,
            position_side=PositionSide.LONG if is_long else PositionSide.SHORT,
            value=value,
        )

    store_together(
        database,
        [
            forced(HOUR, 100.0, Side.SELL),
            forced(2 * HOUR - 1, 50.0, Side.SELL, "bybit"),
            forced(2 * HOUR - 1, 30.0, Side.BUY),
            forced(3 * HOUR, 999.0, Side.SELL),  # Its bar is missing.
            forced(4 * HOUR, 5.0, Side.BUY),
        ],
    )
    both = (ExtraColumn.LIQUIDATED_LONG_USD, ExtraColumn.LIQUIDATED_SHORT_USD)
    bars = _read(database, extras=both)
    # Nobody listened before the first that is stored.
    assert np.isnan(bars["liquidated_long_usd"][0])
    assert bars["liquidated_long_usd"][1:].tolist() == [150.0, 0.0, 0.0]
    assert bars["liquidated_short_usd"][1:].tolist() == [30.0, 0.0, 5.0]
    one = _read(database, extras=both[:1], liquidation_exchanges=("bybit",))
    assert one["liquidated_long_usd"][1:].tolist() == [50.0, 0.0, 0.0]
    assert set(one.extras) == {"liquidated_long_usd"}


def test_without_any_liquidation_nothing_is_known(database: Database) -> None:
    store_together(database, [_candle(0)])
    bars = _read(database, extras=(ExtraColumn.LIQUIDATED_SHORT_USD,))
    assert np.isnan(bars["liquidated_short_usd"]).all()


def test_the_newest_known_value_stands_in_each_row() -> None:
    closes = np.array([10, 20, 30], dtype=np.int64)
    found = known_before(closes, np.array([20.0, 5.0, 29.0]), np.array([2.0, 1.0, 3.0]))
    # 20 is not before 20: it belongs to the next row, where 29 is newer.
    assert found.tolist() == [1.0, 1.0, 3.0]
    assert np.isnan(known_before(closes, np.zeros(0), np.zeros(0))).all()
