"""Bars as people have them, as columns: lists of dictionaries, frames, mappings of columns.

Frames are known by what they can do; neither Polars nor pandas is imported here, and none of their
arrays is written to.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.core.errors import RequestError
from headwater.strategies.epochs import epoch_column, epoch_ms
from headwater.strategies.row_errors import RowError

__all__ = ["columns_of", "epoch_ms"]

_TIMES: Final = ("timestamp_ms", "timestamp")
_PRICES: Final = ("open", "high", "low")
_USUAL: Final = frozenset({*_TIMES, *_PRICES, "close", "volume"})
_WANTED: Final = (
    "bars, a list of dictionaries with timestamp and close, a mapping of columns, or a Polars or "
    "pandas frame"
)
_ABSENT: Final = object()


def columns_of(data: Any) -> tuple[IndexArray, dict[str, FloatArray], dict[str, FloatArray]]:
    """What `Bars.from_columns` takes, from whatever `Bars.of` understands.

    Names of columns count without regard to capitals. Further columns are kept when they hold
    numbers; None and what a row lacks is NaN there. Texts and truth values are left out.

    Args:
        data: rows, columns or a frame; see `Bars.of`.

    Returns:
        Times in ms since the epoch, shape (N,); the five usual columns; the further ones.

    Raises:
        RequestError: the data are nothing of these, there is no time or no close; a `RowError`
            names the row where a value is no number or no time.
    """
    columns = _lowered(_named(data))
    time = next((name for name in _TIMES if name in columns), None)
    if time is None or "close" not in columns:
        there = ", ".join(columns) or "none"
        missing = "timestamp" if time is None else "close"
        raise RequestError("columns", there, f"at least timestamp and close; {missing} is missing")
    _complete(columns)
    times = epoch_column(_without_gaps(time, columns[time]), time)
    usual: dict[str, FloatArray] = {
        name: _floats(name, columns[name], may_be_none=False)
        for name in (*_PRICES, "close", "volume")
        if name in columns
    }
    extras = {
        name: _floats(name, values, may_be_none=True)
        for name, values in columns.items()
        if name not in _USUAL and _is_numeric(values)
    }
    close = usual["close"]
    if not any(name in usual for name in _PRICES):
        usual |= dict.fromkeys(_PRICES, close)
    usual.setdefault("volume", np.zeros(len(close)))
    return times, usual, extras


def _named(data: Any) -> dict[str, Any]:
    """The columns by name as the data have them.

    Raises:
        RequestError: the data are nothing that has columns or rows.
    """
    library = type(data).__module__.partition(".")[0]
    if library in {"polars", "pandas"}:
        return _of_frame(data, library)
    if isinstance(data, Mapping):
        return {str(name): values for name, values in data.items()}
    if isinstance(data, np.ndarray) and data.dtype.names:
        return {name: data[name] for name in data.dtype.names}
    if isinstance(data, str | bytes | np.ndarray) or not isinstance(data, Iterable):
        raise RequestError("data", type(data).__name__, _WANTED)
    return _of_rows(list(data))


def _lowered(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The same with the names of usual columns in small letters.

    Raises:
        RequestError: two columns have one name.
    """
    lowered: dict[str, Any] = {}
    for name, values in columns.items():
        small = name.strip().lower()
        key = small if small in _USUAL else name.strip()
        if key in lowered:
            raise RequestError("columns", name, "names that are not there twice")
        lowered[key] = values
    return lowered


def _of_frame(data: Any, library: str) -> dict[str, Any]:
    """The columns of a Polars or pandas frame as arrays; a pandas index of times counts as one.

    Raises:
        RequestError: it is another object of these libraries.
    """
    names = getattr(data, "columns", None) if type(data).__name__ == "DataFrame" else None
    if names is None:
        hint = "; call collect() first" if type(data).__name__ == "LazyFrame" else ""
        raise RequestError("data", f"{library} {type(data).__name__}", _WANTED + hint)
    if len(set(names)) < len(names):
        raise RequestError("columns", ", ".join(map(str, names)), "names that are not there twice")
    columns = {str(name): _array_of(data[name]) for name in names}
    if library == "pandas" and not any(name.strip().lower() in _TIMES for name in columns):
        index = data.index
        if index.dtype.kind == "M" or str(index.name).lower() in _TIMES:
            columns = {"timestamp": _array_of(index), **columns}
    return columns


