"""Times as people write them, as whole milliseconds since the epoch, UTC.

Numbers are an epoch in seconds, milliseconds, microseconds or nanoseconds: between 1990 and 2200
the four never overlap, so the size tells which it is. A column keeps to the unit of its first row:
what does not fit into it is an error and never another unit.
"""

import math
import re
import warnings
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.core.errors import RequestError
from headwater.strategies.row_errors import RowError

__all__ = ["EARLIEST_MS", "LATEST_MS", "end_epoch_ms", "epoch_column", "epoch_ms"]

_DAY_MS: Final = 86_400_000
_DATE_LETTERS: Final = len("2024-12-31")

EARLIEST_MS: Final = 631_152_000_000
"""1990-01-01: no earlier time is taken for one of a market."""

LATEST_MS: Final = 7_258_118_400_000
"""2200-01-01: no time from here on is."""

_UNITS: Final = (("s", 1e3), ("ms", 1.0), ("µs", 1e-3), ("ns", 1e-6))
_UTC_TEXT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|\+00:00)?")
_ALLOWED: Final = (
    "a time from 1990 to 2199: ISO 8601 text, a datetime, or an epoch in s, ms, µs or ns"
)


def epoch_ms(value: Any, field: str = "timestamp") -> int:
    """One time as ms since the epoch.

    Args:
        value: ISO 8601 text (without an offset: UTC), datetime (naive: UTC), date, numpy
            datetime64, or an epoch as number or text, its unit told by its size.
        field: name for the error.

    Raises:
        RequestError: it is none of these, or lies before 1990 or after 2199.
    """
    try:
        return int(epoch_column([value], field)[0])
    except RowError as error:
        raise RequestError(error.field, error.value, error.bare) from None


def end_epoch_ms(value: Any, field: str = "end") -> int:
    """An exclusive end as ms since the epoch: the text of a date without a time is its whole day.

    Args:
        value: as `epoch_ms`.
        field: name for the error.

    Raises:
        RequestError: as `epoch_ms`.
    """
    is_day = isinstance(value, str) and len(value.strip()) == _DATE_LETTERS
    return epoch_ms(value, field) + (_DAY_MS if is_day else 0)


def epoch_column(values: Any, field: str = "timestamp") -> IndexArray:
    """A column of times as ms since the epoch.

    Args:
        values: shape (N,), any sequence or array of what `epoch_ms` understands.
        field: the column's name for the error; in `timestamp_ms` numbers are ms whatever their
            size.

    Returns:
        Shape (N,); parts of a millisecond are rounded.

    Raises:
        RowError: a value is no time, out of range, or of another unit than the first.
    """
    if isinstance(values, list) and (uniform := _uniform_texts(values)) is not None:
        return _plausible(uniform, values, field)
    array = values if isinstance(values, np.ndarray) else _array(values)
    if array.dtype.kind == "M":
        ms = array.astype("datetime64[ms]")
        return _plausible(ms.astype(np.int64), array, field)
    if array.dtype.kind in "iuf":
        told = values if isinstance(values, list | tuple) else array
        return _numbers(array.astype(np.float64), told, field)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "ascii")
    items: list[Any] = array.tolist()
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) == len(items) and texts and _is_number(texts[0]):
        return _numbers(_read_numbers(texts, field), items, field)
    return _plausible(_moments(items, field), items, field)


def _array(values: Any) -> np.ndarray[Any, Any]:
    """The values as an array in which text and mixtures stay what they are."""
    items = list(values)
    kinds = set(map(type, items))
    if kinds and kinds <= {int, float}:
        return np.array(items, dtype=np.float64)
    if kinds == {np.datetime64}:
        return np.array(items)
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def _numbers(numbers: FloatArray, told: Any, field: str) -> IndexArray:
    """Epochs of one unit, which the first of them tells."""
    if not len(numbers):
        return np.zeros(0, dtype=np.int64)
    first = float(numbers[0])
    units = _UNITS[1:2] if field == "timestamp_ms" else _UNITS
    fitting = [unit for unit in units if EARLIEST_MS <= first * unit[1] < LATEST_MS]
    if not fitting:
        allowed = f"{_ALLOWED}, here ms" if field == "timestamp_ms" else _ALLOWED
        raise RowError(field, _told(told, 0), allowed, row=0)
    ((name, factor),) = fitting
    ms = numbers * factor
    fine = (ms >= EARLIEST_MS) & (ms < LATEST_MS)
    if not fine.all():
        at = int(np.flatnonzero(~fine)[0])
        raise RowError(
            field, _told(told, at), f"{_ALLOWED}; the first row is in {name}, so all are", row=at
        )
    return np.rint(ms).astype(np.int64)


