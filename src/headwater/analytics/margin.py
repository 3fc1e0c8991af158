"""Margin and liquidation price of one isolated position: one formula, exact over the tiers.

With s = +1 for a long and −1 for a short, quantity q (base units), entry price E, margin M (quote
currency), maintenance rate m and deduction c of a tier, a position is liquidated at the mark price
P where what is left of its margin no longer covers the maintenance of the tier that holds there:

    M + s·q·(P − E) = q·P·m − c        so        P = (s·q·E − M − c) / (q·(s − m))

How the venues fit in: Binance names m and c of its brackets; Bybit too, and counts margin added
later as added / (1 − taker fee); OKX has c = 0, adds the taker fee to m and finds the tier by the
quantity, which no price changes; Hyperliquid's m is half the initial margin of the tier's highest
leverage, with the same running deductions. Sources: the venues' help pages on liquidation price
(Binance "How to calculate liquidation price of USDⓈ-M futures contracts", Bybit "Liquidation price
calculation under isolated mode (unified trading account)", OKX "How to calculate the liquidation
price", Hyperliquid "Liquidations" and "Margin tiers").

Assumes isolated margin and one position per contract. The margin of a cross position is the rest of
its account, which public data do not tell.
"""

import math
from collections.abc import Sequence

from headwater.core.enums import PositionSide
from headwater.core.margin_tiers import MarginTier

__all__ = [
    "MarginTier",
    "build_tiers",
    "liquidation_price",
    "maintenance_margin",
    "margin_of",
    "tier_of",
    "tiers_of_position",
]


def build_tiers(
    rows: Sequence[tuple[float, float, float]], notional_cap: float = math.inf
) -> tuple[MarginTier, ...]:
    """Tiers with their caps and deductions worked out: c_n = c_(n−1) + floor_n·(m_n − m_(n−1)).

    Args:
        rows: (notional floor in quote currency, maintenance rate as a share of 1, highest
            leverage), ascending by floor, the first from 0.
        notional_cap: end of the last tier, quote currency.

    Returns:
        One tier for each row.

    Raises:
        ValueError: no rows, floors that do not ascend from 0, or a rate outside [0, 1).
    """
    if not rows or rows[0][0] != 0.0:
        raise ValueError("the first tier must begin at a notional of 0")
    caps = [*(floor for floor, _, _ in rows[1:]), notional_cap]
    tiers: list[MarginTier] = []
    deduction = 0.0
    for (floor, rate, leverage_max), cap in zip(rows, caps, strict=True):
        if not floor < cap:
            raise ValueError(f"tier from {floor} to {cap}: floors must ascend")
        if not 0.0 <= rate < 1.0:
            raise ValueError(f"maintenance rate {rate}: must be in [0, 1)")
        if tiers:
            deduction += floor * (rate - tiers[-1].maintenance_rate)
        tiers.append(
            MarginTier(
                notional_floor=floor,
                notional_cap=cap,
                maintenance_rate=rate,
                maintenance_deduction=deduction,
                leverage_max=leverage_max,
            )
        )
    return tuple(tiers)


def tier_of(tiers: Sequence[MarginTier], notional: float) -> MarginTier:
    """The tier that a notional falls into; floors belong to their tier.

    Args:
        tiers: of one contract, ascending.
        notional: quote currency, ≥ 0.

    Returns:
        The tier; the last one for a notional above every cap, which no position may reach by
        opening but one may by a move of the price.

    Raises:
        ValueError: no tiers, or a notional that is negative or not a number.
    """
    if not tiers or not notional >= 0.0:
        raise ValueError(f"{len(tiers)} tiers, notional {notional}: tiers and a notional ≥ 0")
    return next((tier for tier in reversed(tiers) if notional >= tier.notional_floor), tiers[0])


