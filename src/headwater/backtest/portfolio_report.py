"""The report of a run over several contracts: one HTML file, made as that of a single run is."""

from html import escape
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.backtest.portfolio import PortfolioResult
from headwater.backtest.portfolio_contracts import (
    ContractFigures,
    contract_figures,
    contract_name,
    exposures,
)
from headwater.backtest.report_drawing import Line, drawing
from headwater.backtest.report_months import monthly_returns
from headwater.backtest.report_page import MODULES, body_of, page, slot, table
from headwater.backtest.report_prices import (
    PriceChart,
    bracket_of,
    price_chart,
    prices_section,
)
from headwater.backtest.report_sections import (
    assumptions_section,
    coverage_section,
    drawdowns_section,
    equity_section,
    metrics_section,
    months_section,
    parameters_table,
    wordy,
)
from headwater.backtest.report_series import (
    EquitySeries,
    drawdowns,
    kept_points,
    points_each,
    seconds_of,
    shortened,
)
from headwater.backtest.report_trades import portfolio_trade_data, trades_section
from headwater.core.formatting import fixed
from headwater.strategies.bars import time_text

__all__ = ["ExposureLine", "portfolio_report_html"]

_LINES = (
    "Above the equity whenever a bar ended; then the fraction below its highest so far; below the "
    "notional of all positions over the equity, long and short added up."
)

_TITLED: Final = 4
"""Contracts that the title names; the rest is counted."""

_LISTED: Final = 200
"""Refusals, pending orders and ambiguous bars that are listed; the rest is counted."""


