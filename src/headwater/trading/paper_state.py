"""The account behind the paper venue: cash, counters, live orders and the log of events.

Events are kept as plain tuples and turned into records when somebody takes them.
"""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import TypeAlias

from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.core.order_kinds import (
    REASON_TEXTS,
    AccountEventKind,
    Liquidity,
    OrderEventKind,
    OrderReason,
    OrderState,
)
from headwater.core.orders import AccountEvent, Fill, OrderEvent
from headwater.trading.paper_assumptions import EVENTS_MAX, FillAssumptions
from headwater.trading.paper_contract import atto_of, money
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_order import WorkingOrder

FillFacts: TypeAlias = tuple[int, int, int, int, int, bool]
"""Number of the fill, ticks, steps, fee and realised profit in atto, whether maker."""

OrderEntry: TypeAlias = tuple[
    int, OrderEventKind, OrderReason, WorkingOrder, int, int, FillFacts | str | None
]
"""Time, kind, reason, order, its steps and filled steps after the event, fill or figures."""

QuoteEntry: TypeAlias = tuple[int, OrderEventKind, PaperMarket, int, int, int]
"""Time, kind, contract, number, steps and filled steps of an order without a name that was placed
or cancelled on request by the short ways. The order is not kept for its entries: a run that quotes
each second would hold a hundred thousand of them."""

AccountEntry: TypeAlias = tuple[int, AccountEventKind, PaperMarket | None, int, str]
"""Time, kind, contract, money in atto, text."""

Entry: TypeAlias = OrderEntry | QuoteEntry | AccountEntry
"""What the log holds; told apart by their lengths: 7, 6 and 5."""

FINISHED_MAX = 1_000
"""Finished orders that can still be looked up; their client ids are refused for as long."""

AMBIGUOUS_MAX = 10_000
"""Ambiguous bars listed; further ones are only counted."""

FINAL = frozenset(
    {OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED}
)


class PaperState:
    """Everything that changes. Functions of the sibling modules work on it.

    Args:
        markets: one per contract.
        cash: initial, settlement currency.
        currency: what it is.
        assumptions: how orders fill.

    Attributes:
        now: time of the last event, ms.
        cash: atto. `initial` likewise.
        margin_total: margin of all positions, atto.
        reserved: margin of all open orders, atto.
        numbers: of orders given so far.
        fills: executions so far.
        open: markets with a position, by index.
        live: orders that are not final, by number.
        by_client: numbers of live and remembered orders, by client id.
        finished: the last final orders.
        log: events that nobody has taken yet; the oldest are dropped beyond the bound.
        executions: those of them that are fills, with their numbers.
        logged: events so far, kept, taken or dropped.
        ambiguous: (contract, time of the bar) where stop and target lay in one bar.
        deficit: atto that the account fell short of when it became insolvent.
    """

    __slots__ = (
        "ambiguous", "ambiguous_count", "assumptions", "by_client", "cash", "currency", "deficit",
        "executions", "fills", "finished", "initial", "is_insolvent", "live", "log", "logged",
        "margin_total", "markets", "now", "numbers", "open", "reserved", "shared_count",
    )  # fmt: skip

    def __init__(
        self,
        markets: Iterable[PaperMarket],
        cash: Decimal,
        currency: str,
        assumptions: FillAssumptions,
    ) -> None:
        self.markets = tuple(markets)
        self.initial = self.cash = atto_of(cash)
        self.currency = currency
        self.assumptions = assumptions
        self.now = 0
        self.margin_total = 0
        self.reserved = 0
        self.numbers = 0
        self.fills = 0
        self.open: dict[int, PaperMarket] = {}
        self.live: dict[int, WorkingOrder] = {}
        self.by_client: dict[str, WorkingOrder] = {}
        self.finished: deque[WorkingOrder] = deque(maxlen=FINISHED_MAX)
        self.log: deque[Entry] = deque(maxlen=EVENTS_MAX)
        self.executions: deque[tuple[int, OrderEntry]] = deque(maxlen=EVENTS_MAX)
        self.logged = 0
        self.ambiguous: list[tuple[int, int]] = []
        self.ambiguous_count = 0
        self.is_insolvent = False
        self.deficit = 0

    def note(
        self,
        kind: OrderEventKind,
        reason: OrderReason,
        order: WorkingOrder,
        detail: FillFacts | str | None = None,
    ) -> OrderEntry:
        """Logs a change of an order; gives the entry."""
        now = self.now
        order.reason = reason
        order.updated_at_ms = now
        self.logged += 1
        entry: OrderEntry = (now, kind, reason, order, order.lots, order.filled, detail)
        self.log.append(entry)
        return entry

    def note_fill(
        self, kind: OrderEventKind, reason: OrderReason, order: WorkingOrder, fill: FillFacts
    ) -> None:
        """Logs an execution, also among the executions."""
        entry = self.note(kind, reason, order, fill)
        self.executions.append((self.logged, entry))

    def note_account(
        self, kind: AccountEventKind, market: PaperMarket | None, amount: int, text: str
    ) -> None:
        """Logs a change of the account."""
        self.logged += 1
        self.log.append((self.now, kind, market, amount, text))

    def finish(self, order: WorkingOrder, final: OrderState) -> None:
        """Moves an order from the live ones to the remembered ones."""
        order.state = final
        self.live.pop(order.number, None)
        finished = self.finished
        # Without names there is none to forget.
        if self.by_client and len(finished) == FINISHED_MAX:
            self.forget(finished[0])
        finished.append(order)

    def forget(self, order: WorkingOrder) -> None:
        """Frees the name of a remembered order that makes room for another."""
        if (name := order.client_id) is not None:
            self.by_client.pop(name, None)

    def own(self, order: WorkingOrder) -> WorkingOrder:
        """The order of this account that a handle means.

        A handle from before a cut is an object of the account that was cut: what is meant is the
        order of its number here, which may have ended since.

        Raises:
            RequestError: no live or remembered order is that one.
        """
        if order.state in FINAL or self.live.get(order.number) is order:
            return order
        meant = _facts_of(order)
        for one in (*self.finished, *self.live.values()):
            if _facts_of(one) == meant:
                return one
        raise RequestError("order", order.client_order_id, "a handle of an order of this account")

    def note_ambiguous(self, market: PaperMarket) -> None:
        """Counts a bar whose range holds both exits, once."""
        entry = (market.index, self.now)
        if self.ambiguous and self.ambiguous[-1] == entry:
            return
        self.ambiguous_count += 1
        if len(self.ambiguous) < AMBIGUOUS_MAX:
            self.ambiguous.append(entry)

    def take_events(self) -> list[OrderEvent | AccountEvent]:
        """Hands out the logged events, oldest first, and forgets them."""
        log = self.log
        first = self.logged - len(log) + 1
        events = [
            event_record(entry, first + place, self.currency) for place, entry in enumerate(log)
        ]
        log.clear()
        self.executions.clear()
        return events


