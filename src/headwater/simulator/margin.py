"""Margin tiers of the simulated contracts, and where a position's margin is used up.

The formula of the liquidation price is `analytics/margin.py`; the tiers here are plausible
inventions in the shape of the venues' tables. Fees and funding do not touch margin here.
"""

from headwater.analytics.margin import build_tiers
from headwater.core.margin_tiers import MarginTier

_DEEP = ((0.0, 0.004, 125), (300_000.0, 0.005, 100), (3_000_000.0, 0.0065, 75),
         (12_000_000.0, 0.01, 50), (70_000_000.0, 0.02, 25), (200_000_000.0, 0.05, 10))  # fmt: skip
_MIDDLE = ((0.0, 0.005, 100), (100_000.0, 0.0065, 75), (750_000.0, 0.01, 50),
           (3_000_000.0, 0.02, 25), (15_000_000.0, 0.05, 10))  # fmt: skip
_SHALLOW = ((0.0, 0.0065, 75), (50_000.0, 0.01, 50), (250_000.0, 0.02, 25),
            (1_500_000.0, 0.05, 10), (5_000_000.0, 0.1, 5))  # fmt: skip

_TABLES: tuple[tuple[MarginTier, ...], ...] = (
    build_tiers(_DEEP, 1e9),
    build_tiers(_MIDDLE, 5e7),
    build_tiers(_SHALLOW, 2e7),
)


def tiers_for(max_leverage: int) -> tuple[MarginTier, ...]:
    """The tier table whose smallest tier allows `max_leverage` (the nearest table that does)."""
    fitting = [table for table in _TABLES if table[0].leverage_max >= max_leverage]
    return fitting[-1] if fitting else _TABLES[0]


def bankruptcy_price(*, is_long: bool, entry: float, leverage: float) -> float:
    """Price at which the margin is used up, in the unit of `entry`."""
    return entry * (1.0 - 1.0 / leverage) if is_long else entry * (1.0 + 1.0 / leverage)
