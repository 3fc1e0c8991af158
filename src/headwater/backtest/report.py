"""The report of a run: one HTML file that needs nothing else and asks nobody for anything.

It can be kept beside a strategy, sent, and opened in ten years. Charts are drawn by the library of
the dashboard, which is in the file; where it was not installed they are plain drawings. A run of a
million bars makes a file of a few megabytes, because lines are thinned to what a screen can show,
with every extreme kept, and the page holds the newest 20,000 trades.
"""

from pathlib import Path
from typing import Any

from headwater.backtest.report_months import monthly_returns
from headwater.backtest.report_page import MODULES, body_of, page
from headwater.backtest.report_prices import bracket_of, price_chart, price_section
from headwater.backtest.report_sections import (
    assumptions_section,
    coverage_section,
    drawdowns_section,
    equity_section,
    metrics_section,
    months_section,
    parameters_table,
    unfilled_section,
    warnings_of,
)
from headwater.backtest.report_series import equity_series
from headwater.backtest.report_trades import trade_data, trades_section
from headwater.backtest.result import BacktestResult
from headwater.strategies.bars import time_text

__all__ = ["report_html"]

_LINES = (
    "Above the equity at each close; then the fraction below its highest so far; below the "
    "notional of the position over the equity, negative for short."
)


def report_html(result: BacktestResult, title: str = "", *, modules: Path = MODULES) -> str:
    """The report as the text of an HTML file.

    Args:
        result: of a run; one without trades, or of a ruined account, makes a report too.
        title: of the page, plain text; empty: strategy and symbol.
        modules: folder of the dashboard's third-party modules.
    """
    title = title or f"{result.strategy} on {result.symbol or 'an unnamed symbol'}"
    equity = equity_series(result.bars, result.outcome)
    price = price_chart(result.bars)
    places = {price.contract: price.places}
    trades = trade_data(result)
    outcome = result.outcome
    ran = len(outcome.equity)
    years = monthly_returns(result.bars.timestamp_ms[:ran], outcome.equity, outcome.initial_capital)
    sections = (
        (
            "equity",
            "Equity, drawdown and exposure",
            equity_section(
                equity, result.outcome.initial_capital, result.outcome.final_equity, _LINES
            ),
        ),
        ("price", "Price and trades", price_section(price)),
        ("returns", "Returns by month", months_section(years)),
        ("figures", "Figures", metrics_section(result.performance)),
        ("drawdowns", "Drawdowns", drawdowns_section(result.performance)),
        ("trade-list", "Trades", trades_section(trades, len(result.trades), places)),
        ("unfilled", "What was not filled, and what is uncertain", unfilled_section(result)),
        ("parameters", "Parameters", parameters_table(result.parameters)),
        (
            "assumptions",
            "Assumptions",
            assumptions_section(result.assumptions.told(), result.look_ahead.how),
        ),
        ("data-coverage", "Data", coverage_section(result.coverage, result.symbol)),
    )
    data: dict[str, Any] = {
        "equity": equity,
        "prices": [price] if price.candles.time_s else [],
        "trades": trades if trades.side else None,
        "places": places,
        "bracket": bracket_of(result.parameters),
    }
    body = body_of(title, _intro(result), warnings_of(result), result.performance, sections)
    return page(title, body, data, script="report.js", modules=modules)


def _intro(result: BacktestResult) -> str:
    times = result.bars.timestamp_ms
    span = f"{time_text(int(times[0]))} to {time_text(int(times[-1]))}" if len(times) else "no bars"
    return f"Back-test of {result.strategy} over {len(times):,} bars, {span}; {_costs(result)}."


def _costs(result: BacktestResult) -> str:
    assumed = result.assumptions
    whose = f" ({assumed.exchange}'s public taker fee)" if assumed.exchange else ""
    return (
        f"fee {assumed.fee_rate * 1e4:g} bps{whose}, slippage {assumed.slippage_rate * 1e4:g} bps, "
        f"fills at {'the next open' if assumed.fill == 'next-open' else 'the same close'}"
    )
