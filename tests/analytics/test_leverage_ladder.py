"""The ladder: published distances, and the straight line between its anchors."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.leverage_ladder import LeverageLadder, LiquidationPriceOf
from headwater.analytics.leverage_weights import LeverageClass, leverage_classes
from headwater.analytics.price_buckets import grid_between
from headwater.core.enums import PositionSide

GRID = grid_between(Decimal(100), 50_000.0, 150_000.0)
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def with_rate(rate: float) -> LiquidationPriceOf:
    """E (1 ∓ 1/L) / (1 ∓ m)."""

    def price_of(side: PositionSide, entry: float, leverage: float) -> float:
        sign = 1.0 if side is LONG else -1.0
        return entry * (1.0 - sign / leverage) / (1.0 - sign * rate)

    return price_of


def ladder_of(leverages: list[float], price_of: LiquidationPriceOf) -> LeverageLadder:
    classes = [
        LeverageClass(leverage=one, weight=1.0 / len(leverages), half_life_ms=1.0)
        for one in leverages
    ]
    return LeverageLadder(classes, price_of, GRID.edges)


def test_distances_in_percent_of_the_entry() -> None:
    """At 0.4 % without deduction, as the venues' formula gives them.

    Long 100×: 1 − 0.99 / 0.996 = 0.602 %; short: 1.01 / 1.004 − 1 = 0.598 %.
    """
    ladder = ladder_of([5.0, 10.0, 20.0, 25.0, 50.0, 75.0, 100.0, 125.0], with_rate(0.004))
    entry = np.array([100_000.0])
    longs = (1.0 - ladder.targets(LONG, entry)[:, 0] / entry) * 100.0
    shorts = (ladder.targets(SHORT, entry)[:, 0] / entry - 1.0) * 100.0
    assert longs.round(3).tolist() == [19.679, 9.639, 4.618, 3.614, 1.606, 0.937, 0.602, 0.402]
    assert shorts.round(3).tolist() == [19.522, 9.562, 4.582, 3.586, 1.594, 0.930, 0.598, 0.398]


@given(
    st.lists(st.floats(1.0, 300_000.0), min_size=1, max_size=10),
    st.floats(0.0, 0.009),
    st.sampled_from(PositionSide),
)
def test_between_anchors_and_outside_of_them_it_is_exact_within_a_tier(
    entries: list[float], rate: float, side: PositionSide
) -> None:
    price_of = with_rate(rate)
    ladder = LeverageLadder(leverage_classes(), price_of, GRID.edges)
    found = ladder.targets(side, np.array(entries))
    expected = [[price_of(side, one, leverage) for one in entries] for leverage in ladder.leverages]
    assert found == pytest.approx(np.array(expected), rel=1e-12)


@given(st.floats(50_000.0, 150_000.0))
def test_a_bend_between_two_anchors_is_missed_by_less_than_they_are_apart(entry: float) -> None:
    """Above an entry of 100,030 another tier holds: the price stays, then goes on rising."""

    def bent(side: PositionSide, price: float, leverage: float) -> float:
        del side
        return (1.0 - 1.0 / leverage) * (price if price < 100_030.0 else 100_030.0)

    found = ladder_of([10.0], bent).targets(LONG, np.array([entry]))[0, 0]
    assert abs(found - bent(LONG, entry, 10.0)) <= GRID.buckets.width


def test_a_position_that_no_venue_opens_has_no_target() -> None:
    """At a rate of 1.25 % a long of 100× is liquidated at 0.99 / 0.9875 = 1.0025 of its entry."""
    ladder = ladder_of([10.0, 100.0], with_rate(0.0125))
    for side in PositionSide:
        for entry in (100_000.0, 1.0):
            ten, hundred = ladder.targets(side, np.array([entry]))[:, 0].tolist()
            assert (ten < entry) is (side is LONG)
            assert np.isnan(hundred)


def test_a_long_that_cannot_be_liquidated_has_no_target() -> None:
    ladder = ladder_of([1.0], lambda side, entry, _: None if side is LONG else entry * 2.0)
    entries = np.array([100_000.0, 100_050.0])
    assert np.isnan(ladder.targets(LONG, entries)).all()
    assert ladder.targets(SHORT, entries).tolist() == [[200_000.0, 200_100.0]]


def test_a_ladder_without_anchors_works_each_entry_out() -> None:
    classes = leverage_classes({10: 1.0})
    ladder = LeverageLadder(classes, with_rate(0.0), np.array([0.0]))
    assert ladder.targets(LONG, np.array([1000.0])).tolist() == [[900.0]]
    assert ladder.targets(LONG, np.array([])).shape == (1, 0)
    with pytest.raises(ValueError, match="at least one"):
        LeverageLadder([], with_rate(0.0), GRID.edges)
