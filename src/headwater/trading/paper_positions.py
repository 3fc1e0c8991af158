"""Positions for the outside, and what a funding settlement moves."""

from decimal import Decimal

from headwater.core.orders import Position
from headwater.trading.paper_contract import ATTO, money
from headwater.trading.paper_margin import liquidation_price_of, unrealised
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_state import PaperState


def position_record(state: PaperState, market: PaperMarket) -> Position:
    """The position of a contract as it is now, valued at its mark."""
    scale, pos = market.scale, market.pos
    quantity = scale.quantity(pos)
    entry = money(market.cost * scale.step_d // (abs(pos) * scale.step_n)) if pos else None
    value = market.value_price
    return Position(
        exchange=market.exchange,
        symbol=market.symbol,
        quantity=quantity,
        entry_price=entry,
        mark_price=value or None,
        unrealised_pnl=money(unrealised(market)),
        realised_pnl=money(market.realised),
        fees=money(market.fees),
        funding=money(market.funding),
        margin_mode=market.contract.margin_mode,
        leverage=market.contract.leverage,
        margin=money(market.margin),
        liquidation_price=liquidation_price_of(state, market),
    )


def funding_amount(market: PaperMarket, rate: Decimal, mark_price: Decimal) -> int:
    """Change of cash at a funding settlement: −position × mark × rate, atto, rounded down."""
    rate_n, rate_d = rate.as_integer_ratio()
    mark_n, mark_d = mark_price.as_integer_ratio()
    scale = market.scale
    top = -market.pos * scale.step_n * mark_n * rate_n * ATTO
    return top // (scale.step_d * mark_d * rate_d)