class ExposureLine(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a contract was held, as columns of equal length.

    Attributes:
        name: `exchange:symbol`.
        time_s: seconds since the epoch.
        exposure: notional over the equity, negative for short.
    """

    name: str
    time_s: list[float]
    exposure: list[float]


def portfolio_report_html(
    result: PortfolioResult, title: str = "", *, modules: Path = MODULES
) -> str:
    """The report as the text of an HTML file.

    Args:
        result: of a run; one without trades, or of a ruined account, makes a report too.
        title: of the page, plain text; empty: strategy and contracts.
        modules: folder of the dashboard's third-party modules.
    """
    figures = contract_figures(result)
    names = [contract_name(one.exchange, one.symbol) for one in figures]
    title = title or f"{result.strategy} on {_called(names)}"
    equity, lines = _series(result, names)
    prices = _prices(result, names)
    trades = portfolio_trade_data(result.trades)
    places = {one.contract: one.places for one in prices}
    outcome = result.outcome
    years = monthly_returns(result.opened_ms, outcome.equity, outcome.initial_capital)
    coverage = "".join(
        f"<h3>{escape(name)}</h3>{coverage_section(one.coverage, one.symbol)}"
        for name, one in zip(names, figures, strict=True)
    )
    sections = (
        (
            "equity",
            "Equity, drawdown and exposure",
            equity_section(equity, outcome.initial_capital, outcome.final_equity, _LINES),
        ),
        ("prices", "Prices and trades", prices_section(prices)),
        ("exposures", "Exposure by contract", _exposures(lines)),
        ("contracts", "Contracts", _contracts(names, figures)),
        ("returns", "Returns by month", months_section(years)),
        ("figures", "Figures", metrics_section(result.performance)),
        ("drawdowns", "Drawdowns", drawdowns_section(result.performance)),
        ("trade-list", "Trades", trades_section(trades, len(result.trades), places)),
        ("unfilled", "What was not filled, and what is uncertain", _unfilled(result)),
        ("parameters", "Parameters", parameters_table(result.parameters)),
        ("assumptions", "Assumptions", assumptions_section(result.told(), result.look_ahead)),
        ("data-coverage", "Data", coverage),
    )
    data: dict[str, Any] = {
        "equity": equity,
        "exposures": lines,
        "prices": [one for one in prices if one.candles.time_s],
        "trades": trades if trades.side else None,
        "places": places,
        "bracket": bracket_of(result.parameters),
    }
    body = body_of(title, _intro(result, names), _warnings(result), result.performance, sections)
    return page(title, body, data, script="report.js", modules=modules)


def _called(names: list[str]) -> str:
    """The contracts in a title: the first few by name."""
    more = len(names) - _TITLED
    return ", ".join(names[:_TITLED]) + (f" and {more} more" if more > 0 else "")


def _intro(result: PortfolioResult, names: list[str]) -> str:
    opened = result.opened_ms
    span = f"{time_text(int(opened[0]))} to {time_text(int(opened[-1]))}"
    return (
        f"Back-test of {result.strategy} over {len(names)} contracts on one account, {span}; what "
        "each pays is among the assumptions."
    )


def _series(
    result: PortfolioResult, names: list[str]
) -> tuple[EquitySeries, tuple[ExposureLine, ...]]:
    """What the charts draw; the exposure beside the equity is that of all contracts, unsigned."""
    outcome = result.outcome
    below = drawdowns(outcome.equity, outcome.initial_capital)
    shares = exposures(result)
    gross: FloatArray = np.sum(np.abs(shares), axis=0)
    kept = kept_points((outcome.equity, below, gross))
    equity = EquitySeries(
        time_s=seconds_of(result.opened_ms[kept]),
        equity=shortened(outcome.equity[kept]),
        drawdown=shortened(below[kept]),
        exposure=shortened(gross[kept], digits=4),
    )
    lines = []
    for name, one in zip(names, shares, strict=True):
        kept = kept_points((one,), points_each(len(names)))
        held = shortened(one[kept], digits=4)
        lines.append(
            ExposureLine(name=name, time_s=seconds_of(result.opened_ms[kept]), exposure=held)
        )
    return equity, tuple(lines)


def _prices(result: PortfolioResult, names: list[str]) -> tuple[PriceChart, ...]:
    """The price chart of every contract, in the order of the account."""
    return tuple(
        price_chart(stream.all_bars(), name, at, len(names))
        for at, (stream, name) in enumerate(zip(result.streams, names, strict=True))
    )


def _exposures(lines: tuple[ExposureLine, ...]) -> str:
    drawn = [
        Line(times=one.time_s, values=one.exposure, colour=at % 4) for at, one in enumerate(lines)
    ]
    plain = drawing(drawn, "Exposure by contract over time")
    return (
        '<p class="dim">Notional of the position over the account\'s equity, negative for short. '
        f"Keys: arrows, + and −, Home.</p>{slot('exposures', 'Exposure by contract', plain)}"
    )


def _contracts(names: list[str], figures: tuple[ContractFigures, ...]) -> str:
    rows = [
        (
            name,
            f"{one.closed_trades:,}",
            f"{one.open_trades:,}",
            "–" if one.win_rate is None else f"{fixed(100 * one.win_rate, 2)} %",
            fixed(one.pnl, 2),
            fixed(one.fees, 2),
            fixed(one.funding, 2),
            f"{fixed(100 * one.exposure, 2)} %",
        )
        for name, one in zip(names, figures, strict=True)
    ]
    heads = ("contract", "closed", "open", "won", "profit", "fees", "funding", "time held")
    return table("What came of each contract", heads, rows)


def _warnings(result: PortfolioResult) -> str:
    """What must not be overlooked: ruin first, then what makes the figures less certain."""
    outcome, found = result.outcome, []
    if outcome.insolvent_ms is not None:
        found.append(
            f'<p class="loud" role="alert">INSOLVENT: the account was ruined at '
            f"{time_text(outcome.insolvent_ms)}. The run stopped there; ratios over the whole time "
            "mean nothing.</p>"
        )
    if outcome.ambiguous_bars:
        found.append(
            f'<p class="notice">In {len(outcome.ambiguous_bars):,} bars both stop and target were '
            "reached, and nothing tells which came first: the stop was taken.</p>"
        )
    if outcome.dropped:
        found.append(
            f'<p class="notice">{outcome.dropped:,} order events that were no fills are not '
            "kept.</p>"
        )
    return "".join(found)


def _unfilled(result: PortfolioResult) -> str:
    """Orders that were open at the end or came to nothing, and bars that were ambiguous."""
    outcome, parts = result.outcome, []
    if outcome.pending:
        rows = [
            (
                time_text(one.created_at_ms),
                contract_name(one.request.exchange, one.request.symbol),
                f"{one.request.side} {one.request.order_type}",
                str(one.state),
            )
            for one in outcome.pending[:_LISTED]
        ]
        caption = _cut("Orders open at the end", len(outcome.pending))
        parts.append(wordy(table(caption, ("placed", "contract", "order", "state"), rows)))
    if outcome.refused:
        rows = [
            (
                time_text(one.at_ms),
                contract_name(one.exchange, one.symbol),
                one.action.replace("_", " "),
                one.reason,
            )
            for one in outcome.refused[:_LISTED]
        ]
        caption = _cut("Refused orders", len(outcome.refused))
        parts.append(wordy(table(caption, ("at", "contract", "action", "why"), rows)))
    if outcome.ambiguous_bars:
        bars = [
            (time_text(one.at_ms), contract_name(one.exchange, one.symbol))
            for one in outcome.ambiguous_bars[:_LISTED]
        ]
        caption = _cut("Ambiguous bars", len(outcome.ambiguous_bars))
        parts.append(wordy(table(caption, ("bar", "contract"), bars)))
    return "".join(parts) or (
        "<p>No order was open at the end, none was refused, no bar was ambiguous.</p>"
    )


def _cut(caption: str, count: int) -> str:
    return f"{caption}: the first {_LISTED} of {count:,}" if count > _LISTED else caption
