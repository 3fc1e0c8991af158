"""Agreement of models: the published formula, worked by hand."""

import pytest

from headwater.analytics.liquidation_clusters import PriceLevel, cluster_levels
from headwater.api.schemas.liquidation_comparison import (
    ClustersMetaView,
    agreement_of,
    clusters_view,
)


def test_l_r8_agreement_is_a_hundred_less_twenty_times_the_variation() -> None:
    """99 and 101: mean 100, standard deviation 1, variation 1 %: 100 − 20 = 80.

    90 and 110: 10 %: 100 − 200 is below 0, so 0.
    """
    assert agreement_of([99.0, 101.0]) == pytest.approx(80.0)
    assert agreement_of([100.0, 100.0, 100.0]) == 100.0
    assert agreement_of([90.0, 110.0]) == 0.0
    assert agreement_of([100.0]) is None
    assert agreement_of([]) is None


def test_clusters_keep_their_numbers() -> None:
    levels = [PriceLevel(price=price, volume_usd=10.0) for price in (1.0, 1.1, 1.2, 9.0)]
    meta = ClustersMetaView(
        symbol="BTCUSDT",
        source="realised",
        exchanges=("bybit",),
        timeframe_minutes=5,
        epsilon=0.1,
        reach=0.8,
        min_samples=3,
        distance_metric="manhattan",
        auto_tuned=False,
        level_count=4,
        computation_ms=0.5,
    )
    view = clusters_view(cluster_levels(levels), meta, None)
    assert [(one.price_min, one.price_max, one.level_count) for one in view.clusters] == [
        (1.0, 1.2, 3)
    ]
    assert [(one.price_level, one.distance_to_nearest) for one in view.noise_points] == [(9.0, 7.8)]
    assert view.metadata is meta
