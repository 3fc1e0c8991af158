"""Streams of recordings: collected, from a tape, from the database."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.backtest.test_paper_run import HEAD, mark, trade
from tests.feeds.test_replay import trade_line
from tests.storage.ready_tables import with_tables
from tests.storage.samples import liquidation, store_together
from tests.storage.samples import trade as stored_trade

from headwater.backtest import tape as module
from headwater.backtest.tape import StreamCollector, stored_streams, tape_streams
from headwater.core.clock import SystemClock
from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.core.records import FundingRate, OpenInterest
from headwater.storage.base import Database
from headwater.storage.sessions import ReadSession


def test_records_are_sorted_and_doubled_trades_count_once() -> None:
    collector = StreamCollector("x", "BTCUSDT")
    for record in (
        trade(5, 101.0, Side.SELL),
        trade(3, 100.0),
        trade(5, 101.0, Side.SELL),
        OpenInterest(*HEAD, 4, 0, open_interest=7.0, value=None),
        mark(6, 100.0, 0.01, 10),
        mark(11, 100.5, 0.02, 20),
        FundingRate(*HEAD, 2, 0, rate=0.03, interval_h=8.0, funding_time_ms=2),
        trade(9, 1.0).__class__("y", *HEAD[1:], 9, 0, Side.BUY, 1.0, 1.0, 1.0, 9),
    ):
        collector.add(record)
    streams = collector.streams(bar_interval_ms=10)
    assert streams.trades is not None
    assert streams.trades.timestamp_ms.tolist() == [3, 5]
    assert streams.trades.is_buy is not None
    assert streams.trades.is_buy.tolist() == [True, False]
    assert streams.funding is not None
    assert streams.funding.timestamp_ms.tolist() == [2, 10]
    assert streams.funding.rate.tolist() == [0.03, 0.01]
    assert streams.funding.mark_price is None  # One of them has none.
    assert streams.open_interest is not None
    assert streams.marks is not None
    assert streams.liquidations is None
    assert len(streams.all_bars()) == 1


def test_a_recording_without_trades_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="with trades"):
        StreamCollector("x", "BTCUSDT").streams(0)
    monkeypatch.setattr(module, "TAPE_ROWS_MAX", 1)
    collector = StreamCollector("x", "BTCUSDT")
    collector.add(trade(1, 1.0))
    with pytest.raises(RequestError, match="shorter span"):
        collector.add(trade(2, 1.0))


async def test_a_tape_goes_through_the_parsers(tmp_path: Path) -> None:
    path = tmp_path / "binance.ndjson"
    path.write_bytes(b"".join(trade_line(number, 1_000 * number) for number in range(1, 6)))
    (streams,) = await tape_streams(path, [("binance", "BTCUSDT")], clock=SystemClock())
    assert streams.trades is not None
    assert streams.trades.timestamp_ms.tolist() == [1_000, 2_000, 3_000, 4_000, 5_000]
    assert set(streams.trades.price.tolist()) == {100.5}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = with_tables(tmp_path / "tape.sqlite3")
    with found.claim():
        yield found


def test_stored_trades_are_read_page_by_page(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[Any] = [stored_trade(number, at_ms=10 + number // 3) for number in range(20)]
    store_together(database, rows)
    store_together(database, [liquidation(12, exchange="binance"), liquidation(12)])
    monkeypatch.setattr(module, "LIMIT_MAX", 4)
    exchange, symbol = rows[0].exchange, rows[0].symbol
    with ReadSession(database) as session:
        streams = stored_streams(session, exchange, symbol, 0, 1_000, bar_interval_ms=5)
        with pytest.raises(RequestError, match="with trades"):
            stored_streams(session, exchange, symbol, 500, 1_000)
    assert streams.trades is not None
    assert streams.trades.timestamp_ms.tolist() == [10 + number // 3 for number in range(20)]
    assert streams.liquidations is not None
    assert streams.liquidations.timestamp_ms.tolist() == [12]  # Of this venue alone.
