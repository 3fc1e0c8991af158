"""Figures of closed trades from their profits in cash, after fees and funding."""

import math

import msgspec
import numpy.typing as npt

from headwater.analytics.indicator_series import read_series
from headwater.core.errors import RequestError


class TradeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What closed trades earned, in cash. A trade that earned nothing neither won nor lost.

    Attributes:
        total: number of trades.
        profit: Σ pnl.
        win_rate: won / total; None without trades.
        profit_factor: Σ pnl of won / |Σ pnl of lost|; None when none was lost.
        average_win: mean pnl of won; None when none was won.
        average_loss: mean pnl of lost, < 0; None when none was lost.
        expectancy: Σ pnl / total; None without trades.
        best: largest pnl; None without trades.
        worst: smallest pnl; None without trades.
    """

    total: int
    profit: float
    win_rate: float | None
    profit_factor: float | None
    average_win: float | None
    average_loss: float | None
    expectancy: float | None
    best: float | None
    worst: float | None


def trade_figures(pnls: npt.ArrayLike) -> TradeFigures:
    """Sums up closed trades.

    Args:
        pnls: profit or loss of each, in cash; shape (trades,).

    Raises:
        RequestError: not one axis of finite numbers.
    """
    earned, first = read_series("trade_pnls", pnls)
    if first:
        raise RequestError("trade_pnls[0]", float(earned[0]), "finite numbers")
    won, lost = earned[earned > 0.0], earned[earned < 0.0]
    wins, losses = float(won.sum()), float(lost.sum())
    total = earned.size
    profit = float(earned.sum())
    return TradeFigures(
        total=total,
        profit=profit,
        win_rate=won.size / total if total else None,
        profit_factor=_factor(wins, -losses),
        average_win=wins / won.size if won.size else None,
        average_loss=losses / lost.size if lost.size else None,
        expectancy=profit / total if total else None,
        best=float(earned.max()) if total else None,
        worst=float(earned.min()) if total else None,
    )


def _factor(wins: float, losses: float) -> float | None:
    """The quotient; None when nothing was lost, or so little that no float holds it."""
    factor = wins / losses if losses > 0.0 else math.inf
    return factor if math.isfinite(factor) else None
