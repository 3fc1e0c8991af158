"""The closed sets of orders: kinds, states, events and reasons, and the one table of their life.

Used alike by back-tests, paper trading and the venues' own order interfaces. The side of an order
is `core.enums.Side`. Order state is strict: a state that is not in the table is an error, never a
guess. Money and quantities stand in `core/orders.py`.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from headwater.core.errors import RequestError


class OrderType(StrEnum):
    """What an order waits for, and what it is once that has come.

    `stop` and `take_profit` become market orders when the last price reaches the trigger,
    `stop_limit` and `take_profit_limit` limit orders; `trailing_stop` is a stop whose trigger
    follows the best price at a fixed distance.
    """

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long an order works: until cancelled, at once or never, at once and whole or never."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class Liquidity(StrEnum):
    """Whether a fill met an order that rested (taker) or was met while resting (maker)."""

    MAKER = "maker"
    TAKER = "taker"


class MarginMode(StrEnum):
    """Whether a position is backed by its own margin or by the whole account."""

    ISOLATED = "isolated"
    CROSS = "cross"


class OrderState(StrEnum):
    """Where an order is in its life.

    `created`: recorded by us, not sent; `submitted`: sent, no answer yet; `unknown`: the answer
    did not come, so it may work at the venue: look it up, never resend; `waiting`: held until the
    entry of its bracket fills; `accepted`: works at the venue; `triggered`: its trigger was
    reached; `pending_cancel`: a cancel was sent. The last four are final.
    """

    CREATED = "created"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    TRIGGERED = "triggered"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


class OrderEventKind(StrEnum):
    """What happened to an order."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ACTIVATED = "activated"
    TRIGGERED = "triggered"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    SHRUNK = "shrunk"
    GROWN = "grown"
    AMENDED = "amended"
    AMEND_REJECTED = "amend_rejected"
    CANCELLED = "cancelled"
    CANCEL_REJECTED = "cancel_rejected"
    EXPIRED = "expired"


class AccountEventKind(StrEnum):
    """What happened to an account without an order of its owner."""

    FUNDING = "funding"
    LIQUIDATION = "liquidation"
    INSOLVENCY = "insolvency"


class OrderReason(StrEnum):
    """Why it happened. Every event has one."""

    REQUESTED = "requested"
    BRACKET_PLACED = "bracket_placed"
    PARENT_FILLED = "parent_filled"
    PARENT_ENDED = "parent_ended"
    EXIT_FILLED = "exit_filled"
    MARKET_FILL = "market_fill"
    LIMIT_MARKETABLE = "limit_marketable"
    LIMIT_REACHED = "limit_reached"
    STOP_TRIGGERED = "stop_triggered"
    TARGET_TRIGGERED = "target_triggered"
    TRAIL_TRIGGERED = "trail_triggered"
    TRIGGER_REACHED = "trigger_reached"
    POST_ONLY_WOULD_TAKE = "post_only_would_take"
    BELOW_MIN_QUANTITY = "below_min_quantity"
    BELOW_MIN_NOTIONAL = "below_min_notional"
    POSITION_LIMIT = "position_limit"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    NO_PRICE = "no_price"
    ACCOUNT_INSOLVENT = "account_insolvent"
    REDUCE_ONLY_NO_POSITION = "reduce_only_no_position"
    POSITION_SHRANK = "position_shrank"
    POSITION_CLOSED = "position_closed"
    OCO_FILLED = "oco_filled"
    OCO_PARTIALLY_FILLED = "oco_partially_filled"
    IOC_REMAINDER = "ioc_remainder"
    FOK_NOT_FILLABLE = "fok_not_fillable"
    DUPLICATE_CLIENT_ORDER_ID = "duplicate_client_order_id"
    ALREADY_FINAL = "already_final"
    LIQUIDATION = "liquidation"


