"""What an event run came to: equity at every close, orders and fills with their reasons."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from math import nan
from operator import itemgetter
from typing import Final

import msgspec

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.backtest.collection import collecting_rarely
from headwater.backtest.event_entries import Entries
from headwater.backtest.outcome import Outcome, Pending, Refusal, TradeColumns, TradeLog
from headwater.backtest.round_trips import RoundTrip, round_trips
from headwater.core.order_kinds import REASON_TEXTS, OrderEventKind, OrderReason, OrderType
from headwater.core.orders import AccountEvent, Fill, Order, OrderEvent
from headwater.strategies.bars import Bars
from headwater.trading.paper import AmbiguousBar, PaperVenue
from headwater.trading.paper_state import event_record

__all__ = ["EventOutcome", "RefusedOrder"]

_first = itemgetter(0)
_REFUSALS: Final = frozenset(
    {
        OrderReason.BELOW_MIN_QUANTITY,
        OrderReason.BELOW_MIN_NOTIONAL,
        OrderReason.INSUFFICIENT_MARGIN,
        OrderReason.POSITION_LIMIT,
        OrderReason.ACCOUNT_INSOLVENT,
    }
)


class RefusedOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order that came to nothing.

    Attributes:
        number: of its event.
        at_ms: when, ms since the epoch.
        exchange: venue id.
        symbol: canonical symbol.
        action: `enter_long`, `enter_short` or `exit`.
        reason: in words, with the figures.
    """

    number: int
    at_ms: int
    exchange: str
    symbol: str
    action: str
    reason: str


