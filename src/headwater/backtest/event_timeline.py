"""The one order in which the events of all contracts happen; trades are laid between them.

Within one millisecond: smaller bars end, bars end, mark prices, open interest, liquidations,
funding, bars open, trades. So what is decided at a close can be filled at the open of the same
time, a payment is due from who held before, and nobody is shown a trade of the moment at which a
bar ends.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from headwater.analytics.arrays import IndexArray
from headwater.backtest.bar_ends import bar_ends_ms
from headwater.backtest.event_detail import MetBars
from headwater.backtest.event_streams import MarketStreams
from headwater.strategies.bars import Bars

__all__ = ["EventKind", "Timeline", "timeline_of"]


class EventKind(IntEnum):
    """Kinds of events in their order within a millisecond."""

    DETAIL_END = 0
    BAR_END = 1
    MARK = 2
    OPEN_INTEREST = 3
    LIQUIDATION = 4
    FUNDING = 5
    BAR_OPEN = 6
    TRADE = 7


@dataclass(frozen=True, slots=True)
class Timeline:
    """All events but trades, in order, as parallel lists.

    Attributes:
        at_ms: time of each event.
        kind: its `EventKind`, as an int.
        lane: number of its contract.
        row: its row within its stream; of `BAR_OPEN` and `DETAIL_END` within the smaller bars of a
            contract that has any.
        trades_before: for each contract with trades, how many of them come before each event.
        others: numbers of the events that are no ends of bars, rising.
        has_joint_ends: whether two bars end at the same time.
    """

    at_ms: list[int]
    kind: list[int]
    lane: list[int]
    row: list[int]
    trades_before: dict[int, list[int]]
    others: list[int]
    has_joint_ends: bool

    def before(self, until_ms: int) -> int:
        """How many events a cut at that time has before it: the bars that end at it as well."""
        at_ms, kinds = self.at_ms, self.kind
        last = bisect_left(at_ms, until_ms)
        while last < len(at_ms) and at_ms[last] == until_ms and kinds[last] <= EventKind.BAR_END:
            last += 1
        return last


def timeline_of(
    streams: Sequence[MarketStreams], bars: Sequence[Bars], met: Sequence[MetBars | None]
) -> Timeline:
    """Merges the streams.

    Args:
        streams: of each contract.
        bars: what a strategy is shown of each (`MarketStreams.all_bars`).
        met: the smaller bars that meet the orders of each; None for none.

    Returns:
        The events in order; events of one time and kind stand in the order of the contracts.
    """
    times: list[IndexArray] = []
    kinds: list[IndexArray] = []
    lanes: list[IndexArray] = []
    rows: list[IndexArray] = []

    def add(stamps: IndexArray, kind: EventKind, lane: int, first: int = 0) -> None:
        count = len(stamps) - first
        times.append(stamps[first:])
        kinds.append(np.full(count, kind, dtype=np.int64))
        lanes.append(np.full(count, lane, dtype=np.int64))
        rows.append(np.arange(first, len(stamps)))

    for lane, (stream, shown) in enumerate(zip(streams, bars, strict=True)):
        known = stream.bars_known_ms
        ends = bar_ends_ms(shown) if known is None else known
        add(ends, EventKind.BAR_END, lane, stream.past_bars)
        smaller = met[lane]
        if smaller is not None:
            add(smaller.bars.timestamp_ms, EventKind.BAR_OPEN, lane)
            add(smaller.ends_ms, EventKind.DETAIL_END, lane)
        elif stream.trades is None:
            add(shown.timestamp_ms, EventKind.BAR_OPEN, lane)
        for tape, kind in (
            (stream.marks, EventKind.MARK),
            (stream.open_interest, EventKind.OPEN_INTEREST),
            (stream.liquidations, EventKind.LIQUIDATION),
            (stream.funding, EventKind.FUNDING),
        ):
            if tape is not None:
                add(tape.timestamp_ms, kind, lane)
    at = np.concatenate(times)
    kind_column, lane_column = np.concatenate(kinds), np.concatenate(lanes)
    order = np.lexsort((lane_column, kind_column, at))
    at, kind_column = at[order], kind_column[order]
    is_end = kind_column == EventKind.BAR_END
    ends = at[is_end]
    return Timeline(
        at_ms=at.tolist(),
        kind=kind_column.tolist(),
        lane=lane_column[order].tolist(),
        row=np.concatenate(rows)[order].tolist(),
        trades_before={
            lane: np.searchsorted(stream.trades.timestamp_ms, at).tolist()
            for lane, stream in enumerate(streams)
            if stream.trades is not None
        },
        others=np.flatnonzero(~is_end).tolist(),
        has_joint_ends=bool((ends[1:] == ends[:-1]).any()),
    )
