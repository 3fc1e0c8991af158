"""Funding payments of a CSV file: `timestamp,rate` and, if it is there, `mark_price`."""

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headwater.backtest.funding import FundingColumns
from headwater.core.errors import RequestError
from headwater.strategies.epochs import epoch_column

__all__ = ["FUNDING_BYTES_MAX", "funding_of_file"]

FUNDING_BYTES_MAX: Final = 64 * 1024**2
"""Largest file that is read: a payment every hour for more than a century."""

_COLUMNS: Final = ("timestamp", "rate", "mark_price")


def funding_of_file(path: Path) -> FundingColumns:
    """Reads the payments of a file.

    Times are ISO 8601 (UTC without an offset) or an epoch; the rate is a fraction of the
    position's value, positive where longs pay shorts; the mark price is in quote currency.

    Args:
        path: CSV with a header; further columns are passed over.

    Raises:
        RequestError: no such file, a column is missing, or a row is wrong; names the line.
    """
    try:
        if path.stat().st_size > FUNDING_BYTES_MAX:
            raise RequestError(
                "funding", path, f"a file of at most {FUNDING_BYTES_MAX // 1024**2} MiB"
            )
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(csv.reader(file, strict=True), path)
    except OSError as error:
        raise RequestError("funding", path, f"a file that can be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise RequestError("funding", path, f"CSV in UTF-8: {error}") from error


def _read(rows: Iterator[list[str]], path: Path) -> FundingColumns:
    """The columns of the rows.

    Raises:
        RequestError: they are none.
    """
    header = [name.strip().lower() for name in next(rows, [])]
    missing = [name for name in _COLUMNS[:2] if name not in header]
    if missing:
        raise RequestError(
            f"columns of {path.name}", ",".join(header), f"also {', '.join(missing)}"
        )
    at: dict[str, int] = {name: header.index(name) for name in _COLUMNS if name in header}
    moments: list[str] = []
    numbers: dict[str, list[float]] = {name: [] for name in at if name != "timestamp"}
    for line, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            raise RequestError(
                "funding", f"{len(row)} cells", f"{len(header)}; line {line} of {path.name}"
            )
        moments.append(row[at["timestamp"]].strip())
        for name, column in numbers.items():
            column.append(_number(name, row[at[name]], line, path))
    if not moments:
        raise RequestError("funding", path, "a file with at least one payment; it has none")
    return FundingColumns.of(
        epoch_column(moments, "funding timestamp"), numbers["rate"], numbers.get("mark_price")
    )


def _number(name: str, text: str, line: int, path: Path) -> float:
    """A cell as a number.

    Raises:
        RequestError: it is none that it may be.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    is_rate = name == "rate"
    if not math.isfinite(value) or (abs(value) > 1.0 if is_rate else value <= 0.0):
        allowed = "a fraction from -1 to 1" if is_rate else "a price > 0"
        raise RequestError(f"funding {name}", text[:80], f"{allowed}; line {line} of {path.name}")
    return value
