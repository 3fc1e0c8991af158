"""Which rows the full queue let go, so that the gap ledger can tell of them.

Counted by table, venue and symbol with the span of their times: what is lost is a hole like any
other, and a hole has an extent. Kept by the queue under its own lock.
"""

from typing import Final

import msgspec

from headwater.core.enums import StoredTable
from headwater.core.records import ALL_SYMBOLS, Record

SERIES_MAX: Final = 10_000
"""Series of lost rows told apart; further ones are counted with their venue's whole market."""


class LostRows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one table, venue and symbol that were dropped.

    Attributes:
        table: where they would have gone.
        exchange: venue id.
        symbol: canonical symbol, `*` when too many symbols lost some.
        native_symbol: the venue's spelling, `*` likewise.
        first_ms: earliest time of one, the venue's, ms.
        last_ms: latest time of one, ms.
        count: how many.
    """

    table: StoredTable
    exchange: str
    symbol: str
    native_symbol: str
    first_ms: int
    last_ms: int
    count: int


class LostSeries:
    """What was lost since it was last asked for, by series.

    Args:
        series_max: most series told apart.
    """

    def __init__(self, series_max: int = SERIES_MAX) -> None:
        self._series_max = series_max
        self._series: dict[tuple[StoredTable, str, str], LostRows] = {}

    def note(self, table: StoredTable, record: Record) -> None:
        """Counts a row that is let go."""
        symbol, native = record.symbol, record.native_symbol
        key = (table, record.exchange, symbol)
        if key not in self._series and len(self._series) >= self._series_max:
            symbol = native = ALL_SYMBOLS
            key = (table, record.exchange, symbol)
        known = self._series.get(key)
        at_ms = record.timestamp_ms
        self._series[key] = LostRows(
            table=table,
            exchange=record.exchange,
            symbol=symbol,
            native_symbol=native,
            first_ms=at_ms if known is None else min(known.first_ms, at_ms),
            last_ms=at_ms if known is None else max(known.last_ms, at_ms),
            count=1 if known is None else known.count + 1,
        )

    def take(self, exchange: str) -> list[LostRows]:
        """What a venue lost, each row told once."""
        found = [one for one in self._series.values() if one.exchange == exchange]
        for one in found:
            del self._series[one.table, one.exchange, one.symbol]
        return found
