"""Bars of stored candles, with what was known of funding, open interest and liquidations.

Further columns are point-in-time: the value of a row was known strictly before the close of its
bar. What came at the very moment of the close belongs to the next bar.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.volume_tally import StepSums, VolumeTally, step_of
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.storage import candles, funding, liquidations, open_interest
from headwater.storage.base import ColumnsQuery
from headwater.storage.liquidation_days import Wanted, portions
from headwater.storage.sessions import ReadSession
from headwater.strategies.bars import Bars, time_text

__all__ = ["STORED_ROWS_MAX", "ExtraColumn", "StoredBars", "stored_bars"]

STORED_ROWS_MAX: Final = 5_000_000
"""Most candles or readings of one series in one question: nine years of minutes."""

_REACH_BACK_MS: Final = 40 * 86_400_000
"""How far before the first bar a rate or reading is looked for: longer than any pause of theirs."""


class ExtraColumn(StrEnum):
    """What can be joined to stored candles, by the name of its column."""

    FUNDING_RATE = "funding_rate"
    OPEN_INTEREST = "open_interest"
    LIQUIDATED_LONG_USD = "liquidated_long_usd"
    LIQUIDATED_SHORT_USD = "liquidated_short_usd"


class StoredBars(msgspec.Struct, frozen=True, kw_only=True):
    """Which bars are wanted.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        interval: length of a bar, as stored.
        start_ms: earliest opening, ms since the epoch, inclusive.
        end_ms: openings are before this.
        extras: columns to be joined: `funding_rate` (last settled, a fraction per interval),
            `open_interest` (last reading, base units), `liquidated_long_usd` and
            `liquidated_short_usd` (sums of the bar over `liquidation_exchanges`, USD). NaN before
            anything is known.
        liquidation_exchanges: venues whose liquidations count; empty for all.
    """

    exchange: str
    symbol: str
    interval: Interval
    start_ms: int
    end_ms: int
    extras: tuple[ExtraColumn, ...] = ()
    liquidation_exchanges: tuple[str, ...] = ()


def stored_bars(session: ReadSession, wanted: StoredBars) -> Bars:
    """The closed candles of a span as bars.

    Args:
        session: of the database.
        wanted: which.

    Raises:
        RequestError: nothing is stored of them, or more than `STORED_ROWS_MAX`.
        StorageError: the database does not answer.
    """
    if wanted.start_ms >= wanted.end_ms:
        raise RequestError("end", time_text(wanted.end_ms), "a time after the start")
    table = _rows(
        session,
        candles.bar_columns(
            wanted.exchange,
            wanted.symbol,
            wanted.interval,
            wanted.start_ms,
            wanted.end_ms,
            STORED_ROWS_MAX + 1,
        ),
        "candles",
    )
    if not len(table):
        raise _nothing(session, wanted)
    times = table[:, 0].astype(np.int64)
    names = ("open", "high", "low", "close", "volume")
    columns = {name: np.ascontiguousarray(table[:, 1 + at]) for at, name in enumerate(names)}
    extras = _extras(session, wanted, times)
    bars = Bars.from_columns(times, columns, symbol=wanted.symbol, extras=extras)
    return Bars(
        bars.timestamp_ms,
        columns,
        symbol=wanted.symbol,
        interval_ms=wanted.interval.nominal_ms,
        extras=bars.extras,
    )


def _rows(session: ReadSession, query: ColumnsQuery, what: str) -> FloatArray:
    """The rows of a series.

    Raises:
        RequestError: too many.
    """
    table: FloatArray = session.columns(query)
    if len(table) > STORED_ROWS_MAX:
        raise RequestError("start", what, f"a span with at most {STORED_ROWS_MAX} {what}")
    return table


def _nothing(session: ReadSession, wanted: StoredBars) -> RequestError:
    """What is stored instead of what was asked for, and how to get it."""
    spans = session.fetch(candles.series_span(wanted.exchange, wanted.symbol))
    told = "; ".join(
        f"{one.interval} from {time_text(one.first_ms)} to {time_text(one.last_ms)}"
        for one in spans
    )
    what = f"{wanted.symbol} {wanted.interval} on {wanted.exchange}"
    span = f"{time_text(wanted.start_ms)} to {time_text(wanted.end_ms)}"
    since = time_text(wanted.start_ms)[:10]
    return RequestError(
        "data",
        f"{what}, {span}",
        f"stored candles; there are {told or 'none of this symbol'}. Fetch them: headwater fetch "
        f"candles --venue {wanted.exchange} --symbol {wanted.symbol} --interval {wanted.interval} "
        f"--since {since} --into storage",
    )


def _extras(session: ReadSession, wanted: StoredBars, times: IndexArray) -> dict[str, FloatArray]:
    """The further columns."""
    closes = np.array([wanted.interval.closes_at_ms(one) for one in times.tolist()], np.int64)
    found: dict[str, FloatArray] = {}
    series = (wanted.exchange, wanted.symbol)
    span = (int(times[0]) - _REACH_BACK_MS, int(closes[-1]), STORED_ROWS_MAX + 1)
    if ExtraColumn.FUNDING_RATE in wanted.extras:
        rows = _rows(session, funding.settled_columns(*series, *span), "funding rates")
        found[ExtraColumn.FUNDING_RATE.value] = known_before(closes, rows[:, 0], rows[:, 1])
    if ExtraColumn.OPEN_INTEREST in wanted.extras:
        rows = _rows(session, open_interest.reading_columns(*series, *span), "readings")
        found[ExtraColumn.OPEN_INTEREST.value] = known_before(closes, rows[:, 0], rows[:, 1])
    liquidated = {ExtraColumn.LIQUIDATED_LONG_USD, ExtraColumn.LIQUIDATED_SHORT_USD}
    if liquidated & set(wanted.extras):
        longs, shorts = _liquidated(session, wanted, times, int(closes[-1]))
        if ExtraColumn.LIQUIDATED_LONG_USD in wanted.extras:
            found[ExtraColumn.LIQUIDATED_LONG_USD.value] = longs
        if ExtraColumn.LIQUIDATED_SHORT_USD in wanted.extras:
            found[ExtraColumn.LIQUIDATED_SHORT_USD.value] = shorts
    return found


def known_before(closes: IndexArray, known_ms: FloatArray, values: FloatArray) -> FloatArray:
    """The newest value that was known strictly before each close.

    Args:
        closes: shape (N,), ends of the bars, ms, ascending.
        known_ms: shape (M,), when each value was known, in any order.
        values: shape (M,).

    Returns:
        Shape (N,); NaN before the first.
    """
    column = np.full(len(closes), np.nan)
    if not len(known_ms):
        return column
    order = np.argsort(known_ms, kind="stable")
    newest = np.searchsorted(known_ms[order], closes, side="left") - 1
    there = newest >= 0
    column[there] = values[order][newest[there]]
    return column


def _liquidated(
    session: ReadSession, wanted: StoredBars, times: IndexArray, end_ms: int
) -> tuple[FloatArray, FloatArray]:
    """USD of long and of short positions liquidated within each bar.

    0 where none was told; NaN for bars that opened before the first stored liquidation of the
    symbol: nobody listened then.
    """
    start_ms = int(times[0])
    first_ms = next(iter(session.fetch(liquidations.first_time(wanted.symbol))), None)
    longs, shorts = np.full(len(times), np.nan), np.full(len(times), np.nan)
    if first_ms is None:
        return longs, shorts
    venues = frozenset(wanted.liquidation_exchanges) or None
    chosen = Wanted(symbol=wanted.symbol, start_ms=start_ms, end_ms=end_ms, exchanges=venues)
    tally = VolumeTally(wanted.interval, start_ms, end_ms)
    with session.snapshot() as state:
        for portion in portions(state, chosen, step_ms=step_of(wanted.interval)):
            if isinstance(portion, StepSums):
                tally.add_sums(portion)
            else:
                tally.add(portion)
    listened = times >= first_ms
    longs[listened] = shorts[listened] = 0.0
    buckets = tally.buckets()
    _put(longs, times, ((one.opened_at_ms, one.sell_usd) for one in buckets))
    _put(shorts, times, ((one.opened_at_ms, one.buy_usd) for one in buckets))
    return longs, shorts


def _put(column: FloatArray, times: IndexArray, sums: Iterable[tuple[int, float]]) -> None:
    """Writes sums into the rows of their bars; sums of bars that are missing are left out."""
    found = list(sums)
    if not found:
        return
    opened = np.array([one[0] for one in found], dtype=np.int64)
    rows = np.minimum(np.searchsorted(times, opened), len(times) - 1)
    there = (times[rows] == opened) & ~np.isnan(column[rows])
    column[rows[there]] = np.array([one[1] for one in found])[there]
