"""Strategies of other forms, asked at every close."""

from decimal import Decimal
from typing import Any

import pytest
from tests.backtest.drives import Answering, bars_of, random_signals, walk
from tests.backtest.event_markets import HOUR, T0, account

from headwater.backtest.asked import AskedStrategy
from headwater.backtest.event_run import run_events
from headwater.backtest.event_streams import MarketStreams
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy, Decision
from headwater.strategies.openings import Bracket, Opening
from headwater.strategies.sma_cross import SmaCross


class _Once(BaseStrategy):
    """Opens at the first close with its own exits, half of the equity."""

    name = "once"

    def should_open_position(self, data: Any) -> Decision:
        return len(data) == 1, Opening(is_long=False, stop_loss=0.1, take_profit=0.2, size=0.5)

    def should_close_position(self, position: Any, data: Any) -> Decision:
        return False, None


def test_the_opening_becomes_a_sized_entry_with_its_exits() -> None:
    flat = [100.0, 100.0, 100.0]
    streams = [MarketStreams("x", "BTCUSDT", bars=bars_of(flat, flat, flat, flat))]
    outcome = run_events(AskedStrategy(_Once()), streams, account(streams))
    # Half of 10,000 at 100: 50 sold short at the second open; stop at 110, target at 80.
    assert [(one.price, one.quantity, one.at_ms) for one in outcome.fills] == [
        (Decimal(100), Decimal(50), T0 + HOUR)
    ]
    triggers = sorted(one.trigger_price for one in outcome.pending if one.trigger_price is not None)
    assert triggers == [Decimal(80), Decimal(110)]


def test_contracts_share_the_equity() -> None:
    flat = [100.0, 100.0, 100.0]
    streams = [
        MarketStreams(name, "BTCUSDT", bars=bars_of(flat, flat, flat, flat)) for name in ("x", "y")
    ]
    outcome = run_events(AskedStrategy(_Once(), contracts=2), streams, account(streams))
    # 10,000 / 2 × 0.5 / 100 = 25 of each.
    assert [column[-1] for column in outcome.held] == [-25.0, -25.0]


def test_it_refuses_what_it_cannot_ask() -> None:
    with pytest.raises(RequestError, match="signals or callbacks"):
        AskedStrategy(AskedStrategy(SmaCross()))
    with pytest.raises(RequestError, match="contracts"):
        AskedStrategy(SmaCross(), contracts=0)


def test_an_answer_that_is_none_is_refused_by_bar() -> None:
    class Mumbling(BaseStrategy):
        name = "mumbling"

        def should_open_position(self, data: Any) -> Any:
            return (None if len(data) == 3 else False), None

    streams = [MarketStreams("x", "BTCUSDT", bars=walk(1, 10, tick=0.01))]
    with pytest.raises(RequestError, match="mumbling, bar 2"):
        run_events(AskedStrategy(Mumbling()), streams, account(streams))


def test_a_turn_is_an_exit_and_an_entry_at_one_open() -> None:
    bars = walk(4, 60, tick=0.01)
    signals = random_signals(4, bars, share=0.3)
    streams = [MarketStreams("x", "BTCUSDT", bars=bars)]
    asked = AskedStrategy(Answering(signals, Bracket(), reverses=True))
    outcome = run_events(asked, streams, account(streams))
    turns = [one for one in outcome.trips if one.exit_reason == "reversal"]
    assert len(turns) > 3
    entries = {one.entry_ms: one for one in outcome.trips}
    assert all(
        one.exit_ms is not None and entries[one.exit_ms].is_long != one.is_long for one in turns
    )
