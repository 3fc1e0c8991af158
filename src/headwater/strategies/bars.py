"""Bars as columns: what every strategy reads, in a back-test and live.

A bar is a candle by the field's other name. Its time is the time at which it opens; what stands in
its row is known when it closes. Columns beside the six usual ones (funding rate, open interest,
liquidated volume, heat of a frozen map) are point-in-time: the value of a row was known by the
close of that row's bar.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, overload

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.core.errors import RequestError
from headwater.strategies.indicator_columns import IndicatorColumns
from headwater.strategies.row_errors import RowError

__all__ = ["COLUMNS", "Bar", "Bars", "time_text"]

COLUMNS: Final = ("open", "high", "low", "close", "volume")
"""The columns that every set of bars has, beside `timestamp_ms`."""


def time_text(timestamp_ms: int) -> str:
    """A time of bars for people: ISO 8601, UTC, with Z."""
    moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds" if timestamp_ms % 1000 else "seconds").replace(
        "+00:00", "Z"
    )


class Bar(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One bar.

    Attributes:
        timestamp_ms: when it opens, ms since the epoch, UTC.
        open: first price, quote currency.
        high: highest price.
        low: lowest price.
        close: last price.
        volume: base units, ≥ 0.
    """

    timestamp_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def timestamp(self) -> str:
        """The time as ISO 8601 text with Z."""
        return time_text(self.timestamp_ms)


class Bars(IndicatorColumns):
    """N bars of one symbol, oldest first, as read-only columns; made by `of` or `from_columns`.

    `bars.close`, `bars["close"]`, `bars.sma(20)` are arrays of shape (N,); `bars[-1]` is a `Bar`,
    `bars[:100]` the first hundred.

    Attributes:
        symbol: canonical symbol, empty when it is not known.
        interval_ms: length of a bar: the smallest distance of two bars; 0 for fewer than two.
        timestamp_ms: shape (N,), opening times, ms since the epoch, strictly rising.
        open: shape (N,), first prices, quote currency, > 0.
        high: shape (N,), highest prices.
        low: shape (N,), lowest prices.
        close: shape (N,), last prices.
        volume: shape (N,), base units, ≥ 0.
        extras: further columns by name, each of shape (N,); NaN where nothing is known.
    """

    __slots__ = (
        "close",
        "extras",
        "high",
        "interval_ms",
        "low",
        "open",
        "symbol",
        "timestamp_ms",
        "volume",
    )

    def __init__(
        self,
        timestamp_ms: IndexArray,
        columns: Mapping[str, FloatArray],
        *,
        symbol: str = "",
        interval_ms: int | None = None,
        extras: Mapping[str, FloatArray] | None = None,
    ) -> None:
        super().__init__()
        self.symbol = symbol
        self.timestamp_ms = timestamp_ms
        self.open = columns["open"]
        self.high = columns["high"]
        self.low = columns["low"]
        self.close = columns["close"]
        self.volume = columns["volume"]
        self.extras = dict(extras or {})
        if interval_ms is None:
            interval_ms = int(np.diff(timestamp_ms).min()) if len(timestamp_ms) > 1 else 0
        self.interval_ms = interval_ms

    def __len__(self) -> int:
        """How many bars."""
        return len(self.close)

    def __repr__(self) -> str:
        """Symbol, number and extent."""
        extent = (
            f", {time_text(int(self.timestamp_ms[0]))} to {time_text(int(self.timestamp_ms[-1]))}"
            if len(self)
            else ""
        )
        return f"<{len(self)} bars of {self.symbol or 'an unnamed symbol'}{extent}>"

    @overload
    def __getitem__(self, which: str) -> FloatArray: ...
    @overload
    def __getitem__(self, which: int) -> Bar: ...
    @overload
    def __getitem__(self, which: slice) -> "Bars": ...

    def __getitem__(self, which: str | int | slice) -> "FloatArray | Bar | Bars":
        """A column by its name, a bar by its number, or a stretch of bars.

        Raises:
            RequestError: no column has that name.
            IndexError: there is no such bar.
        """
        if isinstance(which, str):
            return self.column(which)
        if isinstance(which, slice):
            return Bars(
                self.timestamp_ms[which],
                {name: getattr(self, name)[which] for name in COLUMNS},
                symbol=self.symbol,
                interval_ms=self.interval_ms,
                extras={name: values[which] for name, values in self.extras.items()},
            )
        return Bar(
            timestamp_ms=int(self.timestamp_ms[which]),
            **{name: float(getattr(self, name)[which]) for name in COLUMNS},
        )

    def column(self, name: str) -> FloatArray:
        """The values of a column, one of the usual ones or of `extras`.

        Raises:
            RequestError: there is none of that name; the error tells which there are.
        """
        if name in COLUMNS:
            values: FloatArray = getattr(self, name)
            return values
        if name == "timestamp_ms":
            return self.timestamp_ms.astype(np.float64)
        try:
            return self.extras[name]
        except KeyError:
            there = ", ".join((*COLUMNS, "timestamp_ms", *sorted(self.extras)))
            raise RequestError("column", name, f"one of {there}") from None

    def prefix(self, length: int) -> "Bars":
        """The first `length` bars, with nothing that was computed over later ones."""
        return self[:length]

    @classmethod
    def from_columns(
        cls,
        timestamp_ms: Any,
        columns: Mapping[str, Any],
        *,
        symbol: str = "",
        extras: Mapping[str, Any] | None = None,
    ) -> "Bars":
        """Bars from arrays or sequences, checked.

        Args:
            timestamp_ms: opening times, whole ms since the epoch.
            columns: `open`, `high`, `low`, `close` and `volume`.
            symbol: canonical symbol.
            extras: further columns; they may hold NaN for "not known".

        Raises:
            RequestError: a column is missing or of another length, a number is not finite or no
                market has it, times are not strictly rising; names column and bar by its time.
        """
        missing = [name for name in COLUMNS if name not in columns]
        if missing:
            raise RequestError("columns", ", ".join(missing), f"all of {', '.join(COLUMNS)}")
        times = _locked(np.asarray(timestamp_ms), np.int64, "timestamp_ms")
        floats = {name: _locked(columns[name], np.float64, name) for name in COLUMNS}
        more = {name: _locked(values, np.float64, name) for name, values in (extras or {}).items()}
        for name, values in (floats | more).items():
            if values.shape != times.shape:
                raise RequestError(name, values.shape, f"as many values as times: {times.shape}")
        _check_times(times)
        _check_prices(times, floats)
        for name, values in more.items():
            if np.isinf(values).any():
                at = int(np.isinf(values).argmax())
                raise RowError(name, values[at], "a finite number, or NaN for unknown", row=at)
        return cls(times, floats, symbol=symbol, extras=more)

    @classmethod
    def of(cls, data: Any, *, symbol: str = "") -> "Bars":
        """Bars from what people have: bars, a list of dictionaries, a Polars or pandas frame.

        Names are those of the columns; the time is `timestamp_ms` or `timestamp` (ISO text,
        datetime, or epoch in s, ms, µs or ns, told apart by size). A row without open, high and
        low has the close for all three; without volume 0.

        Raises:
            RequestError: as `from_columns`, or the data are nothing of these.
        """
        if isinstance(data, Bars):
            return data
        from headwater.strategies.foreign_bars import columns_of

        times, columns, extras = columns_of(data)
        return cls.from_columns(times, columns, symbol=symbol, extras=extras)


