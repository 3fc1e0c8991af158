"""The trades of a run: laid between its events and played to the paper venue and the strategy.

Trades that nobody hears go to the venue in one call for all between two events, so one that reaches
no order costs a comparison in an array. Trades that a strategy hears are shown to it one by one.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, repeat
from operator import length_hint
from typing import Any, Final

import numpy as np

from headwater.backtest.event_desk import EventDesk
from headwater.backtest.event_lane import Lane
from headwater.backtest.event_streams import MarketStreams, TradeTape
from headwater.backtest.event_timeline import Timeline
from headwater.trading.paper_contract import Scale
from headwater.trading.paper_stretches import Stretches

__all__ = ["EventTrades"]

_CHUNK: Final = 4_096
"""Trades made Python numbers in one go: few enough to stay in the processor's cache."""

_PRICES_MAX: Final = 50_000
"""Prices whose neighbours are remembered; beyond it all are forgotten."""


class EventTrades:
    """The trades of all contracts of a run, each played once.

    Args:
        desk: strategy and account.
        streams: of each contract.
        timeline: of the other events.
        shortcuts: whether trades are played in the shorter ways where these do the same.

    Attributes:
        stretches: facts of the trades between two events, while one contract alone has trades and
            nobody hears them.
    """

    def __init__(
        self,
        desk: EventDesk,
        streams: Sequence[MarketStreams],
        timeline: Timeline,
        *,
        shortcuts: bool = True,
    ) -> None:
        self._desk = desk
        self._venue = desk.venue
        self._lanes = desk.lanes
        self._before = timeline.trades_before
        self._tapes = {
            lane: one.trades for lane, one in enumerate(streams) if one.trades is not None
        }
        self._cursor = dict.fromkeys(self._tapes, 0)
        self._shown: dict[int, _Rows] = {}
        self.stretches: Stretches | None = None
        if shortcuts and desk.hears_trade:
            self._shown = {
                lane: _Rows(tape, self._lanes[lane].market.scale)
                for lane, tape in self._tapes.items()
                if _fine(tape)
            }
        elif shortcuts and len(self._tapes) == 1:
            ((lane, tape),) = self._tapes.items()
            self.stretches = Stretches(
                self._lanes[lane].market.scale,
                tape.price,
                tape.is_buy,
                tape.timestamp_ms,
                self._before[lane],
            )

    def first_ms(self) -> int | None:
        """Time of the first trade of all."""
        return min(
            (int(one.timestamp_ms[0]) for one in self._tapes.values() if len(one)), default=None
        )

    def is_at(self, event: int) -> bool:
        """Whether all trades before the event in front of it are played, and no other."""
        return all(
            cursor == (self._before[lane][event - 1] if event else 0)
            for lane, cursor in self._cursor.items()
        )

    def jump_to(self, at_ms: int) -> None:
        """Leaves out what is before a time."""
        for lane, tape in self._tapes.items():
            self._cursor[lane] = int(np.searchsorted(tape.timestamp_ms, at_ms))

    def jump_behind(self, event: int) -> None:
        """Leaves out what is before an event: somebody has played it."""
        for lane, rows in self._before.items():
            self._cursor[lane] = rows[event]

    def play_before(self, event: int) -> None:
        """Plays the trades before an event."""
        if not self._before:
            return
        if self.stretches is None:
            self._play({lane: rows[event] for lane, rows in self._before.items()})
            return
        ((lane, rows),) = self._before.items()
        start, end = self._cursor[lane], rows[event]
        if start >= end:
            return
        is_whole = start == (rows[event - 1] if event else 0)
        market = self._lanes[lane].market
        if not (is_whole and self._venue.pass_stretch(market, self.stretches.at(event))):
            self.skip(lane, start, end)
        self._cursor[lane] = end

    def play_rest(self, until_ms: int | None) -> None:
        """Plays the trades behind the last event, or those of them before a time."""
        self._play(
            {
                lane: len(tape)
                if until_ms is None
                else int(np.searchsorted(tape.timestamp_ms, until_ms))
                for lane, tape in self._tapes.items()
            }
        )

    def _play(self, ends: dict[int, int]) -> None:
        """Plays the trades of each contract up to a row, all in the order of their times."""
        cursor = self._cursor
        due = [lane for lane, end in ends.items() if end > cursor[lane]]
        if not due:
            return
        play = self._hear if self._desk.hears_trade else self.skip
        if len(due) == 1:
            play(due[0], cursor[due[0]], ends[due[0]])
        elif not self._pass_untouched(due, ends):
            lanes = np.repeat(due, [ends[one] - cursor[one] for one in due])
            times = np.concatenate(
                [self._tapes[one].timestamp_ms[cursor[one] : ends[one]] for one in due]
            )
            lanes = lanes[np.lexsort((lanes, times))]
            borders = [0, *(np.flatnonzero(np.diff(lanes)) + 1).tolist(), len(lanes)]
            position = {one: cursor[one] for one in due}
            for start, end in pairwise(borders):
                if self._venue.is_insolvent:
                    break
                lane = int(lanes[start])
                play(lane, position[lane], position[lane] + end - start)
                position[lane] += end - start
        for lane in due:
            cursor[lane] = ends[lane]

    # --- trades that nobody hears ----------------------------------------------------------------

    def _pass_untouched(self, due: list[int], ends: dict[int, int]) -> bool:
        """Shows the venue trades of several contracts that nobody hears and that touch nothing.

        Returns:
            Whether they were such; if not, nothing was done.
        """
        if self._desk.hears_trade:
            return False
        for lane in due:
            market = self._lanes[lane].market
            prices = self._tapes[lane].price[self._cursor[lane] : ends[lane]]
            if not (market.low < prices.min() and prices.max() < market.high):
                return False
        for lane in sorted(due, key=lambda one: self._tapes[one].timestamp_ms[ends[one] - 1]):
            self.skip(lane, self._cursor[lane], ends[lane])
        return True

    def skip(self, lane: int, start: int, end: int) -> None:
        """Plays trades that the strategy does not hear; it is told its fills where it wants to.

        Args:
            lane: number of the contract.
            start: first row of its tape.
            end: row behind the last.
        """
        desk, venue, tape = self._desk, self._venue, self._tapes[lane]
        market, stops = self._lanes[lane].market, desk.hears_fill
        while start < end:
            start = venue.on_trades(
                market,
                tape.price,
                tape.quantity,
                tape.is_buy,
                tape.timestamp_ms,
                start,
                end,
                stops_at_event=stops,
            )
            if venue.account.logged != desk.told:
                desk.tell(venue.now_ms)

    # --- trades that the strategy hears ----------------------------------------------------------

    def _hear(self, index: int, start: int, end: int) -> None:
        """Plays trades that the strategy hears, one by one."""
        lane, tape, rows = self._lanes[index], self._tapes[index], self._shown.get(index)
        is_back = int(tape.timestamp_ms[start]) < self._venue.now_ms
        if rows is None or lane.market.has_quotes or is_back:
            self._hear_each(lane, tape, start, end)
            return
        is_over = False
        while start < end and not is_over:
            part = rows.part(start, end)
            is_over = self._hear_part(lane, tape, start, rows, *part)
            start += len(part[0])

    def _hear_part(
        self,
        lane: Lane,
        tape: TradeTape,
        start: int,
        rows: "_Rows",
        times: list[int],
        prices: list[float],
        sides: Iterator[None] | bytes,
    ) -> bool:
        """Plays rows of a sound tape; the same as `_hear_each` for as little as a trade can cost.

        What the venue does with a trade that touches nothing (`paper_feed.on_trade`) stands here
        once more: a call for each of a million trades is as much as all that is in it.

        Returns:
            Whether the account was ruined, so that the run is over.
        """
        desk, venue = self._desk, self._venue
        context, on_trade, account = desk.context, desk.strategy.on_trade, venue.account
        market, below, above = lane.market, rows.below, rows.above
        unheard, count = iter(times), len(times)
        seen, is_over, hears_fill = desk.told, False, desk.hears_fill

        @lru_cache(maxsize=1)
        def record_of(place: int) -> Any:
            taker = None if tape.is_buy is None else bool(tape.is_buy[start + place])
            quantity = float(tape.quantity[start + place])
            return lane.trade(times[place], prices[place], quantity, taker)

        def made() -> Any:
            return record_of(count - length_hint(unheard) - 1)

        context.lane, context.made, context.make = lane, None, made
        market.has_trades = market.is_tape = True
        low, high = market.low, market.high
        for at_ms, price, is_buy in zip(unheard, prices, sides, strict=False):
            if price > low and price < high:  # a third faster than the chained comparison
                account.now = at_ms
                market.last = price
                if is_buy:
                    market.ask = price
                    if market.bid >= price:
                        market.bid = below[price]
                elif is_buy is None:
                    market.bid = market.ask = price
                else:
                    market.bid = price
                    if market.ask <= price:
                        market.ask = above[price]
            else:
                quantity = float(tape.quantity[start + count - length_hint(unheard) - 1])
                taker = None if is_buy is None else bool(is_buy)
                venue.on_trade(market, price, quantity, taker, at_ms)
                if account.logged != desk.told:
                    desk.tell(at_ms)
                    context.lane, context.made, context.make = lane, None, made
                    is_over = venue.is_insolvent
                low, high = market.low, market.high
            context.now_ms = at_ms
            on_trade(context)
            if account.logged != seen:
                # What a strategy is not told of is taken down by and by.
                if hears_fill or account.logged >= desk.due:
                    desk.tell(at_ms)
                    context.lane, context.made, context.make = lane, None, made
                if is_over:
                    break
                seen, low, high = account.logged, market.low, market.high
        return is_over

    def _hear_each(self, lane: Lane, tape: TradeTape, start: int, end: int) -> None:
        """Plays rows of any tape."""
        for first in range(start, end, _CHUNK):
            for at_ms, price, quantity, is_buy in tape.rows(first, min(first + _CHUNK, end)):
                if self._desk.trade(lane, at_ms, price, quantity, is_buy):
                    return


