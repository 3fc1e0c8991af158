"""Plain columns out of storage: the same numbers on both kinds of database."""

import math
from collections.abc import Sequence

import numpy as np
from tests.storage.samples import (
    T0,
    candle,
    liquidation,
    mark_candle,
    open_interest,
    store_together,
)

from headwater.core.enums import PositionSide
from headwater.core.intervals import Interval
from headwater.storage import step_columns
from headwater.storage.base import ColumnsQuery, Database
from headwater.storage.sessions import ReadSession

MINUTE_MS = 60_000
QUARTER_MS = 15 * MINUTE_MS
BEGIN = T0 - T0 % QUARTER_MS
SERIES = ("okx", "ETHUSDT")


def store_all(database: Database, records: Sequence[object]) -> None:
    """Stores records of several kinds."""
    for kind in {type(one) for one in records}:
        store_together(database, [one for one in records if type(one) is kind])


def rows(database: Database, query: ColumnsQuery) -> list[list[float]]:
    with ReadSession(database) as session:
        found: list[list[float]] = session.columns(query).tolist()
        return found


def test_steps_are_closed_bars_of_one_series_by_time(database: Database) -> None:
    """Typical price of high 4, low 0.5, close 2: 6.5 / 3."""
    store_all(
        database,
        [
            candle(BEGIN + MINUTE_MS),
            candle(BEGIN, close=4.0, volume=2.0),
            candle(BEGIN + 2 * MINUTE_MS, is_closed=False),
            candle(BEGIN, symbol="BTCUSDT"),
            candle(BEGIN, interval=Interval.M15),
            candle(BEGIN + QUARTER_MS),
            mark_candle(BEGIN, low=0.75),
        ],
    )
    span = (BEGIN, BEGIN + QUARTER_MS)
    assert rows(database, step_columns.traded_steps(*SERIES, Interval.M1, *span)) == [
        [BEGIN, 8.5 / 3.0, 2.0, 4.0],
        [BEGIN + MINUTE_MS, 6.5 / 3.0, 10.0, 2.0],
    ]
    assert rows(database, step_columns.marked_steps(*SERIES, Interval.M1, *span)) == [
        [BEGIN, 0.75, 4.0, 2.0]
    ]
    assert rows(database, step_columns.minutes(*SERIES, *span))[0] == [
        BEGIN, 1.0, 4.0, 0.5, 4.0, 2.0
    ]  # fmt: skip
    assert rows(database, step_columns.marked_steps("bybit", "X", Interval.M1, *span)) == []


def test_minutes_are_folded_by_volume(database: Database) -> None:
    """Typical prices 2 (volume 1) and 5 (volume 3): (2 + 15) / 4 = 4.25; without volume none."""
    store_all(
        database,
        [
            candle(BEGIN, high=2.0, low=2.0, close=2.0, volume=1.0),
            candle(BEGIN + MINUTE_MS, high=5.0, low=5.0, close=5.0, volume=3.0),
            candle(BEGIN + QUARTER_MS, volume=0.0),
            mark_candle(BEGIN, low=3.0, high=6.0),
            mark_candle(BEGIN + 14 * MINUTE_MS, low=2.5, high=5.0),
        ],
    )
    span = (BEGIN, BEGIN + 2 * QUARTER_MS)
    traded = rows(database, step_columns.traded_folded(*SERIES, QUARTER_MS, *span))
    assert traded[0] == [BEGIN, 4.25, 4.0]
    assert math.isnan(traded[1][1])
    assert traded[1][2] == 0.0
    assert rows(database, step_columns.marked_folded(*SERIES, QUARTER_MS, *span)) == [
        [BEGIN, 2.5, 6.0]
    ]


def test_what_was_last_in_each_bar(database: Database) -> None:
    store_all(
        database,
        [
            open_interest(BEGIN, open_interest=1.0),
            open_interest(BEGIN + QUARTER_MS - 1, open_interest=2.0),
            open_interest(BEGIN + 2 * QUARTER_MS, open_interest=3.0),
            candle(BEGIN, close=7.0),
            candle(BEGIN + 3 * MINUTE_MS, close=8.0),
        ],
    )
    span = (BEGIN, BEGIN + 3 * QUARTER_MS)
    interest = step_columns.interest_at_ends("binance", "BTCUSDT", QUARTER_MS, *span)
    found = rows(database, interest)
    assert [row[0] for row in found] == [BEGIN, BEGIN + QUARTER_MS, BEGIN + 2 * QUARTER_MS]
    assert np.array([row[1] for row in found]).tolist()[::2] == [2.0, 3.0]
    assert math.isnan(found[1][1])
    closes = rows(database, step_columns.closes_at_ends("candles", *SERIES, QUARTER_MS, *span))
    assert closes[0] == [BEGIN, 8.0]
    assert math.isnan(closes[1][1])


def test_liquidations_are_newest_first_with_their_venue(database: Database) -> None:
    store_all(
        database,
        [
            liquidation(T0, price=10.0, value=20.0, is_floor=True),
            liquidation(
                T0 + 1, exchange="okx", position_side=PositionSide.SHORT, price=11.0, value=22.0,
                is_floor=False,
            ),
            liquidation(T0 + 2, exchange="binance"),
            liquidation(T0 + 3),
        ],
    )  # fmt: skip
    query = step_columns.liquidated("BTCUSDT", ("okx", "bybit"), T0, T0 + 3, 10)
    assert rows(database, query) == [
        [T0 + 1, 0.0, 0.0, 11.0, 22.0, 0.0],
        [T0, 1.0, 1.0, 10.0, 20.0, 1.0],
    ]
    one = step_columns.liquidated("BTCUSDT", ("okx", "bybit"), T0, T0 + 3, 1)
    assert len(rows(database, one)) == 1


def test_several_questions_are_answered_as_each_alone(database: Database) -> None:
    """One of them has empty values: they are NaN. One has no rows."""
    store_all(database, [candle(BEGIN), candle(BEGIN + MINUTE_MS, close=4.0), mark_candle(BEGIN)])
    span = (BEGIN, BEGIN + 2 * QUARTER_MS)
    queries = [
        step_columns.traded_steps(*SERIES, Interval.M1, *span),
        step_columns.closes_at_ends("candles", *SERIES, QUARTER_MS, *span),
        step_columns.traded_steps("okx", "BTCUSDT", Interval.M1, *span),
    ]
    with ReadSession(database) as session:
        together = session.columns_of(queries)
        alone = [session.columns(one) for one in queries]
    assert [one.shape for one in together] == [(2, 4), (2, 2), (0, 4)]
    assert [one.tobytes() for one in together] == [one.tobytes() for one in alone]
    assert together[1][0].tolist() == [BEGIN, 4.0]
    assert together[1][1, 0] == BEGIN + QUARTER_MS
    assert np.isnan(together[1][1, 1])
