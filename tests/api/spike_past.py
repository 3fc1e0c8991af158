"""A past in which nothing happens but one burst of volume."""

import msgspec
from tests.api.fake_source import NOW_MS, make_candle, make_open_interest

from headwater.core.intervals import Interval
from headwater.core.records import Candle, OpenInterest

BARS = 3_000
"""Bars of five minutes in it: more than ten days."""

_LENGTH_MS = Interval.M5.nominal_ms
_NEWEST_END_MS = Interval.M5.opens_at_ms(NOW_MS)


def burst_at(*bars_ago: int) -> list[Candle]:
    """Closed bars of 1e6 ± 1e4 USD; those that ended so many bars before the newest have 2e7."""
    return [
        msgspec.structs.replace(
            make_candle(
                interval=Interval.M5,
                opened_at_ms=_NEWEST_END_MS - (back + 1) * _LENGTH_MS,
                is_closed=True,
            ),
            quote_volume=2e7 if back in bars_ago else 1e6 + (1e4 if back % 2 else -1e4),
        )
        for back in range(BARS - 1, -1, -1)
    ]


def interest_past() -> list[OpenInterest]:
    """Readings at the end of each bar that rise and fall by a ten-thousandth."""
    return [
        msgspec.structs.replace(
            make_open_interest(),
            timestamp_ms=_NEWEST_END_MS - back * _LENGTH_MS,
            open_interest=8e4 + 8 * (back % 2),
        )
        for back in range(BARS - 1, -1, -1)
    ]