def _array_of(series: Any) -> Any:
    """A frame's column as a numpy array; times with a zone as UTC."""
    if getattr(series.dtype, "kind", "") == "M" and getattr(series.dtype, "tz", None) is not None:
        return series.to_numpy(dtype="datetime64[ns]")
    return series.to_numpy()


def _of_rows(rows: Sequence[Any]) -> dict[str, Any]:
    """Columns of a list of dictionaries or of records.

    Raises:
        RowError: a row is neither.
    """
    read: list[Mapping[str, Any]] = []
    for number, row in enumerate(rows):
        if isinstance(row, Mapping):
            read.append(row)
        elif isinstance(row, msgspec.Struct):
            read.append(msgspec.structs.asdict(row))
        else:
            raise RowError("data", type(row).__name__, "a dictionary a row", row=number)
    if not read:
        return {name: [] for name in ("timestamp_ms", "close")}
    names: dict[str, None] = {}
    first = read[0].keys()
    if all(row.keys() == first for row in read):
        return {str(name): [row[name] for row in read] for name in first}
    for row in read:
        names |= dict.fromkeys(row)
    return {str(name): [row.get(name, _ABSENT) for row in read] for name in names}


def _complete(columns: dict[str, Any]) -> None:
    """Fills in what single rows of a list leave out: prices by the close, volume by 0.

    Raises:
        RowError: a row lacks its close, or has only some of open, high and low.
    """
    close = columns["close"]
    lists = {
        name: columns[name] for name in (*_PRICES, "volume") if isinstance(columns.get(name), list)
    }
    if isinstance(close, list):
        for row, value in enumerate(close):
            if value is _ABSENT or value is None:
                raise RowError("close", _word(value), "a number in every row", row=row)
    if not any(value is _ABSENT for values in lists.values() for value in values):
        return
    for row in range(len(close)):
        lacking = [name for name in _PRICES if name in lists and lists[name][row] is _ABSENT]
        if len(lacking) not in {0, sum(name in lists for name in _PRICES)}:
            raise RowError(lacking[0], "missing", "there, as the row's other prices", row=row)
        for name in lacking:
            lists[name][row] = close[row]
        if "volume" in lists and lists["volume"][row] is _ABSENT:
            lists["volume"][row] = 0.0


def _without_gaps(name: str, values: Any) -> Any:
    """The values, once every row has one.

    Raises:
        RowError: names the row without.
    """
    if isinstance(values, list):
        for row, value in enumerate(values):
            if value is None or value is _ABSENT:
                raise RowError(name, _word(value), "a time in every row", row=row)
    return values


def _floats(name: str, values: Any, *, may_be_none: bool) -> FloatArray:
    """A column as numbers; the array itself where it is one already.

    Raises:
        RowError: names the row whose value is no number.
    """
    array = np.asarray(values) if _is_plain(values) else None
    if array is not None and array.dtype.kind in "iuf":
        return array.astype(np.float64, copy=False)
    items = values.tolist() if isinstance(values, np.ndarray) else list(values)
    numbers = np.full(len(items), np.nan)
    for row, item in enumerate(items):
        if may_be_none and (item is None or item is _ABSENT):
            continue
        number = None if isinstance(item, bool) else _number(item)
        if number is None:
            raise RowError(name, _word(item), "a number in every row", row=row)
        numbers[row] = number
    return numbers


def _number(value: Any) -> float | None:
    """The value as a number; None when it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _is_plain(values: Any) -> bool:
    """Whether numpy may look at it as a whole: an array, or a list of numbers alone."""
    if isinstance(values, np.ndarray) or not isinstance(values, list | tuple):
        return hasattr(values, "__array__")
    return set(map(type, values)) <= {int, float}


def _is_numeric(values: Any) -> bool:
    """Whether a further column holds numbers, and nothing but numbers and None."""
    if hasattr(values, "dtype") and values.dtype.kind != "O":
        return bool(values.dtype.kind in "iuf")
    kinds = {type(one) for one in values if one is not None and one is not _ABSENT}
    return bool(kinds) and all(
        issubclass(kind, int | float | Decimal | np.number) and kind is not bool for kind in kinds
    )


def _word(value: object) -> object:
    return "missing" if value is _ABSENT else value
