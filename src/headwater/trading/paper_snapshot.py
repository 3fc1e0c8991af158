"""State of the paper venue as text and back, so that a run can be cut in pieces.

Plain JSON: whole numbers of any size, floats as they are written shortest (which is exact).
"""

import json
from decimal import Decimal
from typing import Any

from headwater.core.errors import RequestError
from headwater.core.order_kinds import OrderReason, OrderState, OrderType, TimeInForce
from headwater.trading.paper_margin import settle_reserve
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_order import Plan, RestingKey, WorkingOrder
from headwater.trading.paper_state import PaperState

VERSION = 1

_STATE = (
    "ambiguous_count", "cash", "deficit", "fills", "initial", "is_insolvent", "logged",
    "margin_total", "now", "numbers", "reserved",
)  # fmt: skip
_MARKET = (
    "adjustment", "ask", "ask_size", "bid", "bid_size", "buy_lots", "buy_units", "cost", "fees",
    "funding", "has_marks", "has_quotes", "has_trades", "is_shared", "is_tape", "last", "liq_high",
    "liq_low", "margin", "mark", "pos", "realised", "reserve", "sell_lots", "sell_units",
)  # fmt: skip
_ORDER = (
    "ahead", "client_id", "created_at_ms", "fee_atto", "filled", "filled_units", "is_buy",
    "is_resting", "kind", "lots", "number", "post_only", "price", "reason", "reduce_only",
    "reserved", "seq", "state", "ticks", "time_in_force", "updated_at_ms",
)  # fmt: skip
_PLAN = (
    "extreme", "group", "quote_atto", "trail_fraction", "trail_ticks", "trigger",
    "trigger_ticks",
)  # fmt: skip


def snapshot_state(state: PaperState) -> bytes:
    """Everything but the events that nobody has taken yet."""
    settle_reserve(state)
    orders = {order.number: order for order in (*state.finished, *state.live.values())}
    document = {
        "version": VERSION,
        "contracts": [[one.exchange, one.symbol] for one in state.markets],
        "state": {name: getattr(state, name) for name in _STATE},
        "ambiguous": state.ambiguous,
        "open": list(state.open),
        "markets": [_market_document(market) for market in state.markets],
        "orders": [_order_document(order) for order in orders.values()],
        "finished": [order.number for order in state.finished],
        "live": list(state.live),
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _market_document(market: PaperMarket) -> dict[str, Any]:
    return {
        "facts": {name: getattr(market, name) for name in _MARKET},
        "arrivals": [order.number for order in market.arrivals],
        "reducers": list(market.reducers),
        "groups": {name: list(members) for name, members in market.groups.items()},
    }


def _order_document(order: WorkingOrder) -> dict[str, Any]:
    plan = order.plan
    document: dict[str, Any] = {
        "market": order.market.index,
        "facts": {name: getattr(order, name) for name in _ORDER},
        "key": None if order.key is None else order.key[0],
    }
    if plan is not None:
        document["plan"] = {
            "facts": {name: getattr(plan, name) for name in _PLAN},
            "watch": None if plan.watch_key is None else plan.watch_key[0],
            "parent": None if plan.parent is None else plan.parent.number,
            "children": [child.number for child in plan.children],
            "offset": None if plan.offset is None else str(plan.offset),
            "fraction": None if plan.equity_fraction is None else str(plan.equity_fraction),
        }
    return document


def restore_state(state: PaperState, snapshot: bytes) -> None:
    """Fills a fresh state, made of the same contracts.

    Raises:
        RequestError: no snapshot of this version, or one of other contracts.
    """
    try:
        document: dict[str, Any] = json.loads(snapshot)
        version, contracts = document["version"], document["contracts"]
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError("snapshot", snapshot[:40], "what PaperVenue.snapshot gave") from error
    if version != VERSION:
        raise RequestError("snapshot.version", version, f"version {VERSION}")
    expected = [[one.exchange, one.symbol] for one in state.markets]
    if contracts != expected:
        raise RequestError("snapshot.contracts", contracts, f"the contracts {expected}")
    for name, value in document["state"].items():
        setattr(state, name, value)
    state.ambiguous = [(index, at_ms) for index, at_ms in document["ambiguous"]]
    state.open = {index: state.markets[index] for index in document["open"]}
    orders: dict[int, WorkingOrder] = {}
    for facts in document["orders"]:
        order = _order_of(state, facts)
        orders[order.number] = order
    for facts in document["orders"]:
        _link(orders, facts)
    for number in document["finished"]:
        state.finished.append(orders[number])
    state.live = {number: orders[number] for number in document["live"]}
    state.by_client = {
        order.client_id: order for order in orders.values() if order.client_id is not None
    }
    for market, facts in zip(state.markets, document["markets"], strict=True):
        _restore_market(market, facts, orders)


def _restore_market(
    market: PaperMarket, document: dict[str, Any], orders: dict[int, WorkingOrder]
) -> None:
    for name, value in document["facts"].items():
        setattr(market, name, value)
    market.arrivals = [orders[number] for number in document["arrivals"]]
    market.reducers = {number: orders[number] for number in document["reducers"]}
    market.groups = {
        name: {number: orders[number] for number in members}
        for name, members in document["groups"].items()
    }
    market.below.sort()
    market.above.sort()
    market.refresh()


def _order_of(state: PaperState, document: dict[str, Any]) -> WorkingOrder:
    facts = document["facts"]
    market = state.markets[document["market"]]
    order = WorkingOrder(
        facts["number"], market, facts["is_buy"], OrderType(facts["kind"]), 0, 0.0, 0, 0
    )
    for name, value in facts.items():
        setattr(order, name, value)
    order.kind = OrderType(facts["kind"])
    order.state = OrderState(facts["state"])
    order.reason = OrderReason(facts["reason"])
    order.time_in_force = TimeInForce(facts["time_in_force"])
    order.key = _place(market, order, document["key"])
    if (kept := document.get("plan")) is not None:
        plan = order.plan = Plan()
        for name, value in kept["facts"].items():
            setattr(plan, name, value)
        plan.watch_key = _place(market, order, kept["watch"])
        plan.offset = None if kept["offset"] is None else Decimal(kept["offset"])
        plan.equity_fraction = None if kept["fraction"] is None else Decimal(kept["fraction"])
    return order


def _place(market: PaperMarket, order: WorkingOrder, price: float | None) -> "RestingKey | None":
    """Puts an order back into a waking list, to be sorted when all are there."""
    if price is None:
        return None
    key: RestingKey = (price, -order.seq, order)
    (market.below if price >= 0.0 else market.above).append(key)
    return key


def _link(orders: dict[int, WorkingOrder], document: dict[str, Any]) -> None:
    kept = document.get("plan")
    if kept is None:
        return
    plan = orders[document["facts"]["number"]].plan
    assert plan is not None
    if kept["parent"] is not None:
        plan.parent = orders.get(kept["parent"])
    plan.children = tuple(orders[number] for number in kept["children"] if number in orders)
