"""Back-tests of event strategies: any number of contracts and venues, one account.

The streams are columns. Events that a strategy can hear lie on one timeline, trades are laid
between them (`event_trades.py`). Orders have no latency: what is placed at an event is met by the
next one.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from headwater.backtest.collection import collecting_rarely
from headwater.backtest.event_account import EventAccount
from headwater.backtest.event_bar_ends import BarEnds
from headwater.backtest.event_desk import EventDesk
from headwater.backtest.event_detail import met_bars
from headwater.backtest.event_lane import Lane
from headwater.backtest.event_outcome import EventOutcome
from headwater.backtest.event_streams import MarketStreams
from headwater.backtest.event_timeline import EventKind, timeline_of
from headwater.backtest.event_trades import EventTrades
from headwater.core.errors import RequestError
from headwater.strategies.bars import COLUMNS, Bars
from headwater.strategies.base import BaseStrategy
from headwater.strategies.growing_bars import GrowingBars
from headwater.trading.paper import PaperVenue

__all__ = ["EventRun", "RunSnapshot", "run_events"]

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
        shortcuts: play common kinds of events in the loops made for them, which do the same as the
            general one at a fraction of the cost; False to prove it.

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
        shortcuts: bool = True,
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
        met = [
            None if one.detail is None else met_bars(bars, one.detail)
            for bars, one in zip(self._shown, self._streams, strict=True)
        ]
        self._timeline = timeline_of(self._streams, self._shown, met)
        # Rows of the bars that orders meet. The end of one that they do not meet has no use of it.
        self._bar_rows: list[list[tuple[Any, ...]]] = [
            _rows(bars if smaller is None else smaller.bars)
            if stream.trades is None
            else [()] * len(bars)
            for bars, smaller, stream in zip(self._shown, met, self._streams, strict=True)
        ]
        self._trades = EventTrades(self.desk, self._streams, self._timeline, shortcuts=shortcuts)
        self._bar_ends = BarEnds.of(self.desk, self._trades, self._timeline)
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
        last = length = len(timeline.at_ms)
        if until_ms is not None:
            last = timeline.before(until_ms)
        while self._next < last and not account.is_insolvent:
            at = self._next
            if self._progress is not None and at % _TOLD_EVERY == 0:
                self._progress(at, length)
            self._next = self._play(at, last)
        if not self.venue.is_insolvent:
            self._trades.play_rest(until_ms)
        else:
            self._sample_ruin()
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

    def _play(self, at: int, last: int) -> int:
        """Plays an event, or some up to `last`, and the trades before; gives the next event."""
        if self._bar_ends is not None:
            behind = min(last, self._bar_ends.behind(at), at - at % _TOLD_EVERY + _TOLD_EVERY)
            if behind > at:
                return self._bar_ends.play(at, behind)
        self._trades.play_before(at)
        timeline = self._timeline
        now, kind, end = timeline.at_ms[at], timeline.kind[at], at + 1
        if kind not in _GROUPED:
            self._single(kind, at)
            return end
        # Bars of one contract and smaller ones of another end at once: nobody hears of the one
        # before the other, and what happened within either bears a time before their end.
        highest = EventKind.BAR_END if kind == EventKind.DETAIL_END else kind
        while end < last and timeline.at_ms[end] == now and timeline.kind[end] <= highest:
            end += 1
        if kind == EventKind.DETAIL_END:
            self._smaller_bars(at, end)
        else:
            self._bars(kind, at, end)
        return end

    def _sample_ruin(self) -> None:
        """Takes down the bar of the ruin, which does not end any more, at the end it would have.

        A bar that opens at the moment at which the one before ended may be the one of the ruin.
        """
        samples, now, timeline = self.desk.samples, self.venue.now_ms, self._timeline
        last = samples.at_ms[-1] if samples.at_ms else now - 1
        if last >= now and samples.equity[-1] == self.venue.equity_value:
            return
        ends = (
            timeline.at_ms[at]
            for at in range(self._next, len(timeline.at_ms))
            if timeline.kind[at] == EventKind.BAR_END and timeline.at_ms[at] > last
        )
        at_ms = next(ends, now)
        if at_ms > last:
            samples.take(at_ms)

    def _bars(self, kind: int, first: int, end: int) -> None:
        at_ms, rows = self._timeline.at_ms[first], self._rows_of(first, end)
        if kind == EventKind.BAR_END:
            self.desk.end_bars(rows, at_ms)
        else:
            self.desk.open_bars(rows, at_ms)

    def _smaller_bars(self, first: int, end: int) -> None:
        """Ends smaller bars, with the bars that end at the same time."""
        at_ms, kinds = self._timeline.at_ms[first], self._timeline.kind
        bars = bisect_left(kinds, EventKind.BAR_END, first, end)
        smaller, ended = self._rows_of(first, bars), self._rows_of(bars, end)
        if ended:
            self.desk.end_bars(ended, at_ms, smaller)
        else:
            self.desk.end_detail(smaller, at_ms)

    def _rows_of(self, first: int, end: int) -> list[tuple[Lane, tuple[Any, ...]]]:
        """Contract and (open, high, low, close, volume) of the bars of some events."""
        lanes, numbers = self._timeline.lane, self._timeline.row
        return [
            (self._lanes[lanes[at]], self._bar_rows[lanes[at]][numbers[at]])
            for at in range(first, end)
        ]

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
        firsts = self._timeline.at_ms[:1]
        first_trade = self._trades.first_ms()
        return min(firsts if first_trade is None else [*firsts, first_trade], default=0)

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
        self._trades.jump_to(at_ms)

    def _outcome(self, *, is_cut: bool) -> EventOutcome:
        desk = self.desk
        sample_ms, equity, held = desk.samples.columns()
        return EventOutcome(
            initial_capital=float(self._account.cash),
            sample_ms=sample_ms,
            equity=equity,
            held=held,
            entries=desk.entries.copy(),
            dropped=desk.dropped,
            at_close=tuple(desk.at_close),
            venue=self.venue,
            insolvent_ms=self.venue.now_ms if self.venue.is_insolvent else None,
            is_cut=is_cut,
        )


_GROUPED: Final = frozenset({EventKind.DETAIL_END, EventKind.BAR_END, EventKind.BAR_OPEN})


def _rows(bars: Bars) -> list[tuple[Any, ...]]:
    """(open, high, low, close, volume) of each bar."""
    return list(zip(*(getattr(bars, name).tolist() for name in COLUMNS), strict=True))
