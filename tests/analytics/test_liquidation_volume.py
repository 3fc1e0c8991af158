"""The histogram: sides, spans and units by hand; any order and portion gives the same."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.liquidation_volume import (
    BUCKETS_KEPT,
    LiquidationVolume,
    LiquidationVolumes,
)
from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation

MINUTE = 60_000
START = 1_700_000_040_000
"""A whole minute."""


def event(
    timestamp_ms: int,
    side: PositionSide,
    price: float,
    quantity: float,
    *,
    exchange: str = "bybit",
    is_floor: bool = False,
) -> Liquidation:
    """A liquidation of BTCUSDT."""
    return Liquidation(
        exchange=exchange,
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=timestamp_ms,
        received_ns=0,
        side=Side.SELL if side is PositionSide.LONG else Side.BUY,
        position_side=side,
        price=price,
        quantity=quantity,
        value=price * quantity,
        price_kind=PriceKind.AVERAGE,
        order_id=None,
        is_floor=is_floor,
    )


EVENTS = st.lists(
    st.builds(
        event,
        st.integers(START, START + 30 * MINUTE),
        st.sampled_from(PositionSide),
        st.floats(0.1, 1e5),
        st.floats(1e-3, 1e3),
        exchange=st.sampled_from(["binance", "bybit"]),
        is_floor=st.booleans(),
    ),
    max_size=40,
)


def _of(events: list[Liquidation]) -> LiquidationVolumes:
    volumes = LiquidationVolumes("BTCUSDT", Interval.M1)
    volumes.add(events)
    return volumes


def test_sides_spans_and_units_by_hand() -> None:
    """Minute 0: a long of 2 × 100 and a short of 1 × 110; minute 1: nothing; minute 2: 3 × 90 long.

    The event at the last millisecond of minute 0 is in it, the one at 2 × 60,000 ms in minute 2.
    """
    volumes = _of(
        [
            event(START, PositionSide.LONG, 100.0, 2.0),
            event(START + MINUTE - 1, PositionSide.SHORT, 110.0, 1.0),
            event(START + 2 * MINUTE, PositionSide.LONG, 90.0, 3.0, is_floor=True),
        ]
    )
    first, empty, last = volumes.buckets()
    assert first == LiquidationVolume(
        opened_at_ms=START,
        buy_usd=110.0,
        sell_usd=200.0,
        buy_quantity=1.0,
        sell_quantity=2.0,
        buy_count=1,
        sell_count=1,
        is_floor=False,
    )
    assert empty.opened_at_ms == START + MINUTE
    assert (empty.buy_usd, empty.sell_usd, empty.buy_count, empty.sell_count) == (0, 0, 0, 0)
    assert not empty.is_floor
    assert (last.sell_usd, last.sell_quantity, last.is_floor) == (270.0, 3.0, True)


@given(EVENTS, st.data())
def test_any_order_and_any_portions_give_the_same(
    events: list[Liquidation], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(events))
    live = LiquidationVolumes("BTCUSDT", Interval.M1)
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        live.add(shuffled[:size])
        shuffled = shuffled[size:]
    assert live.buckets() == _of(events).buckets()


@given(EVENTS)
def test_buckets_are_without_holes_and_lose_nothing(events: list[Liquidation]) -> None:
    rows = _of(events).buckets()
    opened = [row.opened_at_ms for row in rows]
    assert all(later - earlier == MINUTE for earlier, later in pairwise(opened))
    assert sum(row.buy_count + row.sell_count for row in rows) == len(events)
    if rows:
        assert rows[0].buy_count + rows[0].sell_count > 0
        assert rows[-1].buy_count + rows[-1].sell_count > 0


@given(EVENTS, st.integers(START, START + 31 * MINUTE), st.integers(0, 31))
def test_a_range_and_a_choice_of_exchanges_are_those_events_alone(
    events: list[Liquidation], from_ms: int, minutes: int
) -> None:
    until_ms = from_ms + minutes * MINUTE
    first_ms = -(-from_ms // MINUTE) * MINUTE
    last_ms = -(-until_ms // MINUTE) * MINUTE
    chosen = [
        one
        for one in events
        if one.exchange == "binance" and first_ms <= one.timestamp_ms < last_ms
    ]
    asked = _of(events).buckets(start_ms=from_ms, end_ms=until_ms, exchanges={"binance"})
    assert asked == _of(chosen).buckets()


def test_what_is_too_old_is_counted_in_any_order() -> None:
    old = event(START, PositionSide.LONG, 100.0, 1.0)
    new = event(START + BUCKETS_KEPT * MINUTE, PositionSide.LONG, 100.0, 1.0)
    edge = event(START + MINUTE, PositionSide.SHORT, 100.0, 1.0)
    for order in ([old, edge, new], [new, old, edge], [edge, new, old]):
        volumes = _of(order)
        assert volumes.dropped_count == 1
        rows = volumes.buckets()
        assert len(rows) == BUCKETS_KEPT
        assert (rows[0].buy_usd, rows[-1].sell_usd) == (100.0, 100.0)


def test_months_are_calendar_months() -> None:
    """2023-11-14 and 2024-01-02: three months, December empty."""
    volumes = LiquidationVolumes("BTCUSDT", Interval.MONTH1)
    volumes.add([event(1_699_920_000_000, PositionSide.LONG, 1.0, 1.0)])
    volumes.add([event(1_704_153_600_000, PositionSide.LONG, 1.0, 1.0)])
    assert [row.opened_at_ms for row in volumes.buckets()] == [
        1_698_796_800_000,
        1_701_388_800_000,
        1_704_067_200_000,
    ]


def test_no_events_no_buckets_and_no_other_symbol() -> None:
    volumes = _of([])
    assert volumes.buckets() == []
    other = msgspec.structs.replace(event(START, PositionSide.LONG, 1.0, 1.0), symbol="ETHUSDT")
    with pytest.raises(ValueError, match="ETHUSDT"):
        volumes.add([other])
