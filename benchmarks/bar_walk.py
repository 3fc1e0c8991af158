"""One-minute bars of a random walk, made from a seed: what back-tests are timed on."""

from typing import Final

import numpy as np

from benchmarks.peers.case import Bars

SEED: Final = 7
START_MS: Final = 1_600_041_600_000
"""14 September 2020, midnight UTC."""

_STEP: Final = 0.0005
_PLACES: Final = 6


def bar_walk(count: int, seed: int = SEED) -> Bars:
    """`count` bars around 10,000; opens are the closes before.

    Prices have six places, so that two means are hardly ever equal and rounding in a running sum
    decides nothing. The means of 10 and 30 closes cross upwards about every 53 bars.
    """
    rng = np.random.default_rng(seed)
    steps = rng.normal(0.0, _STEP, count)
    # Pulled back towards the start, lest a million bars end far from where they began.
    close = np.empty(count)
    log_price = 0.0
    for place, step in enumerate(steps.tolist()):
        log_price = log_price * 0.99999 + step
        close[place] = log_price
    close = np.round(10_000 * np.exp(close), _PLACES)
    opened = np.append(10_000.0, close[:-1])
    reach = np.abs(rng.normal(0.0, _STEP * 0.6, (2, count)))
    high = np.round(np.maximum(opened, close) * np.exp(reach[0]), _PLACES)
    low = np.round(np.minimum(opened, close) * np.exp(-reach[1]), _PLACES)
    return Bars(
        timestamp_ms=START_MS + np.arange(count, dtype=np.int64) * 60_000,
        open=opened,
        high=np.maximum(high, np.maximum(opened, close)),
        low=np.minimum(low, np.minimum(opened, close)),
        close=close,
        volume=np.round(rng.uniform(1.0, 50.0, count), 3),
    )
