"""The density of distances: its quantiles by hand, its gaps kept, its life in the model."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.distance_density import (
    POINTS,
    SAMPLES_MIN,
    DistanceDensity,
    RatioSample,
)
from headwater.analytics.liquidation_model import LiquidationModel
from headwater.analytics.model_columns import ModelBar, ModelMinute
from headwater.analytics.price_buckets import grid_between
from headwater.core.enums import PositionSide

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def samples(side: PositionSide, *parts: tuple[float, int, float]) -> list[RatioSample]:
    """So many samples of a ratio, with a weight each: (ratio, count, weight_usd)."""
    return [
        RatioSample(side=side, ratio=ratio, weight_usd=weight_usd)
        for ratio, count, weight_usd in parts
        for _ in range(count)
    ]


def test_two_leverages_with_weights_by_hand() -> None:
    """Longs: 75 × 1 USD at 0.9 and 25 × 9 USD at 0.98: a quarter of the weight, 16 of 64 points.

    Shorts are all at 1.1.
    """
    found = DistanceDensity.learn(
        [*samples(LONG, (0.9, 75, 1.0), (0.98, 25, 9.0)), *samples(SHORT, (1.1, 100, 1.0))]
    )
    assert found is not None
    assert found.long_ratios.tolist() == [0.9] * 16 + [0.98] * 48
    assert found.short_ratios.tolist() == [1.1] * POINTS
    targets = found.targets(LONG, np.array([100.0, 200.0]))
    assert targets.shape == (POINTS, 2)
    assert targets[0].tolist() == [90.0, 180.0]


RATIOS = st.lists(st.floats(0.5, 0.999), min_size=SAMPLES_MIN, max_size=SAMPLES_MIN + 50)


@given(RATIOS, st.data())
def test_points_are_of_the_sample_ascending_and_the_same_in_any_order(
    ratios: list[float], data: st.DataObject
) -> None:
    made = [
        RatioSample(side=side, ratio=one if side is LONG else 1.0 / one, weight_usd=2.0)
        for one in ratios
        for side in PositionSide
    ]
    found = DistanceDensity.learn(made)
    again = DistanceDensity.learn(data.draw(st.permutations(made)))
    assert found is not None
    assert again is not None
    assert found.long_ratios.tolist() == again.long_ratios.tolist()
    assert set(found.long_ratios.tolist()) <= set(ratios)
    assert (np.diff(found.long_ratios) >= 0.0).all()
    # The median of the points is that of the sample, to one point.
    share_below = np.mean(np.array(ratios) <= found.long_ratios[POINTS // 2])
    assert share_below >= 0.5


def test_what_cannot_be_used_is_left_out_and_counted() -> None:
    good = [*samples(LONG, (0.9, 100, 1.0)), *samples(SHORT, (1.1, 100, 1.0))]
    bad = [
        *samples(LONG, (1.0, 1, 1.0), (0.0, 1, 1.0), (1.2, 1, 1.0), (math.nan, 1, 1.0)),
        *samples(SHORT, (0.9, 1, 1.0), (math.inf, 1, 1.0), (1.1, 1, -1.0), (1.1, 1, math.nan)),
    ]
    found = DistanceDensity.learn([*good, *bad])
    assert found is not None
    assert found.left_out_count == len(bad)
    assert set(found.long_ratios.tolist()) == {0.9}


def test_too_few_positions_teach_nothing() -> None:
    shorts = samples(SHORT, (1.1, SAMPLES_MIN, 1.0))
    assert DistanceDensity.learn([*shorts, *samples(LONG, (0.9, SAMPLES_MIN - 1, 1.0))]) is None
    assert DistanceDensity.learn([*shorts, *samples(LONG, (0.9, SAMPLES_MIN, 0.0))]) is None
    assert DistanceDensity.learn([]) is None


def test_it_needs_a_half_life() -> None:
    made = [*samples(LONG, (0.9, 100, 1.0)), *samples(SHORT, (1.1, 100, 1.0))]
    with pytest.raises(ValueError, match="half_life_ms"):
        DistanceDensity.learn(made, half_life_ms=0.0)


def test_its_life_is_that_of_the_ladder() -> None:
    """A rise of 10 at 1000 puts 7,500 USD at 900 and 2,500 at 980; a mark of 950 takes the latter.

    100 equal positions on each side, 75 of them at 0.9: 48 of 64 points are three quarters.
    """
    kernel = DistanceDensity.learn(
        [*samples(LONG, (0.9, 75, 1.0), (0.98, 25, 1.0)), *samples(SHORT, (1.1, 100, 1.0))],
        half_life_ms=math.inf,
    )
    assert kernel is not None
    model = LiquidationModel(grid_between(Decimal(10), 500.0, 1500.0), kernel)
    lows, interests = (1000.0, 1000.0, 950.0), (100.0, 110.0, 110.0)
    columns = [
        model.advance(
            ModelBar(
                opened_at_ms=number,
                ends_at_ms=number + 1,
                price=1000.0,
                open_interest=interest,
                minutes=(ModelMinute(mark_low=low, mark_high=1000.0, entries=((1000.0, 1.0),)),),
            )
        )
        for number, (low, interest) in enumerate(zip(lows, interests, strict=True))
    ]
    filled = columns[1].held.long[columns[1].held.long > 0.0]
    assert filled.tolist() == pytest.approx([7_500.0, 2_500.0])
    assert columns[2].longs.held_usd == pytest.approx(7_500.0)
    assert columns[2].shorts.held_usd == pytest.approx(10_000.0)