def _moments(items: Sequence[Any], field: str) -> IndexArray:
    """Times of texts, datetimes and whatever else, one by one."""
    seconds = np.empty(len(items), dtype=np.float64)
    parse, text, utc = datetime.fromisoformat, str, UTC
    for row, item in enumerate(items):
        try:
            moment = parse(item) if type(item) is text else item
            if type(moment) is not datetime:
                seconds[row] = _other(moment) / 1e3
            elif moment.tzinfo is None:
                seconds[row] = moment.replace(tzinfo=utc).timestamp()
            else:
                seconds[row] = moment.timestamp()
        except (TypeError, ValueError, OverflowError):
            if isinstance(item, str) and _is_number(item):
                seconds[row] = epoch_ms(float(item), field) / 1e3
                continue
            raise RowError(field, item, _ALLOWED, row=row) from None
    return np.rint(seconds * 1e3).astype(np.int64)


def _uniform_texts(items: Sequence[Any]) -> IndexArray | None:
    """Texts of one length in UTC, read as a whole in a tenth of the time; None for all others."""
    first: str = items[0] if items and type(items[0]) is str else ""
    found = _UTC_TEXT.fullmatch(first)
    if found is None:
        return None
    suffix = found.group(3) or ""
    cut = len(first) - len(suffix)
    try:
        if set(map(len, items)) != {len(first)}:
            return None
        if suffix and {item[cut:] for item in items} != {suffix}:
            return None
        with warnings.catch_warnings():
            # An offset, which numpy takes with a warning: the careful way reads it.
            warnings.simplefilter("error")
            texts = [item[:cut] for item in items] if suffix else items
            moments = np.array(texts, dtype="datetime64[us]").astype(np.int64)
            return np.rint(moments / 1e3).astype(np.int64)
    except (TypeError, ValueError, UserWarning):
        return None


def _other(value: Any) -> float:
    """A time of a rarer kind, ms since the epoch.

    Raises:
        TypeError: it is none.
        ValueError: it is not a time at all (NaT).
    """
    if isinstance(value, datetime):
        # pandas' Timestamp and other kinds of datetime; NaT has no such time and raises.
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return aware.timestamp() * 1e3
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1e3
    if isinstance(value, np.datetime64):
        if np.isnat(value):
            raise ValueError("NaT")
        return float(value.astype("datetime64[ms]").astype(np.int64))
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(type(value).__name__)
    return float(_numbers(np.array([float(value)]), [value], "timestamp")[0])


def _plausible(ms: IndexArray, told: Any, field: str) -> IndexArray:
    """The times, once none is before 1990 or after 2199 (nor NaT, which is far before)."""
    fine = (ms >= EARLIEST_MS) & (ms < LATEST_MS)
    if not fine.all():
        at = int(np.flatnonzero(~fine)[0])
        raise RowError(field, _told(told, at), _ALLOWED, row=at)
    return ms


def _read_numbers(texts: Sequence[str], field: str) -> FloatArray:
    try:
        return np.array(list(map(float, texts)), dtype=np.float64)
    except ValueError:
        row = next(number for number, text in enumerate(texts) if not _is_float(text))
        raise RowError(
            field, texts[row], f"{_ALLOWED}; the first row is a number, so all are", row=row
        ) from None


def _is_number(text: str) -> bool:
    """Whether a text is an epoch and not a date: `20240101` is ISO 8601."""
    return _is_float(text) and abs(float(text)) * 1e3 >= EARLIEST_MS


def _is_float(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _told(told: Any, row: int) -> object:
    one: object = told[row]
    return one.item() if isinstance(one, np.generic) and not isinstance(one, np.datetime64) else one
