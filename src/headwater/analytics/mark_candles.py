"""Mark prices as they are heard → closed minutes of the mark price.

Only a whole minute is given out: one whose beginning was heard and during which nothing was missed.
A minute that was begun in its middle or interrupted would pass for the way of the mark price and
hide that positions were reached; left out, it is a hole that a back-fill of the venue's own bars
fills. A whole one can still miss an extreme between two messages, so it says how many it was made
of, and the venue's bar is to be preferred.

Knows no clock: a minute ends when a mark price of a later one comes.
"""

from typing import Final

from headwater.core.intervals import Interval
from headwater.core.records import ALL_SYMBOLS, MarkCandle, MarkPrice

SILENCE_MAX_MS: Final = 15_000
"""Longest time between two mark prices of one minute. Venues send one each second (Binance) or
three (Hyperliquid), or on change and else every ten (OKX): a longer silence means a loss."""

BACK_MAX_MS: Final = 60_000
"""A mark price that is older than the newest by more begins its series anew: the newest had a
wrong time. A less old one came late and is left out."""

SERIES_MAX: Final = 20_000
"""Series that are gathered at a time; beyond it all are forgotten, which costs each a minute."""

_MINUTE: Final = Interval.M1


class _Minute:
    """The minute that forms of one series."""

    __slots__ = ("high", "is_cut", "is_whole", "low", "newest", "open", "opened_ms", "readings")

    def __init__(self, mark: MarkPrice, *, is_whole: bool) -> None:
        self.opened_ms = _MINUTE.opens_at_ms(mark.timestamp_ms)
        self.open = self.high = self.low = mark.mark
        self.newest = mark
        self.readings = 1
        self.is_whole = is_whole
        self.is_cut = False

    def add(self, mark: MarkPrice, *, is_whole: bool) -> None:
        """Takes a later mark price of the same minute."""
        self.high = max(self.high, mark.mark)
        self.low = min(self.low, mark.mark)
        self.newest = mark
        self.readings += 1
        self.is_whole = self.is_whole and is_whole
        self.is_cut = False

    @property
    def bar(self) -> MarkCandle:
        """The minute as a closed bar."""
        newest = self.newest
        return MarkCandle(
            exchange=newest.exchange,
            symbol=newest.symbol,
            native_symbol=newest.native_symbol,
            timestamp_ms=self.opened_ms,
            received_ns=newest.received_ns,
            interval=_MINUTE,
            open=self.open,
            high=self.high,
            low=self.low,
            close=newest.mark,
            is_closed=True,
            readings=self.readings,
        )


class MarkMinutes:
    """Gathers the mark prices of any number of series, each by its own times."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str], _Minute] = {}

    def take(self, mark: MarkPrice) -> MarkCandle | None:
        """Takes a mark price; gives the minute that it ends, when that is whole.

        Times of one series should not fall; see `BACK_MAX_MS` for those that do.
        """
        key = (mark.exchange, mark.symbol)
        minute = self._series.get(key)
        if minute is None:
            if len(self._series) >= SERIES_MAX:
                self._series.clear()
            self._series[key] = _Minute(mark, is_whole=False)
            return None
        passed_ms = mark.timestamp_ms - minute.newest.timestamp_ms
        if passed_ms < 0:
            if passed_ms < -BACK_MAX_MS:
                self._series[key] = _Minute(mark, is_whole=False)
            return None
        is_unbroken = passed_ms <= SILENCE_MAX_MS and not minute.is_cut
        if mark.timestamp_ms < minute.opened_ms + _MINUTE.nominal_ms:
            minute.add(mark, is_whole=is_unbroken)
            return None
        self._series[key] = _Minute(mark, is_whole=is_unbroken)
        return minute.bar if minute.is_whole and is_unbroken else None

    def interrupted(self, exchange: str, symbol: str = ALL_SYMBOLS) -> None:
        """Mark prices may be missing from now until the next one comes.

        Args:
            exchange: venue id.
            symbol: canonical symbol, `ALL_SYMBOLS` for all of the venue.
        """
        for (venue, name), minute in self._series.items():
            if venue == exchange and symbol in (name, ALL_SYMBOLS):
                minute.is_cut = True
