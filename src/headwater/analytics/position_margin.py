"""What a venue would demand of one position: its tier, its margins, its liquidation price.

Puts a question, as people ask it, to the tiers of one contract; the formulas are `margin.py`'s.
Assumes isolated margin and one position per contract.
"""

import math

import msgspec

from headwater.analytics.margin import (
    liquidation_price,
    maintenance_margin,
    margin_of,
    tier_of,
    tiers_of_position,
)
from headwater.core.enums import PositionSide
from headwater.core.errors import RequestError
from headwater.core.margin_tiers import MarginTier, MarginTiers


class MarginQuestion(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A position that somebody has or thinks of; numbers are finite and > 0.

    Attributes:
        notional: quote currency; None where price and size say it.
        entry_price: quote currency per base unit.
        position_size: base units.
        leverage: entry notional over initial margin; None where only the maintenance is asked.
        side: None where no liquidation price is asked.
        taker_fee_rate: share of 1; counts where the venue demands the fee.
    """

    notional: float | None = None
    entry_price: float | None = None
    position_size: float | None = None
    leverage: float | None = None
    side: PositionSide | None = None
    taker_fee_rate: float = 0.0


class PositionMargin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer; money in quote currency.

    Attributes:
        notional: value of the position at entry.
        tier_number: place of its tier at entry, from 1.
        tier: that tier.
        maintenance: margin below which it would be liquidated at its entry price.
        initial: margin at the asked leverage, None where none was asked.
        is_priced: whether a liquidation price was asked for with all it needs.
        liquidation: mark price at which it is liquidated; None where it was not asked, and for a
            long that keeps enough margin down to 0.
    """

    notional: float
    tier_number: int
    tier: MarginTier
    maintenance: float
    initial: float | None
    is_priced: bool
    liquidation: float | None


def assess(table: MarginTiers, asked: MarginQuestion) -> PositionMargin:
    """Answers a question from the tiers of a contract.

    Args:
        table: of the contract; the liquidation price is by the tier that holds there, everything
            else by the tier at entry.
        asked: the position.

    Raises:
        RequestError: neither a notional nor price and size, or both; a notional beyond the last
            tier; a leverage that its tier does not allow, or that does not cover the maintenance.
    """
    notional = _notional_of(asked)
    tier = _tier_at_entry(table, asked, notional)
    fee_rate = asked.taker_fee_rate if table.is_fee_demanded else 0.0
    maintenance = maintenance_margin(tier, notional, fee_rate)
    leverage, initial = asked.leverage, None
    if leverage is not None:
        if not 1.0 <= leverage <= tier.leverage_max:
            allowed = f"1 to {tier.leverage_max:g} at a notional of {notional:g}"
            raise RequestError("leverage", leverage, allowed)
        initial = margin_of(notional, 1.0, leverage)
        if initial <= maintenance:
            allowed = f"a margin above the maintenance of {maintenance:g}; here it is {initial:g}"
            raise RequestError("leverage", leverage, allowed)
    found: float | None = None
    is_priced = False
    if asked.side is not None and initial is not None:
        if asked.entry_price is None or asked.position_size is None:
            allowed = "given with entry_price and position_size: a notional has no price"
            raise RequestError("side", asked.side.value, allowed)
        is_priced = True
        found = liquidation_price(
            asked.side, asked.entry_price, asked.position_size, initial, table.tiers, fee_rate
        )
    return PositionMargin(
        notional=notional,
        tier_number=table.tiers.index(tier) + 1,
        tier=tier,
        maintenance=maintenance,
        initial=initial,
        is_priced=is_priced,
        liquidation=found,
    )


def _notional_of(asked: MarginQuestion) -> float:
    """Value of the position.

    Raises:
        RequestError: it is not said, or said twice.
    """
    price, size = asked.entry_price, asked.position_size
    both = "notional, or entry_price with position_size"
    if asked.notional is not None:
        if price is not None or size is not None:
            raise RequestError("notional", asked.notional, f"either {both}, not all of them")
        return asked.notional
    if price is None:
        raise RequestError("entry_price", "nothing", f"given: {both}")
    if size is None:
        raise RequestError("position_size", "nothing", f"given: {both}")
    return price * size


def _tier_at_entry(table: MarginTiers, asked: MarginQuestion, notional: float) -> MarginTier:
    """The tier that the position begins in.

    Raises:
        RequestError: it is larger than the last tier goes.
    """
    last = table.tiers[-1]
    size = asked.position_size
    if size is not None and last.quantity_cap is not None:
        if size > last.quantity_cap:
            raise RequestError("position_size", size, f"at most {last.quantity_cap:g}")
        return tiers_of_position(table.tiers, size)[0]
    if notional > last.notional_cap and math.isfinite(last.notional_cap):
        field = "notional" if asked.notional is not None else "position_size"
        allowed = f"a notional of at most {last.notional_cap:g}, the end of the last tier"
        raise RequestError(field, asked.notional or size, allowed)
    return tier_of(table.tiers, notional)
