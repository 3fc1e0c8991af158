"""Tardis' files: each kind against values read off the sample by hand."""

from pathlib import Path

import pytest
from tests.app.archives.archive_files import SAMPLES, gzipped, records_in, without_header

from headwater.app.archives.base import FileWish
from headwater.app.archives.csv_rows import CellRefused
from headwater.app.archives.tardis import ARCHIVE
from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.errors import ConfigError
from headwater.core.records import (
    BookSnapshot,
    FundingRate,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Trade,
)

T0 = 1_704_067_200_000  # 2024-01-01T00:00:00Z
HEAD = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
OKX = FileWish(contract_size=0.01)
NAMES = [path.name for path in SAMPLES.glob("[bh][iy]*.csv")]


def test_trades_have_both_times() -> None:
    first, second = records_in(ARCHIVE, SAMPLES / "binance-futures_trades_2024-01-01_BTCUSDT.csv")
    assert first == Trade(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=T0 + 123,
        received_ns=1_704_067_200_127_456_000,
        side=Side.SELL,
        price=42283.5,
        quantity=0.01,
        value=42283.5 * 0.01,
        trade_id=4400000001,
    )
    assert isinstance(second, Trade)
    assert second.side is Side.BUY


def test_the_side_of_a_liquidation_is_that_of_the_closing_order() -> None:
    """Tardis turns Bybit's round: sell closed a long. Since March 2025 the stream tells of all."""
    first, second = records_in(ARCHIVE, SAMPLES / "bybit_liquidations_2024-01-01_BTCUSDT.csv")
    assert isinstance(first, Liquidation)
    assert isinstance(second, Liquidation)
    assert (first.side, first.position_side) == (Side.SELL, PositionSide.LONG)
    assert (second.side, second.position_side) == (Side.BUY, PositionSide.SHORT)
    assert (first.price_kind, first.value) == (PriceKind.BANKRUPTCY, 21000.0)
    assert (first.is_floor, second.is_floor) == (True, False)
    assert first.order_id is None


def test_amounts_of_okx_are_contracts() -> None:
    """12 contracts of 0.01 BTC at 42,000 are 0.12 BTC, 5,040 USDT."""
    path = SAMPLES / "okex-swap_liquidations_2024-01-01_BTC-USDT-SWAP.csv"
    with pytest.raises(CellRefused, match="--contract-size"):
        records_in(ARCHIVE, path)
    (made,) = records_in(ARCHIVE, path, OKX)
    assert isinstance(made, Liquidation)
    assert (made.exchange, made.symbol) == ("okx", "BTCUSDT")
    assert (made.quantity, made.value) == (0.12, 5040.0)


def test_tickers_give_marks_and_one_reading_a_minute() -> None:
    path = SAMPLES / "binance-futures_derivative_ticker_2024-01-01_BTCUSDT.csv"
    found = records_in(ARCHIVE, path)
    interest = [one for one in found if isinstance(one, OpenInterest)]
    assert [(one.timestamp_ms - T0, one.open_interest) for one in interest] == [
        (1_000, 75500.125),
        (60_000, 75502.0),
    ]
    rates = [one for one in found if isinstance(one, FundingRate)]
    assert [(one.rate, one.funding_time_ms - T0) for one in rates] == [
        (0.0001, 28_800_000),
        (0.00013, 28_800_000),
    ]
    marks = [one for one in found if isinstance(one, MarkPrice)]
    assert [(one.mark, one.index, one.funding_rate) for one in marks] == [
        (42288.2, 42290.1, 0.0001),
        (42288.3, 42290.1, 0.00012),
    ]


def test_books() -> None:
    (book,) = records_in(ARCHIVE, SAMPLES / "hyperliquid_book_snapshot_5_2025-03-03_kPEPE.csv")
    assert isinstance(book, BookSnapshot)
    assert book.symbol == "1000PEPEUSDT"
    assert book.asks == ((101.0, 2.5), (102.0, 2.5), (103.0, 2.5))
    assert book.bids == tuple((float(price), 3.0) for price in (100, 99, 98, 97, 96))


