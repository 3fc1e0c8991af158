"""The baselines: each worked by hand; shares of 1, nothing of the future, nothing invented."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.leverage_ladder import LeverageLadder
from headwater.analytics.leverage_weights import LeverageClass
from headwater.analytics.liquidation_baselines import (
    DISTANCE_WINDOW_MS,
    RECENT_WINDOW_MS,
    VOLUME_WINDOW_MS,
    TradedVolume,
    by_distance,
    by_ladder,
    by_recent,
    by_volume,
    uniform,
)
from headwater.analytics.price_buckets import grid_between
from headwater.analytics.price_map import PriceMap
from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.records import Liquidation

GRID = grid_between(Decimal(10), 60.0, 139.0)
"""Eight buckets, 60 … 140."""
NOW_MS = 100 * 86_400_000
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def event(age_ms: int, side: PositionSide, price: float, value: float) -> Liquidation:
    return Liquidation(
        exchange="bybit",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=NOW_MS - age_ms,
        received_ns=0,
        side=Side.SELL if side is LONG else Side.BUY,
        position_side=side,
        price=price,
        quantity=value / price,
        value=value,
        price_kind=PriceKind.BANKRUPTCY,
        order_id=None,
        is_floor=False,
    )


def test_b0_is_the_same_everywhere_on_its_side() -> None:
    """Mark 95: longs from 60 to 100 (four buckets), shorts from 90 to 140 (five)."""
    found = uniform(GRID, 95.0)
    assert found.long.tolist() == [0.25] * 4 + [0.0] * 4
    assert found.short.tolist() == [0.0] * 3 + [0.2] * 5


def test_b0_on_an_edge() -> None:
    """Mark 100: nothing of the bucket 100 … 110 lies below it."""
    found = uniform(GRID, 100.0)
    assert found.long.tolist() == [0.25] * 4 + [0.0] * 4
    assert found.short.tolist() == [0.0] * 4 + [0.25] * 4


def test_b1_by_hand() -> None:
    """Longs: 10 USD at a distance of 5 % and 30 USD at 20 %; P = 100.

    Cumulative USD: 0 at 0, 10 at 0.05, 40 at 0.20. Bucket 90 … 100 has the distances 0 … 0.10:
    10 + 30 × 0.05 / 0.15 = 20; bucket 80 … 90 the rest up to 0.20: 20; nothing beyond. Shorts of
    the sample have their own: all 7 USD at 10 %, evenly from 0: bucket 100 … 110.
    """
    events = [event(1, LONG, 95.0, 10.0), event(2, LONG, 160.0, 30.0), event(3, SHORT, 110.0, 7.0)]
    references = {NOW_MS - 1: 100.0, NOW_MS - 2: 200.0, NOW_MS - 3: 100.0}
    found = by_distance(GRID, 100.0, events, references.get, NOW_MS)
    assert found.long.tolist() == pytest.approx([0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0])
    assert found.short.tolist() == pytest.approx([0.0] * 4 + [1.0] + [0.0] * 3)


def test_b1_equal_distances_and_no_distance() -> None:
    """Two of 10 % are one of their sum; one of 0 % is in the bucket that holds the price."""
    at_ten = [event(1, LONG, 90.0, 1.0), event(2, LONG, 90.0, 3.0)]
    found = by_distance(GRID, 100.0, at_ten, lambda _: 100.0, NOW_MS)
    assert found.long.tolist() == pytest.approx([0.0] * 3 + [1.0] + [0.0] * 4)
    found = by_distance(GRID, 95.0, [event(1, LONG, 100.0, 1.0)], lambda _: 100.0, NOW_MS)
    assert found.long.tolist() == pytest.approx([0.0] * 3 + [1.0] + [0.0] * 4)


def test_b1_ignores_what_has_no_reference() -> None:
    found = by_distance(GRID, 100.0, [event(1, LONG, 90.0, 1.0)], lambda _: None, NOW_MS)
    assert found == PriceMap.of(GRID, np.zeros(8), np.zeros(8))


def test_b2_is_the_volume_of_each_side_of_the_price() -> None:
    """3 at 75, 1 at 85 below a mark of 100; 2 at 115 above; what is off the grid is left out."""
    volumes = [
        TradedVolume(timestamp_ms=NOW_MS - 5, price=price, volume=volume)
        for price, volume in ((75.0, 3.0), (85.0, 1.0), (115.0, 2.0), (500.0, 9.0))
    ]
    found = by_volume(GRID, 100.0, volumes, NOW_MS)
    assert found.long.tolist() == [0.0, 0.75, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert found.short.tolist() == [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]


def test_b3_older_events_count_less() -> None:
    """8 USD two half-lives ago count 2; 6 USD just now count 6 less nothing to speak of."""
    events = [event(2_000_000, LONG, 75.0, 8.0), event(1, LONG, 85.0, 6.0)]
    found = by_recent(GRID, 100.0, events, NOW_MS, half_life_ms=1_000_000.0)
    assert found.long.tolist()[1:3] == pytest.approx([0.25, 0.75], rel=1e-5)
    with pytest.raises(ValueError, match="half_life_ms"):
        by_recent(GRID, 100.0, events, NOW_MS, half_life_ms=0.0)


def test_b4_is_a_ladder_from_the_price() -> None:
    """5× with 0.75 and 10× with 0.25 at 100: longs at 80 and 90, shorts at 120 and 110.

    At 60 the long of 5× is at 48, off the grid: the side is what is left of it.
    """
    classes = [
        LeverageClass(leverage=5.0, weight=0.75, half_life_ms=1.0),
        LeverageClass(leverage=10.0, weight=0.25, half_life_ms=1.0),
    ]
    ladder = LeverageLadder(
        classes,
        lambda side, entry, leverage: entry * (1.0 + (-1.0 if side is LONG else 1.0) / leverage),
        GRID.edges,
    )
    found = by_ladder(GRID, 100.5, ladder)
    assert found.long.tolist() == [0.0, 0.0, 0.75, 0.25, 0.0, 0.0, 0.0, 0.0]
    assert found.short.tolist() == [0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.75, 0.0]
    assert by_ladder(GRID, 70.0, ladder).long.tolist() == [1.0] + [0.0] * 7


EVENTS = st.lists(
    st.builds(
        event,
        st.integers(-1000, 2 * DISTANCE_WINDOW_MS),
        st.sampled_from(PositionSide),
        st.floats(60.0, 139.0),
        st.floats(0.01, 1e6),
    ),
    max_size=20,
)


@given(EVENTS, st.floats(61.0, 139.0))
def test_shares_of_one_and_nothing_from_outside_the_window(
    events: list[Liquidation], price: float
) -> None:
    volumes = [
        TradedVolume(timestamp_ms=one.timestamp_ms, price=one.price, volume=one.quantity)
        for one in events
    ]

    def known(window_ms: int) -> list[Liquidation]:
        return [one for one in events if NOW_MS - window_ms <= one.timestamp_ms < NOW_MS]

    known_volumes = [
        one for one in volumes if NOW_MS - VOLUME_WINDOW_MS <= one.timestamp_ms < NOW_MS
    ]
    maps = [
        by_distance(GRID, price, events, lambda _: 100.0, NOW_MS),
        by_recent(GRID, price, events, NOW_MS),
        by_volume(GRID, price, volumes, NOW_MS),
    ]
    assert maps == [
        by_distance(GRID, price, known(DISTANCE_WINDOW_MS), lambda _: 100.0, NOW_MS),
        by_recent(GRID, price, known(RECENT_WINDOW_MS), NOW_MS),
        by_volume(GRID, price, known_volumes, NOW_MS),
    ]
    edges = GRID.edges
    for one in maps:
        for shares in (one.long, one.short):
            total = float(shares.sum())
            assert total == 0.0 or math.isclose(total, 1.0)
        assert not one.long[edges[:-1] >= price].any()
        assert not one.short[edges[1:] <= price].any()
