"""The seven series of the comparisons with other packages, made from seeds.

Prices are rounded as venues quote them. `ties` lies on a grid of quarters, so that sums of windows
are exact in binary and equal means are equal floats.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from benchmarks.peers.case import Bars, Floats

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
START_MS: Final = 1_700_006_400_000
"""15 November 2023, midnight UTC."""


def _walk(
    seed: int, count: int, interval_ms: int, *, start: float, step: float, drift: float, tick: float
) -> Bars:
    """A random walk of log prices, `step` a bar; highs and lows around it; opens gap a little."""
    rng = np.random.default_rng(seed)
    close = start * np.exp(np.cumsum(rng.normal(drift, step, count)))
    gap = rng.normal(0, step / 4, count)
    opened = np.empty(count)
    opened[0], opened[1:] = start, close[:-1] * np.exp(gap[1:])
    reach = np.abs(rng.normal(0, step * 0.8, (2, count)))
    high = np.maximum(opened, close) * np.exp(reach[0])
    low = np.minimum(opened, close) * np.exp(-reach[1])
    return _bars(interval_ms, tick, opened, high, low, close, rng.uniform(1, 100, count))


def _bars(
    interval_ms: int,
    tick: float,
    opened: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
) -> Bars:
    def quoted(prices: Floats) -> Floats:
        return np.asarray(np.round(prices / tick) * tick, dtype=np.float64)

    opened, close = quoted(opened), quoted(close)
    return Bars(
        timestamp_ms=START_MS + np.arange(len(close), dtype=np.int64) * interval_ms,
        open=opened,
        high=np.maximum(quoted(high), np.maximum(opened, close)),
        low=np.minimum(quoted(low), np.minimum(opened, close)),
        close=close,
        volume=volume,
    )


def _ties() -> Bars:
    """Exact ties of means, flat stretches, halving and doubling from one bar to the next."""
    rng = np.random.default_rng(41)
    parts: list[Floats] = []
    level = 128.0
    for number in range(48):
        kind = number % 6
        if kind == 0:
            part = np.full(40, level)
        elif kind == 1:
            part = level + 0.25 * rng.integers(-8, 9, 35)
        elif kind == 2:
            part = level + 2.0 * np.tile([0.0, 1.0, 0.0, -1.0], 10)
        elif kind == 3:
            level = level / 2 if level > 64 else level * 2
            part = np.full(33, level)
        elif kind == 4:
            part = level + 0.25 * np.cumsum(rng.integers(-2, 3, 40))
        else:
            part = level + 0.5 * np.abs(np.arange(40) - 20.0)
        parts.append(part.astype(np.float64))
    close = np.concatenate(parts)
    opened = np.append(close[0], close[:-1])
    gaps = rng.random(len(close)) < 0.5
    opened[gaps] = close[gaps]
    reach = 0.25 * rng.integers(0, 4, (2, len(close)))
    high = np.maximum(opened, close) + reach[0]
    low = np.minimum(opened, close) - reach[1]
    return _bars(HOUR_MS, 0.25, opened, high, low, close, np.full(len(close), 10.0))


def _first() -> Bars:
    """A fall in the very bar where a z-score of 20 is first there, and a slow way back."""
    close = np.concatenate([100 + 0.1 * (np.arange(19) % 2), [98.0], 98.1 + 0.05 * np.arange(60)])
    return _whole(close)


def _last() -> Bars:
    """Falls, then rises so that the means of 10 and 30 cross upwards in the last bar."""
    close = np.concatenate([200 - 0.5 * np.arange(60), 170.5 + 1.0 * np.arange(1, 13)])
    return _whole(close[: _crossing(close) + 1])


def _crossing(close: Floats) -> int:
    for bar in range(30, len(close)):
        if close[bar - 9 : bar + 1].mean() > close[bar - 29 : bar + 1].mean():
            return bar
    raise AssertionError("the series never crosses")


def _whole(close: Floats) -> Bars:
    opened = np.append(close[0], close[:-1])
    high, low = np.maximum(opened, close) + 0.05, np.minimum(opened, close) - 0.05
    return _bars(HOUR_MS, 0.01, opened, high, low, close, np.full(len(close), 10.0))


SERIES: Final[dict[str, Callable[[], Bars]]] = {
    "minutes": lambda: _walk(
        11, 5_000, MINUTE_MS, start=30_000.0, step=0.0008, drift=0.0, tick=0.1
    ),
    "hours": lambda: _walk(12, 3_000, HOUR_MS, start=100.0, step=0.006, drift=0.0, tick=0.01),
    "days": lambda: _walk(13, 2_000, DAY_MS, start=1_000.0, step=0.025, drift=0.0002, tick=0.01),
    "ties": _ties,
    "trend": lambda: _walk(14, 3_000, HOUR_MS, start=5.0, step=0.005, drift=0.001, tick=0.0001),
    "wild": lambda: _walk(15, 3_000, HOUR_MS, start=250.0, step=0.05, drift=0.0, tick=0.001),
    "first": _first,
    "last": _last,
    "huge": lambda: _walk(16, 2_500, HOUR_MS, start=4e9, step=0.004, drift=0.0, tick=1.0),
}
"""By name; `first` and `last` are short and show one definition each."""
