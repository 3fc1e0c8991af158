"""The trades of a run as a report shows and saves them: columns, and the first rows as a table."""

import math
from collections.abc import Sequence
from itertools import islice
from typing import Final

import msgspec
import numpy as np

from headwater.backtest.outcome import Trade, TradeColumns
from headwater.backtest.report_page import Markup, table
from headwater.backtest.report_series import seconds_of
from headwater.backtest.result import BacktestResult
from headwater.core.formatting import fixed

__all__ = ["TRADES_MAX", "TradeData", "price_places", "trade_data", "trades_section"]

TRADES_MAX: Final = 20_000
"""Trades in a report, the newest; all of them are in the file of trades."""

ROWS_FIRST: Final = 50
"""Rows of the table before its script runs, or where none runs."""

_HEADS: Final = (
    *("#", "side", "entered (UTC)", "left (UTC)", "entry price", "exit price", "quantity"),
    *("profit", "return", "fees", "funding", "reason"),
)
_PLACES_MAX: Final = 8
_SAMPLE: Final = 500


class TradeData(msgspec.Struct, frozen=True, kw_only=True):
    """Columns of equal length for the script of the page, oldest trade first.

    Attributes:
        side: `long` or `short`.
        entry_s: opening time of the entry's bar, seconds since the epoch.
        exit_s: likewise of the exit; None while it is open.
        entry_price: quote currency.
        exit_price: likewise; None while it is open.
        quantity: base units.
        pnl: quote currency, after fees and funding; None while it is open.
        fees: quote currency.
        funding: received, quote currency.
        reason: of the exit; None while it is open.
    """

    side: list[str]
    entry_s: list[float]
    exit_s: list[float | None]
    entry_price: list[float]
    exit_price: list[float | None]
    quantity: list[float]
    pnl: list[float | None]
    fees: list[float]
    funding: list[float]
    reason: list[str | None]


def price_places(prices: Sequence[float]) -> int:
    """Decimal places with which prices are shown: as many as the most exact of some has.

    Not more than 8, and not more than the seven significant digits that a person compares.

    Args:
        prices: quote currency; some hundred of them, evenly taken, are looked at.
    """
    if not prices:
        return 2
    step = max(1, len(prices) // _SAMPLE)
    most = max(2, min(_PLACES_MAX, 6 - math.floor(math.log10(max(prices)))))
    texts = (f"{price:.{_PLACES_MAX}f}".rstrip("0") for price in islice(prices, 0, None, step))
    return min(most, max(len(text.partition(".")[2]) for text in texts))


def trade_data(result: BacktestResult, most: int = TRADES_MAX) -> TradeData:
    """The newest trades of a run.

    Args:
        result: of the run.
        most: trades at most.
    """
    columns: TradeColumns = result.outcome.trades
    times = seconds_of(result.bars.timestamp_ms[np.array(columns.entry_bar, dtype=np.int64)])
    newest = result.trades[-most:] if most else ()
    return TradeData(
        side=[one.side for one in newest],
        entry_s=times[len(times) - len(newest) :],
        exit_s=[
            None
            if one.exit_bar is None
            else seconds_of(result.bars.timestamp_ms[one.exit_bar : one.exit_bar + 1])[0]
            for one in newest
        ],
        entry_price=[_digits(one.entry_price) for one in newest],
        exit_price=[_digits_or_none(one.exit_price) for one in newest],
        quantity=[_digits(one.quantity) for one in newest],
        pnl=[_digits_or_none(one.pnl) for one in newest],
        fees=[_digits(one.fees) for one in newest],
        funding=[_digits(one.funding) for one in newest],
        reason=[None if one.exit_reason is None else one.exit_reason.value for one in newest],
    )


def trades_section(result: BacktestResult, data: TradeData, places: int) -> str:
    """The table with its first rows, and what it leaves out.

    Args:
        result: of the run.
        data: what the script shows of it.
        places: decimal places of prices.
    """
    total = len(result.trades)
    shown = len(data.side)
    if not total:
        return "<p>There was no trade.</p>"
    notes = []
    if shown < total:
        notes.append(
            f"The newest {shown:,} of {total:,} trades are in this page; the file of trades "
            "(--trades-csv) has all of them."
        )
    notes.append("Times are those at which the bars of the fills open. Profit is after fees.")
    first = result.trades[total - shown :][:ROWS_FIRST]
    rows = [_row(number + 1, one, result, places) for number, one in enumerate(first)]
    words = "".join(f'<p class="dim">{note}</p>' for note in notes)
    return (
        f'{words}<div class="bar" id="pager"></div>'
        f"{table('Trades, oldest first', _HEADS, rows, name='trades')}"
    )


def _row(number: int, one: Trade, result: BacktestResult, places: int) -> list[str]:
    times = result.bars.timestamp_ms
    value = one.entry_price * one.quantity
    return [
        str(number),
        one.side,
        _minute(int(times[one.entry_bar])),
        "open" if one.exit_bar is None else _minute(int(times[one.exit_bar])),
        fixed(one.entry_price, places),
        "–" if one.exit_price is None else fixed(one.exit_price, places),
        fixed(one.quantity, 6),
        "–" if one.pnl is None else _signed(one.pnl),
        "–" if one.pnl is None else f"{fixed(100 * one.pnl / value, 2)} %",
        fixed(one.fees, 2),
        fixed(one.funding, 2),
        "–" if one.exit_reason is None else one.exit_reason.value,
    ]


def _minute(timestamp_ms: int) -> str:
    return str(np.datetime64(timestamp_ms, "ms").astype("datetime64[m]")).replace("T", " ")


def _signed(amount: float) -> Markup:
    name = "gain" if amount >= 0 else "loss"
    return Markup(f'<span class="{name}">{fixed(amount, 2)}</span>')


def _digits(value: float) -> float:
    """Ten significant digits: a tenth of a cent of a hundred million."""
    return float(f"{value:.10g}")


def _digits_or_none(value: float | None) -> float | None:
    return None if value is None else _digits(value)
