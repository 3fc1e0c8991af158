"""Views of margin: what a venue demands of a position, and its tiers (requirement L-R16).

Numbers are in the units of `core.margin_tiers`: money in quote currency, sizes in base units,
rates as fractions. `null` means that it was not asked, or that there is none.
"""

import math

from headwater.analytics.margin import maintenance_margin
from headwater.analytics.position_margin import PositionMargin
from headwater.api.schemas.base import IsoTime, View, iso_of
from headwater.api.schemas.margin_bodies import MarginBody
from headwater.api.schemas.platform import HealthStatus, Problem
from headwater.core.instruments import Instrument
from headwater.core.margin_tiers import MarginTier, MarginTiers


class MarginTierView(View, frozen=True, kw_only=True):
    """One tier. At a notional N in it the maintenance margin is N × rate − maintenance amount.

    Attributes:
        tier_number: from 1, smallest positions first.
        min_notional: quote currency from which it holds.
        max_notional: up to which it holds; null where the venue names no end.
        margin_rate: maintenance margin as a fraction of the notional.
        maintenance_amount: quote currency taken off.
        max_leverage: highest leverage of a position in it.
        min_quantity: base units from which it holds, where the venue goes by quantity.
        max_quantity: up to which it holds.
    """

    tier_number: int
    min_notional: float
    max_notional: float | None
    margin_rate: float
    maintenance_amount: float
    max_leverage: float
    min_quantity: float | None
    max_quantity: float | None


class MarginDisplayView(View, frozen=True, kw_only=True):
    """The numbers as text, money with the quote currency.

    Attributes:
        notional: value of the position.
        margin: maintenance margin.
        initial_margin: at the asked leverage.
        margin_rate: in percent.
        maintenance_amount: taken off the requirement.
        liquidation_price: mark price.
    """

    notional: str
    margin: str
    initial_margin: str | None
    margin_rate: str
    maintenance_amount: str
    liquidation_price: str | None


class MarginView(View, frozen=True, kw_only=True):
    """What a venue demands of one position in isolated margin.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        notional: value at entry, quote currency.
        margin: maintenance margin at entry: below it the position is liquidated.
        initial_margin: margin at the asked leverage; null without one.
        tier: number of the tier at entry, from 1.
        margin_rate: its maintenance rate, a fraction.
        maintenance_amount: its deduction, quote currency.
        liquidation_price: mark price at which the position is liquidated, by the tier that holds
            there; null when it was not asked for or cannot happen.
        is_liquidable: false for a long whose margin lasts down to a price of 0; null when no
            liquidation price was asked for.
        source: where the tiers come from; `snapshot of …` is a dated copy.
        tier_details: the whole tier, if asked for.
        display: the numbers as text, if asked for.
    """

    exchange: str
    symbol: str
    notional: float
    margin: float
    initial_margin: float | None
    tier: int
    margin_rate: float
    maintenance_amount: float
    liquidation_price: float | None
    is_liquidable: bool | None
    source: str
    tier_details: MarginTierView | None
    display: MarginDisplayView | None


class MarginBatchItemView(View, frozen=True, kw_only=True):
    """One of a batch: a result or an error.

    Attributes:
        index: place in the request, from 0.
        result: the answer; null when there is an error.
        error: why there is none.
    """

    index: int
    result: MarginView | None
    error: Problem | None


class MarginBatchView(View, frozen=True, kw_only=True):
    """The answers to a batch, in its order.

    Attributes:
        results: one for each position.
        total_count: how many were asked.
        success_count: how many have a result.
    """

    results: tuple[MarginBatchItemView, ...]
    total_count: int
    success_count: int


class MarginComparisonView(View, frozen=True, kw_only=True):
    """What a tier demands of the largest position in it.

    Attributes:
        tier_number: from 1.
        notional: end of the tier; where it has none, its beginning.
        margin: maintenance margin at that notional.
        margin_share: the same as a fraction of the notional; null at a notional of 0.
        max_leverage: highest leverage in it.
        is_current: whether `current_notional` falls into it; null without one.
        notional_to_go: how much `current_notional` lacks to its beginning, 0 when it is reached.
    """

    tier_number: int
    notional: float
    margin: float
    margin_share: float | None
    max_leverage: float
    is_current: bool | None
    notional_to_go: float | None


class MarginTiersView(View, frozen=True, kw_only=True):
    """The tiers of one contract.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        native_symbol: the venue's own spelling.
        timestamp: when the venue said so; of a dated copy, its date.
        source: endpoint, or `snapshot of <date>` for a copy that ships with the program.
        reference_price: mark price that turned quantities into notionals, for venues whose tiers
            go by quantity.
        is_fee_demanded: whether the taker fee is demanded with the maintenance margin.
        tiers: smallest positions first.
        comparison_table: the tiers side by side, if asked for.
    """

    exchange: str
    symbol: str
    native_symbol: str
    timestamp: IsoTime
    source: str
    reference_price: float | None
    is_fee_demanded: bool
    tiers: tuple[MarginTierView, ...]
    comparison_table: tuple[MarginComparisonView, ...] | None


