"""The order of events."""

import numpy as np
from tests.backtest.drives import bars_of
from tests.backtest.event_markets import HOUR, T0

from headwater.backtest.event_streams import LiquidationTape, MarketStreams, TradeTape, ValueTape
from headwater.backtest.event_timeline import EventKind, timeline_of
from headwater.backtest.funding import FundingColumns


def test_events_of_one_moment_stand_in_their_order() -> None:
    flat = [1.0, 1.0]
    end = T0 + HOUR
    barred = MarketStreams(
        "x",
        "B",
        bars=bars_of(flat, flat, flat, flat),
        funding=FundingColumns.of([end], [0.0]),
        marks=ValueTape.of([end], [1.0]),
        open_interest=ValueTape.of([end], [1.0]),
        liquidations=LiquidationTape.of([end], [1.0], [1.0], [True]),
    )
    traded = MarketStreams(
        "y",
        "B",
        trades=TradeTape.of([T0, end - 1, end], [1.0] * 3, [1.0] * 3),
        bar_interval_ms=HOUR,
    )
    streams = (barred, traded)
    line = timeline_of(streams, [one.all_bars() for one in streams], [None] * len(streams))
    at_end = [
        (EventKind(kind), lane)
        for at, kind, lane in zip(line.at_ms, line.kind, line.lane, strict=True)
        if at == end
    ]
    assert at_end == [
        (EventKind.BAR_END, 0),
        (EventKind.BAR_END, 1),
        (EventKind.MARK, 0),
        (EventKind.OPEN_INTEREST, 0),
        (EventKind.LIQUIDATION, 0),
        (EventKind.FUNDING, 0),
        (EventKind.BAR_OPEN, 0),
    ]
    # Trades at a moment come after everything else of it.
    assert line.trades_before == {
        1: [int(np.sum(np.array([T0, end - 1, end]) < at)) for at in line.at_ms]
    }


def test_past_bars_are_no_events() -> None:
    flat = [1.0, 1.0, 1.0]
    stream = MarketStreams(
        "x",
        "B",
        bars=bars_of(flat, flat, flat, flat),
        past_bars=2,
        trades=TradeTape.of([T0], [1.0], [1.0]),
    )
    line = timeline_of([stream], [stream.all_bars()], [None])
    assert (line.at_ms, line.row) == ([T0 + 3 * HOUR], [2])
