"""A paper run: a strategy on a live market with an account that is simulated; no network in here.

Records go in one by one as the feeds tell them; the same desk as in a back-test moves the account
and tells the strategy. Every event heard and everything that happened is handed to a journal, from
which a back-test can repeat the run (`paper_parity.py`).

Orders are matched by the public trades, without latency: an order meets the first trade that is
heard after it was placed. Bars are those that the venue calls closed; they decide nothing about
fills. Funding is settled when the venue's mark price tells that a settlement has passed, at the
rate and the mark price told last before it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from headwater.backtest.asked import AskedStrategy
from headwater.backtest.event_account import EventAccount
from headwater.backtest.event_desk import EventDesk
from headwater.backtest.event_lane import Lane
from headwater.backtest.event_timeline import EventKind
from headwater.backtest.paper_journal import (
    AccountLine,
    HeardBar,
    HeardFunding,
    HeardLiquidation,
    HeardTrade,
    HeardValue,
    JournalEnd,
    JournalLine,
    OrderLine,
)
from headwater.backtest.settlements import Settlements
from headwater.core.enums import PositionSide, Side
from headwater.core.errors import RequestError
from headwater.core.orders import OrderEvent
from headwater.core.records import Candle, Liquidation, MarkPrice, OpenInterest, Record, Trade
from headwater.strategies.bars import Bar, Bars
from headwater.strategies.base import BaseStrategy
from headwater.strategies.live_bars import LiveBars

__all__ = ["PaperRun", "Stamps", "as_events", "bars_from"]

_COLUMNS: Final = ("open", "high", "low", "close", "volume")


class Stamps:
    """The run's own clock, which makes the order of hearing the order of times.

    An event bears its venue's time, or that of the event before it when it comes late. Within one
    millisecond a back-test has an order of kinds and contracts (`event_timeline.py`); an event that
    would break it is a millisecond later. So a back-test over the stamps hears the same sequence.
    """

    __slots__ = ("_kind", "_lane", "now_ms")

    def __init__(self) -> None:
        self.now_ms = 0
        self._kind = -1
        self._lane = -1

    def stamp(self, at_ms: int, kind: EventKind, lane: int) -> int:
        """The time of the next event.

        Args:
            at_ms: the venue's.
            kind: of the event.
            lane: number of its contract.
        """
        if at_ms > self.now_ms:
            self.now_ms = at_ms
        elif (
            kind < self._kind
            or (kind == self._kind and lane < self._lane)
            or (kind is EventKind.BAR_END and self._kind == kind)
        ):
            self.now_ms += 1
        self._kind, self._lane = kind, lane
        return self.now_ms


class PaperRun:
    """One run.

    Args:
        strategy: of any form.
        account: contracts, cash and how orders fill.
        interval_ms: length of the bars.
        past: bars of each contract that have closed before.
        write: takes the lines of the journal, but header and end.

    Attributes:
        heard: events so far.
        late: bars that came out of order and were passed over.
    """

    def __init__(
        self,
        strategy: BaseStrategy,
        account: EventAccount,
        *,
        interval_ms: int,
        past: Sequence[Bars],
        write: Callable[[JournalLine], None],
    ) -> None:
        venue = account.venue()
        if len(past) != len(account.contracts):
            raise RequestError("past", len(past), f"bars of {len(account.contracts)} contracts")
        self.venue = venue
        self._lanes = [
            Lane(index, venue.market(one.exchange, one.symbol), LiveBars(bars, interval_ms))
            for index, (one, bars) in enumerate(zip(account.contracts, past, strict=True))
        ]
        self._by_name = {(one.exchange, one.symbol): one for one in self._lanes}
        self._desk = EventDesk(as_events(strategy, len(self._lanes)), venue, self._lanes)
        self._interval_ms = interval_ms
        self._write = write
        self._stamps = Stamps()
        self._marks = [Settlements() for _ in self._lanes]
        self._written = 0
        self._is_started = False
        self.heard = 0
        self.late = 0

    @property
    def is_over(self) -> bool:
        """Whether the account is ruined, so that nothing further can come of it."""
        return self.venue.is_insolvent

    def hear(self, record: Record) -> None:
        """One record of the feeds; those of other contracts or intervals are passed over."""
        lane = self._by_name.get((record.exchange, record.symbol))
        if lane is None or self.is_over:
            return
        if isinstance(record, Trade):
            self._trade(lane, record)
        elif isinstance(record, Candle):
            self._candle(lane, record)
        elif isinstance(record, MarkPrice):
            self._mark(lane, record)
        elif isinstance(record, Liquidation):
            self._liquidation(lane, record)
        elif isinstance(record, OpenInterest):
            at_ms = self._stamp(record.timestamp_ms, EventKind.OPEN_INTEREST, lane)
            value = record.open_interest
            self._write(HeardValue(at_ms=at_ms, lane=lane.index, name="open_interest", value=value))
            lane.open_interest = value
        self._tell()

    def end(self, reason: str, dropped: int = 0) -> JournalEnd:
        """Ends the run; gives the last line of the journal.

        Args:
            reason: in words.
            dropped: records that could not be heard.
        """
        self._tell()
        return JournalEnd(
            at_ms=self._stamps.now_ms,
            reason=reason,
            equity=str(self.venue.equity),
            heard=self.heard,
            dropped=dropped,
            late=self.late,
        )

    # --- what is heard ---------------------------------------------------------------------------

    def _stamp(self, at_ms: int, kind: EventKind, lane: Lane) -> int:
        self.heard += 1
        stamped = self._stamps.stamp(at_ms, kind, lane.index)
        if not self._is_started:
            self._is_started = True
            self._desk.start(stamped)
        return stamped

    def _trade(self, lane: Lane, record: Trade) -> None:
        at_ms = self._stamp(record.timestamp_ms, EventKind.TRADE, lane)
        is_buy = record.side is Side.BUY
        self._write(
            HeardTrade(
                at_ms=at_ms,
                lane=lane.index,
                price=record.price,
                quantity=record.quantity,
                is_buy=is_buy,
            )
        )
        self._desk.trade(lane, at_ms, record.price, record.quantity, is_buy, record)

    def _candle(self, lane: Lane, record: Candle) -> None:
        if not record.is_closed or record.interval.nominal_ms != self._interval_ms:
            return
        bars = lane.bars
        assert isinstance(bars, LiveBars)
        if len(bars) and record.timestamp_ms <= bars[-1].timestamp_ms:
            self.late += record.revision == 0 and record.timestamp_ms < bars[-1].timestamp_ms
            return
        bar = Bar(
            timestamp_ms=record.timestamp_ms,
            open=record.open,
            high=record.high,
            low=record.low,
            close=record.close,
            volume=record.volume,
        )
        ended_ms = record.timestamp_ms + self._interval_ms
        at_ms = self._stamp(ended_ms, EventKind.BAR_END, lane)
        self._write(HeardBar(at_ms=at_ms, lane=lane.index, bar=bar))
        bars.push(bar)
        self._desk.end_bars([(lane, (bar.open, bar.high, bar.low, bar.close, bar.volume))], at_ms)

    def _mark(self, lane: Lane, record: MarkPrice) -> None:
        marks = self._marks[lane.index]
        before = marks.newest
        settled = marks.hear(record)
        if settled is not None:
            at_ms = self._stamp(settled.at_ms, EventKind.FUNDING, lane)
            rate, price = settled.rate, settled.mark_price
            self._write(HeardFunding(at_ms=at_ms, lane=lane.index, rate=rate, mark_price=price))
            self._desk.funding(lane, at_ms, rate, price, None)
        if before is not None and before.mark == record.mark:
            return
        at_ms = self._stamp(record.timestamp_ms, EventKind.MARK, lane)
        self._write(HeardValue(at_ms=at_ms, lane=lane.index, name="mark", value=record.mark))
        self._desk.mark(lane, at_ms, record.mark)

    def _liquidation(self, lane: Lane, record: Liquidation) -> None:
        at_ms = self._stamp(record.timestamp_ms, EventKind.LIQUIDATION, lane)
        is_long = record.position_side is PositionSide.LONG
        price, quantity = record.price, record.quantity
        self._write(
            HeardLiquidation(
                at_ms=at_ms, lane=lane.index, price=price, quantity=quantity, is_long=is_long
            )
        )
        self._desk.liquidation(lane, at_ms, price, quantity, is_long=is_long, record=record)

    def _tell(self) -> None:
        """Writes what happened to orders and account since the last event."""
        desk = self._desk
        if self.venue.event_count == self._written:
            return
        desk.finish()
        self._written = self.venue.event_count
        for number, entry in desk.entries:
            event: Any = desk.event_at(number, entry)
            self._write(
                OrderLine(event=event)
                if isinstance(event, OrderEvent)
                else AccountLine(event=event)
            )
        desk.entries.clear()


def as_events(strategy: BaseStrategy, contracts: int) -> BaseStrategy:
    """The strategy in the form of events: itself, or asked at every close."""
    if strategy.form() == "events":
        return strategy
    return AskedStrategy(strategy, contracts=contracts)


def bars_from(rows: Sequence[Bar], *, symbol: str, interval_ms: int) -> Bars:
    """Bars as columns; also of none.

    Args:
        rows: oldest first.
        symbol: canonical symbol.
        interval_ms: length of a bar.
    """
    columns = {
        name: np.array([getattr(row, name) for row in rows], dtype=np.float64) for name in _COLUMNS
    }
    times = np.array([row.timestamp_ms for row in rows], dtype=np.int64)
    return Bars(times, columns, symbol=symbol, interval_ms=interval_ms)