@pytest.mark.parametrize("name", NAMES)
def test_without_a_header_and_packed_it_is_the_same(tmp_path: Path, name: str) -> None:
    wanted = records_in(ARCHIVE, SAMPLES / name)
    text = without_header(SAMPLES / name)
    assert records_in(ARCHIVE, gzipped(tmp_path, name.removesuffix(".csv"), text)) == wanted


def test_only_the_symbol_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "bybit_trades_2024-01-01_PERPETUALS.csv"
    row = "bybit,{},1704067200123000,1704067200127456,a-b,sell,42283.5,0.01\n"
    path.write_text(HEAD + row.format("BTCUSDT") + row.format("ETHPERP") + row.format("BTCUSDT"))
    assert len(records_in(ARCHIVE, path, FileWish(symbol="BTCUSDT"))) == 2
    (made,) = records_in(ARCHIVE, path, FileWish(symbol="ETHPERP", exchange="tape"))
    assert isinstance(made, Trade)
    assert (made.exchange, made.symbol, made.trade_id) == ("tape", "ETHUSDC", "a-b")


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("ftx,BTC-PERP,1704067200123000,1704067200127456,1,buy,1,1", "exchange"),
        ("bybit,BTCUSD,1704067200123000,1704067200127456,1,buy,1,1", "symbol"),
        ("okex-swap,BTC-USD-SWAP,1704067200123000,1704067200127456,1,buy,1,1", "symbol"),
        ("hyperliquid,@107,1704067200123000,1704067200127456,1,buy,1,1", "symbol"),
        ("binance-futures,BTCUSD_PERP,1704067200123000,1704067200127456,1,buy,1,1", "symbol"),
        ("bybit,BTCUSDT,17040672001,1704067200127456,1,buy,1,1", "timestamp"),
        ("bybit,BTCUSDT,1704067200123000,,1,buy,1,1", "local_timestamp"),
        ("bybit,BTCUSDT,1704067200123000,1704067200127456,1,unknown,1,1", "side"),
        ("bybit,BTCUSDT,1704067200123000,1704067200127456,1,buy,-1,1", "price"),
        ("bybit,BTCUSDT,1704067200123000,1704067200127456,1,buy,1,0", "amount"),
        ("bybit,BTCUSDT,1704067200123000,1704067200127456,,buy,1,1", "id"),
    ],
)
def test_rows_that_cannot_be(tmp_path: Path, row: str, column: str) -> None:
    path = tmp_path / "x_trades_2024-01-01_y.csv"
    path.write_text(HEAD + row + "\n")
    with pytest.raises(CellRefused, match=f"column {column}:"):
        records_in(ARCHIVE, path)


def test_hyperliquid_has_no_liquidations(tmp_path: Path) -> None:
    path = tmp_path / "hyperliquid_liquidations_2024-01-01_BTC.csv"
    path.write_text(HEAD + "hyperliquid,BTC,1704067200123000,1704067200127456,1,buy,1,1\n")
    with pytest.raises(CellRefused, match="no stream"):
        records_in(ARCHIVE, path)


@pytest.mark.parametrize(
    ("name", "wish"),
    [
        ("prices.csv", FileWish()),
        ("bybit_quotes_2024-01-01_BTCUSDT.csv.gz", FileWish()),
        ("prices.csv", FileWish(kind="quotes")),
        ("bybit_book_snapshot_7_2024-01-01_BTCUSDT.csv.gz", FileWish()),
    ],
)
def test_files_that_are_not_told(name: str, wish: FileWish) -> None:
    with pytest.raises(ConfigError) as caught:
        ARCHIVE.plan(Path(name), wish)
    assert caught.value.setting == "--kind"


def test_folders_of_the_data_sets_say_the_kind() -> None:
    path = Path("bybit/trades_/2024/01/01/trades_BTCUSDT.csv.gz")
    assert ARCHIVE.plan(path, FileWish()).kind == "trades"
    assert ARCHIVE.plan(Path("a.csv"), FileWish(kind="liquidations")).kind == "liquidations"
