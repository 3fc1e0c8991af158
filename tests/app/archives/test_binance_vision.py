"""Binance's dumps: each kind against values read off the sample by hand."""

from pathlib import Path

import msgspec
import pytest
from tests.app.archives.archive_files import SAMPLES, records_in, without_header, zipped

from headwater.app.archives.base import FileWish
from headwater.app.archives.binance_vision import ARCHIVE
from headwater.app.archives.csv_rows import CellRefused
from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.errors import ConfigError
from headwater.core.intervals import Interval
from headwater.core.records import Candle, FundingRate, Liquidation, OpenInterest, Ticker, Trade

T0 = 1_704_067_200_000  # 2024-01-01T00:00:00Z

NAMES = sorted(path.name for path in SAMPLES.glob("BTC*.csv"))


def test_candles() -> None:
    found = records_in(ARCHIVE, SAMPLES / "BTCUSDT-1m-2024-01-01.csv")
    assert found[0] == Candle(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=T0,
        received_ns=(T0 + 60_000) * 1_000_000,
        interval=Interval.M1,
        open=42283.5,
        high=42300.0,
        low=42270.1,
        close=42299.9,
        volume=12.5,
        quote_volume=528700.1,
        trades_count=310,
        is_closed=True,
        taker_buy_volume=7.25,
    )
    assert [one.timestamp_ms for one in found] == [T0, T0 + 60_000]


def test_trades_are_those_of_the_live_stream() -> None:
    """Of the first the buyer was the maker: the taker sold."""
    first, second = records_in(ARCHIVE, SAMPLES / "BTCUSDT-aggTrades-2024-01-01.csv")
    assert isinstance(first, Trade)
    assert isinstance(second, Trade)
    assert (first.side, second.side) == (Side.SELL, Side.BUY)
    assert (first.trade_id, first.sequence, first.timestamp_ms) == (2000000001,) * 2 + (T0 + 123,)
    assert (second.price, second.quantity, second.value) == (42283.6, 3.0, 42283.6 * 3.0)


def test_open_interest_and_funding() -> None:
    """00:05 is 300 s after midnight; a settlement stamped 7 ms late belongs to the full minute."""
    first, _ = records_in(ARCHIVE, SAMPLES / "BTCUSDT-metrics-2024-01-01.csv")
    assert isinstance(first, OpenInterest)
    assert (first.timestamp_ms, first.open_interest, first.value) == (
        T0 + 300_000,
        75500.125,
        3193521087.5,
    )
    first, second = records_in(ARCHIVE, SAMPLES / "BTCUSDT-fundingRate-2024-01.csv")
    assert isinstance(first, FundingRate)
    assert isinstance(second, FundingRate)
    assert (first.funding_time_ms, first.timestamp_ms) == (T0, T0 + 7)
    assert (first.rate, first.interval_h, second.rate) == (0.00037409, 8.0, -0.0000125)


def test_quotes() -> None:
    (quote,) = records_in(ARCHIVE, SAMPLES / "BTCUSDT-bookTicker-2024-01-01.csv")
    assert isinstance(quote, Ticker)
    assert (quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity) == (
        42283.5, 4.2, 42283.6, 0.0,
    )  # fmt: skip


def test_liquidations_of_coin_margined_contracts() -> None:
    """40 contracts of 100 USD are 4,000 USD, at 40,000 USD 0.1 BTC; 10 at 50,000 are 0.02 BTC."""
    found = records_in(ARCHIVE, SAMPLES / "BTCUSD_PERP-liquidationSnapshot-2024-01-01.csv")
    assert len(found) == 4  # each row is there twice in the archive
    assert found[0] == found[1]
    first, second = found[0], found[2]
    assert isinstance(first, Liquidation)
    assert isinstance(second, Liquidation)
    assert (first.exchange, first.symbol, first.native_symbol) == (
        "binance_coinm", "BTCUSD", "BTCUSD_PERP",
    )  # fmt: skip
    assert (first.side, first.position_side) == (Side.SELL, PositionSide.LONG)
    assert (first.value, first.quantity, first.price) == (4000.0, 0.1, 40000.0)
    assert (first.order_price, first.price_kind, first.is_floor) == (
        39800.0, PriceKind.AVERAGE, True,
    )  # fmt: skip
    assert (second.side, second.position_side, second.quantity) == (
        Side.BUY, PositionSide.SHORT, 0.02,
    )  # fmt: skip


def test_contracts_of_other_coins_are_of_ten_dollars(tmp_path: Path) -> None:
    """200 contracts of 10 USD at 2,000 USD: 1 ETH. Nothing filled, no average: the order's own."""
    path = tmp_path / "ETHUSD_240329-liquidationSnapshot-2024-01-01.csv"
    path.write_text("1704070800111,BUY,LIMIT,IOC,200,2000,0,NEW,0,0\n")
    (made,) = records_in(ARCHIVE, path)
    assert isinstance(made, Liquidation)
    assert (made.symbol, made.value, made.quantity) == ("ETHUSD240329", 2000.0, 1.0)
    assert made.price_kind is PriceKind.ORDER


