"""Bars that end one after the other, of the one contract of a run, trades between them unheard.

This is what most of a replay of trades is, and hardly anything happens at most of these bars: the
trades before their end have reached no order, and the strategy leaves everything as it is. So here
stands in one loop, without a call for each step, what `EventTrades.play_before` and
`EventDesk.end_bars` do for any number of contracts.
"""

from bisect import bisect_left
from typing import Final

from headwater.backtest.event_desk import EventDesk
from headwater.backtest.event_samples import Standing
from headwater.backtest.event_timeline import Timeline
from headwater.backtest.event_trades import EventTrades
from headwater.trading.paper_stretches import Stretches

__all__ = ["BarEnds"]

_LEAST: Final = 4
"""Bars in a row from which on the loop is worth its preparation."""


class BarEnds:
    """The ends of bars of a run of one contract.

    Args:
        desk: strategy and account.
        trades: of the run, with facts of the stretches between events.
        stretches: these facts.
        timeline: of the run.
    """

    def __init__(
        self, desk: EventDesk, trades: EventTrades, stretches: Stretches, timeline: Timeline
    ) -> None:
        self._desk = desk
        self._trades = trades
        self._stretches = stretches
        self._at_ms, self._others = timeline.at_ms, timeline.others
        (self._rows,) = timeline.trades_before.values()

    @classmethod
    def of(cls, desk: EventDesk, trades: EventTrades, timeline: Timeline) -> "BarEnds | None":
        """The loop, for a run that it can play; None for any other."""
        stretches = trades.stretches
        # Bars that end at the same moment are known together before the first of them is heard.
        if stretches is None or len(desk.lanes) > 1 or timeline.has_joint_ends:
            return None
        return cls(desk, trades, stretches, timeline)

    def behind(self, event: int) -> int:
        """The event up to which this loop can play from one on; that one itself when it cannot."""
        account, market = self._desk.venue.account, self._desk.lanes[0].market
        place = bisect_left(self._others, event)
        behind = self._others[place] if place < len(self._others) else len(self._at_ms)
        if (
            behind - event < _LEAST
            or account.is_insolvent
            or market.has_quotes
            or account.now > self._at_ms[event]
            or not self._trades.is_at(event)
        ):
            return event
        return behind

    def play(self, event: int, last: int) -> int:
        """Plays events from one on, at least that one and at most up to `last`.

        Args:
            event: end of a bar, as all of them.
            last: at most what `behind` says.

        Returns:
            The first event that was not played.
        """
        desk = self._desk
        lane, context, on_bar = desk.lanes[0], desk.context, desk.strategy.on_bar
        market, bars, account = lane.market, lane.bars, desk.venue.account
        growing, hears = bars.growing, desk.hears_bar
        low, high, prices, bid, ask, _ = self._stretches.known(event, last)
        at_ms = self._at_ms[event : event + len(low)]
        cash, pos, cost = account.cash, market.pos, market.cost
        standings: list[Standing] = [(0, cash, pos, cost)]
        seen, done = account.logged, 0
        is_heard = desk.hears_fill or desk.is_same_close
        context.lane = lane
        context.made = context.make = None
        for now_ms, lowest, highest, price, best_bid, best_ask in zip(
            at_ms, low, high, prices, bid, ask, strict=True
        ):
            if market.low < lowest and highest < market.high:
                market.has_trades = market.is_tape = True
                market.last, market.bid, market.ask = price, best_bid, best_ask
            else:
                self._play_trades(event + done)
                prices[done] = market.last
            account.now = now_ms
            for column in growing:
                next(column)
            context.now_ms = now_ms
            if hears:
                on_bar(context)
            done += 1
            if account.logged != seen:
                # What a strategy is not told of is taken down by and by.
                if is_heard or account.logged >= desk.due:
                    self._tell(now_ms)
                seen = account.logged
                if account.cash != cash or market.pos != pos or market.cost != cost:
                    cash, pos, cost = account.cash, market.pos, market.cost
                    standings.append((done - 1, cash, pos, cost))
                if account.is_insolvent:
                    break
        desk.samples.extend(at_ms[:done], prices[:done], standings)
        self._trades.jump_behind(event + done - 1)
        return event + done

    def _play_trades(self, event: int) -> None:
        """Plays the trades before an event one by one, where there are any."""
        rows, context = self._rows, self._desk.context
        start = rows[event - 1] if event else 0
        if start < rows[event]:
            self._trades.skip(0, start, rows[event])
            context.made = context.make = None

    def _tell(self, at_ms: int) -> None:
        """Takes down what the strategy has done at a bar, and tells it what came of it at once."""
        desk, account = self._desk, self._desk.venue.account
        before = desk.told
        if account.logged != before:
            desk.tell(at_ms)
            if desk.is_same_close:
                desk.at_close.append((before + 1, account.logged))
            desk.context.made = desk.context.make = None
