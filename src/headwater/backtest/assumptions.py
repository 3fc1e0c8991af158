"""What a back-test takes for granted, stated in full with every result."""

import math
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from headwater.core.errors import RequestError
from headwater.core.margin_tiers import MarginTier
from headwater.core.order_kinds import MarginMode

__all__ = ["LIMITS", "Assumptions", "FillRule", "MarginMode"]

_BPS: Final = 10_000.0

LIMITS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "initial_capital": (1e-9, 1e15),
        "fee_rate": (-0.01, 0.1),
        "slippage_rate": (0.0, 0.1),
        "leverage": (1.0, 200.0),
        "liquidation_fee_rate": (0.0, 0.1),
        "quantity_step": (0.0, 1e12),
        "price_tick": (0.0, 1e12),
        "min_notional": (0.0, 1e12),
    }
)
"""Least and most of each number of the assumptions, in its own unit."""


class FillRule(StrEnum):
    """At which price a decision that was made at a bar's close is filled."""

    NEXT_OPEN = "next-open"
    CLOSE = "close"


class Assumptions(msgspec.Struct, frozen=True, kw_only=True):
    """Costs and rules of one run; checked by `checked`.

    Attributes:
        initial_capital: quote currency, > 0.
        fee_rate: fee of every fill as a fraction of its value (0.001 is 10 bps); a rebate is
            negative.
        slippage_rate: how much worse than the price an order fills that takes what is there
            (market orders and stops, not take-profits), as a fraction.
        fill: when decisions are filled.
        leverage: notional of an all-in position over the equity, ≥ 1.
        margin_mode: what a liquidation may take.
        tiers: the venue's margin tiers, smallest positions first; empty: no liquidation price, the
            account is ruined when its equity at a close is gone.
        liquidation_fee_rate: further fee of a liquidation, a fraction of its value.
        quantity_step: quantities are cut to its multiples, base units; 0: fractions at will.
        price_tick: fills of stops and targets lie on its multiples, quote currency; 0: any price.
        min_notional: smallest value of an order, quote currency; smaller ones are refused.
        exchange: venue whose fees and rules these are, empty when they are the caller's own.
        funding: which funding payments are settled, in words; they travel beside the assumptions.
        detail: which smaller bars tell what a bar reached first, in words; empty for none.
    """

    initial_capital: float = 10_000.0
    fee_rate: float = 0.0
    slippage_rate: float = 0.0
    fill: FillRule = FillRule.NEXT_OPEN
    leverage: float = 1.0
    margin_mode: MarginMode = MarginMode.CROSS
    tiers: tuple[MarginTier, ...] = ()
    liquidation_fee_rate: float = 0.0
    quantity_step: float = 0.0
    price_tick: float = 0.0
    min_notional: float = 0.0
    exchange: str = ""
    funding: str = "none"
    detail: str = ""

    def checked(self) -> "Assumptions":
        """These, once every number is one that an account can have.

        Raises:
            RequestError: names the field, its value and what is allowed.
        """
        for name, (least, most) in LIMITS.items():
            value = getattr(self, name)
            if not math.isfinite(value) or not least <= value <= most:
                raise RequestError(name, value, f"a number from {least:g} to {most:g}")
        return self

    @property
    def is_plain(self) -> bool:
        """Whether cash, fee and slippage are all there is: no margin, no grid of quantities."""
        return (
            self.leverage == 1.0
            and not self.tiers
            and self.quantity_step == 0.0
            and self.price_tick == 0.0
            and self.min_notional == 0.0
        )

    def told(self) -> dict[str, str]:
        """Each assumption in words, by name; what a result prints and a report shows."""
        when = (
            "decisions at a close are filled at the open of the next bar"
            if self.fill is FillRule.NEXT_OPEN
            else "decisions at a close are filled at that close (no time to think: optimistic)"
        )
        whose = f" ({self.exchange}'s)" if self.exchange else ""
        return {
            "initial_capital": f"{self.initial_capital:g} in the quote currency",
            "fill": when,
            "fee": f"{self.fee_rate * _BPS:g} bps of the value of every fill{whose}",
            "slippage": f"{self.slippage_rate * _BPS:g} bps against market orders and stops; "
            "take-profits fill at their price",
            "intrabar": f"{self._order_in_bar()}; a gap beyond either fills at the open",
            "sizing": "all in, quantity = equity / (price × (1 + fee))"
            if self.leverage == 1
            else f"all in at {self.leverage:g} × leverage, {self.margin_mode} margin",
            "liquidation": self._liquidation(),
            "rounding": self._rounding(),
            "funding": self.funding,
            "annualisation": "365 days",
        }

    def _order_in_bar(self) -> str:
        order = "stop before target in every bar, the entry's included"
        return f"{order}, unless {self.detail} tell what came first" if self.detail else order

    def _liquidation(self) -> str:
        if self.tiers:
            return (
                f"by the venue's {len(self.tiers)} margin tiers at traded prices, fee "
                f"{self.liquidation_fee_rate * _BPS:g} bps"
            )
        gone = "the run stops when the equity at a close is gone"
        if self.leverage == 1:
            return f"none; {gone}"
        return (
            f"NONE, at {self.leverage:g} × leverage: without margin tiers no position has a "
            f"liquidation price, where the venue would have closed it; {gone}"
        )

    def _rounding(self) -> str:
        parts = []
        if self.quantity_step:
            parts.append(f"quantities down to multiples of {self.quantity_step:g}")
        if self.price_tick:
            parts.append(f"stops and targets to multiples of {self.price_tick:g}")
        if self.min_notional:
            parts.append(f"no order below {self.min_notional:g}")
        if not self.quantity_step:
            parts.insert(0, "fractional quantities")
        return (
            ", ".join(parts) if parts[1:] or self.quantity_step else "none: fractional quantities"
        )
