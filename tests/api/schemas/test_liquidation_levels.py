"""Views of a map of this moment, worked by hand."""

import pytest
from tests.api.schemas.map_samples import small_map

from headwater.analytics.max_pain import fuel_curve
from headwater.analytics.price_map import PriceMap
from headwater.api.schemas.liquidation_levels import (
    heatmap_now_view,
    levels_view,
    max_pain_view,
    now_of,
)


def test_levels_are_added_up_away_from_the_price() -> None:
    made = small_map()
    assert made.grid is not None
    curve = fuel_curve(PriceMap.of(made.grid, made.held[1, 0], made.held[1, 1]), 101.0)
    view = levels_view(made, None, curve)
    assert [(one.price_level, one.cumulative_volume) for one in view.long_liquidations] == [
        (95.0, 4.0),
        (85.0, 7.0),
    ]
    assert (view.current_price, view.price_source) == (101.0, "last_bar")
    pain = max_pain_view(made, 100.5, curve)
    assert (pain.total_long, pain.total_short) == (7.0, 5.0)
    assert pain.max_pain is not None
    assert (pain.max_pain.price_level, pain.current_price) == (115.0, 100.5)
    assert levels_view(made, 100.5, None).long_liquidations == ()
    assert now_of(made, 3.0) == (3.0, "mark", "1970-01-01T00:30:00.000Z")


def test_cells_are_shares_of_their_bar() -> None:
    """3, 4 and 5 of 12; a quarter of the inputs was known."""
    view = heatmap_now_view(small_map(), None, "1h")
    assert [one.density for one in view.data] == pytest.approx([0.25, 1.0 / 3.0, 5.0 / 12.0])
    assert view.metadata.highest_density_price == 110.0
    assert view.metadata.total_volume == 12.0
    assert view.metadata.data_quality_score == 0.25
    assert view.metadata.time_range_hours == 0.5