class _Beyond(dict[float, float]):
    """The price a tick below or above each price, as `paper_tape.show` has it, found once."""

    def __init__(self, scale: Scale, *, up: bool) -> None:
        super().__init__()
        self._scale = scale
        self._up = up

    def __missing__(self, price: float) -> float:
        if len(self) >= _PRICES_MAX:
            self.clear()
        ticks = self._scale.market_ticks(price, up=self._up) + (1 if self._up else -1)
        beyond = self[price] = self._scale.float_price(ticks)
        return beyond


class _Rows:
    """Rows of a tape as Python's own numbers, made some thousands ahead.

    Attributes:
        below: the price a tick below a price.
        above: likewise above.
    """

    def __init__(self, tape: TradeTape, scale: Scale) -> None:
        self.below, self.above = _Beyond(scale, up=False), _Beyond(scale, up=True)
        self._tape = tape
        self._first = self._behind = 0
        self._times: list[int] = []
        self._prices: list[float] = []
        self._sides = b""

    def part(self, start: int, end: int) -> tuple[list[int], list[float], Iterator[None] | bytes]:
        """Times, prices and whether takers bought (0 or 1), of rows: one or more, up to `end`."""
        if not self._first <= start < self._behind:
            tape, self._first = self._tape, start
            self._behind = behind = min(len(tape), start + _CHUNK)
            self._times = tape.timestamp_ms[start:behind].tolist()
            self._prices = tape.price[start:behind].tolist()
            self._sides = b"" if tape.is_buy is None else tape.is_buy[start:behind].tobytes()
        part = slice(start - self._first, end - self._first)
        sides = repeat(None) if self._tape.is_buy is None else self._sides[part]
        return self._times[part], self._prices[part], sides


def _fine(tape: TradeTape) -> bool:
    """Whether every price is one and no time falls, as `TradeTape.of` makes sure of."""
    times = tape.timestamp_ms
    return bool((tape.price > 0.0).all() and (times[1:] >= times[:-1]).all())
