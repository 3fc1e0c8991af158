"""Brackets: an entry whose exits wait for what it fills."""

from decimal import Decimal

from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.core.order_kinds import OrderEventKind, OrderReason, OrderState
from headwater.core.orders import BracketRequest, OrderRequest
from headwater.trading.paper_admission import admit, make_order, reject
from headwater.trading.paper_links import end_children
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_order import Plan, WorkingOrder
from headwater.trading.paper_state import PaperState


def place_bracket(
    state: PaperState,
    market: PaperMarket,
    bracket: BracketRequest,
    equity_fraction: Decimal | None = None,
) -> tuple[WorkingOrder, WorkingOrder | None, WorkingOrder | None]:
    """Takes in a checked bracket.

    Args:
        state: the account.
        market: of the entry's contract.
        bracket: checked.
        equity_fraction: size the entry at its fill to this share of the equity.

    Returns:
        Entry, stop and target; None for an exit that was not asked for.
    """
    entry = make_order(state, market, bracket.entry, equity_fraction)
    if entry.plan is None:
        entry.plan = Plan()
    group = f"bracket-{entry.number}"
    away = Decimal(-1) if bracket.entry.side is Side.BUY else Decimal(1)
    stop = _exit(state, entry, bracket.stop, group, bracket.stop_fraction, away)
    target = _exit(state, entry, bracket.target, group, bracket.target_fraction, -away)
    entry.plan.children = tuple(one for one in (stop, target) if one is not None)
    names = [one.client_id for one in (*entry.plan.children, entry) if one.client_id is not None]
    if len(set(names)) < len(names):
        raise RequestError("client_order_id", names[0], "another one for each order of a bracket")
    for child in entry.plan.children:
        name = child.client_id
        if name is not None and name in state.by_client:
            child.client_id = None
            reject(state, child, OrderReason.DUPLICATE_CLIENT_ORDER_ID, name)
            entry.plan.children = ()
            reject(state, entry, OrderReason.DUPLICATE_CLIENT_ORDER_ID, name)
            return entry, stop, target
    for child in entry.plan.children:
        if child.client_id is not None:
            state.by_client[child.client_id] = child
        child.state = OrderState.WAITING
        state.live[child.number] = child
        state.note(OrderEventKind.ACCEPTED, OrderReason.BRACKET_PLACED, child)
    if not admit(state, entry):
        end_children(state, entry)
    return entry, stop, target


def _exit(
    state: PaperState,
    entry: WorkingOrder,
    request: OrderRequest | None,
    group: str,
    fraction: Decimal | None,
    away: Decimal,
) -> WorkingOrder | None:
    if request is None:
        return None
    order = make_order(state, entry.market, request)
    if order.plan is None:
        order.plan = Plan()
    order.reduce_only = True
    order.plan.group = group
    order.plan.parent = entry
    order.plan.offset = None if fraction is None else away * fraction
    return order
