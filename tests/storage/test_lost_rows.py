"""What the full queue let go, by series and with its extent."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.storage.samples import T0, liquidation, trade

from headwater.core.enums import StoredTable
from headwater.core.records import ALL_SYMBOLS
from headwater.storage.lost_rows import LostRows, LostSeries


def test_each_series_with_its_count_and_extent_told_once() -> None:
    lost = LostSeries()
    for offset in (5, 1, 9):
        lost.note(StoredTable.TRADES, trade(offset, at_ms=T0 + offset))
    lost.note(StoredTable.LIQUIDATIONS, liquidation())
    (trades,) = lost.take("binance")
    assert trades == LostRows(
        table=StoredTable.TRADES,
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        first_ms=T0 + 1,
        last_ms=T0 + 9,
        count=3,
    )
    assert lost.take("binance") == []
    assert [(one.table, one.count) for one in lost.take("bybit")] == [(StoredTable.LIQUIDATIONS, 1)]


@given(st.lists(st.sampled_from(["A", "B", "C", "D"]), max_size=40))
def test_however_many_series_none_is_uncounted(symbols: list[str]) -> None:
    lost = LostSeries(series_max=2)
    for number, symbol in enumerate(symbols):
        lost.note(StoredTable.TRADES, msgspec.structs.replace(trade(number), symbol=symbol))
    told = lost.take("binance")
    assert sum(one.count for one in told) == len(symbols)
    assert len(told) <= 3
    assert all(one.symbol in (*"ABCD", ALL_SYMBOLS) for one in told)
