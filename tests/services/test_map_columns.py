"""How columns are computed: ranges, grids and what a baseline looks back on."""

import math

import numpy as np
import pytest

from headwater.analytics.bar_columns import BarColumns
from headwater.analytics.leverage_ladder import LeverageLadder
from headwater.analytics.leverage_weights import parse_leverage_weights
from headwater.analytics.margin import build_tiers
from headwater.analytics.price_buckets import PriceBuckets
from headwater.analytics.venue_ladder import ladder_of, price_by
from headwater.core.errors import RequestError
from headwater.services.map_columns import (
    Forced,
    VenueKernel,
    band_of,
    buckets_for,
    entries_range,
    grid_of,
    volume_rows,
)
from headwater.services.model_bars import VenueBars

TENS = PriceBuckets(units=10, places=0)


def venue(price: float = 1000.0) -> VenueBars:
    """Two bars of two steps; one step has no trade."""
    bars = BarColumns(
        opened_ms=np.array([0, 100]),
        ends_ms=np.array([100, 200]),
        price=np.array([price, price]),
        open_interest=np.array([math.nan, 1.0]),
        mark_low=np.full((2, 2), np.nan),
        mark_high=np.full((2, 2), np.nan),
        entry_price=np.array([[price - 50.0, math.nan], [price, price + 20.0]]),
        entry_volume=np.array([[1.0, 0.0], [2.0, 3.0]]),
    )
    return VenueBars(
        exchange="bybit", bars=bars.checked(), shown_from=0,
        priced_share=1.0, marked_share=0.0, interest_share=0.5,
    )  # fmt: skip


def ladder(weights: str) -> LeverageLadder:
    price_of = price_by(build_tiers([(0.0, 0.0, 100.0)]), is_fee_demanded=False)
    return ladder_of(parse_leverage_weights(weights), price_of, TENS, 900.0, 1100.0)


def test_a_grid_holds_every_liquidation_price() -> None:
    """Entries from 950 to 1020 at 10×: 855 to 1122, and a bucket more at both ends."""
    assert entries_range(venue()) == (950.0, 1020.0)
    grid = grid_of(TENS, [VenueKernel(read=venue(), kernel=ladder("10:1"))], 2)
    assert (grid.edges[0], grid.edges[-1]) == (840.0, 1140.0)
    with_band = grid_of(TENS, [VenueKernel(read=venue(), kernel=ladder("100:1"))], 2, is_band=True)
    assert with_band.edges[0] <= 950.0 * 0.75
    assert with_band.edges[-1] >= 1020.0 * 1.25


def test_too_many_cells_are_refused() -> None:
    kernels = [VenueKernel(read=venue(), kernel=ladder("10:1"))]
    with pytest.raises(RequestError, match="price_bin_size"):
        grid_of(TENS, kernels, 400_000)
    with pytest.raises(RequestError, match="price_bin_size"):
        grid_of(PriceBuckets(units=1, places=2), kernels, 1)


def test_buckets_follow_the_first_price() -> None:
    """A four-hundredth of 1000 is 2.5, of 1001 the next nice height is 5; of 0.04 it is 0.0001."""
    assert buckets_for([venue(1000.0)]).width == 2.5
    assert buckets_for([venue(1001.0)]).width == 5.0
    assert buckets_for([venue(60_000.0)]).width == 200.0


def test_a_band_depends_on_its_price_alone() -> None:
    band = band_of(TENS, 1000.0)
    assert (band.edges[0], band.edges[-1]) == (750.0, 1260.0)


def test_volume_is_known_at_the_end_of_its_step() -> None:
    assert volume_rows(venue()).tolist() == [
        [50.0, 950.0, 1.0],
        [150.0, 1000.0, 2.0],
        [200.0, 1020.0, 3.0],
    ]


def test_liquidations_of_one_side_and_venue() -> None:
    rows = np.array([[1.0, 0, 1, 9.0, 5.0, 0], [2.0, 1, 0, 8.0, 6.0, 1], [3.0, 1, 1, 7.0, 7.0, 1]])
    forced = Forced(rows=rows)
    assert forced.of(is_long=True)[:, 0].tolist() == [1.0, 3.0]
    assert forced.of(is_long=True, venue=1)[:, 0].tolist() == [3.0]
    assert forced.of(is_long=False, venue=0).tolist() == []
