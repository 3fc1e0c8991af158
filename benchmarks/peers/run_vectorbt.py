"""Runs cases in vectorbt (Commons Clause: in a process and an environment of its own).

`python -m benchmarks.peers.run_vectorbt JOBS.json ANSWERS.json`, by that environment's Python.

Bridged unless the case keeps them (see `differences`): the package fills at the close of the
signal, so for the next open signals are moved by one bar and the price is the open; its stops count
from the bar after the entry and a stop swallows the signal of its row, so with brackets every bar
becomes several rows (its open, its range, its close) that are taken together again afterwards.
"""

import math
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import pandas as pd
import vectorbt as vbt
from numpy.typing import NDArray
from vectorbt.portfolio.enums import OppositeEntryMode, StopEntryPrice, StopExitPrice

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
from benchmarks.peers.rules import Flags

SHARPE_IS: Final = "arithmetic mean of bar returns over deviation (n − 1), root of bars a year"


@dataclass(frozen=True, slots=True)
class _Signals:
    """What is wanted after each bar; each of one length."""

    long_in: Flags
    long_out: Flags
    short_in: Flags
    short_out: Flags

    def moved(self) -> "_Signals":
        """A bar later."""
        return _Signals(*(_later(each) for each in self.each()))

    def each(self) -> tuple[Flags, Flags, Flags, Flags]:
        """In the order of the package."""
        return self.long_in, self.long_out, self.short_in, self.short_out


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the package sees: prices and signals by row, and which bar a row belongs to.

    Attributes:
        bars: the four prices by row.
        price: at which a signal of the row fills.
        signals: by row.
        bar: index of the bar of each row.
        last: the last row of each bar, where the curve is read.
    """

    bars: Bars
    price: Floats
    signals: _Signals
    bar: NDArray[np.int64]
    last: NDArray[np.int64]


def _later(flags: Flags) -> Flags:
    moved = np.zeros_like(flags)
    moved[1:] = flags[:-1]
    return moved


def run(case: Case, bars: Bars) -> Outcome:
    """One back-test."""
    signals = _signals(case, bars)
    if case.has_brackets and "stops-from-next-bar" not in case.keep:
        rows = _exploded(case, bars, signals)
    else:
        rows = _plain(case, bars, signals)
    portfolio = _portfolio(case, rows, bars.interval_ms)
    equity = portfolio.value().to_numpy()[rows.last]
    plain = len(rows.bar) == len(bars.close)
    sharpe = float(portfolio.sharpe_ratio(year_freq="365 days")) if plain else None
    return Outcome(
        trades=_trades(portfolio, rows.bar),
        equity=equity,
        final_equity=float(equity[-1]),
        max_drawdown=float(portfolio.max_drawdown()) if plain else drawdown(equity),
        sharpe=sharpe if sharpe is None or math.isfinite(sharpe) else None,
        sharpe_is=SHARPE_IS,
    )


def _signals(case: Case, bars: Bars) -> _Signals:
    none = np.zeros(len(bars.close), dtype=bool)
    both = case.direction == "both"
    if case.strategy == "sma_cross":
        if case.own_indicators:
            above, below = _own_crosses(case, bars)
        elif "crossed-above" in case.keep:
            fast = pd.Series(rules.sma(bars.close, case.fast))
            slow = pd.Series(rules.sma(bars.close, case.slow))
            above = fast.vbt.crossed_above(slow).to_numpy()
            below = fast.vbt.crossed_below(slow).to_numpy()
        else:
            above, below = rules.case_crosses(case, bars.close)
        # One array may not be given twice: the package would write into it.
        return _Signals(above, below, below.copy() if both else none, above.copy())
    z = _own_zscore(case, bars) if case.own_indicators else rules.case_zscore(case, bars.close)
    return _Signals(
        z < -case.entry_threshold,
        z > -case.exit_threshold,
        z > case.entry_threshold if both else none,
        z < case.exit_threshold,
    )


def _own_crosses(case: Case, bars: Bars) -> tuple[Flags, Flags]:
    engine = case.engine or None
    close = pd.Series(bars.close)
    fast = vbt.MA.run(close, case.fast, short_name="fast", engine=engine)
    slow = vbt.MA.run(close, case.slow, short_name="slow", engine=engine)
    above, below = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
    return above.to_numpy(), below.to_numpy()


def _own_zscore(case: Case, bars: Bars) -> Floats:
    close = pd.Series(bars.close)
    mean = close.vbt.rolling_mean(case.lookback_period)
    deviation = close.vbt.rolling_std(case.lookback_period, ddof=case.ddof)
    found = ((close - mean) / deviation.replace(0.0, np.nan)).to_numpy()
    return np.asarray(found, dtype=np.float64)


def _plain(case: Case, bars: Bars, signals: _Signals) -> _Rows:
    places = np.arange(len(bars.close))
    if case.fill == "close":
        return _Rows(bars, bars.close, signals, places, places)
    return _Rows(bars, bars.open, signals.moved(), places, places)


def _exploded(case: Case, bars: Bars, signals: _Signals) -> _Rows:
    """Rows of each bar: its open and its range for fills at the open, range and close otherwise.

    A reversal that was decided on must happen even where the open lies beyond the stop, and the
    package drops a signal in the row of a stop; so the open stands twice for `sma_cross`, once for
    the stop and once for the signal. For `mean_reversion` it must not: what is wanted there depends
    on the position, and a decision made while in one does not open another.
    """
    one = bars.open if case.fill == "next-open" else bars.close
    whole = (bars.open, bars.high, bars.low, bars.close)
    flat = (one, one, one, one)
    parts: tuple[tuple[Floats, Floats, Floats, Floats], ...]
    if case.fill == "close":
        parts, at = (whole, flat), 1
    elif case.strategy == "sma_cross":
        parts, at = (flat, flat, whole), 1
    else:
        parts, at = (flat, whole), 0
    count, many = len(bars.close), len(parts)

    def woven(column: int) -> Floats:
        return np.column_stack([part[column] for part in parts]).ravel()

    def placed(flags: Flags) -> Flags:
        out = np.zeros(count * many, dtype=bool)
        out[at::many] = flags
        return out

    moved = signals if case.fill == "close" else signals.moved()
    rows = Bars(
        timestamp_ms=np.repeat(bars.timestamp_ms, many),
        open=woven(0),
        high=woven(1),
        low=woven(2),
        close=woven(3),
        volume=np.repeat(bars.volume, many),
    )
    return _Rows(
        rows,
        rows.close,
        _Signals(*(placed(each) for each in moved.each())),
        np.repeat(np.arange(count), many),
        np.arange(count) * many + many - 1,
    )


def _portfolio(case: Case, rows: _Rows, interval_ms: int) -> Any:
    if case.has_brackets and case.engine == "rust":
        raise Refused("brackets are compared on the engine that the package chooses itself")
    long_in, long_out, short_in, short_out = rows.signals.each()
    reverses = case.strategy == "sma_cross"
    brackets: dict[str, Any] = {}
    if case.has_brackets:
        brackets = {
            "open": rows.bars.open,
            "high": rows.bars.high,
            "low": rows.bars.low,
            "sl_stop": case.stop_loss if case.stop_loss is not None else np.nan,
            "tp_stop": case.take_profit if case.take_profit is not None else np.nan,
            "stop_entry_price": StopEntryPrice.FillPrice,
            "stop_exit_price": StopExitPrice.StopMarket,
        }
    return vbt.Portfolio.from_signals(
        pd.Series(rows.bars.close),
        entries=long_in,
        exits=long_out,
        short_entries=short_in,
        short_exits=short_out,
        price=rows.price,
        fees=case.fee,
        slippage=case.slippage,
        init_cash=case.capital,
        upon_opposite_entry=OppositeEntryMode.Reverse if reverses else OppositeEntryMode.Close,
        freq=pd.Timedelta(interval_ms, "ms"),
        engine=case.engine or None,
        **brackets,
    )


def _trades(portfolio: Any, bar: NDArray[np.int64]) -> list[Trade]:
    records = portfolio.trades.values
    names = ("direction", "status", "entry_idx", "exit_idx", "entry_price", "exit_price", "pnl")
    return [
        Trade(
            "short" if short else "long",
            int(bar[start]),
            int(bar[end]) if closed else None,
            price,
            left if closed else None,
            pnl,
        )
        for short, closed, start, end, price, left, pnl in zip(
            *(records[name].tolist() for name in names), strict=True
        )
    ]


def sweep(case: Case, bars: Bars) -> dict[str, Any]:
    """All pairs of the case as columns, a block at a time: return, Sharpe, drawdown, trades."""
    if case.has_brackets or case.direction != "long":
        raise Refused("the sweep is of long positions without brackets")
    _block(case, bars.head(case.warm_up_bars), case.sweep[:2])
    returns: list[float] = []
    sharpes: list[float] = []
    drawdowns: list[float] = []
    trades: list[int] = []
    began, began_cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(case.sweep), case.block):
        portfolio = _block(case, bars, case.sweep[start : start + case.block])
        returns += portfolio.total_return().to_list()
        sharpes += portfolio.sharpe_ratio(year_freq="365 days").to_list()
        drawdowns += portfolio.max_drawdown().to_list()
        trades += portfolio.trades.count().to_list()
    took, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return {
        "wall_s": took,
        "returns": returns,
        "sharpes": [None if math.isnan(value) else value for value in sharpes],
        "drawdowns": drawdowns,
        "trade_counts": trades,
        **spent_of([cpu]),
    }


def _block(case: Case, bars: Bars, pairs: tuple[tuple[int, int], ...]) -> Any:
    engine = case.engine or None
    close = pd.Series(bars.close)
    fast = vbt.MA.run(close, [each for each, _ in pairs], short_name="fast", engine=engine)
    slow = vbt.MA.run(close, [each for _, each in pairs], short_name="slow", engine=engine)
    above = fast.ma_crossed_above(slow).to_numpy()
    below = fast.ma_crossed_below(slow).to_numpy()
    price = bars.close
    if case.fill == "next-open":
        above, below, price = _later(above), _later(below), bars.open
    return vbt.Portfolio.from_signals(
        close,
        entries=above,
        exits=below,
        price=price[:, None],
        fees=case.fee,
        slippage=case.slippage,
        init_cash=case.capital,
        freq=pd.Timedelta(bars.interval_ms, "ms"),
        engine=engine,
    )


def answer(case: Case, bars: Bars) -> dict[str, Any]:
    """One case, single or sweep."""
    return sweep(case, bars) if case.sweep else timed(case, bars, run)


if __name__ == "__main__":
    rust = version("vectorbt-rust")
    drive(f"vectorbt {version('vectorbt')} (vectorbt-rust {rust})", answer)
