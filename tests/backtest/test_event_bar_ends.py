"""The loop of bar ends does what the general one does, and plays only what it can."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.event_markets import HOUR, T0, Scripted, account
from tests.backtest.event_sessions import MINUTE, MINUTES, UNHEARD, Restless, Session

from headwater.backtest.event_bar_ends import BarEnds
from headwater.backtest.event_desk import EventDesk
from headwater.backtest.event_lane import Lane
from headwater.backtest.event_run import EventRun
from headwater.backtest.event_streams import MarketStreams, TradeTape, ValueTape
from headwater.backtest.event_timeline import timeline_of
from headwater.backtest.event_trades import EventTrades
from headwater.core.order_kinds import MarginMode
from headwater.strategies.growing_bars import GrowingBars
from headwater.trading.paper_assumptions import LimitFill, MarketTiming

SESSIONS = st.builds(
    Session,
    seed=st.integers(0, 2**32),
    strategy=st.sampled_from(UNHEARD),
    contracts=st.sampled_from([1, 1, 1, 2]),
    tape=st.sampled_from(["grid", "off", "mixed", "unknown", "runs", "wild"]),
    extras=st.frozensets(st.sampled_from(["bars", "known", "funding", "marks", "others"])),
    cash=st.sampled_from([30, 200, 10_000]),
    timing=st.sampled_from(list(MarketTiming)),
    limit_fill=st.sampled_from(list(LimitFill)),
    margin_mode=st.sampled_from(list(MarginMode)),
    share=st.sampled_from([0.05, 0.3, 1.0]),
)


@settings(max_examples=250, deadline=None)
@given(SESSIONS, st.none() | st.integers(0, MINUTES * MINUTE))
def test_the_loop_is_the_same_as_the_general_one(session: Session, cut: int | None) -> None:
    cut_ms = None if cut is None else T0 + cut
    fast = session.played(shortcuts=True, cut_ms=cut_ms)
    assert fast == session.played(shortcuts=False, cut_ms=cut_ms)


def test_the_bar_of_the_ruin_is_the_last_one() -> None:
    session = Session(seed=1, strategy=Restless, tape="wild", cash=30)
    fast = session.played(shortcuts=True)
    assert fast == session.played(shortcuts=False)
    _, ((sample_ms, equity, *_, insolvent_ms, _),), _ = fast
    assert insolvent_ms is not None
    assert sample_ms[-1] >= insolvent_ms
    assert equity[-1] <= 0.0


def _hourly(count: int, **more: Any) -> MarketStreams:
    """A trade of a buyer and one of a seller each hour, 100 and 99.99, then a cent higher."""
    rows = range(2 * count)
    return MarketStreams(
        "x",
        "BTCUSDT",
        trades=TradeTape.of(
            [T0 + row * HOUR // 2 for row in rows],
            [round(100 + (row // 2 - row % 2) / 100, 2) for row in rows],
            [1.0] * len(rows),
            [row % 2 == 0 for row in rows],
        ),
        bar_interval_ms=HOUR,
        **more,
    )


def _loop(streams: list[MarketStreams]) -> BarEnds | None:
    terms = account(streams)
    venue = terms.venue()
    shown = [one.all_bars() for one in streams]
    lanes = [
        Lane(index, venue.market(one.exchange, one.symbol), GrowingBars(bars))
        for index, (one, bars) in enumerate(zip(streams, shown, strict=True))
    ]
    desk = EventDesk(Scripted(lambda context: None), venue, lanes)
    desk.hears_trade = False
    timeline = timeline_of(streams, shown, [None] * len(streams))
    return BarEnds.of(desk, EventTrades(desk, streams, timeline), timeline)


def test_it_plays_ends_of_bars_up_to_the_next_other_event() -> None:
    # Bars end at hours 1 to 10; open interest comes at 5:30, so it is event 5 behind five ends.
    loop = _loop([_hourly(10, open_interest=ValueTape.of([T0 + 5 * HOUR + HOUR // 2], [1.0]))])
    assert loop is not None
    assert loop.behind(0) == 5
    assert loop.behind(5) == 5  # No end of a bar.
    assert loop.behind(6) == 6  # The trades before it are not played yet.
    assert loop.play(0, 5) == 5


def test_few_ends_in_a_row_are_left_to_the_general_loop() -> None:
    loop = _loop([_hourly(3)])
    assert loop is not None
    assert loop.behind(0) == 0


def test_it_is_not_made_for_several_contracts_or_bars_heard_together() -> None:
    one, other = _hourly(5), _hourly(5)
    assert _loop([one, MarketStreams("y", "BTCUSDT", trades=other.trades)]) is None
    bars = one.all_bars()
    known = bars.timestamp_ms + 9 * HOUR
    known[:] = known[-1]
    together = MarketStreams("x", "BTCUSDT", bars=bars, trades=one.trades, bars_known_ms=known)
    assert _loop([together]) is None


def test_equity_by_hand_between_a_fill_and_the_next() -> None:
    streams = [_hourly(6)]

    def act(context: Any) -> None:
        if len(context.bars) == 1:
            context.buy(Decimal(10))
        elif len(context.bars) == 4:
            context.sell(Decimal(30))

    outcome = EventRun(Acting(act), streams, account(streams)).run()
    # Closes: 99.99, 100, 100.01, ... Bought 10 at 100.01 from the first trade behind the first
    # close; sold 30 behind the fourth to the bid, 100.02: 0.1 earned, −20 from there.
    # Equity: 0; 10 × −0.01; 0; 10 × 0.01; 0.1 − 20 × 0.01; 0.1 − 20 × 0.02.
    assert [round(value - 10_000, 9) for value in outcome.equity.tolist()] == [
        0.0, -0.1, 0.0, 0.1, -0.1, -0.3,
    ]  # fmt: skip
    assert outcome.held[0].tolist() == [0.0, 10.0, 10.0, 10.0, -20.0, -20.0]


class Acting(Restless):
    """Hears bars alone and does at each what a function says."""

    name = "acts"

    def __init__(self, acts: Any) -> None:
        super().__init__(0, 0.0)
        self.acts = acts

    def on_bar(self, context: Any) -> None:
        self.acts(context)
