"""Stored liquidations, and their volume per bucket against a sum made by hand and by Python."""

from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.storage.samples import T0, fetch, liquidation, store_together

from headwater.core.enums import PositionSide, Side
from headwater.core.errors import RequestError, StorageRefused
from headwater.core.records import Liquidation
from headwater.storage.base import Database, Span
from headwater.storage.liquidations import (
    LiquidationFeedSum,
    LiquidationSum,
    between,
    by_exchange,
    first_time,
    largest,
    volume,
)

MINUTE = 60_000
ALL = Span(limit=10_000)


def test_one_symbol_over_all_venues_or_chosen_ones(database: Database) -> None:
    made = [
        liquidation(T0, exchange="bybit"),
        liquidation(T0 + 1, exchange="okx", value=5.0, is_floor=True),
        liquidation(T0 + 2, exchange="okx", symbol="ETHUSDT", order_id="7", order_price=9.5),
    ]
    store_together(database, made)
    assert fetch(database, between(ALL)) == made
    assert fetch(database, between(ALL, symbol="BTCUSDT")) == made[:2]
    assert fetch(database, between(ALL, exchanges=["okx"])) == made[1:]
    assert fetch(database, between(ALL, symbol="BTCUSDT", value_min_usd=6.0)) == made[:1]
    assert fetch(database, between(ALL, exchanges=[])) == []
    newest = between(Span(limit=2, newest_first=True))
    assert fetch(database, newest) == made[:0:-1]


def test_the_largest_come_first_and_of_equals_the_newest(database: Database) -> None:
    made = [
        liquidation(T0, value=5.0),
        liquidation(T0 + 1, value=9.0, exchange="okx"),
        liquidation(T0 + 2, value=9.0, symbol="ETHUSDT"),
        liquidation(T0 + 3, value=7.0),
        liquidation(T0 + 4, value=99.0),
    ]
    store_together(database, made)
    both, venues = ["BTCUSDT", "ETHUSDT"], ["bybit", "okx"]
    span = Span(start_ms=T0, end_ms=T0 + 4, limit=10)
    found = fetch(database, largest(span, symbols=both, exchanges=venues))
    assert found == [made[2], made[1], made[3], made[0]]
    assert fetch(database, largest(span, symbols=both, exchanges=["okx"])) == [made[1]]
    only = largest(span, symbols=["BTCUSDT"], exchanges=venues, value_min_usd=7.0)
    assert fetch(database, only) == [made[1], made[3]]
    first = largest(Span(limit=1), symbols=both, exchanges=venues)
    assert fetch(database, first) == [made[4]]


@given(values=st.lists(st.integers(1, 5), min_size=1, max_size=12), limit=st.integers(1, 12))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_largest_are_those_that_python_sorts(
    database: Database, values: list[int], limit: int
) -> None:
    """Whatever the values: as a sort of all of them by value and time, cut at the limit."""
    made = [liquidation(T0 + at, value=float(value)) for at, value in enumerate(values)]
    store_together(database, made)
    stored = fetch(database, between(ALL))
    wanted = sorted(stored, key=lambda one: (one.value, one.timestamp_ms), reverse=True)[:limit]
    found = fetch(database, largest(Span(limit=limit), symbols=["BTCUSDT"], exchanges=["bybit"]))
    assert [one.value for one in found] == [one.value for one in wanted]
    assert [(one.value, one.timestamp_ms) for one in found] == sorted(
        ((one.value, one.timestamp_ms) for one in found), reverse=True
    )


@pytest.mark.parametrize("field", ["price", "quantity", "value"])
@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_a_number_that_is_none_is_refused(database: Database, field: str, number: float) -> None:
    """By both databases alike: PostgreSQL would take either, SQLite infinity."""
    with pytest.raises(StorageRefused):
        store_together(database, [liquidation(T0), liquidation(T0 + 1, **{field: number})])
    assert fetch(database, between(ALL)) == []


def test_the_first_of_a_symbol_over_all_venues(database: Database) -> None:
    made = [liquidation(T0 + 5, exchange="okx"), liquidation(T0 + 2), liquidation(T0 + 9)]
    store_together(database, [*made, liquidation(T0, symbol="ETHUSDT")])
    assert fetch(database, first_time("BTCUSDT")) == [T0 + 2]
    assert fetch(database, first_time("XRPUSDT")) == [None]


