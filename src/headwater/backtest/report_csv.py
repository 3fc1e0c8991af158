"""Files of a run for other programs: its trades and its equity as CSV, with all digits."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from headwater.backtest.report_series import drawdowns
from headwater.backtest.result import BacktestResult
from headwater.strategies.bars import time_text

__all__ = ["equity_csv", "trades_csv"]

_TRADE_HEADS: Final = (
    *("side", "entry_bar", "entry_time", "entry_price", "exit_bar", "exit_time", "exit_price"),
    *("quantity", "pnl", "fees", "funding", "exit_reason"),
)
_EQUITY_HEADS: Final = ("bar", "timestamp", "close", "equity", "drawdown", "held")
_CHUNK: Final = 10_000
"""Rows of equity that are made to text at once."""


def trades_csv(result: BacktestResult) -> str:
    """The trades, oldest first; what an open one does not have yet is empty.

    Times are ISO 8601 in UTC and those at which the bars open; prices, profit, fees and funding are
    in the quote currency.

    Args:
        result: of the run.
    """
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(_TRADE_HEADS)
    times = result.bars.timestamp_ms
    for one in result.trades:
        rows.writerow(
            (
                one.side,
                one.entry_bar,
                time_text(int(times[one.entry_bar])),
                one.entry_price,
                _or_empty(one.exit_bar),
                "" if one.exit_bar is None else time_text(int(times[one.exit_bar])),
                _or_empty(one.exit_price),
                one.quantity,
                _or_empty(one.pnl),
                one.fees,
                one.funding,
                "" if one.exit_reason is None else one.exit_reason.value,
            )
        )
    return written.getvalue()


def equity_csv(result: BacktestResult) -> Iterator[str]:
    """The equity at every close that was run, in pieces: a million rows are not one text.

    `drawdown` is a fraction ≤ 0, `held` base units, negative for short.

    Args:
        result: of the run.
    """
    yield ",".join(_EQUITY_HEADS) + "\r\n"
    outcome = result.outcome
    below = drawdowns(outcome.equity, outcome.initial_capital)
    for start in range(0, len(outcome.equity), _CHUNK):
        part = slice(start, min(start + _CHUNK, len(outcome.equity)))
        columns = zip(
            range(part.start, part.stop),
            result.bars.timestamp_ms[part].tolist(),
            result.bars.close[part].tolist(),
            outcome.equity[part].tolist(),
            below[part].tolist(),
            outcome.held[part].tolist(),
            strict=True,
        )
        yield "".join(
            f"{bar},{time_text(at)},{close!r},{equity!r},{drawdown!r},{held!r}\r\n"
            for bar, at, close, equity, drawdown, held in columns
        )


def _or_empty(value: float | None) -> float | str:
    return "" if value is None else value
