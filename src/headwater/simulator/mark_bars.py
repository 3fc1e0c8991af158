"""Bars of one symbol's mark price: what a venue tells of the way its mark price went.

Every mark price counts, the ones between two seconds too, by which positions are closed by force:
so a bar's extremes say exactly which liquidation prices were reached. Minutes are kept since the
start and longer bars folded of them. Before the start the mark price is the traded price: the
positions that are open at the start are those which the traded extremes of the past have spared.
"""

from array import array
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from headwater.core.intervals import Interval
from headwater.simulator.candles import MINUTE_MS, CandleRow, CandleStore

MAX_MARK_MINUTES: Final = 8_500
"""Closed minutes kept; older ones are forgotten. While the first is kept, the traded minutes of the
day before it are kept as well, so that the bar in which the start lies is whole."""

_TRIM_SLACK: Final = 500
_WIDTH: Final = 4
_FORMING_AND_DAYS: Final = 100  # a quarter has 92 days


class MarkRow(NamedTuple):
    """One bar in ticks, with fractions.

    Attributes:
        opened_at_ms: opening time.
        open: first mark price.
        high: highest.
        low: lowest.
        close: last.
    """

    opened_at_ms: int
    open: float
    high: float
    low: float
    close: float


class MarkBars:
    """Bars of one symbol since the start, and before it those of its trades.

    Args:
        start_ms: time of the start.
        mark: mark price then, ticks.
        minute: the minute of trades that the start cuts off.
    """

    __slots__ = (
        "_before", "_close", "_closed", "_first_ms", "_high", "_low", "_minute_ms", "_open",
        "_start_ms",
    )  # fmt: skip

    def __init__(self, start_ms: int, mark: float, minute: CandleRow) -> None:
        self._start_ms = self._first_ms = self._minute_ms = Interval.M1.opens_at_ms(start_ms)
        self._closed = array("d")
        self._open = self._high = self._low = self._close = mark
        self._before: dict[Interval, MarkRow | None] = {}
        if start_ms > self._start_ms:
            self._open = float(minute.open)
            self._high, self._low = max(mark, minute.high), min(mark, minute.low)

    def take(self, now_ms: int, mark: float) -> None:
        """Takes a mark price in ticks; at least one a minute, times never fall."""
        if now_ms >= self._minute_ms + MINUTE_MS:
            self._closed.extend((self._open, self._high, self._low, self._close))
            self._minute_ms += MINUTE_MS
            self._open = self._high = self._low = mark
            if len(self._closed) > (MAX_MARK_MINUTES + _TRIM_SLACK) * _WIDTH:
                del self._closed[: _TRIM_SLACK * _WIDTH]
                self._first_ms += _TRIM_SLACK * MINUTE_MS
        elif mark > self._high:
            self._high = mark
        elif mark < self._low:
            self._low = mark
        self._close = mark

    def rows(
        self,
        candles: CandleStore,
        interval: Interval,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[MarkRow]:
        """Bars by opening time, bounds inclusive; the forming one is the last of all.

        Args:
            candles: of the trades, for the time before the start.
            interval: length.
            limit: most bars: from `start_ms` forward when given, else the newest up to `end_ms`.
            start_ms: earliest opening time.
            end_ms: latest one.
        """
        begins_ms = interval.opens_at_ms(self._start_ms)
        found: list[MarkRow] = []
        if start_ms is None or start_ms < begins_ms:
            past_end_ms = begins_ms - 1 if end_ms is None else min(end_ms, begins_ms - 1)
            past = candles.rows(interval, limit, start_ms, past_end_ms)
            found = [MarkRow(*row[:5]) for row in past]
        first_ms = self._first_ms if start_ms is None else max(start_ms, self._first_ms)
        found += [
            row
            for row in self._folded(candles, interval, interval.opens_at_ms(first_ms))
            if (start_ms is None or row.opened_at_ms >= start_ms)
            and (end_ms is None or row.opened_at_ms <= end_ms)
        ]
        return found[:limit] if start_ms is not None else found[-limit:]

    def _folded(
        self, candles: CandleStore, interval: Interval, opened_ms: int
    ) -> Iterator[MarkRow]:
        """Bars from one on that hold time after the start; none of which a part is forgotten."""
        row = None
        if opened_ms < self._first_ms:
            if self._first_ms > self._start_ms:
                opened_ms = interval.closes_at_ms(opened_ms)
            else:
                row = self._before_start(candles, interval, opened_ms)
        closes_ms = interval.closes_at_ms(opened_ms)
        for minute in self._minutes(max(opened_ms, self._first_ms)):
            if minute.opened_at_ms >= closes_ms:
                if row is not None:
                    yield row
                row, opened_ms = None, closes_ms
                closes_ms = interval.closes_at_ms(opened_ms)
            row = _joined(opened_ms, minute if row is None else row, minute)
        if row is not None:
            yield row

    def _minutes(self, from_ms: int) -> Iterator[MarkRow]:
        """Minutes from one on, the forming one last."""
        closed = self._closed
        opened_ms = from_ms
        for at in range((from_ms - self._first_ms) // MINUTE_MS * _WIDTH, len(closed), _WIDTH):
            yield MarkRow(opened_ms, *closed[at : at + _WIDTH])
            opened_ms += MINUTE_MS
        if opened_ms == self._minute_ms:
            yield MarkRow(opened_ms, self._open, self._high, self._low, self._close)

    def _before_start(
        self, candles: CandleStore, interval: Interval, opened_ms: int
    ) -> MarkRow | None:
        """What the bar in which the start lies holds of the time before it."""
        if interval not in self._before:
            day_ms = Interval.D1.opens_at_ms(self._start_ms)
            parts: list[CandleRow] = []
            if opened_ms < day_ms:
                parts += candles.rows(Interval.D1, _FORMING_AND_DAYS, opened_ms, day_ms - 1)
            parts += candles.rows(Interval.M1, 1_440, max(opened_ms, day_ms), self._start_ms - 1)
            self._before[interval] = _summed(opened_ms, (MarkRow(*row[:5]) for row in parts))
        return self._before[interval]


def _summed(opened_ms: int, rows: Iterable[MarkRow]) -> MarkRow | None:
    """One bar of the rows, None of no row."""
    found: MarkRow | None = None
    for row in rows:
        found = _joined(opened_ms, row if found is None else found, row)
    return found


def _joined(opened_ms: int, earlier: MarkRow, later: MarkRow) -> MarkRow:
    """One bar of two that follow on each other."""
    return MarkRow(
        opened_ms,
        earlier.open,
        max(earlier.high, later.high),
        min(earlier.low, later.low),
        later.close,
    )
