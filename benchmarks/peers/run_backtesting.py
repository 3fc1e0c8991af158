"""Runs cases in backtesting.py (AGPL: in a process and an environment of its own).

`python -m benchmarks.peers.run_backtesting JOBS.json ANSWERS.json`, by that environment's Python.

Bridged unless the case keeps them (see `differences`): orders are of whole units, so prices are
scaled by a power of two, which is exact, until a unit is tiny; brackets are absolute prices given
before the fill, so they are set from the price of the fill that is coming; the package begins one
bar after an indicator's first value, so heads are filled; it books the fees of a fill at the close
a bar late and never fills the last bar's, so one flat bar is added and the curve is put right.
"""

import math
import multiprocessing
import resource
import time
import warnings
from importlib.metadata import version
from typing import Any, Final, cast

import backtesting
import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

from benchmarks.peers import rules
from benchmarks.peers.case import (
    Bars,
    Case,
    Floats,
    Outcome,
    Refused,
    Trade,
    drawdown,
    drive,
    spent_of,
    timed,
)

_UNITS: Final = 2.0**45
"""How many units the capital buys after scaling: a unit is a 3e-14th of it."""

_ALL_IN: Final = 1 - 1e-13
"""Share of the equity of an order: a hair below all, lest rounding makes it unaffordable."""

SHARPE_IS: Final = "geometric mean of daily returns, annualised, over lognormal deviation; 365 days"


def run(case: Case, bars: Bars) -> Outcome:
    """One back-test."""
    if case.slippage_bps:
        raise Refused("slippage is a spread on entries only")
    scale = _scale(case, bars)
    added = case.fill == "close" and "last-close-lost" not in case.keep
    backtest = _backtest(case, bars, scale, added)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        stats = backtest.run()
    trades = _trades(stats, scale, len(bars.close))
    equity = stats["_equity_curve"]["Equity"].to_numpy()
    deepest = float(stats["Max. Drawdown [%]"]) / 100
    if case.fill == "close" and "late-close-fees" not in case.keep:
        equity = _with_fees_in_time(case, equity, stats)
        deepest = drawdown(equity[: len(bars.close)])
    equity = equity[: len(bars.close)]
    return Outcome(
        trades=trades,
        equity=equity,
        final_equity=float(equity[-1]),
        max_drawdown=deepest,
        sharpe=float(stats["Sharpe Ratio"]),
        sharpe_is=SHARPE_IS,
    )


def _scale(case: Case, bars: Bars) -> float:
    if "whole-units" in case.keep:
        return 1.0
    units_per_price = case.capital / float(bars.close[0])
    return 2.0 ** math.floor(math.log2(units_per_price / _UNITS))


def _backtest(case: Case, bars: Bars, scale: float, added: bool) -> Any:
    frame = pd.DataFrame(
        {
            "Open": bars.open * scale,
            "High": bars.high * scale,
            "Low": bars.low * scale,
            "Close": bars.close * scale,
            "Volume": bars.volume,
        },
        index=pd.to_datetime(bars.timestamp_ms, unit="ms"),
    )
    if added:
        last = frame.iloc[[-1]].copy()
        last[["Open", "High", "Low"]] = last["Close"].iloc[0]
        last.index = last.index + pd.Timedelta(bars.interval_ms, "ms")
        frame = pd.concat([frame, last])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return Backtest(
            frame,
            _strategy(case, bars, scale),
            cash=case.capital,
            commission=case.fee,
            trade_on_close=case.fill == "close",
        )


class _Rules(Strategy):  # type: ignore[misc]
    """What both strategies share: the case, and orders with brackets.

    The package makes the instance itself and passes parameters as class attributes, so `case` and
    `fill_prices` (price of a fill that is decided in each bar, scaled) are set on the class.
    """

    case: Case
    fill_prices: Floats

    def prepare(self) -> None:
        """Forgets the closes of an earlier run."""
        self.closed_in: set[int] = set()

    def go(self, sign: int) -> None:
        """Closes what is held, then opens in the direction of `sign`; 0 only closes."""
        if self.position:
            self.closed_in.add(len(self.data) - 1)
            self.position.close()
        if sign:
            self._open(sign)

    def _open(self, sign: int) -> None:
        order = self.buy(size=_ALL_IN) if sign > 0 else self.sell(size=_ALL_IN)
        case = self.case
        now = len(self.data) - 1
        if not case.has_brackets or now >= len(self.fill_prices):
            return
        price = self.fill_prices[now]
        # The package would refuse prices on the wrong side of the last close, which is not yet
        # the price of the fill.
        if case.stop_loss is not None:
            order._replace(sl_price=price * (1 - sign * case.stop_loss))
        if case.take_profit is not None:
            order._replace(tp_price=price * (1 + sign * case.take_profit))


def _rolling(values: Any, count: int) -> Any:
    return pd.Series(values).rolling(count).mean()


def _exact(values: Any, count: int) -> Floats:
    return rules.sma(np.asarray(values), count)


