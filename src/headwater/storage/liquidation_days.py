"""Days of liquidations: which are packed into blocks, packing one, and reading a span as columns.

A day that is over is packed once: its rows as columns, and their exact sums by minute, quarter of
an hour, two hours and day. Triggers of the database delete a day's blocks with every change of its
rows, whoever makes it, so a reader never has to ask whether a block is true. Days that are not
packed are read row by row; which is which stands in `liquidation_days`, read in the same state of
the database.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import msgspec
import numpy as np
import sqlalchemy as sa

from headwater.analytics.liquidation_columns import LiquidationColumns
from headwater.analytics.volume_tally import STEPS_MS, StepSums
from headwater.core.enums import PositionSide, PriceKind
from headwater.core.errors import RequestError
from headwater.storage.base import Row
from headwater.storage.liquidation_blocks import (
    DAY_MS,
    pack_events,
    pack_sums,
    unpack_events,
    unpack_sums,
)
from headwater.storage.schema import LIQUIDATION_BLOCKS, LIQUIDATION_DAYS, LIQUIDATIONS
from headwater.storage.sessions import Snapshot, Transaction

ROWS_MAX: Final = 1_000_000
"""Most rows of days that are not packed which one question reads; so many take some seconds."""

PACKED_ROWS_MAX: Final = 20_000_000
"""Most packed events which one question reads; sums do not count."""

BLOCK_ROWS_MAX: Final = 1_000_000
"""Most rows of a block; a day with more stays as rows."""

_CHANGED: Final = 0
_PACKED: Final = 1
_ROWS_ONLY: Final = 2
_EVENTS_STEP: Final = 0
_ROWS_AT_A_TIME: Final = 50_000

Portion: TypeAlias = LiquidationColumns | StepSums
"""A part of an answer: events, or their sums."""

_EVENT_COLUMNS: Final = tuple(
    LIQUIDATIONS.c[name]
    for name in (
        "timestamp_ms",
        "received_ns",
        "price",
        "value",
        "quantity",
        "position_side",
        "price_kind",
        "is_floor",
    )
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which liquidations.

    Attributes:
        symbol: canonical symbol.
        start_ms: earliest time, inclusive.
        end_ms: first time that is not wanted any more.
        exchanges: venue ids, None for all.
    """

    symbol: str
    start_ms: int
    end_ms: int
    exchanges: frozenset[str] | None = None

    @property
    def chosen(self) -> list[str] | None:
        """Venue ids in one order, None for all."""
        return None if self.exchanges is None else sorted(self.exchanges)


def pack_one(writing: Transaction, before_day: int) -> bool:
    """Packs one day that changed since it was packed last.

    Args:
        writing: a transaction of its own.
        before_day: first day that is not over yet, in days since the epoch.

    Returns:
        Whether there was one.
    """
    days = LIQUIDATION_DAYS.c
    waiting = sa.select(days.symbol, days.day, days.exchange).where(
        days.state == _CHANGED, days.day < before_day
    )
    if writing.execute(waiting.limit(1)).first() is None:
        return False
    # From here on nobody changes a row until the block is there: it cannot be untrue from birth.
    writing.hold_still(LIQUIDATIONS)
    found = writing.execute(waiting.limit(1)).first()
    if found is None:
        return False
    symbol, day, exchange = tuple(found)
    of_day = [
        LIQUIDATIONS.c.exchange == exchange,
        LIQUIDATIONS.c.symbol == symbol,
        LIQUIDATIONS.c.timestamp_ms >= day * DAY_MS,
        LIQUIDATIONS.c.timestamp_ms < (day + 1) * DAY_MS,
    ]
    statement = sa.select(*_EVENT_COLUMNS).where(*of_day).limit(BLOCK_ROWS_MAX + 1)
    pages = [_columns_of(page) for page in writing.select(statement, _ROWS_AT_A_TIME)]
    key = [days.symbol == symbol, days.day == day, days.exchange == exchange]
    if not pages:
        writing.execute(sa.delete(LIQUIDATION_DAYS).where(*key))
        return True
    blocks = _blocks_of(LiquidationColumns.joined(pages), day)
    for step_ms, count, content in blocks:
        values = {"step_ms": step_ms, "rows": count, "content": content}
        of = {"symbol": symbol, "day": day, "exchange": exchange}
        writing.execute(sa.insert(LIQUIDATION_BLOCKS).values(**of, **values))
    state = _PACKED if blocks else _ROWS_ONLY
    writing.execute(sa.update(LIQUIDATION_DAYS).where(*key).values(state=state))
    return True


