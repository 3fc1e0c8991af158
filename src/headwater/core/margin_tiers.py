"""Margin tiers of a contract: what a venue demands of a position, by the size of the position.

Declarations only; the formulas stand in `analytics/margin.py`, the meaning of each venue's own
fields in `venues/<venue>/README.md`.
"""

from typing import ClassVar

import msgspec

from headwater.core.records import Record


class MarginTier(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One tier. At notional N in it, the maintenance margin is N × rate − deduction.

    Attributes:
        notional_floor: quote currency from which it holds, included; 0 for the first.
        notional_cap: quote currency up to which it holds, excluded; infinite where the venue
            names no end.
        maintenance_rate: maintenance margin as a share of the notional, in [0, 1).
        maintenance_deduction: quote currency taken off the requirement. It runs over the tiers so
            that the requirement does not jump at an edge; 0 in the first tier.
        leverage_max: highest leverage that a position in it may have, ≥ 1.
        quantity_floor: base units from which it holds, where the venue measures a position by its
            quantity and not by its notional; else None. Such a table has no deductions, and its
            notional edges are those at `MarginTiers.reference_price`.
        quantity_cap: base units up to which it holds; None as `quantity_floor`.
    """

    notional_floor: float
    notional_cap: float
    maintenance_rate: float
    maintenance_deduction: float
    leverage_max: float
    quantity_floor: float | None = None
    quantity_cap: float | None = None


class MarginTiers(Record, frozen=True, kw_only=True, gc=False):
    """The tiers of one contract; `timestamp_ms` is when the venue said so.

    Attributes:
        tiers: smallest positions first, without a hole.
        source: where they come from, for people: an endpoint, or `snapshot of <date>` for a table
            that ships with the program because the venue publishes none.
        reference_price: mark price that turned quantities into notionals, quote currency; None
            where the venue's own edges are notionals.
        is_fee_demanded: whether the venue demands the taker fee of the closing order together
            with the maintenance margin.
    """

    kind: ClassVar[str] = "margin_tiers"

    tiers: tuple[MarginTier, ...]
    source: str
    reference_price: float | None = None
    is_fee_demanded: bool = False
