"""The way of a price by minutes, mark or traded: the least that a score needs of stored candles.

A year has half a million minutes, so a bar is four numbers here and not a whole candle.
"""

from typing import Any, Final

import msgspec
import sqlalchemy as sa

from headwater.core.intervals import Interval
from headwater.storage import candles, mark_candles
from headwater.storage.base import Query, Span, TableSpec

BAR_MS: Final = 60_000
"""Length of a bar."""


class PriceBar(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The range of a price in one minute.

    Attributes:
        opened_at_ms: beginning of the minute, ms since the epoch, UTC.
        low: lowest price, quote currency.
        high: highest price.
        received_ns: when it was heard, nanoseconds since the epoch.
    """

    opened_at_ms: int
    low: float
    high: float
    received_ns: int

    @property
    def ended_ms(self) -> int:
        """End of the minute."""
        return self.opened_at_ms + BAR_MS


def of_trades(exchange: str, symbol: str, span: Span) -> Query[PriceBar]:
    """Closed candles of a minute, which are of traded prices, by opening time.

    Raises:
        RequestError: the limit of the span is out of its range.
    """
    return _minutes(candles.SPEC, exchange, symbol, span)


def of_marks(exchange: str, symbol: str, span: Span) -> Query[PriceBar]:
    """Closed bars of the mark price of a minute, by opening time.

    Raises:
        RequestError: the limit of the span is out of its range.
    """
    return _minutes(mark_candles.SPEC, exchange, symbol, span)


def _minutes(spec: TableSpec[Any], exchange: str, symbol: str, span: Span) -> Query[PriceBar]:
    columns = spec.table.c
    whole = span.of(
        spec,
        columns.exchange == exchange,
        columns.symbol == symbol,
        columns.interval == Interval.M1.value,
        columns.is_closed.is_(sa.true()),
    )
    few = (columns.timestamp_ms, columns.low, columns.high, columns.received_ns)
    return Query(whole.with_only_columns(*few), _bar_of)


def _bar_of(row: "sa.Row[Any]") -> PriceBar:
    return PriceBar(
        opened_at_ms=row.timestamp_ms, low=row.low, high=row.high, received_ns=row.received_ns
    )