def forget_days(writing: Transaction, start_ms: int, end_ms: int) -> None:
    """Deletes days and blocks of rows that are dropped with their part: no trigger sees those.

    Args:
        writing: the transaction that drops the rows.
        start_ms: first time that is dropped, ms since the epoch, the beginning of a day.
        end_ms: first time after it, the beginning of a day.
    """
    for table in (LIQUIDATION_BLOCKS, LIQUIDATION_DAYS):
        day = table.c.day
        writing.execute(sa.delete(table).where(day >= start_ms // DAY_MS, day < end_ms // DAY_MS))


def portions(state: Snapshot, wanted: Wanted, *, step_ms: int | None = None) -> Iterator[Portion]:
    """The liquidations of a span, each once, in portions of no particular order.

    Args:
        state: one state of the database.
        wanted: which.
        step_ms: one of `STEPS_MS`: days that are packed and wholly wanted come as its sums; None
            for events only.

    Raises:
        RequestError: more than `ROWS_MAX` rows or `PACKED_ROWS_MAX` packed events.
    """
    packed, rows = _days_of(state, wanted)
    first_whole = -(-wanted.start_ms // DAY_MS)
    last_whole = wanted.end_ms // DAY_MS - 1
    if step_ms is not None and first_whole <= last_whole:
        for key, count, content in _blocks(state, wanted, step_ms, first_whole, last_whole):
            if key in packed:
                yield unpack_sums(content, count, key[0])
        packed = {key for key in packed if not first_whole <= key[0] <= last_whole}
    yield from _packed_events(state, wanted, packed)
    left = ROWS_MAX
    for exchange, start_ms, end_ms in _runs(rows, wanted):
        for page in _row_pages(state, wanted.symbol, exchange, start_ms, end_ms, left):
            left -= len(page)
            if left < 0:
                raise _too_many(wanted, ROWS_MAX)
            yield page


def _blocks_of(columns: LiquidationColumns, day: int) -> Sequence[tuple[int, int, bytes]]:
    """Step, rows and bytes of each block of a day; none when it has to stay as rows."""
    numbers = (columns.price, columns.value, columns.quantity)
    if len(columns) > BLOCK_ROWS_MAX or not all(np.isfinite(one).all() for one in numbers):
        return ()
    made = [(_EVENTS_STEP, len(columns), pack_events(columns, day))]
    for step_ms in STEPS_MS:
        sums = StepSums.of(columns, step_ms)
        if sums is None:
            return ()
        made.append((step_ms, len(sums), pack_sums(sums, day)))
    return made


_DayKey: TypeAlias = tuple[int, str]


def _days_of(state: Snapshot, wanted: Wanted) -> tuple[set[_DayKey], list[_DayKey]]:
    """Day and venue of what is packed, and of what is not, of all days that the span touches."""
    days = LIQUIDATION_DAYS.c
    conditions = [
        days.symbol == wanted.symbol,
        days.day >= wanted.start_ms // DAY_MS,
        days.day <= (wanted.end_ms - 1) // DAY_MS,
    ]
    if wanted.chosen is not None:
        conditions.append(days.exchange.in_(wanted.chosen))
    packed: set[_DayKey] = set()
    rows: list[_DayKey] = []
    for page in state.select(sa.select(days.day, days.exchange, days.state).where(*conditions)):
        for day, exchange, how in page:
            if how == _PACKED:
                packed.add((day, exchange))
            else:
                rows.append((day, exchange))
    return packed, rows


def _blocks(
    state: Snapshot, wanted: Wanted, step_ms: int, first_day: int, last_day: int
) -> Iterator[tuple[_DayKey, int, bytes]]:
    blocks = LIQUIDATION_BLOCKS.c
    statement = sa.select(blocks.day, blocks.exchange, blocks.rows, blocks.content).where(
        blocks.symbol == wanted.symbol,
        blocks.day >= first_day,
        blocks.day <= last_day,
        blocks.step_ms == step_ms,
    )
    if wanted.chosen is not None:
        statement = statement.where(blocks.exchange.in_(wanted.chosen))
    for day, exchange, count, content in state.blobs(statement):
        yield (day, exchange), count, content


def _packed_events(
    state: Snapshot, wanted: Wanted, days: set[_DayKey]
) -> Iterator[LiquidationColumns]:
    """The events of packed days that lie in the span."""
    events = 0
    for first_day, last_day in _stretches({day for day, _ in days}):
        for key, count, content in _blocks(state, wanted, _EVENTS_STEP, first_day, last_day):
            if key not in days:
                continue
            events += count
            if events > PACKED_ROWS_MAX:
                raise _too_many(wanted, PACKED_ROWS_MAX)
            yield unpack_events(content, count, key[0]).between(wanted.start_ms, wanted.end_ms)


def _runs(days: Sequence[_DayKey], wanted: Wanted) -> Iterator[tuple[str, int, int]]:
    """Venue, start and end of each stretch of days that follow each other."""
    for exchange in sorted({exchange for _, exchange in days}):
        for first, last in _stretches({day for day, venue in days if venue == exchange}):
            start_ms = max(wanted.start_ms, first * DAY_MS)
            yield exchange, start_ms, min(wanted.end_ms, (last + 1) * DAY_MS)


def _stretches(days: set[int]) -> Iterator[tuple[int, int]]:
    """First and last of each stretch of numbers without a hole, ascending."""
    ordered = sorted(days)
    first = 0
    for place, day in enumerate(ordered):
        if place + 1 == len(ordered) or ordered[place + 1] != day + 1:
            yield ordered[first], day
            first = place + 1


def _row_pages(
    state: Snapshot, symbol: str, exchange: str, start_ms: int, end_ms: int, rows_max: int
) -> Iterator[LiquidationColumns]:
    statement = (
        sa.select(*_EVENT_COLUMNS)
        .where(
            LIQUIDATIONS.c.exchange == exchange,
            LIQUIDATIONS.c.symbol == symbol,
            LIQUIDATIONS.c.timestamp_ms >= start_ms,
            LIQUIDATIONS.c.timestamp_ms < end_ms,
        )
        .limit(rows_max + 1)
    )
    for page in state.select(statement, _ROWS_AT_A_TIME):
        yield _columns_of(page)


def _columns_of(rows: Sequence[Row]) -> LiquidationColumns:
    times, received, price, value, quantity, sides, kinds, floors = zip(*rows, strict=True)
    long, bankruptcy = PositionSide.LONG.value, PriceKind.BANKRUPTCY.value
    made = LiquidationColumns(
        timestamp_ms=np.array(times, np.int64),
        received_ms=np.array(received, np.int64) // 1_000_000,
        price=np.array(price, np.float64),
        value=np.array(value, np.float64),
        quantity=np.array(quantity, np.float64),
        is_long=np.array([side == long for side in sides], np.bool_),
        is_bankruptcy=np.array([kind == bankruptcy for kind in kinds], np.bool_),
        is_floor=np.array(floors, np.bool_),
    )
    return made.ordered()


def _too_many(wanted: Wanted, most: int) -> RequestError:
    return RequestError("start_time", wanted.start_ms, f"a span of at most {most} liquidations")