def tier_view(number: int, tier: MarginTier) -> MarginTierView:
    """One tier as clients read it."""
    return MarginTierView(
        tier_number=number,
        min_notional=tier.notional_floor,
        max_notional=tier.notional_cap if math.isfinite(tier.notional_cap) else None,
        margin_rate=tier.maintenance_rate,
        maintenance_amount=tier.maintenance_deduction,
        max_leverage=tier.leverage_max,
        min_quantity=tier.quantity_floor,
        max_quantity=tier.quantity_cap,
    )


class MarginVenueView(View, frozen=True, kw_only=True):
    """Whether margin can be worked out for one venue now.

    Attributes:
        exchange: its id.
        is_offered: the venue publishes tiers of the contract that was asked for.
        healthy: it told them within the limit of time.
        symbol: the contract; null when its list is not loaded or holds no linear one.
        tier_count: how many tiers; null when none came.
        source: where they come from, or that they are a dated copy.
        reason: why they did not come; empty when they did.
    """

    exchange: str
    is_offered: bool
    healthy: bool
    symbol: str | None
    tier_count: int | None
    source: str | None
    reason: str


class MarginHealthView(View, frozen=True, kw_only=True):
    """Whether margin can be worked out, by asking every venue.

    Attributes:
        status: healthy when every venue that offers tiers told them, unhealthy when none did.
        timestamp: when they were asked.
        exchanges: by venue id.
    """

    status: HealthStatus
    timestamp: IsoTime
    exchanges: dict[str, MarginVenueView]


def margin_view(
    table: MarginTiers, found: PositionMargin, instrument: Instrument, body: MarginBody
) -> MarginView:
    """The answer to one position, with what else was asked for."""
    tier = found.tier
    return MarginView(
        exchange=table.exchange,
        symbol=table.symbol,
        notional=found.notional,
        margin=found.maintenance,
        initial_margin=found.initial,
        tier=found.tier_number,
        margin_rate=tier.maintenance_rate,
        maintenance_amount=tier.maintenance_deduction,
        liquidation_price=found.liquidation,
        is_liquidable=found.liquidation is not None if found.is_priced else None,
        source=table.source,
        tier_details=tier_view(found.tier_number, tier) if body.include_tier_details else None,
        display=_display(found, instrument.quote_asset) if body.include_display else None,
    )


def tiers_view(
    table: MarginTiers, *, compared: bool, current_notional: float | None
) -> MarginTiersView:
    """The tiers of a contract.

    Args:
        table: the tiers.
        compared: whether to add the comparison.
        current_notional: marks the tier it falls into, None for no mark.
    """
    numbered = list(enumerate(table.tiers, 1))
    return MarginTiersView(
        exchange=table.exchange,
        symbol=table.symbol,
        native_symbol=table.native_symbol,
        timestamp=iso_of(table.timestamp_ms),
        source=table.source,
        reference_price=table.reference_price,
        is_fee_demanded=table.is_fee_demanded,
        tiers=tuple(tier_view(number, tier) for number, tier in numbered),
        comparison_table=(
            tuple(_comparison(number, tier, current_notional) for number, tier in numbered)
            if compared
            else None
        ),
    )


def _comparison(number: int, tier: MarginTier, current: float | None) -> MarginComparisonView:
    floor, cap = tier.notional_floor, tier.notional_cap
    notional = cap if math.isfinite(cap) else floor
    margin = maintenance_margin(tier, notional)
    return MarginComparisonView(
        tier_number=number,
        notional=notional,
        margin=margin,
        margin_share=margin / notional if notional else None,
        max_leverage=tier.leverage_max,
        is_current=None if current is None else floor <= current < cap,
        notional_to_go=None if current is None else max(0.0, floor - current),
    )


def _display(found: PositionMargin, quote: str) -> MarginDisplayView:
    initial, price = found.initial, found.liquidation
    return MarginDisplayView(
        notional=_money(found.notional, quote),
        margin=_money(found.maintenance, quote),
        initial_margin=None if initial is None else _money(initial, quote),
        margin_rate=f"{found.tier.maintenance_rate * 100:.4g} %",
        maintenance_amount=_money(found.tier.maintenance_deduction, quote),
        liquidation_price=None if price is None else _money(price, quote),
    )


def _money(amount: float, quote: str) -> str:
    """Two decimals, or six significant figures of what is smaller than one."""
    text = f"{amount:,.2f}" if amount >= 1.0 or amount == 0.0 else f"{amount:.6g}"
    return f"{text} {quote}"
