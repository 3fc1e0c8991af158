"""The desk: what is told, what is kept."""

from decimal import Decimal
from typing import Any

import pytest
from tests.backtest.drives import bars_of
from tests.backtest.event_markets import Scripted, contract

from headwater.backtest import event_desk
from headwater.backtest.event_desk import EventDesk
from headwater.backtest.event_lane import Lane
from headwater.strategies.base import BaseStrategy
from headwater.strategies.growing_bars import GrowingBars
from headwater.trading.paper import PaperVenue


def _desk(strategy: BaseStrategy) -> tuple[EventDesk, Lane]:
    venue = PaperVenue([contract("x")], Decimal(10_000))
    bars = GrowingBars(bars_of([1.0], [1.0], [1.0], [1.0]))
    lane = Lane(0, venue.market("x", "BTCUSDT"), bars)
    return EventDesk(strategy, venue, [lane]), lane


def test_a_fill_is_told_before_the_trade_that_made_it() -> None:
    class Buyer(Scripted):
        def on_start(self, context: Any) -> None:
            context.buy(Decimal(1))

    strategy = Buyer(lambda context: None)
    desk, lane = _desk(strategy)
    desk.start(0)
    desk.trade(lane, 5, 100.0, 1.0, True)
    assert strategy.heard == [("fill", 5, "x", Decimal(100)), ("trade", 5, "x", 100.0)]
    assert [entry[1][1] for entry in desk.entries] == ["accepted", "filled"]


def test_a_record_that_is_there_is_handed_on_as_it_is() -> None:
    heard: list[Any] = []

    class Listener(BaseStrategy):
        name = "listener"

        def on_trade(self, context: Any) -> None:
            heard.append(context.event)

    desk, lane = _desk(Listener())
    record = lane.trade(5, 100.0, 1.0, True)
    desk.trade(lane, 5, 100.0, 1.0, True, record)
    assert heard[0] is record


def test_old_order_events_are_dropped_but_no_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_desk, "ENTRIES_MAX", 10)
    desk, lane = _desk(Scripted(lambda context: None))
    desk.context.buy(Decimal(1))
    desk.trade(lane, 1, 100.0, 1.0, True)
    for at_ms in range(2, 30):
        handle = desk.context.quote(True, 9_000, 10)
        desk.context.cancel(handle)
        desk.trade(lane, at_ms, 100.0, 1.0, True)
    assert len(desk.entries) <= 10
    assert desk.dropped > 0
    assert desk.entries[0][1][1] == "filled"
    assert desk.dropped + len(desk.entries) == desk.venue.event_count
