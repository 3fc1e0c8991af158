"""Between market, paper account and strategy: one event in, the account moved, the strategy told.

Used by the back-test over columns (`event_run.py`) and by the paper run over live records
(`paper_run.py`), so that both do the same in the same order: first the event meets the orders that
wait, then fills are told, then the strategy hears the event and places orders, which the next event
meets.
"""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, Final

from headwater.backtest.event_context import EventContext
from headwater.backtest.event_entries import Entries
from headwater.backtest.event_lane import Lane
from headwater.backtest.event_samples import Samples
from headwater.core.errors import RequestError
from headwater.core.orders import OrderEvent
from headwater.strategies.base import BaseStrategy
from headwater.trading.paper import PaperVenue
from headwater.trading.paper_assumptions import MarketTiming
from headwater.trading.paper_state import Entry, OrderEntry, event_record

__all__ = ["ENTRIES_MAX", "EventDesk"]

ENTRIES_MAX: Final = 1_000_000
"""Order events kept of a run; beyond it the oldest that are no fills are dropped and counted."""

_FILL_ROUNDS_MAX: Final = 1_000
_DRAIN: Final = 100_000


class EventDesk:
    """One strategy with its account.

    Args:
        strategy: hears and acts.
        venue: the account.
        lanes: its contracts.

    Attributes:
        context: what the strategy is handed.
        entries: what happened to orders and account.
        dropped: entries that were not kept.
        samples: equity and positions at the ends of bars.
        told: number of the last event that was taken down.
        due: number of an event by which a drive calls `tell` at the latest. Until then a strategy
            that does not hear its fills need not be told of events that are none.
        is_same_close: whether orders fill at the close at which they are decided.
        at_close: numbers of the first and the last event of each stretch in which orders were
            filled at the close at which they were decided.
    """

    def __init__(self, strategy: BaseStrategy, venue: PaperVenue, lanes: Sequence[Lane]) -> None:
        self.strategy = strategy
        self.venue = venue
        self._account = venue.account
        self.lanes = tuple(lanes)
        self.context = EventContext(venue, lanes)
        self.entries = Entries()
        self.dropped = 0
        self.samples = Samples(venue, [one.market for one in lanes])
        self.at_close: list[tuple[int, int]] = []
        self.told = venue.event_count
        self.due = self.told + _DRAIN
        self.is_same_close = venue.assumptions.timing is MarketTiming.SAME_CLOSE
        self.hears_bar = _hears(strategy, "on_bar")
        self.hears_trade = _hears(strategy, "on_trade")
        self.hears_liquidation = _hears(strategy, "on_liquidation")
        self.hears_funding = _hears(strategy, "on_funding")
        self.hears_fill = _hears(strategy, "on_fill")

    def start(self, at_ms: int) -> None:
        """Lets the strategy prepare itself, before the first event."""
        self._at(self.lanes[0], at_ms)
        self.strategy.on_start(self.context)
        self.tell(at_ms)

    # --- what the market does --------------------------------------------------------------------

    def open_bars(self, opening: Sequence[tuple[Lane, tuple[Any, ...]]], at_ms: int) -> None:
        """Bars that match orders open at a time.

        Args:
            opening: contract and (open, high, low, close, volume) of each.
            at_ms: their time.
        """
        meet = self.venue.on_bar_open
        for lane, (open_, high, low, close, volume) in opening:
            lane.does_bar_fill = meet(lane.market, at_ms, open_, high, low, close, volume)
            lane.is_bar_open = True
            lane.bar_open = open_
        if self._account.logged != self.told:
            self.tell(at_ms)

    def end_bars(
        self,
        ended: Sequence[tuple[Lane, tuple[Any, ...]]],
        at_ms: int,
        smaller: Sequence[tuple[Lane, tuple[Any, ...]]] = (),
    ) -> None:
        """Bars end at a time: what they did is done, then the strategy hears them.

        Args:
            ended: contract and (open, high, low, close, volume) of each; the prices are looked at
                only where the bar matches orders.
            at_ms: their time.
            smaller: likewise of the smaller bars that end then: what they did is done as well
                before anything is heard, and the strategy does not hear them.
        """
        account = self._account
        # In the order of the contracts; of one with smaller bars they alone are under way.
        met = sorted((*smaller, *ended), key=_contract_number) if smaller else ended
        self._close(met, at_ms)
        for lane, _ in ended:
            lane.bars.advance()
        if account.logged != self.told:
            self.tell(at_ms)
        if self.hears_bar:
            before = account.logged
            context, on_bar = self.context, self.strategy.on_bar
            for lane, _ in ended:
                context.lane = lane
                context.now_ms = at_ms
                context.made = context.make = None
                on_bar(context)
                if account.logged != self.told:
                    self.tell(at_ms)
            if self.is_same_close and account.logged != before:
                self.at_close.append((before + 1, account.logged))
        self.samples.take(at_ms)

    def end_detail(self, ended: Sequence[tuple[Lane, tuple[Any, ...]]], at_ms: int) -> None:
        """Smaller bars end at a time, and no bar: what they did is done, and nothing is heard.

        Args:
            ended: as of `end_bars`.
            at_ms: their time.
        """
        self._close(ended, at_ms)
        if self._account.logged != self.told:
            self.tell(at_ms)

    def _close(self, ended: Sequence[tuple[Lane, tuple[Any, ...]]], at_ms: int) -> None:
        """Lets bars that match orders go on to their close, and pays what was due within them."""
        venue = self.venue
        for lane, bar in ended:
            if lane.is_bar_open:
                _, high, low, close, _ = bar
                venue.on_bar_rest(lane.market, high, low, close, lane.does_bar_fill)
                lane.is_bar_open = False
        venue.advance(at_ms)
        for lane, _ in ended:
            if lane.due:
                for rate, mark_price in lane.due:
                    paid_at = lane.bar_open if mark_price is None else mark_price
                    venue.on_funding(lane.market, rate, paid_at, at_ms)
                lane.due.clear()

    def trade(
        self,
        lane: Lane,
        at_ms: int,
        price: float,
        quantity: float,
        is_buy: bool | None,
        record: Any = None,
    ) -> bool:
        """A public trade; `record` is what the strategy is shown of it, if it is there already.

        Returns:
            Whether the account was ruined when the strategy heard of it.
        """
        account, is_over = self._account, False
        self.venue.on_trade(lane.market, price, quantity, is_buy, at_ms)
        if account.logged != self.told:
            self.tell(at_ms)
            is_over = self.venue.is_insolvent
        if self.hears_trade:
            context = self.context
            context.lane, context.now_ms, context.made = lane, at_ms, record
            context.make = partial(lane.trade, at_ms, price, quantity, is_buy)
            self.strategy.on_trade(context)
            if account.logged != self.told:
                self.tell(at_ms)
        return is_over

    def liquidation(
        self,
        lane: Lane,
        at_ms: int,
        price: float,
        quantity: float,
        *,
        is_long: bool,
        record: Any = None,
    ) -> None:
        """A forced close of somebody; it moves nothing of ours."""
        lane.note_liquidation(at_ms, price * quantity, is_long=is_long)
        if self.hears_liquidation:
            self._at(lane, at_ms)
            self.context.made = record
            self.context.make = partial(lane.liquidation, at_ms, price, quantity, is_long=is_long)
            self.venue.advance(at_ms)
            self.strategy.on_liquidation(self.context)
            self.tell(at_ms)

    def funding(
        self,
        lane: Lane,
        at_ms: int,
        rate: float,
        mark_price: float | None,
        interval_h: float | None,
        record: Any = None,
    ) -> None:
        """A settlement. Within a bar that matches orders it is paid at the bar's end."""
        lane.funding_rate = rate
        if lane.is_bar_open:
            lane.due.append((rate, mark_price))
        elif (paid_at := mark_price or lane.market.value_price) > 0.0:
            self.venue.on_funding(lane.market, rate, paid_at, at_ms)
        if self.hears_funding:
            self.venue.advance(at_ms)
            self._at(lane, at_ms)
            self.context.made = record
            self.context.make = partial(lane.funding, at_ms, rate, interval_h)
            self.strategy.on_funding(self.context)
        if self._account.logged != self.told:
            self.tell(at_ms)

    def mark(self, lane: Lane, at_ms: int, price: float) -> None:
        """A mark price."""
        self.venue.on_mark(lane.market, price, at_ms)
        if self._account.logged != self.told:
            self.tell(at_ms)

    # --- what came of it -------------------------------------------------------------------------

    def tell(self, at_ms: int) -> None:
        """Takes down what happened, and tells the strategy its fills.

        Raises:
            RequestError: a strategy that answers every fill with an order that fills at once.
        """
        if not self.hears_fill:
            self.told = self._account.logged
            if self.told >= self.due:
                self._drain()
            return
        for _ in range(_FILL_ROUNDS_MAX):
            before, fills = self.told, self._drain()
            if self.told == before:
                return
            for number, entry in fills:
                self._at(self.lanes[entry[3].market.index], at_ms)
                # Made once however often it is read: its decimals cost more than what reads them.
                self.context.make = cache(partial(self._fill, number, entry))
                self.strategy.on_fill(self.context)
        raise RequestError(
            f"{self.strategy.name}.on_fill",
            f"{_FILL_ROUNDS_MAX} rounds of orders at {at_ms} ms",
            "fewer: each fill was answered with an order that filled at once",
        )

    def finish(self) -> None:
        """Takes down what has happened last."""
        self._drain()

    def event_at(self, number: int, entry: Entry) -> Any:
        """The record of an entry."""
        return event_record(entry, number, self.currency)

    @property
    def currency(self) -> str:
        """Settlement currency of the account."""
        return self.venue.currency

    def _fill(self, number: int, entry: OrderEntry) -> Any:
        event = event_record(entry, number, self.currency)
        return event.fill if isinstance(event, OrderEvent) else None

    def _at(self, lane: Lane, at_ms: int) -> None:
        context = self.context
        context.lane, context.now_ms = lane, at_ms
        context.made = context.make = None

    def _drain(self) -> list[tuple[int, OrderEntry]]:
        """Moves what the venue logged to `entries`; gives the new executions, numbered."""
        fresh, fills = self.venue.take_entries()
        self.told = count = self.venue.event_count
        self.due = count + _DRAIN
        self.entries.add(count - len(fresh) + 1, fresh, fills)
        self.dropped += self.entries.trim(ENTRIES_MAX)
        return fills


def _contract_number(met: tuple[Lane, tuple[Any, ...]]) -> int:
    return met[0].index


def _hears(strategy: BaseStrategy, method: str) -> bool:
    """Whether the strategy has written that method."""
    return getattr(type(strategy), method) is not getattr(BaseStrategy, method)
