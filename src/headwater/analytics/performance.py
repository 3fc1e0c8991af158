"""One record of what a run achieved, each figure with its formula (`metric_definitions`).

Compares with others: Sharpe on bars, Sortino, Calmar and omega are vectorbt's for a year of 365
days. Others resample to days, take geometric means or count 252 days; hence three Sharpe ratios,
each named for its basis.
"""

import msgspec
import numpy as np
import numpy.typing as npt

from headwater.analytics.drawdowns import DrawdownPeriod, drawdown_figures
from headwater.analytics.equity_curve import (
    YEAR_DAYS,
    bars_per_year,
    read_equity,
    read_times,
)
from headwater.analytics.returns import (
    ReturnFigures,
    annual_growth,
    daily_figures,
    return_figures,
)
from headwater.analytics.trade_figures import trade_figures
from headwater.core.errors import RequestError


class SharpeRatios(msgspec.Struct, frozen=True, kw_only=True):
    """mean / std(ddof = 1) × sqrt(periods a year) on three bases; None where std is 0.

    Attributes:
        bar_365: bar returns, the first on the capital; as many periods as bars in 365 days.
        daily_arith_365: returns between the last values of UTC days; 365 periods.
        daily_arith_252: the same returns; 252 periods.
    """

    bar_365: float | None
    daily_arith_365: float | None
    daily_arith_252: float | None


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """What a run achieved; fractions, cash, bars and milliseconds; None where not defined.

    r are the returns of bars, n their number, A the bars in 365 days, d the drawdowns
    equity / highest so far − 1. Of a ruined account nothing after the bar of ruin counts.

    Attributes:
        final_equity: value at the last close, or at that of ruin; the capital without bars.
        total_pnl: final_equity − capital, open positions at their last mark.
        total_return: final_equity / capital − 1.
        cagr: (final_equity / capital)^(A / n) − 1; None when negative equity is left, without
            bars, or when it is beyond the largest float.
        volatility: std(r, ddof = 1) × sqrt(A); None for fewer than two bars.
        downside_volatility: sqrt(Σ min(r, 0)² / n) × sqrt(A); None without bars.
        sharpe: three Sharpe ratios.
        sortino: mean(r) × sqrt(A) / sqrt(Σ min(r, 0)² / n); None when no bar lost.
        calmar: cagr / |max_drawdown|; None without drawdown or cagr.
        omega: Σ max(r, 0) / Σ max(−r, 0); None when no bar lost.
        max_drawdown: min(d), ≤ 0.
        avg_drawdown: mean depth of the drawdown periods, < 0; None without one.
        drawdown_count: number of drawdown periods.
        avg_drawdown_bars: mean length of the periods, high to recovery or end; None without one.
        max_drawdown_bars: longest length; 0 without a period.
        avg_drawdown_ms: as `avg_drawdown_bars`, in time.
        max_drawdown_ms: as `max_drawdown_bars`, in time.
        worst_drawdowns: the ten deepest periods, deepest first.
        ulcer_index: sqrt(Σ d² / n).
        pain_index: Σ |d| / n.
        pain_ratio: cagr / pain_index; None without drawdown or cagr.
        total_trades: closed trades.
        profit: Σ pnl of closed trades.
        win_rate: trades with pnl > 0 / all; None without trades.
        profit_factor: Σ pnl > 0 / |Σ pnl < 0|, in cash; None when no trade lost.
        avg_win: mean of pnl > 0; None when no trade won.
        avg_loss: mean of pnl < 0; None when no trade lost.
        expectancy: Σ pnl / trades; None without trades.
        best_trade: largest pnl; None without trades.
        worst_trade: smallest pnl; None without trades.
        exposure: bars with an open position / bars; None when not told, or without bars.
        ruined_bar: first bar that closed with equity ≤ 1e-30 × capital; None if solvent.
    """

    final_equity: float
    total_pnl: float
    total_return: float
    cagr: float | None
    volatility: float | None
    downside_volatility: float | None
    sharpe: SharpeRatios
    sortino: float | None
    calmar: float | None
    omega: float | None
    max_drawdown: float
    avg_drawdown: float | None
    drawdown_count: int
    avg_drawdown_bars: float | None
    max_drawdown_bars: int
    avg_drawdown_ms: float | None
    max_drawdown_ms: int
    worst_drawdowns: tuple[DrawdownPeriod, ...]
    ulcer_index: float
    pain_index: float
    pain_ratio: float | None
    total_trades: int
    profit: float
    win_rate: float | None
    profit_factor: float | None
    avg_win: float | None
    avg_loss: float | None
    expectancy: float | None
    best_trade: float | None
    worst_trade: float | None
    exposure: float | None
    ruined_bar: int | None


