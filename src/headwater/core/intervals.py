"""Candle intervals: lengths, alignment and the closing time of a candle.

All candles are aligned to UTC. Weeks open on Monday 00:00, months on the first, quarters on the
first of January, April, July and October, everything else on a whole multiple of its length since
the Unix epoch, as the four venues do.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS
_WEEK_MS: Final = 7 * _DAY_MS
# 1970-01-05 was a Monday: weeks are counted from there.
_FIRST_MONDAY_MS: Final = 4 * _DAY_MS


class Interval(StrEnum):
    """Length of a candle, in the field's usual spelling (`m` minutes … `M` months)."""

    M1 = "1m"
    M3 = "3m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H2 = "2h"
    H4 = "4h"
    H6 = "6h"
    H8 = "8h"
    H12 = "12h"
    D1 = "1d"
    D2 = "2d"
    D3 = "3d"
    W1 = "1w"
    MONTH1 = "1M"
    MONTH3 = "3M"

    @property
    def nominal_ms(self) -> int:
        """Length in milliseconds; of a month 30 days, of three months 91.

        Use `closes_at_ms` for the true end.
        """
        return _NOMINAL_MS[self]

    def opens_at_ms(self, timestamp_ms: int) -> int:
        """Opening time of the candle that holds `timestamp_ms` (ms since the epoch, UTC)."""
        months = _MONTHS.get(self)
        if months is not None:
            moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
            month = moment.month - (moment.month - 1) % months
            return int(datetime(moment.year, month, 1, tzinfo=UTC).timestamp()) * 1000
        shift = _FIRST_MONDAY_MS if self is Interval.W1 else 0
        return timestamp_ms - (timestamp_ms - shift) % self.nominal_ms

    def closes_at_ms(self, opened_at_ms: int) -> int:
        """First millisecond after the candle that opened at `opened_at_ms` (exclusive end)."""
        months = _MONTHS.get(self)
        if months is not None:
            # As many times 31 days after the first, and one more, is always in the next one.
            return self.opens_at_ms(opened_at_ms + (31 * months + 1) * _DAY_MS)
        return opened_at_ms + self.nominal_ms


_MONTHS: Final[dict[Interval, int]] = {Interval.MONTH1: 1, Interval.MONTH3: 3}

_NOMINAL_MS: Final[dict[Interval, int]] = {
    Interval.M1: _MINUTE_MS,
    Interval.M3: 3 * _MINUTE_MS,
    Interval.M5: 5 * _MINUTE_MS,
    Interval.M15: 15 * _MINUTE_MS,
    Interval.M30: 30 * _MINUTE_MS,
    Interval.H1: _HOUR_MS,
    Interval.H2: 2 * _HOUR_MS,
    Interval.H4: 4 * _HOUR_MS,
    Interval.H6: 6 * _HOUR_MS,
    Interval.H8: 8 * _HOUR_MS,
    Interval.H12: 12 * _HOUR_MS,
    Interval.D1: _DAY_MS,
    Interval.D2: 2 * _DAY_MS,
    Interval.D3: 3 * _DAY_MS,
    Interval.W1: _WEEK_MS,
    Interval.MONTH1: 30 * _DAY_MS,
    Interval.MONTH3: 91 * _DAY_MS,
}
