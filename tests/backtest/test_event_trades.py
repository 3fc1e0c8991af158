"""Trades laid between events: what they do is the same whichever way they are played."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.event_markets import T0, Scripted, account
from tests.backtest.event_sessions import HEARD, MINUTE, MINUTES, Hearing, Session

from headwater.backtest import event_trades
from headwater.backtest.event_run import EventRun, run_events
from headwater.backtest.event_streams import MarketStreams, TradeTape
from headwater.core.errors import RequestError
from headwater.core.order_kinds import MarginMode
from headwater.trading.paper_assumptions import LimitFill, MarketTiming

SESSIONS = st.builds(
    Session,
    seed=st.integers(0, 2**32),
    strategy=st.sampled_from(HEARD),
    contracts=st.sampled_from([1, 1, 2]),
    tape=st.sampled_from(["grid", "off", "mixed", "unknown", "runs", "wild"]),
    extras=st.frozensets(st.sampled_from(["bars", "funding", "marks", "others"])),
    cash=st.sampled_from([30, 200, 10_000]),
    timing=st.sampled_from(list(MarketTiming)),
    limit_fill=st.sampled_from(list(LimitFill)),
    margin_mode=st.sampled_from(list(MarginMode)),
    share=st.sampled_from([0.0, 0.02, 0.2]),
)


@settings(max_examples=150, deadline=None)
@given(SESSIONS, st.none() | st.integers(0, MINUTES * MINUTE), st.sampled_from([3, 16_384]))
def test_hearing_in_the_short_loop_is_the_same_as_one_by_one(
    session: Session, cut: int | None, chunk: int
) -> None:
    cut_ms = None if cut is None else T0 + cut
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_trades, "_CHUNK", chunk)
        fast = session.played(shortcuts=True, cut_ms=cut_ms)
        assert fast == session.played(shortcuts=False, cut_ms=cut_ms)


def _tape(prices: list[float], times: list[int] | None = None, **more: Any) -> MarketStreams:
    at_ms = np.array(times if times is not None else [T0 + at for at in range(len(prices))])
    tape = TradeTape(at_ms, np.array(prices), np.ones(len(prices)), np.ones(len(prices), np.bool_))
    return MarketStreams("x", "BTCUSDT", trades=tape, **more)


class _Listener(Scripted):
    """Keeps the context and looks at some of its trades late or twice."""

    name = "listener"

    def __init__(self) -> None:
        super().__init__(lambda context: None)
        self.records: list[Any] = []

    def on_trade(self, context: Any) -> None:
        if context.event.price > 100.5:
            self.records.append(context.event)
            assert context.event is self.records[-1]
            context.buy(Decimal(1))

    def on_fill(self, context: Any) -> None:
        self.records.append(context.event)


def test_the_record_of_a_trade_is_made_when_it_is_looked_at() -> None:
    streams = [_tape([100.0, 101.0, 100.0, 102.0])]
    strategy = _Listener()
    run_events(strategy, streams, account(streams))
    # The buy at 101 is filled by the next trade, at 100, and told before that one is heard.
    assert [type(one).__name__ for one in strategy.records] == ["Trade", "Fill", "Trade"]
    assert [float(one.price) for one in strategy.records] == [101.0, 100.0, 102.0]
    assert [one.quantity for one in strategy.records] == [1.0, Decimal(1), 1.0]
    assert strategy.records[2].timestamp_ms == T0 + 3


@pytest.mark.parametrize(
    ("prices", "times", "message"),
    [
        ([100.0, float("nan"), 100.0], None, "price"),
        ([100.0, -1.0, 100.0], None, "price"),
        ([100.0, float("inf"), 100.0], None, "price"),
        ([100.0, 100.0, 100.0], [T0, T0 + 5, T0 + 4], "at_ms"),
    ],
)
def test_a_tape_that_nobody_checked_is_refused_all_the_same(
    prices: list[float], times: list[int] | None, message: str
) -> None:
    streams = [_tape(prices, times)]
    with pytest.raises(RequestError, match=message):
        run_events(Scripted(lambda context: None), streams, account(streams))


def test_a_cut_between_two_events_goes_on_with_the_next_trade() -> None:
    heard: list[float] = []

    class Counter(Scripted):
        def on_trade(self, context: Any) -> None:
            heard.append(context.event.price)

    streams = [_tape([100.0, 101.0, 102.0, 103.0])]
    run = EventRun(Counter(lambda context: None), streams, account(streams))
    run.run(until_ms=T0 + 2)
    assert heard == [100.0, 101.0]
    run.run()
    assert heard == [100.0, 101.0, 102.0, 103.0]


def test_the_trade_of_the_ruin_is_the_last_one_heard() -> None:
    session = Session(seed=4, strategy=Hearing, tape="wild", cash=30, share=0.1)
    fast = session.played(shortcuts=True)
    assert fast == session.played(shortcuts=False)
    seen, _, _ = fast
    worth = [Decimal(account_[0]) for kind, *_, account_, _ in seen if kind == "trade"]
    assert worth[-1] <= 0
    assert all(one > 0 for one in worth[:-1])