def test_liquidations_margined_in_usdt_count_in_coins(tmp_path: Path) -> None:
    path = tmp_path / "ETHUSDT-liquidationSnapshot-2024-01-01.csv"
    path.write_text("1704070800111,ETHUSDT,SELL,LIMIT,IOC,2,1990,2000,FILLED,2,2\n")
    (made,) = records_in(ARCHIVE, path)
    assert isinstance(made, Liquidation)
    assert (made.exchange, made.quantity, made.value) == ("binance", 2.0, 4000.0)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_header_and_packed_it_is_the_same(tmp_path: Path, name: str) -> None:
    wanted = records_in(ARCHIVE, SAMPLES / name)
    packed = zipped(tmp_path, name.removesuffix(".csv"), without_header(SAMPLES / name))
    assert records_in(ARCHIVE, packed) == wanted


def test_files_of_spot_need_a_venue_of_their_own(tmp_path: Path) -> None:
    """Since 2025 they have microseconds: 1_735_689_600_000_123 is 123 µs into 2025."""
    path = tmp_path / "BTCUSDT-aggTrades-2025-01-01.csv"
    path.write_text("7,93000.1,0.5,8,8,1735689600000123,False,True\n")
    with pytest.raises(CellRefused, match="--venue"):
        records_in(ARCHIVE, path)
    (made,) = records_in(ARCHIVE, path, FileWish(exchange="binance_spot"))
    assert (made.exchange, made.timestamp_ms) == ("binance_spot", 1_735_689_600_000)
    assert made.received_ns == 1_735_689_600_000_123_000
    candles = tmp_path / "BTCUSDT-1m-2025-01-01.csv"
    candles.write_text("1735689600000000,1,2,1,2,3,1735689659999999,4,5,1,1,0\n")
    with pytest.raises(CellRefused, match="--venue"):
        records_in(ARCHIVE, candles)
    (made,) = records_in(ARCHIVE, candles, FileWish(exchange="binance_spot"))
    assert made.timestamp_ms == 1_735_689_600_000


@pytest.mark.parametrize(
    ("name", "row", "column"),
    [
        ("BTCUSDT-1m-2024-01", "1704067200001,1,2,1,2,3,1704067259999,4,5,1,1,0", "open_time"),
        ("BTCUSDT-1m-2024-01", "1704067200000,1,0.5,1,2,3,1704067259999,4,5,1,1,0", "high"),
        ("BTCUSDT-1m-2024-01", "1704067200000,0,2,1,2,3,1704067259999,4,5,1,1,0", "open"),
        ("BTCUSDT-1m-2024-01", "1704067200000,1,2,1,2,-3,1704067259999,4,5,1,1,0", "volume"),
        ("BTCUSDT-aggTrades-2024-01", "7,1,1,8,8,1704067200000,maybe", "is_buyer_maker"),
        ("BTCUSDT-aggTrades-2024-01", "7,1,0,8,8,1704067200000,true", "quantity"),
        ("BTCUSDT-metrics-2024-01", "2024-01-01 00:05:00,ETHUSDT,1,1,,,,", "symbol"),
        ("BTCUSDT-metrics-2024-01", "2024-13-01 00:05:00,BTCUSDT,1,1,,,,", "create_time"),
        ("BTCUSDT-metrics-2024-01", "2024-01-01 00:05:00,BTCUSDT,,1,,,,", "sum_open_interest"),
        ("BTCUSDT-fundingRate-2024-01", "1704067200000,8,-1.5", "last_funding_rate"),
        (
            "BTCUSD_PERP-liquidationSnapshot-2024-01",
            "1704070800111,LONG,LIMIT,IOC,1,1,1,FILLED,1,1",
            "side",
        ),
    ],
)
def test_rows_that_cannot_be(tmp_path: Path, name: str, row: str, column: str) -> None:
    path = tmp_path / f"{name}.csv"
    path.write_text(row + "\n")
    with pytest.raises(CellRefused, match=f"column {column}:"):
        records_in(ARCHIVE, path)


@pytest.mark.parametrize(
    ("name", "wish", "setting"),
    [
        ("prices.csv", FileWish(), "--kind"),
        ("prices.csv", FileWish(kind="aggTrades"), "--symbol"),
        ("prices.csv", FileWish(kind="klines", symbol="BTCUSDT"), "--interval"),
        ("BTCUSDT-aggTrades-2024-01.zip", FileWish(kind="orders"), "--kind"),
        ("BTCUSDT-trades-2024-01.zip", FileWish(), "FILE"),
        ("BTCUSDT-1s-2024-01.zip", FileWish(), "--interval"),
        ("BTCUSD_PERP-1m-2024-01.zip", FileWish(), "FILE"),
    ],
)
def test_files_that_are_not_told(name: str, wish: FileWish, setting: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ARCHIVE.plan(Path(name), wish)
    assert caught.value.setting == setting


def test_options_say_what_a_name_does_not(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes((SAMPLES / "BTCUSDT-1m-2024-01-01.csv").read_bytes())
    wish = FileWish(kind="klines", symbol="btcusdt", interval="1m")
    wanted = records_in(ARCHIVE, SAMPLES / "BTCUSDT-1m-2024-01-01.csv")
    assert records_in(ARCHIVE, path, wish) == wanted
    (month,) = [ARCHIVE.plan(Path("BTCUSDT-1mo-2024-01.zip"), FileWish())]
    assert month.kind == "klines"
    assert msgspec.structs.asdict(month)["for_tables"] is True