def _locked(values: Any, kind: type, name: str) -> Any:
    """The values as a read-only array of one dimension; a copy only where it must be."""
    try:
        array: Any = np.asarray(values).astype(kind, copy=False)
    except (TypeError, ValueError) as error:
        raise RequestError(name, type(values).__name__, "numbers") from error
    if array.ndim != 1:
        raise RequestError(name, array.shape, "one dimension")
    locked = array.view()
    locked.flags.writeable = False
    return locked


def _check_times(times: IndexArray) -> None:
    """Refuses times that do not rise strictly.

    Raises:
        RequestError: names the first time that is out of order or there twice.
    """
    if len(times) < 2:
        return
    bad = np.flatnonzero(times[1:] <= times[:-1])
    if len(bad):
        at = int(bad[0]) + 1
        twice = times[at] == times[at - 1]
        problem = "is there twice" if twice else f"comes after {time_text(int(times[at - 1]))}"
        raise RowError(
            "timestamp",
            time_text(int(times[at])),
            f"strictly rising times, and it {problem}",
            row=at,
        )


def _check_prices(times: IndexArray, columns: Mapping[str, FloatArray]) -> None:
    """Refuses what no market has.

    Raises:
        RequestError: names column, value and time of the first bar that is wrong.
    """
    for name in COLUMNS:
        values = columns[name]
        least = 0.0
        # One pass finds NaN too: it is not ≥ anything. Infinity is looked for in the sum.
        fine = (values >= least) if name == "volume" else (values > least)
        if fine.all() and np.isfinite(values.max(initial=0.0)):
            continue
        at = int(np.flatnonzero(~(fine & np.isfinite(values)))[0])
        sign = "≥ 0" if name == "volume" else "> 0"
        raise RowError(
            name,
            values[at],
            f"finite and {sign}",
            row=at,
            where=f"bar {at} at {time_text(int(times[at]))}",
        )
    high, low = columns["high"], columns["low"]
    for name in ("open", "close"):
        values = columns[name]
        outside = (values > high) | (values < low)
        if outside.any():
            at = int(np.flatnonzero(outside)[0])
            raise RowError(
                name,
                values[at],
                f"from low {low[at]} to high {high[at]}",
                row=at,
                where=f"bar {at} at {time_text(int(times[at]))}",
            )
