"""Bars for a back-test from files: CSV and Parquet, checked before anything is computed.

The size of a file is looked at before it is read, so that no file can fill the memory.
"""

from pathlib import Path
from typing import Final

from headwater.backtest.coverage import Coverage, MissingBars, coverage_of
from headwater.backtest.csv_bars import ROWS_MAX, FileColumns, read_csv
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.strategies.bars import COLUMNS, Bars, time_text
from headwater.strategies.row_errors import RowError

__all__ = ["CSV_BYTES_MAX", "ROWS_MAX", "Coverage", "MissingBars", "coverage_of", "load_bars"]

CSV_BYTES_MAX: Final = 2 * 1024**3
"""Largest CSV file that is read: some twenty million bars."""

_TOO_LARGE: Final = (
    "cut it by date, take longer bars, or bring it into the database "
    "(headwater ingest, headwater fetch candles) and name the span"
)
_KINDS: Final = (
    (b"PAR1", "parquet"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def load_bars(path: str | Path, symbol: str = "", interval: str | None = None) -> Bars:
    """Bars of a CSV or Parquet file.

    A CSV has a header with `timestamp,open,high,low,close,volume` in any order; times are ISO 8601
    or an epoch in s, ms, µs or ns. Parquet has columns of the same names. Further columns are kept
    as extras when they hold numbers.

    Args:
        path: the file; its first bytes tell its kind, not its name.
        symbol: canonical symbol of the bars.
        interval: length of a bar (`1h`); None takes the smallest distance of two bars.

    Raises:
        RequestError: there is no such file, it cannot be read, is too large, or a row is wrong;
            names the line and the time.
    """
    file = Path(path).expanduser()
    kind = _kind(file)
    try:
        bars = _of_parquet(file, symbol) if kind == "parquet" else _of_csv(file, symbol)
    except OSError as error:
        raise RequestError("data", file, f"a file that can be read: {error.strerror}") from error
    if not len(bars):
        raise RequestError("data", file, "a file with at least one bar; it has none")
    return bars if interval is None else _with_interval(bars, interval)


def _kind(file: Path) -> str:
    """`csv` or `parquet`, by the first bytes.

    Raises:
        RequestError: no file, or one of another kind.
    """
    try:
        if file.is_dir():
            raise RequestError("data", file, "a file, and this is a folder")
        if not file.exists():
            raise RequestError("data", file, "a file that is there")
        if not file.is_file():
            raise RequestError("data", file, "an ordinary file")
        size = file.stat().st_size
        if not size:
            raise RequestError("data", file, "a file with bars; it is empty")
        with file.open("rb") as opened:
            head = opened.read(4_096)
    except OSError as error:
        raise RequestError("data", file, f"a file that can be read: {error.strerror}") from error
    kind = next((name for magic, name in _KINDS if head.startswith(magic)), "csv")
    if kind == "utf-16":
        raise RequestError("encoding", "UTF-16", f"UTF-8; save {file.name} as such")
    if kind not in {"csv", "parquet"}:
        raise RequestError("data", file, f"CSV or Parquet; this is {kind}, unpack it first")
    if kind == "csv" and size > CSV_BYTES_MAX:
        told = f"{size / 1024**3:.1f} GiB"
        limit = f"at most {CSV_BYTES_MAX // 1024**3} GiB of CSV: {_TOO_LARGE}"
        raise RequestError(f"size of {file.name}", told, limit)
    if kind == "csv" and b"\0" in head:
        raise RequestError("data", file, "CSV or Parquet; this is neither (it has zero bytes)")
    return kind


def _of_csv(file: Path, symbol: str) -> Bars:
    read = read_csv(file)
    try:
        return Bars.from_columns(read.times, read.columns, symbol=symbol, extras=read.extras)
    except RowError as error:
        raise _in_file(error, read, file) from None


def _in_file(error: RowError, read: FileColumns, file: Path) -> RequestError:
    """The same error with the line of the file and the time of the bar."""
    where = f"line {read.line(error.row)} of {file.name}"
    if error.field != "timestamp":
        where += f", {time_text(int(read.times[error.row]))}"
    return RequestError(error.field, error.value, f"{error.bare}; {where}")


def _of_parquet(file: Path, symbol: str) -> Bars:
    """Bars of a Parquet file; Polars is imported here only, it takes a quarter of a second."""
    import polars as pl

    from headwater.strategies.foreign_bars import columns_of

    try:
        scanned = pl.scan_parquet(file, glob=False)
        rows = scanned.select(pl.len()).collect().item()
        if rows > ROWS_MAX:
            limit = f"at most {ROWS_MAX}: {_TOO_LARGE}"
            raise RequestError(f"rows of {file.name}", rows, limit)
        wanted = [
            name
            for name, kind in scanned.collect_schema().items()
            if name.strip().lower() in _USUAL or kind.is_numeric()
        ]
        frame = scanned.select(wanted).collect()
    except pl.exceptions.PolarsError as error:
        raise RequestError("data", file, f"a whole Parquet file: {error}") from error
    names = {name.strip().lower() for name in frame.columns}
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise RequestError("columns", ",".join(frame.columns), f"also {', '.join(missing)}")
    times, columns, extras = columns_of(frame)
    return Bars.from_columns(times, columns, symbol=symbol, extras=extras)


_USUAL: Final = frozenset({*COLUMNS, "timestamp", "timestamp_ms"})


def _with_interval(bars: Bars, interval: str) -> Bars:
    """The bars with the length that is said.

    Raises:
        RequestError: there is no such length, or bars open in shorter or much longer distances.
    """
    try:
        length = Interval(interval)
    except ValueError:
        raise RequestError("interval", interval, f"one of {', '.join(Interval)}") from None
    shortest = min((length.closes_at_ms(t) - t for t in bars.timestamp_ms[:1].tolist()), default=0)
    least = min(shortest, length.nominal_ms) * _SHORT_MONTH
    if len(bars) > 1 and not least <= bars.interval_ms < _FAR * length.nominal_ms:
        opens_every = f"{bars.interval_ms / 1e3:g} s"
        raise RequestError(
            "interval", interval, f"that of the bars, which open every {opens_every}"
        )
    return Bars(
        bars.timestamp_ms,
        {name: bars.column(name) for name in COLUMNS},
        symbol=bars.symbol,
        interval_ms=length.nominal_ms,
        extras=bars.extras,
    )


_FAR: Final = 3
"""Where all bars are so many intervals apart, none of them is missing: the interval is wrong."""

_SHORT_MONTH: Final = 0.9
"""February over the month of 30 days that stands for all: no interval is off by more."""
