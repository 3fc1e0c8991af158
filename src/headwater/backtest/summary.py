"""The result as JSON: the contract that others hold us to.

Field names are fixed; figures that are not defined (no trade, no loss, a ruined account) are null.
"""

from typing import Any

import msgspec

from headwater.analytics.performance import SharpeRatios
from headwater.backtest.result import BacktestResult

__all__ = ["Summary", "TradeRow", "summary"]


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trade.

    Attributes:
        side: `long` or `short`.
        entry_bar: number of the bar of the entry's fill, from 0.
        exit_bar: of the exit's; null while it is open.
        entry_price: quote currency, slippage included.
        exit_price: likewise; null while it is open.
        pnl: profit after fees and funding, quote currency; null while it is open.
        quantity: base units.
        fees: paid, quote currency.
        funding: received, quote currency.
        exit_reason: `signal`, `reversal`, `stop_loss`, `take_profit` or `liquidation`.
    """

    side: str
    entry_bar: int
    exit_bar: int | None
    entry_price: float
    exit_price: float | None
    pnl: float | None
    quantity: float
    fees: float
    funding: float
    exit_reason: str | None


class Summary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """What `headwater backtest --json` prints.

    Attributes:
        strategy: its name.
        parameters: all of them.
        symbol: canonical symbol, empty when it is not known.
        bars: how many were run over.
        interval_ms: their length.
        start_ms: opening time of the first.
        end_ms: opening time of the last.
        initial_capital: quote currency.
        final_equity: quote currency.
        total_return: fraction of the capital.
        max_drawdown: negative fraction.
        trades: each trade.
        sharpe: by its definitions.
        sortino: of the bars' returns, for 365 days.
        calmar: yearly growth over the deepest fall.
        omega: gains over losses of the bars' returns.
        profit_factor: cash won over cash lost.
        win_rate: share of closed trades that won.
        insolvent: whether the account was ruined.
        insolvent_bar: in which bar; null for a solvent one.
        pending: decisions without a bar to be filled in.
        refused: orders that were not placed, with the reason.
        ambiguous_bars: bars in which the rule "stop first" decided.
        assumptions: everything that was taken for granted, in words.
        look_ahead: what was done against look-ahead.
        missing_bars: how many bars the data lack within their time.
        drive: `signals`, `callbacks` or `events`.
        metrics: every figure by its name.
        equity: equity at each close; null unless it was asked for.
    """

    strategy: str
    parameters: dict[str, Any]
    symbol: str
    bars: int
    interval_ms: int
    start_ms: int
    end_ms: int
    initial_capital: float
    final_equity: float
    total_return: float
    max_drawdown: float
    trades: tuple[TradeRow, ...]
    sharpe: SharpeRatios
    sortino: float | None
    calmar: float | None
    omega: float | None
    profit_factor: float | None
    win_rate: float | None
    insolvent: bool
    insolvent_bar: int | None
    pending: tuple[dict[str, Any], ...]
    refused: tuple[dict[str, Any], ...]
    ambiguous_bars: tuple[int, ...]
    assumptions: dict[str, str]
    look_ahead: str
    missing_bars: int
    drive: str
    metrics: dict[str, Any]
    equity: tuple[float, ...] | None = None


def summary(result: BacktestResult, *, with_equity: bool = False) -> Summary:
    """A result as the JSON contract has it.

    Args:
        result: of a run.
        with_equity: whether the equity at each close is in it.

    Returns:
        The record; `msgspec.json.encode` writes it.
    """
    figures = result.performance
    outcome = result.outcome
    times = result.bars.timestamp_ms
    return Summary(
        strategy=result.strategy,
        parameters=dict(result.parameters),
        symbol=result.symbol,
        bars=len(result.bars),
        interval_ms=result.interval_ms,
        start_ms=int(times[0]),
        end_ms=int(times[-1]),
        initial_capital=outcome.initial_capital,
        final_equity=outcome.final_equity,
        total_return=figures.total_return,
        max_drawdown=figures.max_drawdown,
        trades=tuple(
            TradeRow(
                side=one.side,
                entry_bar=one.entry_bar,
                exit_bar=one.exit_bar,
                entry_price=one.entry_price,
                exit_price=one.exit_price,
                pnl=one.pnl,
                quantity=one.quantity,
                fees=one.fees,
                funding=one.funding,
                exit_reason=None if one.exit_reason is None else one.exit_reason.value,
            )
            for one in result.trades
        ),
        sharpe=figures.sharpe,
        sortino=figures.sortino,
        calmar=figures.calmar,
        omega=figures.omega,
        profit_factor=figures.profit_factor,
        win_rate=figures.win_rate,
        insolvent=outcome.insolvent_bar is not None,
        insolvent_bar=outcome.insolvent_bar,
        pending=tuple(msgspec.to_builtins(one) for one in outcome.pending),
        refused=tuple(msgspec.to_builtins(one) for one in outcome.refused),
        ambiguous_bars=outcome.ambiguous_bars,
        assumptions=result.assumptions.told(),
        look_ahead=result.look_ahead.how,
        missing_bars=result.coverage.missing_bars,
        drive=result.drive,
        metrics=msgspec.to_builtins(figures),
        equity=tuple(outcome.equity.tolist()) if with_equity else None,
    )
