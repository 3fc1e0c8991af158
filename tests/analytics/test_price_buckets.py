"""Price buckets: widths worked by hand, and edges that no rounding moves."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.price_buckets import (
    BUCKETS_MAX,
    PriceBuckets,
    PriceGrid,
    bucket_width,
    grid_between,
    median_range,
    nice_width,
)
from headwater.core.intervals import Interval
from headwater.core.records import Candle

TICKS = st.sampled_from(["0.1", "0.01", "0.5", "1", "0.0001", "0.0000001", "25", "0.003"])
WIDTHS = st.sampled_from(["0.1", "0.25", "0.05", "2.5", "1", "20", "250", "0.00001", "0.0003"])
NICE = {"1", "2", "5", "25"}


def _candle(low: float, high: float) -> Candle:
    return Candle(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=0,
        received_ns=0,
        interval=Interval.M15,
        open=low,
        high=high,
        low=low,
        close=high,
        volume=1.0,
        quote_volume=None,
        trades_count=None,
        is_closed=True,
    )


def test_the_width_is_a_third_of_the_median_range_made_nice() -> None:
    """Ranges 90, 300, 1200: median 300, a third is 100 = 1000 ticks of 0.1: exactly nice.

    With ranges 90, 301, 1200 a third is 100.33 = 1003.3 ticks: the next nice number is 2000.
    """
    tick = Decimal("0.1")
    candles = [_candle(100.0, 100.0 + span) for span in (1200.0, 90.0, 300.0)]
    assert bucket_width(candles, tick) == Decimal(100)
    candles[2] = _candle(100.0, 401.0)
    assert median_range(candles) == 301.0
    assert bucket_width(candles, tick) == Decimal(200)


@pytest.mark.parametrize(
    ("at_least", "width"),
    [
        (0.0, "0.1"),
        (0.1, "0.1"),
        # 2.5 ticks are no whole number of ticks: 5 are next.
        (0.21, "0.5"),
        (0.6, "1"),
        (2.1, "2.5"),
        (2.6, "5"),
        (50.1, "100"),
    ],
)
def test_nice_multiples_of_a_tenth(at_least: float, width: str) -> None:
    # 0.1 as a float lies a little above a tenth: one tick is wide enough all the same.
    assert nice_width(Decimal("0.1"), at_least) == Decimal(width)


@given(TICKS, st.floats(0.0, 1e6))
def test_a_width_is_nice_wide_enough_and_the_smallest(tick_text: str, at_least: float) -> None:
    tick = Decimal(tick_text)
    width = nice_width(tick, at_least)
    multiple = width / tick
    least = Decimal(at_least) * (1 - Decimal("1e-9"))
    assert width >= least
    assert multiple == multiple.to_integral_value()
    assert "".join(map(str, multiple.normalize().as_tuple().digits)) in NICE
    smaller = [
        lead * Decimal(10) ** power
        for power in range(-1, 16)
        for lead in (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5))
    ]
    between = [
        one for one in smaller if one == one.to_integral_value() and least <= one * tick < width
    ]
    assert between == []


def test_a_price_on_an_edge_belongs_to_the_bucket_above() -> None:
    """0.3 / 0.1 is 2.9999999999999996 in floats; 0.3 is the edge of bucket 3 all the same."""
    tenths = PriceBuckets.of_width(Decimal("0.1"))
    assert tenths.index_of(0.3) == 3
    assert tenths.lower_edge(3) == 0.3
    assert [tenths.lower_edge(index) for index in (6, 7, 12)] == [0.6, 0.7, 1.2]
    assert tenths.index_of(0.29999999999999993) == 2


@given(WIDTHS, st.integers(0, 10**9))
def test_every_edge_is_the_float_of_its_decimal_and_finds_itself(width: str, index: int) -> None:
    buckets = PriceBuckets.of_width(Decimal(width))
    edge = buckets.lower_edge(index)
    assert edge == float(Decimal(width) * index)
    assert buckets.index_of(edge) == index
    if index:
        # 0.9999… of a bucket divides to a whole number in floats, but lies below the edge.
        assert buckets.index_of(math.nextafter(edge, 0.0)) == index - 1


@given(WIDTHS, st.floats(0.0, 1e5, allow_subnormal=False))
def test_a_price_lies_in_its_bucket(width: str, price: float) -> None:
    buckets = PriceBuckets.of_width(Decimal(width))
    index = buckets.index_of(price)
    assert buckets.lower_edge(index) <= price < buckets.lower_edge(index + 1)


@given(
    WIDTHS,
    st.integers(0, 10**7),
    st.integers(1, 300),
    st.lists(st.integers(-50, 350), min_size=1, max_size=20),
    st.floats(0.0, 1.0, exclude_max=True),
)
def test_the_grid_and_the_single_price_agree(
    width: str, first: int, count: int, steps: list[int], part: float
) -> None:
    buckets = PriceBuckets.of_width(Decimal(width))
    grid = PriceGrid(buckets=buckets, first_index=first, count=count)
    prices = [max(0.0, (first + step + part) * buckets.width) for step in steps]
    expected = []
    for price in prices:
        position = buckets.index_of(price) - first
        expected.append(position if 0 <= position < count else -1)
    assert grid.positions(np.array(prices)).tolist() == expected
    assert grid.edges.tolist() == [buckets.lower_edge(first + one) for one in range(count + 1)]


def test_a_grid_holds_both_its_ends() -> None:
    grid = grid_between(Decimal(10), 95.0, 120.0)
    assert grid.edges.tolist() == [90.0, 100.0, 110.0, 120.0, 130.0]
    assert grid.centres.tolist() == [95.0, 105.0, 115.0, 125.0]
    outside = np.array([89.99, 130.0, np.nan, np.inf, -np.inf])
    assert grid.positions(outside).tolist() == [-1, -1, -1, -1, -1]


def test_what_cannot_be_a_bucket_is_refused() -> None:
    buckets = PriceBuckets.of_width(Decimal(1))
    for bad in (float("nan"), float("inf"), -1.0, 1e17):
        with pytest.raises(ValueError, match="price="):
            buckets.index_of(bad)
    for width in (Decimal(0), Decimal("NaN"), Decimal(-1)):
        with pytest.raises(ValueError, match="width="):
            PriceBuckets.of_width(width)
    with pytest.raises(ValueError, match="price buckets"):
        grid_between(Decimal(1), 0.0, float(BUCKETS_MAX))
    with pytest.raises(ValueError, match="above high"):
        grid_between(Decimal(1), 5.0, 3.0)
    with pytest.raises(ValueError, match="first_index"):
        PriceGrid(buckets=buckets, first_index=-1, count=1)
    with pytest.raises(ValueError, match="no candles"):
        bucket_width([], Decimal(1))
    with pytest.raises(ValueError, match="tick="):
        nice_width(Decimal(0), 1.0)


@given(
    st.sampled_from(["0.1", "2.5", "100", "0.000025", "0.3", "1e-23"]),
    st.lists(st.one_of(st.floats(0.0, 1e6), st.integers(0, 10_000).map(lambda n: n / 10))),
)
def test_many_prices_at_once_fall_where_each_does(width: str, prices: list[float]) -> None:
    buckets = PriceBuckets.of_width(Decimal(width))
    if width == "1e-23":
        prices = [price * 1e-20 for price in prices]
    found = buckets.indices_of(np.array(prices, np.float64)).tolist()
    assert found == [buckets.index_of(price) for price in prices]


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf"), 1e18])
def test_many_prices_are_refused_for_one_that_has_no_bucket(price: float) -> None:
    buckets = PriceBuckets.of_width(Decimal("0.1"))
    with pytest.raises(ValueError, match=r"price="):
        buckets.indices_of(np.array([1.0, price]))