@dataclass(frozen=True)
class EventOutcome:
    """What an event run, or a part of one, came to.

    Attributes:
        initial_capital: settlement currency.
        sample_ms: shape (S,): the times at which bars ended, the bar of a ruin: would have ended.
        equity: shape (S,): cash and positions at the last prices then, fees included.
        held: for each contract, shape (S,): base units held then, negative for short.
        entries: everything that happened to orders and account; `events` makes records of it.
        dropped: order events that were not kept (`event_desk.ENTRIES_MAX`); fills always are.
        at_close: numbers of the first and last event of each stretch of fills at the close at
            which they were decided.
        venue: the account at the end.
        insolvent_ms: when the account had no equity left and the run stopped; None if it had.
        is_cut: whether the run goes on elsewhere.
    """

    initial_capital: float
    sample_ms: IndexArray
    equity: FloatArray
    held: tuple[FloatArray, ...]
    entries: Entries
    dropped: int
    at_close: tuple[tuple[int, int], ...]
    venue: PaperVenue
    insolvent_ms: int | None
    is_cut: bool

    @property
    def final_equity(self) -> float:
        """Equity of the account as it is now."""
        return self.venue.equity_value

    @cached_property
    def events(self) -> tuple[OrderEvent | AccountEvent, ...]:
        """Every order and account event with its reason, oldest first."""
        currency = self.venue.currency
        with collecting_rarely():
            return tuple(event_record(entry, number, currency) for number, entry in self.entries)

    @cached_property
    def fills(self) -> tuple[Fill, ...]:
        """Every execution, oldest first."""
        currency = self.venue.currency
        with collecting_rarely():
            found = [event_record(entry, number, currency) for number, entry in self.entries.fills]
            return tuple(
                one.fill for one in found if isinstance(one, OrderEvent) and one.fill is not None
            )

    @cached_property
    def trips(self) -> tuple[RoundTrip, ...]:
        """Positions from entry to exit; of a run from a flat account on."""
        return tuple(round_trips(self.entries))

    @property
    def pending(self) -> list[Order]:
        """The orders that were not final at the end."""
        return self.venue.pending()

    @property
    def ambiguous_bars(self) -> list[AmbiguousBar]:
        """Bars that held both exits of a position."""
        return self.venue.ambiguous_bars()

    def single(self, bars: Bars) -> Outcome:
        """The same as the outcome of a run over the bars of its one contract.

        Args:
            bars: that the run was over.
        """
        times = bars.timestamp_ms
        return Outcome(
            initial_capital=self.initial_capital,
            equity=self.equity,
            held=self.held[0],
            trades=self._columns(times),
            pending=_pending(self.pending, len(bars) - 1),
            refused=tuple(
                Refusal(
                    bar=self._bar(times, one.at_ms, one.number),
                    action=one.action,
                    reason=one.reason,
                )
                for one in self.refused
            ),
            # More than one of the smaller bars of a bar may have been ambiguous.
            ambiguous_bars=tuple(
                dict.fromkeys(
                    max(0, int(times.searchsorted(one.at_ms, side="right")) - 1)
                    for one in self.ambiguous_bars
                )
            ),
            insolvent_bar=None if self.insolvent_ms is None else len(self.equity) - 1,
        )

    def _bar(self, times: IndexArray, at_ms: int, number: int) -> int:
        """The bar of an event: a fill at a close belongs to the bar that ends there."""
        # The last stretch that begins at or before it; they rise and do not overlap.
        place = bisect_right(self.at_close, number, key=_first) - 1
        is_close = place >= 0 and number <= self.at_close[place][1]
        side = "left" if is_close else "right"
        return max(0, int(times.searchsorted(at_ms, side=side)) - 1)  # type: ignore[call-overload]

    def _columns(self, times: IndexArray) -> TradeColumns:
        log = TradeLog()
        for trip in self.trips:
            ended = trip.exit_ms is not None
            # A strategy may have quoted a side that NumPy says of two numbers, which is no bool.
            log.is_long.append(bool(trip.is_long))
            log.entry_bar.append(self._bar(times, trip.entry_ms, trip.entry_number))
            log.exit_bar.append(
                self._bar(times, trip.exit_ms, trip.exit_number) if trip.exit_ms is not None else -1
            )
            log.entry_price.append(trip.entry_price)
            log.exit_price.append(trip.exit_price if ended and trip.exit_price is not None else nan)
            log.quantity.append(trip.quantity)
            log.entry_fee.append(trip.entry_fee)
            log.exit_fee.append(trip.exit_fee)
            log.funding.append(trip.funding)
            log.exit_reason.append(trip.exit_reason)
        return log.columns()

    @cached_property
    def refused(self) -> tuple[RefusedOrder, ...]:
        """The orders that were rejected, or cancelled for want of margin or size; oldest first."""
        found = []
        for number, entry in self.entries:
            if len(entry) != 7:
                continue
            at_ms, kind, reason, order, _, _, detail = entry
            if kind is OrderEventKind.REJECTED or (
                kind is OrderEventKind.CANCELLED and reason in _REFUSALS
            ):
                figures = f": {detail}" if isinstance(detail, str) else ""
                found.append(
                    RefusedOrder(
                        number=number,
                        at_ms=at_ms,
                        exchange=order.market.exchange,
                        symbol=order.market.symbol,
                        action=_action(is_buy=order.is_buy, reduces=order.reduce_only),
                        reason=f"{REASON_TEXTS[reason]}{figures}",
                    )
                )
        return tuple(found)


def _action(*, is_buy: bool, reduces: bool) -> str:
    if reduces:
        return "exit"
    return "enter_long" if is_buy else "enter_short"


def _pending(orders: list[Order], bar: int) -> tuple[Pending, ...]:
    """Market orders that met no further event; an exit with an entry behind it is a reversal."""
    waiting = [
        _action(is_buy=one.request.side == "buy", reduces=one.request.reduce_only)
        for one in orders
        if one.request.order_type is OrderType.MARKET
    ]
    if len(waiting) == 2 and waiting[0] == "exit":
        waiting = [waiting[1].replace("enter", "reverse")]
    return tuple(Pending(bar=bar, action=action) for action in waiting)
