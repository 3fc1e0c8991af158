"""Files of a run over several contracts for other programs: trades and equity, with all digits."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from headwater.backtest.portfolio import PortfolioResult
from headwater.backtest.portfolio_contracts import contract_name
from headwater.backtest.report_series import drawdowns
from headwater.strategies.bars import time_text

__all__ = ["portfolio_equity_csv", "portfolio_trades_csv"]

_TRADE_HEADS: Final = (
    *("exchange", "symbol", "side", "entry_time", "entry_price", "exit_time", "exit_price"),
    *("quantity", "pnl", "fees", "funding", "exit_reason"),
)


def portfolio_trades_csv(result: PortfolioResult) -> str:
    """The trades by the time of their entry, open ones last; what these do not have is empty.

    Times are ISO 8601 in UTC and those of the fills; prices, profit, fees and funding are in the
    quote currency.

    Args:
        result: of the run.
    """
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(_TRADE_HEADS)
    for one in result.trades:
        ended = one.exit_ms is not None
        rows.writerow(
            (
                one.exchange,
                one.symbol,
                "long" if one.is_long else "short",
                time_text(one.entry_ms),
                one.entry_price,
                time_text(one.exit_ms) if one.exit_ms is not None else "",
                one.exit_price if ended else "",
                one.quantity,
                one.pnl if ended else "",
                one.entry_fee + one.exit_fee,
                one.funding,
                "" if one.exit_reason is None else one.exit_reason.value,
            )
        )
    return written.getvalue()


def portfolio_equity_csv(result: PortfolioResult) -> Iterator[str]:
    """The equity at each time at which a bar ended, row by row.

    `drawdown` is a fraction ≤ 0; behind it the base units held of each contract, negative for
    short.

    Args:
        result: of the run.
    """
    outcome = result.outcome
    names = (contract_name(one.exchange, one.symbol) for one in result.streams)
    yield ",".join(("timestamp", "equity", "drawdown", *names)) + "\r\n"
    below = drawdowns(outcome.equity, outcome.initial_capital)
    columns = (column.tolist() for column in (outcome.equity, below, *outcome.held))
    for at_ms, *values in zip(outcome.sample_ms.tolist(), *columns, strict=True):
        yield f"{time_text(at_ms)},{','.join(map(repr, values))}\r\n"
