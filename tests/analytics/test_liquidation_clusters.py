"""Clusters: by hand, and the same as the definition carried out the long way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.liquidation_clusters import (
    LEVELS_MAX,
    LevelCluster,
    NoisePoint,
    PriceLevel,
    cluster_levels,
    tuned_reach,
)


def levels(*pairs: tuple[float, float]) -> list[PriceLevel]:
    return [PriceLevel(price=price, volume_usd=volume) for price, volume in pairs]


def test_two_clusters_and_a_stray_by_hand() -> None:
    """Prices 100 … 200, reach 0.02 × 100 = 2, equal volumes of 10 USD, three to a core.

    100, 101, 102 and 150, 151, 152 are clusters; 200 is alone, 48 from 152. Of the first the
    centroid is 101, the extent 2 + 2 = 4, the density 30 / 4, as that of the second: both 1.
    """
    found = cluster_levels(
        levels(*((price, 10.0) for price in (200.0, 152.0, 100.0, 101.0, 102.0, 150.0, 151.0))),
        epsilon=0.02,
    )
    assert found.reach == 2.0
    assert found.clusters == tuple(
        LevelCluster(
            cluster_id=number,
            price_min=low,
            price_max=low + 2.0,
            centroid_price=low + 1.0,
            total_volume_usd=30.0,
            level_count=3,
            density=1.0,
        )
        for number, low in enumerate((100.0, 150.0))
    )
    assert found.noise_points == (
        NoisePoint(price=200.0, volume_usd=10.0, distance_to_nearest=48.0),
    )


def test_volume_weighs() -> None:
    """Levels of 1, 100 and 1 USD, mean 34: the large one weighs 2.94 and is a cluster by itself.

    With its neighbour of 1 USD at 111 the centroid is (100 × 110 + 111) / 101 = 110.0099. Of equal
    volumes, so far apart, none is a cluster.
    """
    large = levels((100.0, 1.0), (110.0, 100.0), (120.0, 1.0))
    (cluster,) = cluster_levels(large, min_samples=2).clusters
    assert (cluster.price_min, cluster.price_max, cluster.level_count) == (110.0, 110.0, 1)
    (cluster,) = cluster_levels([*large, *levels((111.0, 1.0))], min_samples=2).clusters
    assert cluster.centroid_price == pytest.approx(11_111.0 / 101.0)
    equal = levels((100.0, 1.0), (110.0, 1.0), (120.0, 1.0))
    assert cluster_levels(equal, min_samples=2).clusters == ()


def test_density_is_relative_to_the_densest() -> None:
    """Range 100, reach 5: 40 USD over 2 + 5 against 40 USD over 1 + 5; mean 16, all are cores."""
    found = cluster_levels(
        levels((0.0, 20.0), (2.0, 20.0), (99.0, 10.0), (99.5, 20.0), (100.0, 10.0)),
        epsilon=0.05,
        min_samples=2,
    )
    assert [one.density for one in found.clusters] == pytest.approx([6.0 / 7.0, 1.0])


def test_a_level_between_two_clusters_goes_to_the_nearer_core() -> None:
    """Cores at 0 and 3, and at 8 and 11; between them a light level, which is no core itself.

    Large levels of 10 USD and small ones of 1, mean 4.42: 10 / 4.42 = 2.26 is a core by itself,
    the small ones at 3 and 8 are cores by it, and the level between reaches only small ones. 5 is
    nearer to 3, 6 is nearer to 8, and 5.5 lies in the middle: the lower cluster has it.
    """
    for price, expected in (
        (5.0, [(0.0, 5.0), (8.0, 11.0)]),
        (5.5, [(0.0, 5.5), (8.0, 11.0)]),
        (6.0, [(0.0, 3.0), (6.0, 11.0)]),
    ):
        found = cluster_levels(
            levels((0.0, 10.0), (3.0, 1.0), (price, 0.1), (8.0, 1.0), (11.0, 10.0)),
            epsilon=3.2 / 11.0,
            min_samples=2,
        )
        assert [(one.price_min, one.price_max) for one in found.clusters] == expected


def _by_definition(
    prices: list[int], weights: list[float], reach: int, least: float
) -> tuple[set[frozenset[int]], set[int], set[int]]:
    """Connected sets of cores, levels in reach of a core, and the others; pair by pair."""
    near = [[other for other in prices if abs(one - other) <= reach] for one in prices]
    weight = dict(zip(prices, weights, strict=True))
    cores = {
        one
        for one, around in zip(prices, near, strict=True)
        if sum(weight[other] for other in around) >= least * (1.0 - 1e-9)
    }
    groups: list[set[int]] = []
    for core in cores:
        joined = [one for one in groups if any(abs(core - other) <= reach for other in one)]
        groups = [one for one in groups if one not in joined]
        groups.append({core}.union(*joined))
    in_reach = {one for one in prices if any(abs(one - core) <= reach for core in cores)}
    return {frozenset(one) for one in groups}, in_reach, set(prices) - in_reach


@given(
    st.dictionaries(st.integers(1, 200), st.integers(1, 50), min_size=2, max_size=30),
    st.integers(1, 40),
    st.integers(2, 6),
)
def test_as_the_definition_says(volumes: dict[int, int], reach: int, least: int) -> None:
    prices = sorted(volumes)
    span = prices[-1] - prices[0]
    reach = min(reach, span)
    mean = sum(volumes.values()) / len(volumes)
    groups, in_reach, noise = _by_definition(
        prices, [volumes[one] / mean for one in prices], reach, least
    )
    # A hair more than the whole number, so that no rounding of the share decides.
    found = cluster_levels(
        levels(*((float(price), float(volume)) for price, volume in volumes.items())),
        epsilon=min(1.0, (reach + 1e-6) / span),
        min_samples=least,
    )
    assert {int(one.price) for one in found.noise_points} == noise
    assert len(found.clusters) == len(groups)
    spans = [(one.price_min, one.price_max) for one in found.clusters]
    for group in groups:
        assert sum(low <= min(group) and max(group) <= high for low, high in spans) == 1
    assert sum(one.level_count for one in found.clusters) == len(in_reach)
    total = sum(one.total_volume_usd for one in found.clusters)
    total += sum(one.volume_usd for one in found.noise_points)
    assert total == pytest.approx(sum(volumes.values()))
    for one in found.clusters:
        assert one.price_min <= one.centroid_price <= one.price_max
        assert 0.0 < one.density <= 1.0


@given(st.dictionaries(st.integers(1, 500), st.integers(1, 50), min_size=1, max_size=30), st.data())
def test_order_and_split_levels_change_nothing(
    volumes: dict[int, int], data: st.DataObject
) -> None:
    halves = [
        one
        for price, volume in volumes.items()
        for one in levels((float(price), volume / 2.0), (float(price), volume / 2.0))
    ]
    wholes = levels(*((float(price), float(volume)) for price, volume in volumes.items()))
    shuffled = data.draw(st.permutations(halves))
    for tuned in (False, True):
        assert cluster_levels(shuffled, auto_tune=tuned) == cluster_levels(wholes, auto_tune=tuned)


def test_the_reach_is_tuned_to_the_knee() -> None:
    """Ten levels 1 apart and a stray at 1000; three to a core, so the second nearest counts.

    It is 1 away inside, 2 at both ends and 992 from the stray. Sorted: eight times 1, twice 2, and
    992. The line from 1 to 992 rises by 99.1 a step and is at 892.9 over the last 2, which is
    farthest below it: the knee.
    """
    prices = np.array([*range(10), 1000], dtype=np.float64)
    assert tuned_reach(prices, 3) == 2.0
    found = cluster_levels(levels(*((price, 1.0) for price in prices.tolist())), auto_tune=True)
    assert found.auto_tuned
    assert [(one.price_min, one.price_max) for one in found.clusters] == [(0.0, 9.0)]
    assert [one.price for one in found.noise_points] == [1000.0]


@given(st.sets(st.integers(1, 300), min_size=1, max_size=25), st.integers(2, 10))
def test_a_tuned_reach_is_a_distance_to_a_neighbour(prices: set[int], least: int) -> None:
    ordered = sorted(prices)
    reach = tuned_reach(np.array(ordered, dtype=np.float64), least)
    if len(ordered) < least:
        assert reach == ordered[-1] - ordered[0]
    else:
        distances = [sorted(abs(one - other) for other in ordered)[least - 1] for one in ordered]
        assert reach in distances


def test_nothing_and_next_to_nothing() -> None:
    empty = cluster_levels([], auto_tune=True)
    assert (empty.clusters, empty.noise_points, empty.reach) == ((), (), 0.0)
    assert cluster_levels(levels((100.0, 0.0))).noise_points == ()
    for tuned in (False, True):
        alone = cluster_levels(levels((100.0, 5.0)), auto_tune=tuned)
        assert alone.clusters == ()
        assert alone.noise_points == (
            NoisePoint(price=100.0, volume_usd=5.0, distance_to_nearest=None),
        )


def test_what_cannot_be_is_refused_by_name() -> None:
    some = levels((100.0, 1.0))
    for epsilon in (0.0, 1.1, float("nan")):
        with pytest.raises(ValueError, match="epsilon"):
            cluster_levels(some, epsilon=epsilon)
    for least in (1, 11):
        with pytest.raises(ValueError, match="min_samples"):
            cluster_levels(some, min_samples=least)
    for bad in ((float("nan"), 1.0), (1.0, float("inf")), (1.0, -1.0)):
        with pytest.raises(ValueError, match="finite"):
            cluster_levels(levels(bad))
    with pytest.raises(ValueError, match="at most"):
        cluster_levels(some * (LEVELS_MAX + 1))
