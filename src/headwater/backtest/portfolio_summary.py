"""The result of a run over several contracts as JSON; names as in `summary.py` where they agree.

Trades have times instead of numbers of bars: the contracts have bars of their own each.
"""

from typing import Any

import msgspec

from headwater.analytics.performance import SharpeRatios
from headwater.backtest.portfolio import PortfolioResult
from headwater.backtest.portfolio_contracts import ContractFigures, contract_figures

__all__ = ["PortfolioSummary", "PortfolioTradeRow", "portfolio_summary"]


class PortfolioTradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trade.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        side: `long` or `short`.
        entry_ms: time of the first fill, ms since the epoch.
        exit_ms: of the last; null while it is open.
        entry_price: average, quote currency, slippage included.
        exit_price: likewise; null while it is open.
        pnl: profit after fees and funding, quote currency; null while it is open.
        quantity: base units.
        fees: paid, quote currency.
        funding: received, quote currency.
        exit_reason: `signal`, `reversal`, `stop_loss`, `take_profit` or `liquidation`.
    """

    exchange: str
    symbol: str
    side: str
    entry_ms: int
    exit_ms: int | None
    entry_price: float
    exit_price: float | None
    pnl: float | None
    quantity: float
    fees: float
    funding: float
    exit_reason: str | None


class PortfolioSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """What `headwater backtest --json` prints of several contracts.

    Attributes:
        strategy: its name.
        parameters: all of them.
        contracts: each contract with its figures.
        interval_ms: the smallest distance of two times at which the equity was taken.
        initial_capital: quote currency.
        final_equity: quote currency.
        total_return: fraction of the capital.
        max_drawdown: negative fraction.
        trades: each trade, by the time of its entry; open ones last.
        sharpe: by its definitions.
        sortino: of the returns between samples, for 365 days.
        calmar: yearly growth over the deepest fall.
        omega: gains over losses of those returns.
        profit_factor: cash won over cash lost.
        win_rate: share of closed trades that won.
        insolvent: whether the account was ruined.
        insolvent_ms: when; null for a solvent one.
        pending: orders that were not final at the end.
        refused: orders that came to nothing, with the reason.
        ambiguous_bars: bars in which the rule "stop first" decided, by contract and time.
        assumptions: everything that was taken for granted, in words.
        look_ahead: what was done against look-ahead.
        drive: `events`.
        metrics: every figure by its name.
        equity_ms: times of the equity; null unless it was asked for.
        equity: equity at each of them; null unless it was asked for.
    """

    strategy: str
    parameters: dict[str, Any]
    contracts: tuple[ContractFigures, ...]
    interval_ms: int
    initial_capital: float
    final_equity: float
    total_return: float
    max_drawdown: float
    trades: tuple[PortfolioTradeRow, ...]
    sharpe: SharpeRatios
    sortino: float | None
    calmar: float | None
    omega: float | None
    profit_factor: float | None
    win_rate: float | None
    insolvent: bool
    insolvent_ms: int | None
    pending: tuple[dict[str, Any], ...]
    refused: tuple[dict[str, Any], ...]
    ambiguous_bars: tuple[dict[str, Any], ...]
    assumptions: dict[str, str]
    look_ahead: str
    drive: str
    metrics: dict[str, Any]
    equity_ms: tuple[int, ...] | None = None
    equity: tuple[float, ...] | None = None


def portfolio_summary(result: PortfolioResult, *, with_equity: bool = False) -> PortfolioSummary:
    """A result as JSON has it.

    Args:
        result: of a run.
        with_equity: whether the equity and its times are in it.

    Returns:
        The record; `msgspec.json.encode` writes it.
    """
    figures, outcome = result.performance, result.outcome
    return PortfolioSummary(
        strategy=result.strategy,
        parameters=dict(result.parameters),
        contracts=contract_figures(result),
        interval_ms=result.interval_ms,
        initial_capital=outcome.initial_capital,
        final_equity=outcome.final_equity,
        total_return=figures.total_return,
        max_drawdown=figures.max_drawdown,
        trades=_trades(result),
        sharpe=figures.sharpe,
        sortino=figures.sortino,
        calmar=figures.calmar,
        omega=figures.omega,
        profit_factor=figures.profit_factor,
        win_rate=figures.win_rate,
        insolvent=outcome.insolvent_ms is not None,
        insolvent_ms=outcome.insolvent_ms,
        pending=tuple(msgspec.to_builtins(one) for one in outcome.pending),
        refused=tuple(msgspec.to_builtins(one) for one in outcome.refused),
        ambiguous_bars=tuple(msgspec.to_builtins(one) for one in outcome.ambiguous_bars),
        assumptions=result.told(),
        look_ahead=result.look_ahead,
        drive="events",
        metrics=msgspec.to_builtins(figures),
        equity_ms=tuple(outcome.sample_ms.tolist()) if with_equity else None,
        equity=tuple(outcome.equity.tolist()) if with_equity else None,
    )


def _trades(result: PortfolioResult) -> tuple[PortfolioTradeRow, ...]:
    return tuple(
        PortfolioTradeRow(
            exchange=one.exchange,
            symbol=one.symbol,
            side="long" if one.is_long else "short",
            entry_ms=one.entry_ms,
            exit_ms=one.exit_ms,
            entry_price=one.entry_price,
            exit_price=None if one.exit_ms is None else one.exit_price,
            pnl=one.pnl,
            quantity=one.quantity,
            fees=one.entry_fee + one.exit_fee,
            funding=one.funding,
            exit_reason=None if one.exit_reason is None else one.exit_reason.value,
        )
        for one in result.trades
    )
