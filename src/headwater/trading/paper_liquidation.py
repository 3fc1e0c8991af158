"""Closing by force: what happens when the margin behind a position no longer covers maintenance."""

from headwater.core.order_kinds import AccountEventKind, OrderReason, OrderState, OrderType
from headwater.trading.paper_assumptions import LiquidationPrice
from headwater.trading.paper_contract import ATTO, money
from headwater.trading.paper_fills import check_solvency, end_order, execute
from headwater.trading.paper_margin import bankruptcy_price_of, equity, maintenance, unrealised
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_order import WorkingOrder
from headwater.trading.paper_state import PaperState


def liquidate(state: PaperState, market: PaperMarket, at: float) -> None:
    """Closes a position by force, and with a cross one all cross positions.

    The open orders of the contracts concerned are cancelled first. Other cross positions close at
    their marks, the one that was reached last, by the rule for liquidation prices.

    Args:
        state: the account.
        market: whose price reached its liquidation price.
        at: mark or last price that did it.
    """
    if not market.has_marks:
        market.last = at
    concerned = [market]
    if market.is_cross:
        concerned = [one for one in state.open.values() if one.is_cross and one is not market]
        concerned.append(market)
    for one in concerned:
        cancel_all(state, one, OrderReason.LIQUIDATION)
    for one in concerned:
        _close(state, one, at if one is market else one.value_price, is_reached=one is market)
    check_solvency(state)


def cancel_all(state: PaperState, market: PaperMarket, reason: OrderReason) -> None:
    """Cancels every order of a contract that is not final."""
    for order in [one for one in state.live.values() if one.market is market]:
        end_order(state, order, OrderState.CANCELLED, reason)
    market.arrivals.clear()
    market.held.clear()
    market.born_stops.clear()
    market.refresh()


def _close(state: PaperState, market: PaperMarket, at: float, *, is_reached: bool) -> None:
    scale = market.scale
    is_long = market.pos > 0
    demanded = maintenance(market)
    limit = bankruptcy_price_of(state, market) if is_reached else at
    is_bankrupt = state.assumptions.liquidation_price is LiquidationPrice.BANKRUPTCY
    price = limit if is_bankrupt else (max(at, limit) if is_long else min(at, limit))
    ticks = max(0, scale.market_ticks(price, up=not is_long))
    state.numbers += 1
    lots, kind = abs(market.pos), OrderType.MARKET
    level = scale.float_price(ticks)
    order = WorkingOrder(state.numbers, market, not is_long, kind, ticks, level, lots, state.now)
    order.client_id = f"liquidation-{order.number}"
    order.reduce_only = True
    notional = scale.notional(order.lots * ticks)
    profit = notional - market.cost if is_long else market.cost - notional
    kept = (equity(state) - unrealised(market)) if market.is_cross else market.margin
    rate_n, rate_d = market.contract.fees.liquidation.as_integer_ratio()
    fee = max(0, min(-(-notional * rate_n // rate_d), kept + profit))
    entry = market.cost
    execute(state, order, lots, ticks, is_maker=False, reason=OrderReason.LIQUIDATION, fee=fee)
    state.note_account(
        AccountEventKind.LIQUIDATION,
        market,
        profit - fee,
        f"{'long' if is_long else 'short'} of {scale.quantity(lots)} with entry notional "
        f"{money(entry)}: mark {at}, maintenance {demanded:.8g}, backed by {kept / ATTO:.8g}; "
        f"closed at {scale.price(ticks)}, fee {money(fee)} {state.currency}",
    )
