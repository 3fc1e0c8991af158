"""The paper venue's own mutable order: small, in whole ticks and steps; records are made on demand.

Everything that a plain limit order does not need stands in a `Plan` of its own, so that quoting
stays cheap.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from headwater.core.enums import Side
from headwater.core.order_kinds import OrderReason, OrderState, OrderType, TimeInForce
from headwater.core.orders import Order, OrderRequest
from headwater.trading.paper_contract import money

if TYPE_CHECKING:
    from headwater.trading.paper_market import PaperMarket

_SUBMITTED = OrderState.SUBMITTED
_REQUESTED = OrderReason.REQUESTED
_GTC = TimeInForce.GTC

RestingKey: TypeAlias = "tuple[float, int, WorkingOrder]"
"""Place in a waking list: price (negated where the lowest comes first), −sequence, the order."""


class Plan:
    """What an order has beyond side, price and quantity.

    Attributes:
        trigger_ticks: where it awakes; None for none. `trigger` is the same as a float.
        trail_ticks: distance of a trailing stop, in ticks; 0 where `trail_fraction` decides.
        trail_fraction: the same as a fraction of the best price, 0.0 for none.
        extreme: best price since a trailing stop works.
        watch_key: its place in the list that follows the best price.
        quote_atto: money to spend, fee included, of an order sized at its fill; None else.
        equity_fraction: share of the equity to spend likewise; None else.
        group: name of its OCO group.
        parent: entry of the bracket that it is an exit of.
        children: exits of the bracket that it is the entry of.
        offset: signed fraction from the entry's first fill to this exit's price; None for none.
    """

    __slots__ = (
        "children",
        "equity_fraction",
        "extreme",
        "group",
        "offset",
        "parent",
        "quote_atto",
        "trail_fraction",
        "trail_ticks",
        "trigger",
        "trigger_ticks",
        "watch_key",
    )

    def __init__(self) -> None:
        self.trigger_ticks: int | None = None
        self.trigger = 0.0
        self.trail_ticks = 0
        self.trail_fraction = 0.0
        self.extreme: float | None = None
        self.watch_key: RestingKey | None = None
        self.quote_atto: int | None = None
        self.equity_fraction: Decimal | None = None
        self.group: str | None = None
        self.parent: WorkingOrder | None = None
        self.children: tuple[WorkingOrder, ...] = ()
        self.offset: Decimal | None = None


class WorkingOrder:
    """One order inside the paper venue. Read it, never write it: the venue does.

    Attributes:
        seq: number of the order on the account, also its time priority after an amendment.
        number: number under which it was placed; never changes.
        market: the contract's book-keeping.
        is_buy: side.
        kind: as asked for.
        ticks: limit price, or the reference price for the margin of the other kinds.
        price: `ticks` as a float: what its place and its touch go by.
        lots: quantity in steps.
        filled: of them filled.
        filled_units: Σ ticks × steps of its fills.
        fee_atto: fees so far.
        state: see `OrderState`.
        reason: of the last change.
        is_resting: whether it waits as a limit order with its price in a waking list.
        key: its place in the waking list; None while in none.
        reserved: steps for which margin is set aside.
        ahead: steps queued before it at its price.
        plan: what else it has.
    """

    __slots__ = (
        "ahead", "client_id", "created_at_ms", "fee_atto", "filled", "filled_units", "is_buy",
        "is_resting", "key", "kind", "lots", "market", "number", "plan", "post_only", "price",
        "reason", "reduce_only", "reserved", "seq", "state", "ticks", "time_in_force",
        "updated_at_ms",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        market: "PaperMarket",
        is_buy: bool,
        kind: OrderType,
        ticks: int,
        price: float,
        lots: int,
        at_ms: int,
    ) -> None:
        self.seq = number
        self.number = number
        self.market = market
        self.is_buy = is_buy
        self.kind = kind
        self.ticks = ticks
        self.price = price
        self.lots = lots
        self.filled = 0
        self.filled_units = 0
        self.fee_atto = 0
        self.state = _SUBMITTED
        self.reason = _REQUESTED
        self.time_in_force = _GTC
        self.post_only = False
        self.reduce_only = False
        self.client_id: str | None = None
        self.is_resting = False
        self.key: RestingKey | None = None
        self.reserved = 0
        self.ahead = 0
        self.plan: Plan | None = None
        self.created_at_ms = at_ms
        self.updated_at_ms = at_ms

    @property
    def client_order_id(self) -> str:
        """Our name for it; `p` and its number where none was given."""
        return self.client_id or f"p{self.number}"

    def request(self) -> OrderRequest:
        """The request as the venue understood it: rounded to the contract's grid."""
        scale, plan, kind = self.market.scale, self.plan, self.kind
        limit_price = scale.price(self.ticks) if kind in _LIMITS else None
        trigger = plan.trigger_ticks if plan is not None else None
        trails = kind is OrderType.TRAILING_STOP and plan is not None
        return OrderRequest(
            exchange=self.market.exchange,
            symbol=self.market.symbol,
            side=Side.BUY if self.is_buy else Side.SELL,
            order_type=kind,
            quantity=scale.quantity(self.lots) if self.lots else None,
            quote_quantity=money(plan.quote_atto) if plan and plan.quote_atto else None,
            price=limit_price,
            trigger_price=None if trigger is None or trails else scale.price(trigger),
            trailing_distance=scale.price(plan.trail_ticks)
            if trails and plan and plan.trail_ticks
            else None,
            trailing_fraction=Decimal(repr(plan.trail_fraction))
            if trails and plan and not plan.trail_ticks
            else None,
            time_in_force=self.time_in_force,
            post_only=self.post_only,
            reduce_only=self.reduce_only,
            client_order_id=self.client_order_id,
            oco_group=plan.group if plan is not None else None,
        )

    def record(self) -> Order:
        """The order as it is now, for the outside."""
        scale, plan = self.market.scale, self.plan
        parent = plan.parent if plan is not None else None
        trigger = plan.trigger_ticks if plan is not None else None
        average = None if not self.filled else scale.price(self.filled_units) / Decimal(self.filled)
        return Order(
            request=self.request(),
            client_order_id=self.client_order_id,
            venue_order_id=None if self.state is OrderState.REJECTED else str(self.number),
            state=self.state,
            reason=self.reason,
            quantity=scale.quantity(self.lots),
            filled_quantity=scale.quantity(self.filled),
            average_price=average,
            price=scale.price(self.ticks) if self.kind in _LIMITS else None,
            trigger_price=None if trigger is None else scale.price(trigger),
            fee=money(self.fee_atto),
            parent_client_order_id=None if parent is None else parent.client_order_id,
            created_at_ms=self.created_at_ms,
            updated_at_ms=self.updated_at_ms,
        )


_LIMITS = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
