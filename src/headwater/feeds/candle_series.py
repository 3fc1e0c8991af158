"""What is known of the candles of one symbol and interval: the closed ones and the forming one."""

from bisect import insort
from itertools import pairwise

import msgspec

from headwater.analytics.candles import same_values
from headwater.core.enums import GapCause
from headwater.core.records import Candle


class CandleSeries:
    """The candles of one symbol and interval.

    Attributes:
        closed: closed candles by opening time, as they were published last.
        opened: their opening times, ascending, without doubles.
        forming: the newest candle when it is not closed.
        next_ms: opening time of the next candle to close, None before the first was seen.
        cause: cause that the next hole gets.
        is_built: whether it is folded from smaller candles; then nobody can be asked for it.
        recheck_ms: opening time of a closed candle to be compared with REST, None for none.
    """

    __slots__ = (
        "_recent_max",
        "cause",
        "closed",
        "forming",
        "interval",
        "is_built",
        "native_symbol",
        "next_ms",
        "opened",
        "recheck_ms",
        "symbol",
    )

    def __init__(self, first: Candle, recent_max: int) -> None:
        self.symbol = first.symbol
        self.native_symbol = first.native_symbol
        self.interval = first.interval
        self.next_ms = first.timestamp_ms
        self.closed: dict[int, Candle] = {}
        self.opened: list[int] = []
        self.forming: Candle | None = None
        self.cause = GapCause.SEQUENCE_BREAK
        self.is_built = first.built_from is not None
        self.recheck_ms: int | None = None
        self._recent_max = recent_max

    def add_closed(self, candle: Candle) -> Candle | None:
        """Keeps a closed candle.

        Returns:
            It, as it is to be published: a correction of a known one with the next revision. None
            when it says nothing new, is older than what is known, or older than all that is kept.
        """
        opened_ms = candle.timestamp_ms
        known = self.closed.get(opened_ms)
        if known is not None:
            if candle.received_ns < known.received_ns or same_values(candle, known):
                return None
            revision = max(candle.revision, known.revision + 1)
            corrected = msgspec.structs.replace(candle, revision=revision)
            self.closed[opened_ms] = corrected
            return corrected
        if len(self.opened) >= self._recent_max and opened_ms < self.opened[0]:
            return None
        self.closed[opened_ms] = candle
        insort(self.opened, opened_ms)
        if len(self.opened) > self._recent_max:
            del self.closed[self.opened.pop(0)]
        if self.forming is not None and self.forming.timestamp_ms <= opened_ms:
            self.forming = None
        while self.next_ms in self.closed:
            self.next_ms = self.interval.closes_at_ms(self.next_ms)
        return candle

    def parts(self, first_ms: int, end_ms: int) -> list[Candle]:
        """What is known of the candles that opened from `first_ms` to before `end_ms`, in order."""
        found: list[Candle] = []
        opened_ms = self.interval.opens_at_ms(first_ms)
        while opened_ms < end_ms:
            known = self.closed.get(opened_ms)
            if known is not None:
                found.append(known)
            elif self.forming is not None and self.forming.timestamp_ms == opened_ms:
                found.append(self.forming)
            opened_ms = self.interval.closes_at_ms(opened_ms)
        return found

    def is_news(self, candle: Candle) -> bool:
        """Whether a forming candle is newer than what is known, also when it was kept a while."""
        known = self.forming
        return known is None or (
            candle.timestamp_ms >= known.timestamp_ms and candle.received_ns >= known.received_ns
        )

    def newest(self, limit: int) -> list[Candle] | None:
        """The newest `limit` candles with the forming one last; None unless known whole."""
        rows = [self.closed[opened_ms] for opened_ms in self.opened]
        if self.forming is not None:
            rows.append(self.forming)
        rows = rows[-limit:]
        if len(rows) < limit or self.forming is None:
            return None
        for before, after in pairwise(rows):
            if self.interval.closes_at_ms(before.timestamp_ms) != after.timestamp_ms:
                return None
        return rows
