"""Candles as a chart shows them (requirements O-W3, O-R5)."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from headwater.analytics.rounding_options import price_format
from headwater.api.schemas.base import IsoTime, iso_of
from headwater.api.schemas.market import NotNegative
from headwater.api.schemas.terminal.common import Moment, Second, TerminalView
from headwater.api.schemas.terminal.symbols import PriceFormatView
from headwater.core.formatting import SymbolFormat
from headwater.core.intervals import Interval
from headwater.core.records import Candle

HISTORY_MAX: Final = 1000
"""Most candles of one answer to `load_history`."""


class TerminalCandleView(TerminalView, frozen=True, kw_only=True, gc=False):
    """One candle.

    Attributes:
        timestamp: its opening time, ms since 1970.
        time: the same in seconds.
        open: first traded price.
        high: highest traded price.
        low: lowest traded price.
        close: last traded price.
        volume: base units traded.
        open_formatted: the price with the contract's decimal places.
        high_formatted: the same of the highest price.
        low_formatted: the same of the lowest price.
        close_formatted: the same of the last price.
        volume_formatted: the volume with the contract's decimal places.
        is_closed: false while the candle is still forming.
        revision: how often it was corrected after it had closed; a higher one replaces a lower.
        built_from: length of the smaller candles it was built of; left out for the venue's own.
    """

    timestamp: Moment
    time: Second
    open: NotNegative
    high: NotNegative
    low: NotNegative
    close: NotNegative
    volume: NotNegative
    open_formatted: str
    high_formatted: str
    low_formatted: str
    close_formatted: str
    volume_formatted: str
    is_closed: bool
    revision: Annotated[int, Meta(ge=0)]
    built_from: Interval | UnsetType = UNSET


class TimeRangeView(TerminalView, frozen=True, kw_only=True, gc=False):
    """From the opening of the first candle to that of the last.

    Attributes:
        start_ms: ms since 1970.
        end_ms: ms since 1970.
        start: the same as text, UTC.
        end: the same as text, UTC.
    """

    start_ms: Moment
    end_ms: Moment
    start: IsoTime
    end: IsoTime


class ChartSymbolView(TerminalView, frozen=True, kw_only=True, gc=False):
    """What a chart has to know of its contract.

    Attributes:
        price_format: how prices are written.
        price_precision: decimal places of a price.
        amount_precision: decimal places of a quantity.
    """

    price_format: PriceFormatView
    price_precision: int
    amount_precision: int


class HistoricalCandlesView(
    TerminalView,
    frozen=True,
    kw_only=True,
    gc=False,
    tag="historical_candles",
    tag_field="type",
):
    """Past candles: the chart's first ones, or older ones that `load_history` asked for.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        timeframe: length of a candle.
        data: oldest first.
        count: number of candles.
        time_range: what they span; null when there are none.
        symbol_data: how numbers of the contract are written.
        before: of `load_history`: what was asked for.
        is_last: of `load_history`: whether there is nothing older.
        incomplete: what is missing and why; left out when nothing is.
    """

    exchange: str
    symbol: str
    timeframe: Interval
    data: tuple[TerminalCandleView, ...]
    count: int
    time_range: TimeRangeView | None
    symbol_data: ChartSymbolView
    before: Moment | UnsetType = UNSET
    is_last: bool | UnsetType = UNSET
    incomplete: str | UnsetType = UNSET


class CandleUpdateView(
    TerminalCandleView,
    frozen=True,
    kw_only=True,
    gc=False,
    tag="candle_update",
    tag_field="type",
):
    """A candle that is new, has changed, has closed or was corrected.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        timeframe: length of the candle.
        stream_timestamp: when it was received, ms since 1970.
    """

    exchange: str
    symbol: str
    timeframe: Interval
    stream_timestamp: Moment


class LoadHistoryRequest(
    TerminalView,
    frozen=True,
    kw_only=True,
    gc=False,
    tag="load_history",
    tag_field="type",
    forbid_unknown_fields=True,
):
    """Asks for candles to the left of the chart.

    Attributes:
        before: they open before this, ms since 1970.
        limit: most candles, 1 to 1000.
    """

    before: Annotated[int, Meta(ge=0, le=253_402_300_799_999)]
    limit: Annotated[int, Meta(ge=1, le=HISTORY_MAX)] = 500


def terminal_candle(record: Candle, written: SymbolFormat) -> TerminalCandleView:
    """The view of a candle.

    Args:
        record: the candle.
        written: how numbers of its contract are written.
    """
    return TerminalCandleView(
        timestamp=record.timestamp_ms,
        time=record.timestamp_ms // 1000,
        open=record.open,
        high=record.high,
        low=record.low,
        close=record.close,
        volume=record.volume,
        open_formatted=written.price(record.open),
        high_formatted=written.price(record.high),
        low_formatted=written.price(record.low),
        close_formatted=written.price(record.close),
        volume_formatted=written.amount(record.volume),
        is_closed=record.is_closed,
        revision=record.revision,
        built_from=record.built_from or UNSET,
    )


def candle_update(record: Candle, written: SymbolFormat) -> CandleUpdateView:
    """The message that tells of a candle.

    Args:
        record: the candle.
        written: how numbers of its contract are written.
    """
    row = terminal_candle(record, written)
    return CandleUpdateView(
        **msgspec.structs.asdict(row),
        exchange=record.exchange,
        symbol=record.symbol,
        timeframe=record.interval,
        stream_timestamp=record.received_ns // 1_000_000,
    )


def chart_symbol(written: SymbolFormat) -> ChartSymbolView:
    """What a chart has to know of a contract.

    Args:
        written: how its numbers are written.
    """
    chart = price_format(written.price_places)
    move = PriceFormatView(type="price", precision=chart.precision, min_move=float(chart.min_move))
    return ChartSymbolView(
        price_format=move,
        price_precision=written.price_places,
        amount_precision=written.amount_places,
    )


def time_range(candles: Sequence[Candle]) -> TimeRangeView | None:
    """What candles span, oldest first; None when there are none."""
    if not candles:
        return None
    start_ms, end_ms = candles[0].timestamp_ms, candles[-1].timestamp_ms
    return TimeRangeView(
        start_ms=start_ms, end_ms=end_ms, start=iso_of(start_ms), end=iso_of(end_ms)
    )
