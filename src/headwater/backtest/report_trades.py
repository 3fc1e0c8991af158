"""The trades of a run as a report shows and saves them: columns, and the first rows as a table."""

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

import msgspec

from headwater.backtest.report_page import Markup, table
from headwater.backtest.report_series import seconds_of
from headwater.backtest.result import BacktestResult
from headwater.backtest.round_trips import RoundTrip
from headwater.core.formatting import fixed
from headwater.strategies.bars import time_text

__all__ = [
    "TRADES_MAX",
    "TradeData",
    "portfolio_trade_data",
    "price_places",
    "trade_data",
    "trades_section",
]

TRADES_MAX: Final = 20_000
"""Trades in a report, the newest; all of them are in the file of trades."""

ROWS_FIRST: Final = 50
"""Rows of the table before its script runs, or where none runs."""

_HEADS: Final = (
    *("#", "side", "entered (UTC)", "left (UTC)", "entry price", "exit price", "quantity"),
    *("profit", "return", "fees", "funding", "reason"),
)
_PLACES: Final = 2
_PLACES_MAX: Final = 8
_SAMPLE: Final = 500


class TradeData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
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
        contract: `exchange:symbol`, of a run over several; else empty and left out of the JSON.
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
    contract: list[str] = []


def price_places(prices: Sequence[float]) -> int:
    """Decimal places with which prices are shown: as many as the most exact of some has.

    Not more than 8, and not more than the seven significant digits that a person compares.

    Args:
        prices: quote currency; some hundred of them, evenly taken, are looked at.
    """
    if not prices:
        return _PLACES
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
    times = seconds_of(result.bars.timestamp_ms[result.outcome.trades.entry_bar])
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
        exit_price=[_shown(one.exit_price) for one in newest],
        quantity=[_digits(one.quantity) for one in newest],
        pnl=[_shown(one.pnl) for one in newest],
        fees=[_digits(one.fees) for one in newest],
        funding=[_digits(one.funding) for one in newest],
        reason=[None if one.exit_reason is None else one.exit_reason.value for one in newest],
    )


def portfolio_trade_data(trips: Sequence[RoundTrip], most: int = TRADES_MAX) -> TradeData:
    """The newest trades of a run over several contracts; times are those of the fills.

    Args:
        trips: oldest first.
        most: trades at most.
    """
    newest = trips[-most:] if most else ()
    return TradeData(
        contract=[f"{one.exchange}:{one.symbol}" for one in newest],
        side=["long" if one.is_long else "short" for one in newest],
        entry_s=[one.entry_ms / 1000 for one in newest],
        exit_s=[None if one.exit_ms is None else one.exit_ms / 1000 for one in newest],
        entry_price=[_digits(one.entry_price) for one in newest],
        exit_price=[None if one.exit_ms is None else _shown(one.exit_price) for one in newest],
        quantity=[_digits(one.quantity) for one in newest],
        pnl=[_shown(one.pnl) for one in newest],
        fees=[_digits(one.entry_fee + one.exit_fee) for one in newest],
        funding=[_digits(one.funding) for one in newest],
        reason=[None if one.exit_reason is None else one.exit_reason.value for one in newest],
    )


def trades_section(data: TradeData, total: int, places: Mapping[str, int]) -> str:
    """The table with its first rows, and what it leaves out.

    Args:
        data: what the script shows.
        total: trades of the run.
        places: decimal places of the prices of each contract, by its name.
    """
    shown = len(data.side)
    if not total:
        return "<p>There was no trade.</p>"
    notes = []
    if shown < total:
        notes.append(
            f"The newest {shown:,} of {total:,} trades are in this page; the file of trades "
            "(--trades-csv) has all of them."
        )
    whose = "of the fills" if data.contract else "at which the bars of the fills open"
    notes.append(f"Times are those {whose}. Profit is after fees.")
    rows = [_row(at, data, places) for at in range(min(shown, ROWS_FIRST))]
    words = "".join(f'<p class="dim">{note}</p>' for note in notes)
    heads = (_HEADS[0], *(("contract",) if data.contract else ()), *_HEADS[1:])
    return (
        f'{words}<div class="bar" id="pager"></div>'
        f"{table('Trades, oldest first', heads, rows, name='trades')}"
    )


def _row(at: int, data: TradeData, all_places: Mapping[str, int]) -> list[str]:
    places = all_places.get(data.contract[at] if data.contract else "", _PLACES)
    value = data.entry_price[at] * data.quantity[at]
    exit_s, price, pnl = data.exit_s[at], data.exit_price[at], data.pnl[at]
    return [
        str(at + 1),
        *((data.contract[at],) if data.contract else ()),
        data.side[at],
        _minute(data.entry_s[at]),
        "open" if exit_s is None else _minute(exit_s),
        fixed(data.entry_price[at], places),
        "–" if price is None else fixed(price, places),
        fixed(data.quantity[at], 6),
        "–" if pnl is None else _signed(pnl),
        "–" if pnl is None else f"{fixed(100 * pnl / value, 2)} %",
        fixed(data.fees[at], 2),
        fixed(data.funding[at], 2),
        data.reason[at] or "–",
    ]


def _minute(time_s: float) -> str:
    return time_text(round(time_s * 1000))[:16].replace("T", " ")


def _signed(amount: float) -> Markup:
    name = "gain" if amount >= 0 else "loss"
    return Markup(f'<span class="{name}">{fixed(amount, 2)}</span>')


def _digits(value: float) -> float:
    """Ten significant digits: a tenth of a cent of a hundred million."""
    return float(f"{value:.10g}")


def _shown(value: float | None) -> float | None:
    return None if value is None else _digits(value)
