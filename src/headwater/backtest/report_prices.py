"""The price charts of a report: candles with the trades on them, one chart for each contract.

All charts of a page together have a bounded number of candles, so that the file of a run over many
contracts stays as small as that of one over a few.
"""

from collections.abc import Mapping
from html import escape
from typing import Any, Final

import msgspec

from headwater.backtest.report_drawing import Line, drawing
from headwater.backtest.report_page import slot
from headwater.backtest.report_series import CandleSeries, candle_series, points_each
from headwater.backtest.report_trades import price_places
from headwater.strategies.bars import Bars

__all__ = [
    "PLACE",
    "PriceChart",
    "bracket_of",
    "price_chart",
    "price_section",
    "prices_section",
]

PLACE: Final = "price"
"""The script's name of the one price chart of a run over one contract."""

_SAMPLE: Final = 100_000
_MARKS: Final = (
    "Arrows mark entries (up: long, down: short), circles exits by a signal, squares exits by "
    "stop, target or liquidation."
)
_SHOWN: Final = (
    "The number of a trade in the table shows it here, with its stop and target. Keys: arrows, + "
    "and −, Home."
)


class PriceChart(msgspec.Struct, frozen=True, kw_only=True):
    """What the script draws of one contract.

    Attributes:
        place: the script's name of the chart.
        contract: `exchange:symbol`, as the trades have it; empty in a run over one contract.
        places: decimal places of prices.
        candles: the price.
    """

    place: str
    contract: str
    places: int
    candles: CandleSeries


def price_chart(bars: Bars, contract: str = "", number: int = 0, charts: int = 1) -> PriceChart:
    """The chart of a contract.

    Args:
        bars: that were run over.
        contract: as `PriceChart`.
        number: which chart of the page it is, from 0.
        charts: how many share the page, > 0; with many of them each has fewer candles.
    """
    return PriceChart(
        place=f"{PLACE}-{number}" if contract else PLACE,
        contract=contract,
        places=price_places(bars.close[-_SAMPLE:].tolist()),
        candles=candle_series(bars, points_each(charts)),
    )


def bracket_of(parameters: Mapping[str, Any]) -> dict[str, float | None]:
    """Distances of stop and target as fractions, where the strategy has such parameters."""
    return {name: _distance(parameters.get(name)) for name in ("stop_loss", "take_profit")}


def price_section(chart: PriceChart) -> str:
    """The chart of a run over one contract, with a plain drawing where it is not drawn."""
    words = f"{_MARKS}{_each(chart.candles)} {_SHOWN}"
    return f'<p class="dim">{words}</p>{_slot(chart)}'


def prices_section(charts: tuple[PriceChart, ...]) -> str:
    """The charts of a run over several contracts, each under its name."""
    parts = [f'<p class="dim">{_MARKS} {_SHOWN}</p>']
    for one in charts:
        words = _each(one.candles).strip()
        dim = f'<p class="dim">{words}</p>' if words else ""
        parts.append(f"<h3>{escape(one.contract)}</h3>{dim}{_slot(one)}")
    return "".join(parts)


def _slot(chart: PriceChart) -> str:
    """Where the script draws, and its word on how many trades it marks."""
    candles, of = chart.candles, f" of {chart.contract}" if chart.contract else ""
    line = Line(times=candles.time_s, values=candles.close)
    plain = drawing([line], f"Price{of} over time")
    label = f"Price{of} with the entries and exits of the trades"
    note = f'<p class="dim" id="{escape(chart.place)}-note" aria-live="polite"></p>'
    return f"{slot(chart.place, label, plain)}{note}"


def _each(candles: CandleSeries) -> str:
    each = candles.bars_each
    return "" if each == 1 else f" Each candle stands for {each:,} bars."


def _distance(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]
