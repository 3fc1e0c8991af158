"""Maintenance margin in tiers, liquidation and bankruptcy prices of isolated positions.

With entry E, quantity q, leverage L, maintenance rate m and deduction c of the position's tier, a
position is closed by force when its margin q·E/L plus its loss reaches q·P·m - c, hence

    long:  P = (E·(1 - 1/L) - c/q) / (1 - m)      short: P = (E·(1 + 1/L) + c/q) / (1 + m)

and its margin is used up at the bankruptcy price E·(1 ∓ 1/L). Deductions make the maintenance
margin continuous: c_n = c_(n-1) + floor_n·(m_n - m_(n-1)). Source: Binance's published method for
USD-M contracts (isolated margin, one-way mode); the tiers themselves are plausible inventions.
Fees and funding do not touch margin here.
"""

from collections.abc import Sequence

import msgspec


class MarginTier(msgspec.Struct, frozen=True, kw_only=True):
    """One tier, by the notional of a position.

    Attributes:
        floor: notional from which it holds, USDT.
        rate: maintenance margin as a fraction of notional.
        deduction: quote amount taken off, USDT.
        max_leverage: highest leverage allowed.
    """

    floor: float
    rate: float
    deduction: float
    max_leverage: int


def build_tiers(rows: Sequence[tuple[float, float, int]]) -> tuple[MarginTier, ...]:
    """Tiers with their deductions worked out.

    Args:
        rows: (notional from which it holds, maintenance rate, highest leverage), ascending, the
            first from 0.
    """
    tiers: list[MarginTier] = []
    deduction = 0.0
    for floor, rate, max_leverage in rows:
        if tiers:
            deduction += floor * (rate - tiers[-1].rate)
        tiers.append(
            MarginTier(floor=floor, rate=rate, deduction=deduction, max_leverage=max_leverage)
        )
    return tuple(tiers)


_DEEP = ((0.0, 0.004, 125), (300_000.0, 0.005, 100), (3_000_000.0, 0.0065, 75),
         (12_000_000.0, 0.01, 50), (70_000_000.0, 0.02, 25), (200_000_000.0, 0.05, 10))  # fmt: skip
_MIDDLE = ((0.0, 0.005, 100), (100_000.0, 0.0065, 75), (750_000.0, 0.01, 50),
           (3_000_000.0, 0.02, 25), (15_000_000.0, 0.05, 10))  # fmt: skip
_SHALLOW = ((0.0, 0.0065, 75), (50_000.0, 0.01, 50), (250_000.0, 0.02, 25),
            (1_500_000.0, 0.05, 10), (5_000_000.0, 0.1, 5))  # fmt: skip

_TABLES: tuple[tuple[MarginTier, ...], ...] = tuple(
    build_tiers(rows) for rows in (_DEEP, _MIDDLE, _SHALLOW)
)


def tiers_for(max_leverage: int) -> tuple[MarginTier, ...]:
    """The tier table whose smallest tier allows `max_leverage` (the nearest table that does)."""
    fitting = [table for table in _TABLES if table[0].max_leverage >= max_leverage]
    return fitting[-1] if fitting else _TABLES[0]


def tier_of(tiers: Sequence[MarginTier], notional: float) -> MarginTier:
    """The tier that a notional (USDT, ≥ 0) falls into."""
    found = tiers[0]
    for tier in tiers:
        if notional < tier.floor:
            break
        found = tier
    return found


def bankruptcy_price(*, is_long: bool, entry: float, leverage: float) -> float:
    """Price at which the margin is used up, in the unit of `entry`."""
    return entry * (1.0 - 1.0 / leverage) if is_long else entry * (1.0 + 1.0 / leverage)


def liquidation_price(
    *, is_long: bool, entry: float, quantity: float, leverage: float, tiers: Sequence[MarginTier]
) -> float:
    """Mark price at which the venue closes an isolated position by force.

    The tier is the one of the notional at the liquidation price itself: it is taken at entry
    first and put right until it fits (at most once per tier).

    Args:
        is_long: direction.
        entry: entry price, USDT.
        quantity: base units, > 0.
        leverage: entry notional / margin, ≥ 1.
        tiers: the contract's tiers.

    Returns:
        USDT; at 1× long it is ≤ 0 or tiny: never reached.
    """
    tier = tier_of(tiers, entry * quantity)
    price = entry
    for _ in tiers:
        bankrupt = bankruptcy_price(is_long=is_long, entry=entry, leverage=leverage)
        per_unit = tier.deduction / quantity
        if is_long:
            price = (bankrupt - per_unit) / (1.0 - tier.rate)
        else:
            price = (bankrupt + per_unit) / (1.0 + tier.rate)
        fitting = tier_of(tiers, max(price, 0.0) * quantity)
        if fitting is tier:
            break
        tier = fitting
    return price
