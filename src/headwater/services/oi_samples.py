"""Live open interest kept by the minute, for venues that offer no history of it.

Knows nothing of venues nor of the bus: readings are handed in. Of each minute the newest reading
at or before its end stays, for a quarter of an hour.
"""

from collections.abc import Mapping
from typing import Final

from headwater.analytics.oi_volume_series import SAMPLE_AGE_MAX_MS, minute_of
from headwater.core.records import OpenInterest

MINUTES_KEPT: Final = 15
"""Minutes for which a reading stays: a bar's end is looked at soon after it, or not at all."""
INSTRUMENTS_MAX: Final = 10_000
"""Instruments sampled at a time; further ones are refused."""


class OpenInterestSamples:
    """The newest readings of the wanted instruments. Nothing is kept of others."""

    def __init__(self) -> None:
        self._by_instrument: dict[tuple[str, str], dict[int, OpenInterest]] = {}

    def want(self, exchange: str, symbol: str) -> bool:
        """Keeps readings of an instrument from now on; whether there is room for it."""
        key = (exchange, symbol)
        if key not in self._by_instrument and len(self._by_instrument) >= INSTRUMENTS_MAX:
            return False
        self._by_instrument.setdefault(key, {})
        return True

    def note(self, reading: OpenInterest) -> None:
        """Keeps a reading if it is wanted and the newest of its minute."""
        kept = self._by_instrument.get((reading.exchange, reading.symbol))
        if kept is None:
            return
        minute = minute_of(reading)
        known = kept.get(minute)
        if known is not None:
            if reading.timestamp_ms >= known.timestamp_ms:
                kept[minute] = reading
            return
        kept[minute] = reading
        horizon_ms = max(kept) - MINUTES_KEPT * SAMPLE_AGE_MAX_MS
        for old in [one for one in kept if one <= horizon_ms]:
            del kept[old]

    def of(self, exchange: str, symbol: str) -> Mapping[int, OpenInterest]:
        """Readings by the whole minute (ms) that they stand for; empty when there are none."""
        return self._by_instrument.get((exchange, symbol), {})