class _SmaCross(_Rules):
    """The cross of two means; the package varies the class attributes in a sweep."""

    fast_count = 10
    slow_count = 30

    def init(self) -> None:
        self.prepare()
        mean = _rolling if self.case.own_indicators else _exact
        self.fast = self.I(mean, self.data.Close, self.fast_count)
        self.slow = self.I(mean, self.data.Close, self.slow_count)

    def next(self) -> None:
        fast, slow = self.fast, self.slow
        if "crossover-ties" in self.case.keep:
            above, below = crossover(fast, slow), crossover(slow, fast)
        else:
            above = fast[-2] <= slow[-2] and fast[-1] > slow[-1]
            below = fast[-2] >= slow[-2] and fast[-1] < slow[-1]
        if above and not self.position.is_long:
            self.go(1)
        elif below and self.case.direction == "both" and not self.position.is_short:
            self.go(-1)
        elif below and self.position.is_long:
            self.go(0)


class _MeanReversion(_Rules):
    """The z-score of the close."""

    def init(self) -> None:
        self.prepare()
        self.z = self.I(self._values, self.data.Close, name="z")

    def _values(self, close: Any) -> Floats:
        case = self.case
        if case.own_indicators:
            series = pd.Series(close)
            rolling = series.rolling(case.lookback_period)
            deviation = rolling.std(ddof=case.ddof).replace(0.0, np.nan)
            z = ((series - rolling.mean()) / deviation).to_numpy()
        else:
            z = rules.case_zscore(case, np.asarray(close))
        # NaN heads delay the first bar of the package; a z of 0 while flat does nothing.
        return cast("Floats", z if "first-bar" in case.keep else np.where(_head(z), 0.0, z))

    def next(self) -> None:
        z, case = self.z[-1], self.case
        if self.position.is_long:
            if z > -case.exit_threshold:
                self.go(0)
        elif self.position.is_short:
            if z < case.exit_threshold:
                self.go(0)
        elif z < -case.entry_threshold:
            self.go(1)
        elif case.direction == "both" and z > case.entry_threshold:
            self.go(-1)


def _strategy(case: Case, bars: Bars, scale: float) -> type[_Rules]:
    made: type[_Rules] = _SmaCross if case.strategy == "sma_cross" else _MeanReversion
    _SmaCross.fast_count, _SmaCross.slow_count = case.fast, case.slow
    prices = np.append(bars.open[1:], np.nan)
    if case.fill == "close" or "brackets-from-close" in case.keep:
        prices = bars.close
    made.case, made.fill_prices = case, prices * scale
    return made


def _head(z: Floats) -> Any:
    """The NaNs before the first value."""
    return np.logical_and.accumulate(np.isnan(z))


def _trades(stats: Any, scale: float, bars: int) -> list[Trade]:
    closed = stats["_trades"]
    columns = ("Size", "EntryBar", "ExitBar", "EntryPrice", "ExitPrice", "PnL")
    rows = zip(*(closed[name].tolist() for name in columns), strict=True)
    found = [
        Trade("long" if size > 0 else "short", start, end, price / scale, left / scale, pnl)
        for size, start, end, price, left, pnl in rows
    ]
    found.sort(key=lambda trade: (trade.entry_bar, trade.exit_bar))
    fee = stats["_strategy"].case.fee
    found += [
        Trade(
            "long" if each.size > 0 else "short",
            each.entry_bar,
            None,
            each.entry_price / scale,
            None,
            each.pl - abs(each.size) * each.entry_price * fee,
        )
        for each in stats["_strategy"].trades
        if each.entry_bar < bars
    ]
    return found


def _with_fees_in_time(case: Case, equity: Floats, stats: Any) -> Floats:
    """The curve with the fee of each fill at a close in the bar of the fill, not the next.

    Fees of stops and targets are booked in their own bar already.
    """
    mended = equity.copy()
    strategy = stats["_strategy"]
    rows = stats["_trades"]
    names = ("Size", "EntryBar", "ExitBar", "EntryPrice", "ExitPrice")
    for size, start, end, price, left in zip(*(rows[name].tolist() for name in names), strict=True):
        mended[start] -= abs(size) * price * case.fee
        if end in strategy.closed_in:
            mended[end] -= abs(size) * left * case.fee
    for each in strategy.trades:
        mended[each.entry_bar] -= abs(each.size) * each.entry_price * case.fee
    return mended


def sweep(case: Case, bars: Bars) -> dict[str, Any]:
    """The package's `optimize` over the pairs of the case; wall time, as workers do the work."""
    wanted = set(case.sweep)
    backtest = _backtest(case, bars, _scale(case, bars), added=False)
    # The documented way to choose the pool; forked workers inherit the case.
    backtesting.Pool = lambda *_, **__: multiprocessing.get_context("fork").Pool(case.processes)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _best, heat = backtest.optimize(
            fast_count=sorted({fast for fast, _ in wanted}),
            slow_count=sorted({slow for _, slow in wanted}),
            constraint=lambda given: (given.fast_count, given.slow_count) in wanted,
            maximize="Return [%]",
            return_heatmap=True,
        )
    took = time.perf_counter() - began
    found = {pair: float(value) / 100 for pair, value in heat.dropna().items()}
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "wall_s": took,
        "returns": [found[pair] for pair in case.sweep],
        "peak_mb_each_worker": workers,
        **spent_of([took]),
    }


def answer(case: Case, bars: Bars) -> dict[str, Any]:
    """One case, single or sweep."""
    return sweep(case, bars) if case.sweep else timed(case, bars, run)


if __name__ == "__main__":
    drive(f"backtesting {version('backtesting')}", answer)