REASON_TEXTS: Mapping[OrderReason, str] = MappingProxyType(
    {
        OrderReason.REQUESTED: "as requested",
        OrderReason.BRACKET_PLACED: "waits for the entry of its bracket",
        OrderReason.PARENT_FILLED: "the entry of its bracket filled",
        OrderReason.PARENT_ENDED: "the entry of its bracket ended without a fill",
        OrderReason.EXIT_FILLED: "an exit of its bracket closed what had filled",
        OrderReason.MARKET_FILL: "market order met the market",
        OrderReason.LIMIT_MARKETABLE: "limit order met the market on arrival",
        OrderReason.LIMIT_REACHED: "the market reached the resting limit order",
        OrderReason.STOP_TRIGGERED: "stop filled at the market after its trigger",
        OrderReason.TARGET_TRIGGERED: "take-profit filled at the market after its trigger",
        OrderReason.TRAIL_TRIGGERED: "trailing stop filled at the market after its trigger",
        OrderReason.TRIGGER_REACHED: "the last price reached the trigger",
        OrderReason.POST_ONLY_WOULD_TAKE: "post-only order would have taken liquidity",
        OrderReason.BELOW_MIN_QUANTITY: "quantity is below the smallest order",
        OrderReason.BELOW_MIN_NOTIONAL: "notional is below the smallest order",
        OrderReason.POSITION_LIMIT: "the position would exceed what this leverage allows",
        OrderReason.INSUFFICIENT_MARGIN: "not enough free margin",
        OrderReason.NO_PRICE: "no price is known yet",
        OrderReason.ACCOUNT_INSOLVENT: "the account has no equity left",
        OrderReason.REDUCE_ONLY_NO_POSITION: "reduce-only order without a position to reduce",
        OrderReason.POSITION_SHRANK: "reduce-only order cut to what is left of the position",
        OrderReason.POSITION_CLOSED: "the position it would reduce is closed",
        OrderReason.OCO_FILLED: "another order of its group filled",
        OrderReason.OCO_PARTIALLY_FILLED: "another order of its group filled in part",
        OrderReason.IOC_REMAINDER: "immediate-or-cancel: the rest could not be filled at once",
        OrderReason.FOK_NOT_FILLABLE: "fill-or-kill: it could not be filled whole at once",
        OrderReason.DUPLICATE_CLIENT_ORDER_ID: "this client order id is in use",
        OrderReason.ALREADY_FINAL: "the order is in a final state",
        OrderReason.LIQUIDATION: "the position was liquidated",
    }
)
"""One sentence for each reason; figures are added to it where there are any."""

FINAL_STATES = frozenset(
    {OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED}
)
"""States that an order never leaves."""

_ENDS = FINAL_STATES
_WORKS = frozenset(
    {
        OrderState.TRIGGERED,
        OrderState.PARTIALLY_FILLED,
        OrderState.PENDING_CANCEL,
        OrderState.FILLED,
        OrderState.CANCELLED,
        OrderState.EXPIRED,
    }
)

TRANSITIONS: Mapping[OrderState, frozenset[OrderState]] = MappingProxyType(
    {
        OrderState.CREATED: frozenset(
            {OrderState.SUBMITTED, OrderState.WAITING, OrderState.REJECTED, OrderState.CANCELLED}
        ),
        OrderState.SUBMITTED: _WORKS
        | {OrderState.ACCEPTED, OrderState.REJECTED}
        | {OrderState.UNKNOWN, OrderState.WAITING},
        OrderState.UNKNOWN: _WORKS | {OrderState.ACCEPTED, OrderState.REJECTED},
        OrderState.WAITING: _ENDS - {OrderState.FILLED}
        | {OrderState.ACCEPTED, OrderState.SUBMITTED, OrderState.PENDING_CANCEL},
        OrderState.ACCEPTED: _WORKS | {OrderState.UNKNOWN},
        OrderState.TRIGGERED: (_WORKS - {OrderState.TRIGGERED})
        | {OrderState.UNKNOWN, OrderState.REJECTED},
        OrderState.PARTIALLY_FILLED: _WORKS | {OrderState.UNKNOWN},
        OrderState.PENDING_CANCEL: _WORKS | {OrderState.ACCEPTED, OrderState.UNKNOWN},
        OrderState.FILLED: frozenset(),
        OrderState.CANCELLED: frozenset(),
        OrderState.REJECTED: frozenset(),
        OrderState.EXPIRED: frozenset(),
    }
)
"""From each state, the states that may follow it. A refused cancel leads back to `accepted`."""


def order_state_of(text: str) -> OrderState:
    """Reads a state strictly.

    Args:
        text: as our own interfaces spell it.

    Returns:
        The state.

    Raises:
        RequestError: there is no such state.
    """
    try:
        return OrderState(text)
    except ValueError as error:
        raise RequestError("state", text, "one of " + ", ".join(OrderState)) from error


def check_transition(old: OrderState, new: OrderState) -> OrderState:
    """Passes on a step of an order's life that the table allows.

    Args:
        old: where the order is.
        new: where it is to go.

    Returns:
        `new`.

    Raises:
        RequestError: the table has no such step.
    """
    if new not in TRANSITIONS[old]:
        allowed = ", ".join(sorted(TRANSITIONS[old])) or "nothing: the state is final"
        raise RequestError("state", new.value, f"after {old.value}: {allowed}")
    return new
