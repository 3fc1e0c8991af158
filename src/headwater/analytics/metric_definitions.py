"""What each figure of `Performance` means, in words for reports: name → definition with formula.

r are the returns of bars, the first on the capital; n their number; A the bars in 365 days; d the
drawdowns equity / highest so far − 1, the capital included.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

METRIC_DEFINITIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "final_equity": ("Value at the last close, or at that of ruin; the capital without bars."),
        "total_pnl": "final_equity − capital, open positions at their last mark.",
        "total_return": "final_equity / capital − 1.",
        "cagr": (
            "(final_equity / capital)^(A / n) − 1; None when negative equity is left, without "
            "bars, or when it is beyond the largest float."
        ),
        "volatility": "std(r, ddof = 1) × sqrt(A); None for fewer than two bars.",
        "downside_volatility": "sqrt(Σ min(r, 0)² / n) × sqrt(A); None without bars.",
        "sharpe": (
            "Sharpe ratio on three bases: mean / std(ddof = 1) × sqrt(periods a year), risk-free "
            "rate 0; None where std is 0."
        ),
        "sharpe.bar_365": "mean(r) / std(r, ddof = 1) × sqrt(A): bar returns, 365 days.",
        "sharpe.daily_arith_365": (
            "The same of arithmetic returns between the last values of UTC days that have a "
            "bar, × sqrt(365); the first day gives no return."
        ),
        "sharpe.daily_arith_252": "The same daily returns, × sqrt(252).",
        "sortino": "mean(r) × sqrt(A) / sqrt(Σ min(r, 0)² / n); None when no bar lost.",
        "calmar": "cagr / |max_drawdown|; None without drawdown or cagr.",
        "omega": "Σ max(r, 0) / Σ max(−r, 0); None when no bar lost.",
        "max_drawdown": "min(d), ≤ 0.",
        "avg_drawdown": "Mean depth of the drawdown periods, < 0; None without one.",
        "drawdown_count": "Number of drawdown periods.",
        "avg_drawdown_bars": (
            "Mean length of the drawdown periods in bars, high to recovery or end; None without "
            "one."
        ),
        "max_drawdown_bars": "Length of the longest drawdown period in bars; 0 without one.",
        "avg_drawdown_ms": "Mean length of the drawdown periods in milliseconds; None without one.",
        "max_drawdown_ms": "Longest drawdown period in milliseconds; 0 without one.",
        "worst_drawdowns": "The ten deepest drawdown periods, deepest first.",
        "ulcer_index": "sqrt(Σ d² / n).",
        "pain_index": "Σ |d| / n.",
        "pain_ratio": "cagr / pain_index; None without drawdown or cagr.",
        "total_trades": "Closed trades.",
        "profit": "Σ pnl of closed trades.",
        "win_rate": "Trades with pnl > 0 / all; None without trades.",
        "profit_factor": "Σ pnl > 0 / |Σ pnl < 0|, in cash; None when no trade lost.",
        "avg_win": "Mean of pnl > 0; None when no trade won.",
        "avg_loss": "Mean of pnl < 0; None when no trade lost.",
        "expectancy": "Σ pnl / trades; None without trades.",
        "best_trade": "Largest pnl; None without trades.",
        "worst_trade": "Smallest pnl; None without trades.",
        "exposure": ("Bars with an open position / bars; None when not told, or without bars."),
        "ruined_bar": "First bar that closed with equity ≤ 1e-30 × capital; None if solvent.",
    }
)