def performance(
    equity: npt.ArrayLike,
    *,
    capital: float,
    timestamps_ms: npt.ArrayLike,
    interval_ms: int,
    trade_pnls: npt.ArrayLike = (),
    exposed: npt.ArrayLike | None = None,
) -> Performance:
    """Measures a run.

    Args:
        equity: value at the close of each bar, in cash; shape (n,).
        capital: value before the first bar, > 0.
        timestamps_ms: UTC time of each bar, strictly rising; shape (n,). It decides the day.
        interval_ms: length of a bar, ≥ 1.
        trade_pnls: profit or loss of each closed trade, in cash; shape (trades,).
        exposed: not zero (or true) for each bar at whose close a position was open; shape (n,);
            None when that is not known. What lies after a ruin is not looked at.

    Raises:
        RequestError: see `equity_curve`; `exposed` of another shape.
    """
    values = np.asarray(equity)
    curve, ruined_bar = read_equity(values, capital)
    times = read_times(timestamps_ms, values.size)[: curve.size]
    periods = bars_per_year(interval_ms)
    bars = curve.size
    held = None if exposed is None else np.asarray(exposed)
    if held is not None and held.shape != values.shape:
        raise RequestError("exposed", held.shape, f"a value for each of the {values.size} bars")
    returns, days = return_figures(curve, capital), daily_figures(curve, times)
    falls = drawdown_figures(curve, capital=capital, timestamps_ms=times, interval_ms=interval_ms)
    trades = trade_figures(trade_pnls)
    final = float(curve[-1]) if bars else float(capital)
    cagr = annual_growth(final / capital, bars, interval_ms)
    return Performance(
        final_equity=final,
        total_pnl=final - capital,
        total_return=final / capital - 1.0,
        cagr=cagr,
        volatility=None if returns.deviation is None else returns.deviation * periods**0.5,
        downside_volatility=returns.downside * periods**0.5 if bars else None,
        sharpe=_sharpe_ratios(returns, days, periods),
        sortino=returns.sortino(periods),
        calmar=_ratio(cagr, -falls.deepest),
        omega=returns.omega(),
        max_drawdown=falls.deepest,
        avg_drawdown=falls.average_depth,
        drawdown_count=falls.periods,
        avg_drawdown_bars=falls.average_bars,
        max_drawdown_bars=falls.longest_bars,
        avg_drawdown_ms=falls.average_ms,
        max_drawdown_ms=falls.longest_ms,
        worst_drawdowns=falls.worst,
        ulcer_index=falls.ulcer_index,
        pain_index=falls.pain_index,
        pain_ratio=_ratio(cagr, falls.pain_index),
        total_trades=trades.total,
        profit=trades.profit,
        win_rate=trades.win_rate,
        profit_factor=trades.profit_factor,
        avg_win=trades.average_win,
        avg_loss=trades.average_loss,
        expectancy=trades.expectancy,
        best_trade=trades.best,
        worst_trade=trades.worst,
        exposure=None if held is None or not bars else int(np.count_nonzero(held[:bars])) / bars,
        ruined_bar=ruined_bar,
    )


def _sharpe_ratios(returns: ReturnFigures, days: ReturnFigures, periods: float) -> SharpeRatios:
    return SharpeRatios(
        bar_365=returns.sharpe(periods),
        daily_arith_365=days.sharpe(YEAR_DAYS),
        daily_arith_252=days.sharpe(252),
    )


def _ratio(above: float | None, below: float) -> float | None:
    """A quotient; None when the upper part is None, the lower 0 or the result no finite float."""
    if above is None or below <= 0.0:
        return None
    quotient = above / below
    return quotient if abs(quotient) < float("inf") else None
