"""What happened on the markets of a run, as columns: one set of streams for each contract.

Times are ms since the epoch and never fall within a stream. Orders are matched by the trades of a
contract where there are any, else by its smaller bars, else by its bars. Nothing here is later
known than its own time: a bar is known at its end (or at `bars_known_ms`, where a recording says
when it was heard).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import BoolArray, FloatArray, IndexArray
from headwater.backtest.funding import FundingColumns
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bars, time_text

__all__ = ["LiquidationTape", "MarketStreams", "TradeTape", "ValueTape"]


@dataclass(frozen=True, slots=True)
class TradeTape:
    """Public trades, oldest first.

    Attributes:
        timestamp_ms: shape (T,), never falling.
        price: shape (T,), quote currency, > 0.
        quantity: shape (T,), base units, > 0.
        is_buy: shape (T,), whether the taker bought; None when unknown.
    """

    timestamp_ms: IndexArray
    price: FloatArray
    quantity: FloatArray
    is_buy: BoolArray | None = None

    @classmethod
    def of(cls, timestamp_ms: Any, price: Any, quantity: Any, is_buy: Any = None) -> Self:
        """Trades from sequences or arrays, checked.

        Raises:
            RequestError: lengths differ, times fall or a number is none; names the column.
        """
        times = _times("trades", timestamp_ms)
        return cls(
            times,
            _positive("trades.price", price, times),
            _positive("trades.quantity", quantity, times),
            None if is_buy is None else _column("trades.is_buy", is_buy, times, np.bool_),
        )

    def rows(self, start: int, end: int) -> Iterator[tuple[int, float, float, bool | None]]:
        """Trades as (time, price, quantity, whether the taker bought), of that range of rows."""
        count = end - start
        sides = repeat(None, count) if self.is_buy is None else self.is_buy[start:end].tolist()
        return zip(
            self.timestamp_ms[start:end].tolist(),
            self.price[start:end].tolist(),
            self.quantity[start:end].tolist(),
            sides,
            strict=True,
        )

    def __len__(self) -> int:
        """How many trades."""
        return len(self.timestamp_ms)

    def bars(self, interval_ms: int, *, symbol: str = "") -> Bars:
        """The bars that these trades make; an interval without a trade has none.

        Args:
            interval_ms: length of a bar, > 0; bars begin at its multiples.
            symbol: canonical symbol.

        Raises:
            RequestError: no length.
        """
        if interval_ms <= 0:
            raise RequestError("interval_ms", interval_ms, "a length above 0")
        opened = self.timestamp_ms // interval_ms * interval_ms
        turns = np.flatnonzero(opened[1:] != opened[:-1]) + 1
        first = np.concatenate(([0], turns)) if len(opened) else opened
        last = np.append(first[1:], len(opened)) - 1
        price, volume = self.price, self.quantity
        columns = (
            {
                "open": price[first],
                "high": np.maximum.reduceat(price, first),
                "low": np.minimum.reduceat(price, first),
                "close": price[last],
                "volume": np.add.reduceat(volume, first),
            }
            if len(first)
            else dict.fromkeys(("open", "high", "low", "close", "volume"), price[:0])
        )
        return Bars(opened[first], columns, symbol=symbol, interval_ms=interval_ms)


@dataclass(frozen=True, slots=True)
class LiquidationTape:
    """Forced closes, oldest first.

    Attributes:
        timestamp_ms: shape (L,), never falling.
        price: shape (L,), quote currency, > 0.
        quantity: shape (L,), base units, > 0.
        is_long: shape (L,), whether a long position was closed.
    """

    timestamp_ms: IndexArray
    price: FloatArray
    quantity: FloatArray
    is_long: BoolArray

    @classmethod
    def of(cls, timestamp_ms: Any, price: Any, quantity: Any, is_long: Any) -> Self:
        """Forced closes from sequences or arrays, checked.

        Raises:
            RequestError: as of `TradeTape.of`.
        """
        times = _times("liquidations", timestamp_ms)
        return cls(
            times,
            _positive("liquidations.price", price, times),
            _positive("liquidations.quantity", quantity, times),
            _column("liquidations.is_long", is_long, times, np.bool_),
        )


@dataclass(frozen=True, slots=True)
class ValueTape:
    """One number by time: mark prices or open interest, oldest first.

    Attributes:
        timestamp_ms: shape (V,), never falling.
        value: shape (V,), > 0 for prices, ≥ 0 for open interest.
    """

    timestamp_ms: IndexArray
    value: FloatArray

    @classmethod
    def of(cls, timestamp_ms: Any, value: Any) -> Self:
        """Values from sequences or arrays, checked.

        Raises:
            RequestError: as of `TradeTape.of`.
        """
        times = _times("values", timestamp_ms)
        values = _column("values", value, times, np.float64)
        if not (np.isfinite(values) & (values >= 0.0)).all():
            raise RequestError("values", "NaN or negative", "finite values of 0 or more")
        return cls(times, values)


@dataclass(frozen=True, slots=True)
class MarketStreams:
    """Everything that is known of one contract.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        bars: candles, heard at their end; without trades they also match the orders.
        trades: public trades; where there are any, they match the orders.
        liquidations: forced closes.
        funding: settlements; one without a mark price is counted at the last price, or at the open
            of the bar within which it is due and at whose end it is then paid.
        funding_interval_h: hours between settlements, told with each; None where unknown.
        marks: mark prices; where there are any, they alone value and liquidate positions.
        open_interest: base units.
        heatmaps: frozen liquidation maps by the time from which they were there, rising.
        bars_known_ms: shape (bars,): when each bar was heard, only beside trades; None: at its end.
        past_bars: how many of the first bars were known before the run: shown, but not heard.
        bar_interval_ms: bars are made of the trades at this length when `bars` is None; 0: none.
        detail: smaller bars, only without trades: they match the orders in place of the bars whose
            time they fill, and tell what happened in which order.
    """

    exchange: str
    symbol: str
    bars: Bars | None = None
    trades: TradeTape | None = None
    liquidations: LiquidationTape | None = None
    funding: FundingColumns | None = None
    funding_interval_h: float | None = None
    marks: ValueTape | None = None
    open_interest: ValueTape | None = None
    heatmaps: tuple[tuple[int, Any], ...] = field(default=())
    bars_known_ms: IndexArray | None = None
    past_bars: int = 0
    bar_interval_ms: int = 0
    detail: Bars | None = None

    def all_bars(self) -> Bars:
        """The bars that a strategy is shown; none when there are neither bars nor an interval."""
        if self.bars is not None:
            return self.bars
        if self.trades is not None and self.bar_interval_ms:
            return self.trades.bars(self.bar_interval_ms, symbol=self.symbol)
        empty = np.empty(0)
        columns = dict.fromkeys(("open", "high", "low", "close", "volume"), empty)
        return Bars(np.empty(0, dtype=np.int64), columns, symbol=self.symbol)

    def checked(self) -> "MarketStreams":
        """These streams, once they can be played.

        Raises:
            RequestError: nothing to match orders with, or times of bars that do not fit.
        """
        if self.bars is None and self.trades is None:
            raise RequestError(
                f"streams of {self.exchange}:{self.symbol}", "neither", "bars, trades or both"
            )
        known = self.bars_known_ms
        if known is not None:
            if self.trades is None:
                raise RequestError("bars_known_ms", "given", "trades beside, to match orders with")
            if self.bars is None or known.shape != self.bars.timestamp_ms.shape:
                raise RequestError("bars_known_ms", known.shape, "one time for each bar")
            if (np.diff(known) < 0).any() or (known < self.bars.timestamp_ms).any():
                raise RequestError("bars_known_ms", "too early", "rising, none before its bar")
        if self.past_bars and (self.trades is None or self.past_bars > len(self.all_bars())):
            raise RequestError("past_bars", self.past_bars, "as many as there are, beside trades")
        if self.detail is not None:
            if self.bars is None or self.trades is not None:
                raise RequestError("detail", "given", "bars, and no trades, which tell more")
            _check_fits(self.detail, self.bars)
        stamps = [at_ms for at_ms, _ in self.heatmaps]
        if stamps != sorted(stamps):
            raise RequestError("heatmaps", "out of order", "rising times")
        return self


def _check_fits(detail: Bars, bars: Bars) -> None:
    """Refuses smaller bars that do not fit into the bars; one bar alone has no length to fit into.

    Raises:
        RequestError: names both lengths.
    """
    length, smaller = bars.interval_ms, detail.interval_ms
    if length and not (0 < smaller < length and length % smaller == 0):
        raise RequestError("detail", f"{smaller} ms", f"bars that fit into those of {length} ms")


def _times(name: str, given: Any) -> IndexArray:
    """Times as whole ms that never fall.

    Raises:
        RequestError: names the first time that falls.
    """
    try:
        times = np.asarray(given, dtype=np.int64)
    except (TypeError, ValueError) as error:
        raise RequestError(f"{name}.timestamp_ms", given, "whole ms since the epoch") from error
    if times.ndim != 1:
        raise RequestError(f"{name}.timestamp_ms", times.shape, "one dimension")
    falls = np.flatnonzero(np.diff(times) < 0)
    if len(falls):
        at = int(times[falls[0] + 1])
        raise RequestError(f"{name}.timestamp_ms", time_text(at), "times that never fall")
    return times


def _column(name: str, given: Any, times: IndexArray, kind: npt.DTypeLike) -> Any:
    """A column of as many values as times.

    Raises:
        RequestError: it is none; names it.
    """
    try:
        values = np.asarray(given, dtype=kind)
    except (TypeError, ValueError) as error:
        raise RequestError(name, given, "a column of numbers") from error
    if values.shape != times.shape:
        raise RequestError(name, values.shape, f"as many values as times: {times.shape}")
    return values


def _positive(name: str, given: Any, times: IndexArray) -> FloatArray:
    """A column of finite numbers above 0.

    Raises:
        RequestError: names the column, the value and its time.
    """
    values: FloatArray = _column(name, given, times, np.float64)
    bad = np.flatnonzero(~(np.isfinite(values) & (values > 0.0)))
    if len(bad):
        at = int(bad[0])
        raise RequestError(
            name, float(values[at]), f"finite and above 0 (at {time_text(int(times[at]))})"
        )
    return values