def event_record(entry: Entry, sequence: int, currency: str) -> OrderEvent | AccountEvent:
    """The record of one logged tuple.

    Args:
        entry: as logged.
        sequence: its number.
        currency: settlement currency, in which fees are paid.
    """
    if len(entry) == 5:
        at_ms, account_kind, market, amount, text = entry
        return AccountEvent(
            sequence=sequence,
            at_ms=at_ms,
            kind=account_kind,
            exchange=market.exchange if market is not None else "",
            symbol=market.symbol if market is not None else "",
            amount=money(amount),
            text=text,
        )
    if len(entry) == 6:
        return _quote_record(entry, sequence)
    at_ms, kind, reason, order, lots, filled, detail = entry
    scale = order.market.scale
    fill = None
    text = REASON_TEXTS[reason]
    if isinstance(detail, str):
        text = f"{text}: {detail}"
    elif detail is not None:
        number, ticks, fill_lots, fee, realised, is_maker = detail
        fill = Fill(
            fill_id=str(number),
            client_order_id=order.client_order_id,
            venue_order_id=str(order.number),
            exchange=order.market.exchange,
            symbol=order.market.symbol,
            side=Side.BUY if order.is_buy else Side.SELL,
            price=scale.price(ticks),
            quantity=scale.quantity(fill_lots),
            fee=money(fee),
            fee_currency=currency,
            liquidity=Liquidity.MAKER if is_maker else Liquidity.TAKER,
            reason=reason,
            realised_pnl=money(realised),
            at_ms=at_ms,
        )
    return OrderEvent(
        sequence=sequence,
        at_ms=at_ms,
        kind=kind,
        reason=reason,
        text=text,
        exchange=order.market.exchange,
        symbol=order.market.symbol,
        client_order_id=order.client_order_id,
        venue_order_id=None if kind is OrderEventKind.REJECTED else str(order.number),
        quantity=scale.quantity(lots),
        filled_quantity=scale.quantity(filled),
        fill=fill,
    )


def _quote_record(entry: QuoteEntry, sequence: int) -> OrderEvent:
    at_ms, kind, market, number, lots, filled = entry
    return OrderEvent(
        sequence=sequence,
        at_ms=at_ms,
        kind=kind,
        reason=OrderReason.REQUESTED,
        text=REASON_TEXTS[OrderReason.REQUESTED],
        exchange=market.exchange,
        symbol=market.symbol,
        client_order_id=f"p{number}",
        venue_order_id=str(number),
        quantity=market.scale.quantity(lots),
        filled_quantity=market.scale.quantity(filled),
        fill=None,
    )


def _facts_of(order: WorkingOrder) -> tuple[int, int, bool, str | None, str, str]:
    """What never changes about an order, and tells it from those of other accounts."""
    market = order.market
    return (
        order.number,
        order.created_at_ms,
        order.is_buy,
        order.client_id,
        market.exchange,
        market.symbol,
    )
