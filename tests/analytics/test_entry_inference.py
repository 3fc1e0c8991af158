"""Entries of liquidations that nobody tells: worked by hand."""

import numpy as np
import pytest

from headwater.analytics.distance_density import DistanceDensity
from headwater.analytics.entry_inference import HALF_LIFE_MS, WINDOW_MS, infer_ratios, pooled

NOW = 10.0 * 86_400_000


def test_a_liquidation_is_laid_over_the_volume_above_it() -> None:
    """A long ended at 900. Above it: 1000 (volume 1, now) and 1200 (volume 2, one half-life old).

    Equal weights of 1, so 50 USD each at 0.9 and 0.75. What traded at 800 is below, what is older
    than the window or later than the liquidation is no entry.
    """
    volume = np.array(
        [
            [NOW, 1000.0, 1.0],
            [NOW - HALF_LIFE_MS, 1200.0, 2.0],
            [NOW, 800.0, 5.0],
            [NOW - WINDOW_MS - 1, 1000.0, 5.0],
            [NOW + 1, 1000.0, 5.0],
        ]
    )
    event = (np.array([NOW]), np.array([900.0]), np.array([100.0]))
    found = infer_ratios(*event, volume, is_long=True)
    assert found.ratios == pytest.approx([0.75, 0.9], abs=5e-4)
    assert found.weights_usd == pytest.approx([50.0, 50.0])
    assert found.events == 1
    short = infer_ratios(*event, volume, is_long=False)
    assert short.ratios == pytest.approx([900.0 / 800.0], abs=1e-3)
    nothing = infer_ratios(*event, np.zeros((0, 3)), is_long=True)
    assert (nothing.events, len(nothing.ratios)) == (0, 0)


def test_venues_are_pooled_and_make_a_density() -> None:
    """150 liquidations a side at one ratio: every quantile is that ratio."""
    count = 75
    times, usd = np.full(count, NOW), np.full(count, 10.0)
    volume = np.array([[NOW, 1000.0, 1.0]])
    longs = infer_ratios(times, np.full(count, 950.0), usd, volume, is_long=True)
    shorts = infer_ratios(times, np.full(count, 1050.0), usd, volume, is_long=False)
    assert DistanceDensity.of_ratios(longs, shorts) is None
    both = DistanceDensity.of_ratios(pooled([longs, longs]), pooled([shorts, shorts]))
    assert both is not None
    assert both.long_ratios == pytest.approx(np.full(64, 0.95), abs=5e-4)
    assert both.short_ratios == pytest.approx(np.full(64, 1.05), abs=1e-3)
    assert pooled([]).events == 0