def test_those_that_differ_in_their_order_are_two(database: Database) -> None:
    same = [liquidation(), liquidation(), liquidation(order_id="1"), liquidation(order_id="2")]
    assert store_together(database, same) == 3


def test_volume_by_hand(database: Database) -> None:
    """Two minutes, T0 is 40 s into a minute (1 790 000 000 s mod 60 = 20: 20 s into it).

    The first minute opens at T0 − 20 s. Sells in it: 200 + 50 = 250 USD, 2 + 2 = 4 coins; one buy
    of 10 USD. At T0 + 40 s the next minute begins: a buy of 30 USD, from a throttled stream.
    """
    buy = {"side": Side.BUY, "position_side": PositionSide.SHORT}
    store_together(
        database,
        [
            liquidation(T0),
            liquidation(T0 + 39_999, value=50.0),
            liquidation(T0 + 1, value=10.0, quantity=1.0, **buy),
            liquidation(T0 + 40_000, value=30.0, quantity=3.0, is_floor=True, **buy),
        ],
    )
    first, second = T0 - 20_000, T0 + 40_000
    assert fetch(database, volume(ALL, MINUTE, symbol="BTCUSDT")) == [
        _volume(first, Side.BUY, 10.0, 1.0, 1, False),
        _volume(first, Side.SELL, 250.0, 4.0, 2, False),
        _volume(second, Side.BUY, 30.0, 3.0, 1, True),
    ]
    newest = volume(Span(limit=1, newest_first=True), MINUTE)
    assert fetch(database, newest) == [_volume(second, Side.BUY, 30.0, 3.0, 1, True)]
    cut = volume(Span(start_ms=T0 + 1, end_ms=T0 + 40_000), MINUTE, exchanges=["bybit"])
    assert [found.value for found in fetch(database, cut)] == [10.0, 50.0]


def test_a_bucket_without_length_is_refused() -> None:
    with pytest.raises(RequestError, match="bucket_ms"):
        volume(ALL, 0)
    with pytest.raises(RequestError, match="limit"):
        volume(Span(limit=0), MINUTE)


_events = st.lists(
    st.builds(
        liquidation,
        st.integers(T0, T0 + 600_000),
        side=st.sampled_from(Side),
        value=st.integers(1, 10_000).map(float),
        price=st.integers(1, 50).map(float),
    ),
    max_size=60,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=_events, bucket_ms=st.integers(1, 200_000))
def test_volume_is_the_sum_of_the_rows(
    database: Database, events: list[Liquidation], bucket_ms: int
) -> None:
    if events:
        store_together(database, events)
    sums: dict[tuple[int, Side], float] = defaultdict(float)
    for row in fetch(database, between(ALL)):
        sums[row.timestamp_ms // bucket_ms * bucket_ms, row.side] += row.value
    found = fetch(database, volume(ALL, bucket_ms))
    assert {(one.opened_at_ms, one.side): one.value for one in found} == sums


def _volume(
    opened_at_ms: int, side: Side, value: float, quantity: float, count: int, is_floor: bool
) -> LiquidationSum:
    return LiquidationSum(
        opened_at_ms=opened_at_ms,
        side=side,
        value=value,
        quantity=quantity,
        count=count,
        is_floor=is_floor,
    )


def test_what_each_venue_told_the_largest_sum_first(database: Database) -> None:
    store_together(
        database,
        [
            liquidation(T0, exchange="okx", value=5.0, is_floor=True),
            liquidation(T0 + 1, exchange="okx", value=5.0),
            liquidation(T0 + 1, exchange="bybit", value=11.0),
            liquidation(T0 + 2, exchange="bybit", value=9.0, symbol="ETHUSDT"),
            liquidation(T0 + 9, exchange="okx", value=99.0),
        ],
    )
    assert fetch(database, by_exchange("BTCUSDT", Span(start_ms=T0, end_ms=T0 + 9))) == [
        LiquidationFeedSum(exchange="bybit", count=1, value=11.0, is_floor=False),
        LiquidationFeedSum(exchange="okx", count=2, value=10.0, is_floor=True),
    ]