def tiers_of_position(tiers: Sequence[MarginTier], quantity: float) -> Sequence[MarginTier]:
    """The tiers that a position of a fixed quantity can come into while the price moves.

    Args:
        tiers: of one contract, ascending.
        quantity: base units, > 0.

    Returns:
        All of them where the notional decides; the one tier of the quantity where that decides
        (the last one for a quantity above every cap).

    Raises:
        ValueError: no tiers.
    """
    if not tiers:
        raise ValueError("no tiers")
    if tiers[0].quantity_cap is None:
        return tiers
    fitting = (one for one in tiers if one.quantity_cap is None or quantity <= one.quantity_cap)
    return (next(fitting, tiers[-1]),)


def maintenance_margin(tier: MarginTier, notional: float, fee_rate: float = 0.0) -> float:
    """Margin below which a position of `notional` in `tier` is liquidated, quote currency.

    Args:
        tier: that holds at this notional.
        notional: quote currency, ≥ 0.
        fee_rate: share of the notional demanded on top, 0 where the venue adds none.
    """
    return notional * (tier.maintenance_rate + fee_rate) - tier.maintenance_deduction


def margin_of(
    entry: float, quantity: float, leverage: float, *, added: float = 0.0, fee_rate: float = 0.0
) -> float:
    """Margin of an isolated position: q·E / L, and what was added to it since.

    Args:
        entry: entry price, quote currency per base unit, > 0.
        quantity: base units, > 0.
        leverage: entry notional over initial margin, > 0.
        added: margin put in later, quote currency.
        fee_rate: taker fee as a share of 1 by which Bybit counts added margin higher, as
            added / (1 − fee); 0 elsewhere.

    Returns:
        Quote currency.

    Raises:
        ValueError: a leverage or an entry that is not positive, or a fee of 1 and more.
    """
    if not (entry > 0.0 and quantity > 0.0 and leverage > 0.0 and fee_rate < 1.0):
        raise ValueError(f"entry {entry}, quantity {quantity}, leverage {leverage}, fee {fee_rate}")
    return quantity * entry / leverage + added / (1.0 - fee_rate)


def liquidation_price(
    side: PositionSide,
    entry: float,
    quantity: float,
    margin: float,
    tiers: Sequence[MarginTier],
    fee_rate: float = 0.0,
) -> float | None:
    """Mark price at which an isolated position is liquidated, by the tier that holds there.

    What is left above the requirement falls steadily towards the liquidation price, because the
    requirement does not jump at an edge. So the tier is the highest one at whose floor a long is
    lost already, or a short is not lost yet, and the formula is exact in it.

    Args:
        side: of the position.
        entry: entry price, quote currency per base unit, > 0.
        quantity: base units, > 0.
        margin: isolated margin without the profit or loss of the position, quote currency
            (`margin_of`, less funding paid).
        tiers: of the contract, ascending, deductions as `build_tiers` makes them; or a table by
            quantity.
        fee_rate: taker fee as a share of 1 where the venue demands it with the maintenance (OKX).

    Returns:
        Quote currency per base unit; None when a long keeps enough margin down to a price of 0.
        A long's price at or above its entry, or a short's at or below, says that the margin does
        not cover the maintenance at entry: no venue would open that position.

    Raises:
        ValueError: no tiers, a number that is not finite, a price or quantity that is not positive,
            or a rate with fee of 1 and more.
    """
    if not (entry > 0.0 and quantity > 0.0 and math.isfinite(entry * quantity + margin)):
        raise ValueError(
            f"entry {entry}, quantity {quantity}, margin {margin}: finite, first two > 0"
        )
    sign = 1.0 if side is PositionSide.LONG else -1.0
    open_tiers = tiers_of_position(tiers, quantity)
    held = margin - sign * quantity * entry
    tier = open_tiers[0]
    for candidate in reversed(open_tiers[1:]):
        floor = candidate.notional_floor
        spare = held + sign * floor - maintenance_margin(candidate, floor, fee_rate)
        if (spare <= 0.0) == (sign > 0.0):
            tier = candidate
            break
    rate = tier.maintenance_rate + fee_rate
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"maintenance rate with fee {rate}: must be in [0, 1)")
    price = (-held - tier.maintenance_deduction) / (quantity * (sign - rate))
    return price if price > 0.0 else None
