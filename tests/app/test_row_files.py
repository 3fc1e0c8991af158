"""Row files: what is written can be continued, even when it was cut in the middle of a line."""

import csv
import io
import json
from pathlib import Path

import pytest

from headwater.api.schemas.base import View, iso_of
from headwater.api.schemas.market import OhlcView, TradeView
from headwater.app.row_files import Reached, RowFormat, RowWriter, SeriesKey, format_of, reached_in
from headwater.core.enums import Side
from headwater.core.errors import ConfigError
from headwater.core.intervals import Interval

FORMATS = pytest.mark.parametrize("row_format", [RowFormat.CSV, RowFormat.JSONL])


def candle(minute: int, symbol: str = "BTCUSDT") -> OhlcView:
    return OhlcView(
        exchange="binance",
        symbol=symbol,
        native_symbol=symbol,
        timestamp=iso_of(minute * 60_000),
        interval=Interval.M1,
        open=1e-7,
        high=2.0,
        low=0.1,
        close=1.5,
        volume=1e22,
        quote_volume=None,
        trades_count=3,
        is_closed=True,
        taker_buy_volume=0.0,
        built_from=None,
        revision=0,
    )


def trade(moment_ms: int, trade_id: str) -> TradeView:
    return TradeView(
        exchange="okx",
        symbol="BTCUSDT",
        native_symbol="BTC-USDT-SWAP",
        timestamp=iso_of(moment_ms),
        side=Side.SELL,
        price=1.0,
        quantity=2.0,
        value=2.0,
        trade_id=trade_id,
    )


def written(rows: list[View], row_format: RowFormat) -> bytes:
    target = io.BytesIO()
    RowWriter(target, row_format, type(rows[0]), with_header=True).write(rows)
    return target.getvalue()


def test_a_csv_has_the_texts_that_json_has() -> None:
    rows: list[View] = [candle(1), candle(2)]
    lines = written(rows, RowFormat.JSONL).splitlines()
    table = csv.DictReader(io.StringIO(written(rows, RowFormat.CSV).decode()))
    for line, cells in zip(lines, table, strict=True):
        values = json.loads(line, parse_float=str, parse_int=str)
        shown = {None: "", True: "true", False: "false"}
        assert cells == {name: shown.get(value, value) for name, value in values.items()}
        assert (cells["open"], cells["volume"], cells["quote_volume"]) == ("1e-7", "1e22", "")


@FORMATS
def test_each_series_is_continued_where_it_ends(tmp_path: Path, row_format: RowFormat) -> None:
    path = tmp_path / "rows"
    whole = written([candle(1), candle(2), candle(7, "ETHUSDT"), candle(1)], row_format)
    path.write_bytes(whole + whole.splitlines(keepends=True)[-1][:-1])
    reached = reached_in(path, row_format, OhlcView)
    assert path.read_bytes() == whole, "the line without an end is gone"
    key = SeriesKey(exchange="binance", symbol="BTCUSDT", interval="1m")
    other = SeriesKey(exchange="binance", symbol="ETHUSDT", interval="1m")
    assert reached == {key: Reached(moment_ms=120_000), other: Reached(moment_ms=420_000)}


@FORMATS
def test_trades_of_the_last_moment_are_known_by_id(tmp_path: Path, row_format: RowFormat) -> None:
    path = tmp_path / "rows"
    path.write_bytes(written([trade(1, "7"), trade(5, "8"), trade(5, "9")], row_format))
    (found,) = reached_in(path, row_format, TradeView).values()
    assert found == Reached(moment_ms=5, ids=frozenset({"8", "9"}))


@FORMATS
@pytest.mark.parametrize("junk", [b"a,b\n1,2\n", b"\xff\n", b'{"timestamp":"x"}\n', b"[1]\n"])
def test_a_file_of_something_else_is_refused(
    tmp_path: Path, row_format: RowFormat, junk: bytes
) -> None:
    path = tmp_path / "rows"
    path.write_bytes(junk)
    with pytest.raises(ConfigError, match="--resume"):
        reached_in(path, row_format, TradeView)
    assert path.read_bytes() == junk


@FORMATS
def test_a_file_without_a_whole_line_is_empty(tmp_path: Path, row_format: RowFormat) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"exchange,symb")
    assert reached_in(path, row_format, OhlcView) == {}
    assert path.read_bytes() == b""


def test_formats_go_by_the_suffix_unless_one_is_wanted() -> None:
    assert format_of("a/b.CSV", None) is RowFormat.CSV
    assert format_of("x.ndjson", None) is RowFormat.JSONL
    assert format_of("-", None) is RowFormat.JSONL
    assert format_of("x.csv", RowFormat.JSONL) is RowFormat.JSONL
    for out in ("x.xlsx", "x.txt", "x"):
        with pytest.raises(ConfigError, match=r"--out.*\.csv"):
            format_of(out, None)
