"""Candles of one symbol in whole ticks and lots: minutes fed by prints, the rest folded from them.

Every longer interval is the exact sum of shorter rows, live as in history. Rows are kept flat in
one integer array per interval; an interval is folded when it is first asked for and then kept up
with each closed minute. A minute without prints is a flat row at the last close with no volume.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from headwater.core.intervals import Interval
from headwater.simulator.matching import Print

MAX_ROWS = 2_000
"""Closed candles kept per interval beyond one minute; older ones are forgotten."""

MAX_MINUTES = 10_000
"""Closed one-minute candles kept."""

MINUTE_MS: Final = 60_000
_TRIM_SLACK: Final = 500
_WIDTH: Final = 9
_FOLD_AHEAD: Final = 2 * len(Interval)  # minutes before the bound
_DAY_ROWS: Final = 1_439  # with the forming minute: a day
_OLDER_FROM_MS: Final = 15 * MINUTE_MS  # shorter intervals are folded from minutes alone


class CandleRow(NamedTuple):
    """One candle in integers.

    Attributes:
        opened_at_ms: opening time.
        open: ticks.
        high: ticks.
        low: ticks.
        close: ticks.
        lots: traded lots.
        cost: sum of ticks × lots.
        fills: number of single fills.
        buy_lots: lots that takers bought.
    """

    opened_at_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    cost: int
    fills: int
    buy_lots: int


class CandleRows:
    """Closed candles of one length, ascending, one flat integer array.

    Args:
        length_ms: nominal length of a row, ms.
        flat: rows one after the other, as `CandleRow` orders their fields.
    """

    __slots__ = ("_flat", "length_ms")

    def __init__(self, length_ms: int, flat: Sequence[int] = ()) -> None:
        self.length_ms = length_ms
        self._flat = array("q", flat)

    def __len__(self) -> int:
        return len(self._flat) // _WIDTH

    def __iter__(self) -> Iterator[CandleRow]:
        return self.slice(0, len(self))

    def slice(self, first: int, last: int) -> Iterator[CandleRow]:
        """Rows from index `first` up to, without, `last`."""
        flat = self._flat
        for start in range(first * _WIDTH, last * _WIDTH, _WIDTH):
            yield CandleRow(*flat[start : start + _WIDTH])

    def column(self, field: int, first: int = 0) -> Sequence[int]:
        """One field of all rows from an index on; `field` counts as `CandleRow` orders them."""
        return self._flat[first * _WIDTH + field :: _WIDTH]

    def summed(self, first: int, last: int) -> CandleRow:
        """One candle of the rows from index `first` up to, without, `last`; at least one row."""
        start, stop, flat = first * _WIDTH, last * _WIDTH, self._flat
        return CandleRow(
            flat[start],
            flat[start + 1],
            max(flat[start + 2 : stop : _WIDTH]),
            min(flat[start + 3 : stop : _WIDTH]),
            flat[stop - _WIDTH + 4],
            sum(flat[start + 5 : stop : _WIDTH]),
            sum(flat[start + 6 : stop : _WIDTH]),
            sum(flat[start + 7 : stop : _WIDTH]),
            sum(flat[start + 8 : stop : _WIDTH]),
        )

    def flat(self, first: int) -> Sequence[int]:
        """Rows from index `first` on, one after the other, as the constructor takes them."""
        return self._flat[first * _WIDTH :]

    def extend(self, flat: Iterable[int]) -> None:
        """Adds the next rows; a `CandleRow` is one."""
        self._flat.extend(flat)

    def keep(self, newest: int) -> None:
        """Forgets all but the newest rows, some hundred at a time."""
        if len(self) > newest + _TRIM_SLACK:
            del self._flat[: (len(self) - newest) * _WIDTH]


class _Forming:
    """A candle that grows by whole rows; `closes_at_ms` is its exclusive end."""

    __slots__ = ("_fields", "closes_at_ms")

    def __init__(self, interval: Interval, row: CandleRow) -> None:
        opened_at_ms = interval.opens_at_ms(row.opened_at_ms)
        self.closes_at_ms = interval.closes_at_ms(opened_at_ms)
        self._fields = row._replace(opened_at_ms=opened_at_ms)

    @property
    def row(self) -> CandleRow:
        """The candle so far."""
        return self._fields

    def merge(self, row: CandleRow) -> None:
        """Adds a later row that lies inside."""
        self._fields = merged(self._fields, row)


def merged(earlier: CandleRow, later: CandleRow) -> CandleRow:
    """One candle from two that follow on each other; it opens when the earlier one does."""
    return CandleRow(
        earlier.opened_at_ms,
        earlier.open,
        max(earlier.high, later.high),
        min(earlier.low, later.low),
        later.close,
        earlier.lots + later.lots,
        earlier.cost + later.cost,
        earlier.fills + later.fills,
        earlier.buy_lots + later.buy_lots,
    )


class _Series:
    """Closed rows of one interval and what the open one holds of closed minutes."""

    __slots__ = ("_interval", "closed", "forming")

    def __init__(self, interval: Interval) -> None:
        self._interval = interval
        self.closed = CandleRows(interval.nominal_ms)
        self.forming: _Forming | None = None

    def take(self, row: CandleRow, length_ms: int) -> None:
        """Adds a closed shorter row of a length that divides the interval."""
        if self.forming is None:
            self.forming = _Forming(self._interval, row)
        else:
            self.forming.merge(row)
        if row.opened_at_ms + length_ms >= self.forming.closes_at_ms:
            self.closed.extend(self.forming.row)
            self.forming = None


class CandleStore:
    """All candles of one symbol.

    Args:
        minutes: closed minutes of the past, ascending, without a hole.
        minute_ms: opening time of the minute that forms now; the one after the last of `minutes`.
        last: price in ticks that an empty minute stands at.
        older: gives longer rows of the time before `minutes`, oldest first, each set ending where
            the next begins; called once, when an interval of 15 minutes or more is asked for.
    """

    def __init__(
        self,
        minutes: CandleRows,
        minute_ms: int,
        last: int,
        older: Callable[[], Sequence[CandleRows]],
    ) -> None:
        self._minutes = minutes
        self._older = older
        self._past: Sequence[CandleRows] | None = None
        self._series: dict[Interval, _Series] = {}
        self._opened_at_ms = minute_ms
        self._open = self._high = self._low = self._close = last
        self._lots = self._cost = self._fills = self._buy_lots = 0
        self._day_minute_ms = -1
        self._day_row: CandleRow | None = None

    @property
    def minutes(self) -> CandleRows:
        """Closed minutes."""
        return self._minutes

    @property
    def minute(self) -> CandleRow:
        """The minute that forms now."""
        return CandleRow(
            self._opened_at_ms, self._open, self._high, self._low, self._close,
            self._lots, self._cost, self._fills, self._buy_lots,
        )  # fmt: skip

    def add_print(self, made: Print) -> None:
        """Adds a print; its time is never before the last one's."""
        if made.stamp_ms >= self._opened_at_ms + MINUTE_MS:
            self.roll(made.stamp_ms)
        price = made.price
        if not self._fills:
            self._open = self._high = self._low = price
        elif price > self._high:
            self._high = price
        elif price < self._low:
            self._low = price
        self._close = price
        self._lots += made.lots
        self._cost += made.lots * price
        self._fills += made.last_fill_id - made.first_fill_id + 1
        if made.is_buy:
            self._buy_lots += made.lots

    def roll(self, now_ms: int) -> None:
        """Closes every minute that has ended by `now_ms`."""
        while now_ms >= self._opened_at_ms + MINUTE_MS:
            row = self.minute
            self._minutes.extend(row)
            for series in self._series.values():
                series.take(row, MINUTE_MS)
                series.closed.keep(MAX_ROWS)
            self._start_minute(self._opened_at_ms + MINUTE_MS, row.close)
            if len(self._minutes) > MAX_MINUTES - _FOLD_AHEAD:
                self._fold_ahead()

    def rows(
        self,
        interval: Interval,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[CandleRow]:
        """Rows by opening time, bounds inclusive; the forming row is the last of all.

        From `start_ms` forward when given, else the newest `limit` up to `end_ms`.
        """
        closed, forming = self._minutes, self.minute
        if interval is not Interval.M1:
            series = self._series_of(interval)
            closed = series.closed
            opened_at_ms = interval.opens_at_ms(forming.opened_at_ms)
            if series.forming is None:
                forming = forming._replace(opened_at_ms=opened_at_ms)
            else:
                forming = merged(series.forming.row, forming)
        opened = closed.column(0)
        first = 0 if start_ms is None else bisect_left(opened, start_ms)
        last = len(opened) if end_ms is None else bisect_right(opened, end_ms)
        takes_forming = (end_ms is None or end_ms >= forming.opened_at_ms) and (
            start_ms is None or start_ms <= forming.opened_at_ms
        )
        if start_ms is None:
            first = max(first, last + takes_forming - limit)
        else:
            last = min(last, first + limit)
        found = list(closed.slice(first, last)) if last > first else []
        if takes_forming and last == len(opened) and len(found) < limit:
            found.append(forming)
        return found

    def day(self) -> CandleRow:
        """The last 24 hours as one row: 1,439 closed minutes and the forming one."""
        if self._day_minute_ms != self._opened_at_ms or self._day_row is None:
            self._day_minute_ms = self._opened_at_ms
            rows = self._minutes
            self._day_row = rows.summed(max(0, len(rows) - _DAY_ROWS), len(rows))
        return merged(self._day_row, self.minute)

    def closes_before(self, moments: Sequence[int]) -> list[int]:
        """Closing prices in ticks of the last candles that had ended by given moments.

        Minutes where there are minutes, longer rows before; the oldest close known before those.
        """
        if not moments:
            return []
        sources = [self._minutes]
        if min(moments) < self._minutes.column(0)[0] + MINUTE_MS:
            sources += [self._series_of(each).closed for each in (Interval.M15, Interval.H1)]
        columns = [(rows.column(0), rows.column(4), rows.length_ms) for rows in sources if rows]
        found: list[int] = []
        for moment in moments:
            price = columns[-1][1][0]
            for opened, closes, length_ms in columns:
                index = bisect_right(opened, moment - length_ms) - 1
                if index >= 0:
                    price = closes[index]
                    break
            found.append(price)
        return found

    def _fold_ahead(self) -> None:
        """Before minutes are forgotten: folds what was never asked for, one interval a minute."""
        for interval in Interval:
            if interval is not Interval.M1 and interval not in self._series:
                self._series_of(interval)
                return
        self._past = ()
        self._minutes.keep(MAX_MINUTES)

    def _start_minute(self, opened_at_ms: int, last: int) -> None:
        """Opens an empty minute at the last price."""
        self._opened_at_ms = opened_at_ms
        self._open = self._high = self._low = self._close = last
        self._lots = self._cost = self._fills = self._buy_lots = 0

    def _series_of(self, interval: Interval) -> _Series:
        """The series of an interval longer than a minute, folded at the first call."""
        series = self._series.get(interval)
        if series is not None:
            return series
        series = _Series(interval)
        first_ms = interval.opens_at_ms(self._opened_at_ms - MAX_ROWS * interval.nominal_ms)
        for rows in self._sources(interval):
            _fold(rows, interval, series, first_ms)
        self._series[interval] = series
        return series

    def _sources(self, interval: Interval) -> list[CandleRows]:
        """Rows that an interval can be folded from, oldest first."""
        length_ms = interval.nominal_ms
        if self._past is None and length_ms >= _OLDER_FROM_MS:
            self._past = self._older()
        # A month is a whole number of days; every other length is asked for as it is.
        return [
            rows
            for rows in (*(self._past or ()), self._minutes)
            if rows.length_ms <= length_ms and length_ms % rows.length_ms == 0
        ]


def _fold(rows: CandleRows, interval: Interval, series: _Series, first_ms: int) -> None:
    """Adds rows without a hole to a series, candle by candle; a first part of one is left out.

    Rows that opened before `first_ms`, itself the opening of a candle, are not looked at.
    """
    opened = rows.column(0)
    index, count = bisect_left(opened, first_ms), len(rows)
    if rows.length_ms == interval.nominal_ms and series.forming is None:
        series.closed.extend(rows.flat(index))
        return
    while index < count:
        opens_ms = interval.opens_at_ms(opened[index])
        left_ms = interval.closes_at_ms(opens_ms) - opened[index]
        last = min(count, index + left_ms // rows.length_ms)
        begun = series.forming is not None or len(series.closed) > 0
        if begun or opened[index] == opens_ms:
            series.take(rows.summed(index, last), (last - index) * rows.length_ms)
        index = last
