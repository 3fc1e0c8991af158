"""Leverage weights: read as people write them, normalised, and refused by name."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.leverage_weights import (
    DEFAULT_HALF_LIVES_MS,
    DEFAULT_WEIGHTS,
    LEVERAGE_TIERS,
    leverage_classes,
    parse_leverage_weights,
    weights_text,
)

DAY_MS = 86_400_000


def test_the_defaults() -> None:
    classes = leverage_classes()
    assert [one.leverage for one in classes] == [5.0, 10.0, 25.0, 50.0, 100.0]
    assert [one.weight for one in classes] == pytest.approx([0.15, 0.30, 0.25, 0.20, 0.10])
    assert [one.half_life_ms / DAY_MS for one in classes] == [30.0, 14.0, 5.0, 2.0, 1.0]


def test_weights_are_normalised_and_zero_is_left_out() -> None:
    """3 and 1 are three quarters and one quarter."""
    classes = parse_leverage_weights(" 25:1 , 5:3,100:0")
    assert [(one.leverage, one.weight) for one in classes] == [(5.0, 0.75), (25.0, 0.25)]


@given(
    st.dictionaries(
        st.sampled_from(LEVERAGE_TIERS), st.floats(0.0, 1.7e308), min_size=1, max_size=5
    ).filter(lambda one: max(one.values()) > 0.0)
)
def test_any_weights_add_up_to_one(weights: dict[int, float]) -> None:
    classes = leverage_classes(weights)
    assert math.fsum(one.weight for one in classes) == pytest.approx(1.0)
    assert all(one.weight > 0.0 for one in classes)


@given(st.lists(st.integers(1, 1000), min_size=5, max_size=5))
def test_what_is_written_is_read_again(numbers: list[int]) -> None:
    classes = leverage_classes(dict(zip(LEVERAGE_TIERS, map(float, numbers), strict=True)))
    again = parse_leverage_weights(weights_text(classes))
    assert [one.leverage for one in again] == [one.leverage for one in classes]
    assert [one.weight for one in again] == pytest.approx([one.weight for one in classes], rel=1e-4)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "leverage:weight"),
        ("10", "leverage:weight"),
        ("10:", "leverage:weight"),
        ("10:1,", "leverage:weight"),
        ("ten:1", "leverage:weight"),
        ("10:1,10:2", "each leverage once"),
        ("20:1", "leverage 20"),
        ("10:-1", "weight -1"),
        ("10:nan", "weight nan"),
        ("10:inf", "weight inf"),
        ("10:0,5:0", "greater than 0"),
    ],
)
def test_what_cannot_be_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        parse_leverage_weights(text)


def test_a_class_needs_a_half_life() -> None:
    for half_lives in ({10: 0.0}, {}, {10: math.nan}):
        with pytest.raises(ValueError, match="half-life"):
            leverage_classes({10: 1.0}, half_lives)
    with pytest.raises(ValueError, match="at least one"):
        leverage_classes({})
    assert set(DEFAULT_WEIGHTS) == set(DEFAULT_HALF_LIVES_MS) == set(LEVERAGE_TIERS)
