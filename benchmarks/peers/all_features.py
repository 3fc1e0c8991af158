"""Every feature of the account at once, set so that none changes a trade, and the callbacks.

With them on, a run has the trades of a plain one, so that it can be compared with engines that are
run without: the bracket and the liquidation price are far away, slippage and funding only cost.
"""

from typing import Any, Final

import msgspec
import numpy as np

from headwater.backtest.assumptions import Assumptions, MarginMode
from headwater.backtest.funding import FundingColumns
from headwater.core.margin_tiers import MarginTier
from headwater.strategies.bars import Bars
from headwater.strategies.base import BaseStrategy, Decision
from headwater.strategies.parameters import Integer
from headwater.strategies.trade_parameters import BRACKET

FAR_STOP: Final = 0.9
FAR_TARGET: Final = 9.0
"""Fractions of the entry price that the walk never moves within a trade."""

SLIPPAGE: Final = 0.00001
FUNDING_EVERY_MS: Final = 8 * 3_600_000

TIERS: Final = (
    MarginTier(
        notional_floor=0.0,
        notional_cap=50_000.0,
        maintenance_rate=0.004,
        maintenance_deduction=0.0,
        leverage_max=125.0,
    ),
    MarginTier(
        notional_floor=50_000.0,
        notional_cap=float("inf"),
        maintenance_rate=0.005,
        maintenance_deduction=50.0,
        leverage_max=100.0,
    ),
)


class CalledCross(BaseStrategy):
    """The cross of two means, long only, asked at every bar."""

    name = "called_cross"
    description = "The cross of two means by callbacks."
    declared = (
        Integer("fast", 10, "Bars of the fast average.", least=1, most=5_000),
        Integer("slow", 30, "Bars of the slow average.", least=2, most=10_000),
        *BRACKET,
    )

    @property
    def lookback(self) -> int:
        """The slow average of the bar before must be there."""
        return int(self.params["slow"]) + 1

    def should_open_position(self, data: Any) -> Decision:
        """At a cross above."""
        if len(data) < 2:
            return False, None
        fast, slow = data.sma(self.params["fast"]), data.sma(self.params["slow"])
        return fast[-2] <= slow[-2] and fast[-1] > slow[-1], None

    def should_close_position(self, position: Any, data: Any) -> Decision:
        """At a cross below."""
        del position
        fast, slow = data.sma(self.params["fast"]), data.sma(self.params["slow"])
        return fast[-2] >= slow[-2] and fast[-1] < slow[-1], "cross"


class KeptCross(CalledCross):
    """The same with its columns kept in `prepare`."""

    name = "kept_cross"
    description = "The cross of two means by callbacks, columns kept."

    def prepare(self, data: Any) -> None:
        """Keeps the two lists, which go on growing."""
        self.fast = data.sma(self.params["fast"])
        self.slow = data.sma(self.params["slow"])

    def should_open_position(self, data: Any) -> Decision:
        """At a cross above."""
        del data
        fast, slow = self.fast, self.slow
        if len(fast) < 2:
            return False, None
        return fast[-2] <= slow[-2] and fast[-1] > slow[-1], None

    def should_close_position(self, position: Any, data: Any) -> Decision:
        """At a cross below."""
        del position, data
        fast, slow = self.fast, self.slow
        return fast[-2] >= slow[-2] and fast[-1] < slow[-1], "cross"


def with_all_features(plain: Assumptions) -> Assumptions:
    """These assumptions with slippage, tiers and isolated margin."""
    return msgspec.structs.replace(
        plain, slippage_rate=SLIPPAGE, tiers=TIERS, margin_mode=MarginMode.ISOLATED
    )


def funding_of(bars: Bars) -> FundingColumns:
    """A payment every eight hours, now this way, now that."""
    times = np.arange(bars.timestamp_ms[0], bars.timestamp_ms[-1], FUNDING_EVERY_MS)
    return FundingColumns.of(times, 1e-5 * np.sin(np.arange(len(times))))
