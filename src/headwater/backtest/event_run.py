"""Back-tests of event strategies: any number of contracts and venues, one account.

The streams are columns. Events that a strategy can hear lie on one timeline; the trades between two
of them go to the paper venue in one call, so a trade that nobody hears and that reaches no order
costs a comparison in an array. Orders have no latency: what is placed at an event is met by the
next one.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np

from headwater.backtest.collection import collecting_rarely
from headwater.backtest.event_account import EventAccount
from headwater.backtest.event_desk import EventDesk
from headwater.backtest.event_lane import Lane
from headwater.backtest.event_outcome import EventOutcome
from headwater.backtest.event_streams import MarketStreams
from headwater.backtest.event_timeline import EventKind, timeline_of
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.growing_bars import GrowingBars
from headwater.trading.paper import PaperVenue
from headwater.trading.paper_stretches import Stretches

__all__ = ["EventRun", "RunSnapshot", "run_events"]

_CHUNK: Final = 65_536
_TOLD_EVERY: Final = 4_096


class RunSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run was cut. The strategy is not in it: go on with the same instance.

    Attributes:
        at_ms: everything before this time was played, and the bars that end at it.
        venue: state of the account.
    """

    at_ms: int
    venue: bytes


def run_events(
    strategy: BaseStrategy,
    streams: Sequence[MarketStreams],
    account: EventAccount,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> EventOutcome:
    """Plays the streams to a strategy.

    Args:
        strategy: of the event form.
        streams: what happened, of each contract of the account, in the same order.
        account: contracts, cash and how orders fill.
        progress: told (events done, events) now and then; trades are not counted.

    Returns:
        What it came to.

    Raises:
        RequestError: streams that do not fit the account, or an order that makes no sense.
    """
    with collecting_rarely():
        return EventRun(strategy, streams, account, progress=progress).run()


class EventRun:
    """One run, which can be cut and resumed.

    Args:
        strategy: of the event form.
        streams: as of `run_events`.
        account: as of `run_events`.
        snapshot: go on from there, over the same streams (they may have grown longer).
        progress: as of `run_events`.

    Raises:
        RequestError: as of `run_events`.
    """

    def __init__(
        self,
        strategy: BaseStrategy,
        streams: Sequence[MarketStreams],
        account: EventAccount,
        *,
        snapshot: RunSnapshot | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        if strategy.form() != "events":
            raise RequestError(
                "strategy", strategy.name, "one of the event form; wrap others in AskedStrategy"
            )
        self._streams = tuple(one.checked() for one in streams)
        mine = [(one.exchange, one.symbol) for one in self._streams]
        wanted = [(one.exchange, one.symbol) for one in account.contracts]
        if mine != wanted:
            raise RequestError("streams", mine, f"one for each contract, in this order: {wanted}")
        self._account = account
        venue = account.venue()
        if snapshot is not None:
            venue = PaperVenue.restore(
                snapshot.venue, account.contracts, account.currency, account.fills
            )
        self.venue = venue
        self._shown = [one.all_bars() for one in self._streams]
        self._lanes = [
            Lane(index, venue.market(*name), GrowingBars(bars, stream.past_bars), stream.heatmaps)
            for index, (name, bars, stream) in enumerate(
                zip(mine, self._shown, self._streams, strict=True)
            )
        ]
        self.desk = EventDesk(strategy, venue, self._lanes)
        self._timeline = timeline_of(self._streams, self._shown)
        self._bar_rows = [
            list(zip(*(getattr(bars, name).tolist() for name in _BAR), strict=True))
            for bars in self._shown
        ]
        self._trades = {
            lane: one.trades for lane, one in enumerate(self._streams) if one.trades is not None
        }
        self._cursor = dict.fromkeys(self._trades, 0)
        self._unheard = {
            lane: Stretches(
                self._lanes[lane].market.scale,
                one.price,
                one.is_buy,
                one.timestamp_ms,
                self._timeline.trades_before[lane],
            )
            for lane, one in self._trades.items()
            if len(self._trades) == 1 and not self.desk.hears_trade
        }
        self._next = 0
        self._progress = progress
        self._is_resumed = snapshot is not None
        if snapshot is not None:
            self._pass_by(snapshot.at_ms)

    def run(self, until_ms: int | None = None) -> EventOutcome:
        """Plays to the end, or to a cut.

        Args:
            until_ms: play what is before this time and the bars that end at it, no more.

        Returns:
            What this part came to.

        Raises:
            RequestError: an order that makes no sense; a cut within a bar that matches orders.
        """
        desk, timeline, account = self.desk, self._timeline, self.venue.account
        if self._next == 0 and not self._is_resumed:
            desk.start(self._first_ms())
        at_ms, kinds = timeline.at_ms, timeline.kind
        length = len(at_ms)
        last = length
        if until_ms is not None:
            last = timeline.before(until_ms)
        while self._next < last:
            at = self._next
            if self._unheard:
                self._pass_stretch(at)
            elif self._trades:
                self._play_trades({i: rows[at] for i, rows in timeline.trades_before.items()})
            if self._progress is not None and at % _TOLD_EVERY == 0:
                self._progress(at, length)
            kind = kinds[at]
            if kind in _GROUPED:
                now, end = at_ms[at], at + 1
                while end < last and at_ms[end] == now and kinds[end] == kind:
                    end += 1
                self._bars(kind, at, end)
            else:
                end = at + 1
                self._single(kind, at)
            self._next = end
            if account.is_insolvent:
                break
        if not self.venue.is_insolvent:
            self._play_rest(until_ms)
        elif not desk.sample_ms or desk.sample_ms[-1] < self.venue.now_ms:
            desk.sample(self.venue.now_ms)  # the bar of the ruin, which does not end any more
        desk.finish()
        return self._outcome(is_cut=until_ms is not None)

    def snapshot(self, at_ms: int) -> RunSnapshot:
        """Where the run is, after `run(until_ms=at_ms)`.

        Raises:
            RequestError: a bar that matches orders is under way at that time.
        """
        for lane in self._lanes:
            if lane.is_bar_open:
                raise RequestError(
                    "at_ms", at_ms, f"a time at which no bar of {lane.symbol} is under way"
                )
        return RunSnapshot(at_ms=at_ms, venue=self.venue.snapshot())

    # --- the timeline ----------------------------------------------------------------------------

    def _bars(self, kind: int, first: int, end: int) -> None:
        timeline = self._timeline
        at_ms, lanes, numbers = timeline.at_ms[first], timeline.lane, timeline.row
        rows = [
            (self._lanes[lanes[at]], self._bar_rows[lanes[at]][numbers[at]])
            for at in range(first, end)
        ]
        if kind == EventKind.BAR_END:
            self.desk.end_bars(rows, at_ms)
        else:
            self.desk.open_bars(rows, at_ms)

    def _single(self, kind: int, at: int) -> None:
        timeline, desk = self._timeline, self.desk
        at_ms, row = timeline.at_ms[at], timeline.row[at]
        lane = self._lanes[timeline.lane[at]]
        stream = self._streams[lane.index]
        if kind == EventKind.MARK and stream.marks is not None:
            desk.mark(lane, at_ms, float(stream.marks.value[row]))
        elif kind == EventKind.OPEN_INTEREST and stream.open_interest is not None:
            lane.open_interest = float(stream.open_interest.value[row])
        elif kind == EventKind.LIQUIDATION and stream.liquidations is not None:
            tape = stream.liquidations
            desk.liquidation(
                lane,
                at_ms,
                float(tape.price[row]),
                float(tape.quantity[row]),
                is_long=bool(tape.is_long[row]),
            )
        elif kind == EventKind.FUNDING and stream.funding is not None:
            told = stream.funding
            mark = None if told.mark_price is None else float(told.mark_price[row])
            desk.funding(lane, at_ms, float(told.rate[row]), mark, stream.funding_interval_h)

    def _first_ms(self) -> int:
        firsts = [int(one.timestamp_ms[0]) for one in self._trades.values() if len(one)]
        return min([*firsts, *self._timeline.at_ms[:1]], default=0)

    def _pass_by(self, at_ms: int) -> None:
        """Takes down what was known at a cut, without playing it."""
        timeline = self._timeline
        end = timeline.before(at_ms)
        for at in range(end):
            lane = self._lanes[timeline.lane[at]]
            stream, kind, row = self._streams[lane.index], timeline.kind[at], timeline.row[at]
            if kind == EventKind.BAR_END:
                lane.bars.advance()
            elif kind == EventKind.OPEN_INTEREST and stream.open_interest is not None:
                lane.open_interest = float(stream.open_interest.value[row])
            elif kind == EventKind.FUNDING and stream.funding is not None:
                lane.funding_rate = float(stream.funding.rate[row])
            elif kind == EventKind.LIQUIDATION and (tape := stream.liquidations) is not None:
                lane.note_liquidation(
                    timeline.at_ms[at],
                    float(tape.price[row] * tape.quantity[row]),
                    is_long=bool(tape.is_long[row]),
                )
        self._next = end
        for index, trades in self._trades.items():
            self._cursor[index] = int(np.searchsorted(trades.timestamp_ms, at_ms))

    # --- trades ----------------------------------------------------------------------------------

    def _pass_stretch(self, at: int) -> None:
        """The trades before an event, of the one contract that has any, heard by nobody."""
        ((lane, stretches),) = self._unheard.items()
        rows, cursor = self._timeline.trades_before[lane], self._cursor
        start, end = cursor[lane], rows[at]
        if start >= end:
            return
        is_whole = start == (rows[at - 1] if at else 0)
        if not (is_whole and self.venue.pass_stretch(self._lanes[lane].market, stretches.at(at))):
            self._skip(lane, start, end)
        cursor[lane] = end

    def _play_rest(self, until_ms: int | None) -> None:
        """The trades behind the last event."""
        ends = {
            lane: len(one) if until_ms is None else int(np.searchsorted(one.timestamp_ms, until_ms))
            for lane, one in self._trades.items()
        }
        self._play_trades(ends)

    def _play_trades(self, ends: dict[int, int]) -> None:
        """Plays the trades of each contract up to a row, all in the order of their times."""
        cursor = self._cursor
        due = [lane for lane, end in ends.items() if end > cursor[lane]]
        if not due:
            return
        play = self._hear if self.desk.hears_trade else self._skip
        if len(due) == 1:
            play(due[0], cursor[due[0]], ends[due[0]])
        elif not self._pass_untouched(due, ends):
            lanes = np.repeat(due, [ends[one] - cursor[one] for one in due])
            times = np.concatenate(
                [self._trades[one].timestamp_ms[cursor[one] : ends[one]] for one in due]
            )
            lanes = lanes[np.lexsort((lanes, times))]
            borders = [0, *(np.flatnonzero(np.diff(lanes)) + 1).tolist(), len(lanes)]
            position = {one: cursor[one] for one in due}
            for start, end in pairwise(borders):
                if self.venue.is_insolvent:
                    break
                lane = int(lanes[start])
                play(lane, position[lane], position[lane] + end - start)
                position[lane] += end - start
        for lane in due:
            cursor[lane] = ends[lane]

    def _pass_untouched(self, due: list[int], ends: dict[int, int]) -> bool:
        """Shows the venue trades of several contracts that nobody hears and that touch nothing.

        Returns:
            Whether they were such; if not, nothing was done.
        """
        if self.desk.hears_trade:
            return False
        for lane in due:
            market = self._lanes[lane].market
            prices = self._trades[lane].price[self._cursor[lane] : ends[lane]]
            if not (market.low < prices.min() and prices.max() < market.high):
                return False
        for lane in sorted(due, key=lambda one: self._trades[one].timestamp_ms[ends[one] - 1]):
            self._skip(lane, self._cursor[lane], ends[lane])
        return True

    def _skip(self, lane: int, start: int, end: int) -> None:
        """Trades that the strategy does not hear; it is told its fills where it wants to."""
        desk, venue, tape = self.desk, self.venue, self._trades[lane]
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

    def _hear(self, index: int, start: int, end: int) -> None:
        """Trades that the strategy hears, one by one."""
        desk, venue, lane, tape = self.desk, self.venue, self._lanes[index], self._trades[index]
        context, market, make, account = desk.context, lane.market, lane.trade, venue.account
        meet, on_trade, is_over = venue.on_trade, desk.strategy.on_trade, False
        row: Any = None

        def made() -> Any:
            return make(*row)

        for first in range(start, end, _CHUNK):
            for row in tape.rows(first, min(first + _CHUNK, end)):
                at_ms, price, quantity, is_buy = row
                meet(market, price, quantity, is_buy, at_ms)
                if account.logged != desk.told:
                    desk.tell(at_ms)
                    is_over = venue.is_insolvent
                context.lane = lane
                context.now_ms = at_ms
                context.made = None
                context.make = made
                on_trade(context)
                if account.logged != desk.told:
                    desk.tell(at_ms)
                if is_over:
                    return

    def _outcome(self, *, is_cut: bool) -> EventOutcome:
        desk = self.desk
        return EventOutcome(
            initial_capital=float(self._account.cash),
            sample_ms=np.array(desk.sample_ms, dtype=np.int64),
            equity=np.array(desk.equity, dtype=np.float64),
            held=tuple(np.array(column, dtype=np.float64) for column in desk.held),
            entries=tuple(desk.entries),
            dropped=desk.dropped,
            at_close=tuple(desk.at_close),
            venue=self.venue,
            insolvent_ms=self.venue.now_ms if self.venue.is_insolvent else None,
            is_cut=is_cut,
        )


_BAR: Final = ("open", "high", "low", "close", "volume")
_GROUPED: Final = frozenset({EventKind.BAR_END, EventKind.BAR_OPEN})
