"""Smaller bars in place of the bars they make up."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.drives import HOUR_MS, bars_of, halves, some_of, walk
from tests.backtest.event_markets import Scripted, account
from tests.backtest.event_sessions import RestlessAboutFills

from headwater.backtest.event_detail import met_bars
from headwater.backtest.event_run import run_events
from headwater.backtest.event_streams import MarketStreams, TradeTape
from headwater.backtest.event_timeline import EventKind, timeline_of
from headwater.backtest.funding import FundingColumns
from headwater.core.errors import RequestError
from headwater.strategies.bars import COLUMNS, Bars
from headwater.trading.paper_assumptions import FillAssumptions, MarketTiming

HALF = HOUR_MS // 2
DAY = 24 * HOUR_MS


def _without(bars: Bars, *rows: int) -> Bars:
    return some_of(bars, ~np.isin(np.arange(len(bars)), rows))


def test_a_bar_of_which_a_part_is_missing_is_met_itself() -> None:
    bars = walk(1, 4)
    # Of the second hour the second half is not there, of the fourth nothing is.
    met = met_bars(bars, _without(halves(bars), 3, 6, 7))
    first = int(bars.timestamp_ms[0])
    assert (met.bars.timestamp_ms - first).tolist() == [
        0,
        HALF,
        2 * HALF,
        4 * HALF,
        5 * HALF,
        6 * HALF,
    ]
    assert (met.ends_ms - first).tolist() == [
        HALF,
        2 * HALF,
        4 * HALF,
        5 * HALF,
        6 * HALF,
        8 * HALF,
    ]
    assert met.bars.close[[2, 5]].tolist() == bars.close[[1, 3]].tolist()
    assert met.bars.open[[0, 3]].tolist() == bars.open[[0, 2]].tolist()


def test_a_hole_between_bars_stays_one() -> None:
    whole = walk(1, 5)
    met = met_bars(_without(whole, 2), halves(whole))
    first = int(whole.timestamp_ms[0])
    assert (met.bars.timestamp_ms - first).tolist() == [
        HALF * at for at in (0, 1, 2, 3, 6, 7, 8, 9)
    ]


@pytest.mark.parametrize("moved_ms", [HALF // 3, [HALF // 3, 0] * 4, [0, HALF // 3] * 4])
def test_smaller_bars_that_lie_otherwise_than_the_bars_make_up_none(moved_ms: Any) -> None:
    bars = walk(1, 4)
    smaller = halves(bars)
    columns = {name: getattr(smaller, name) for name in COLUMNS}
    times = smaller.timestamp_ms + np.array(moved_ms)
    met = met_bars(bars, Bars(times, columns, interval_ms=HALF))
    assert met.bars.timestamp_ms.tolist() == bars.timestamp_ms.tolist()
    assert met.bars.close.tolist() == bars.close.tolist()


def test_the_last_month_has_all_its_days() -> None:
    # January, February and March of 1970, by days whose prices are their numbers.
    price = np.arange(1.0, 91.0)
    days = Bars(np.arange(90) * DAY, dict.fromkeys(COLUMNS, price))
    months = Bars(np.array([0, 31, 59]) * DAY, dict.fromkeys(COLUMNS, price[[30, 58, 89]]))
    met = met_bars(months, days)
    assert met.bars.close.tolist() == price.tolist()
    assert met.ends_ms.tolist() == [*days.timestamp_ms[1:].tolist(), 90 * DAY]


def test_smaller_bars_end_before_the_bar_they_make_up() -> None:
    bars = walk(1, 2)
    stream = MarketStreams("x", "B", bars=bars, detail=halves(bars)).checked()
    line = timeline_of([stream], [bars], [met_bars(bars, halves(bars))])
    first = int(bars.timestamp_ms[0])
    told = [
        ((at - first) // HALF, EventKind(kind).name, row)
        for at, kind, row in zip(line.at_ms, line.kind, line.row, strict=True)
    ]
    assert told == [
        (0, "BAR_OPEN", 0),
        (1, "DETAIL_END", 0),
        (1, "BAR_OPEN", 1),
        (2, "DETAIL_END", 1),
        (2, "BAR_END", 0),
        (2, "BAR_OPEN", 2),
        (3, "DETAIL_END", 2),
        (3, "BAR_OPEN", 3),
        (4, "DETAIL_END", 3),
        (4, "BAR_END", 1),
    ]


def test_they_need_bars_to_fit_into_and_no_trades() -> None:
    bars = walk(1, 4)
    trades = TradeTape.of([int(bars.timestamp_ms[0])], [1.0], [1.0])
    with pytest.raises(RequestError, match="bars, and no trades, which tell more"):
        MarketStreams("x", "B", bars=bars, trades=trades, detail=halves(bars)).checked()
    with pytest.raises(RequestError, match="fit into those of 3600000 ms"):
        MarketStreams("x", "B", bars=bars, detail=bars).checked()


def test_a_bar_is_over_before_the_end_of_another_contracts_smaller_one_is_heard() -> None:
    """One contract has halves, one has none: an order of either fills within its second hour."""
    x, y = (
        bars_of([100.0] * 3, [100.0] * 3, [100.0, 90.0, 100.0], [100.0] * 3, symbol="BTCUSDT")
        for _ in "xy"
    )
    streams = [
        MarketStreams("x", "BTCUSDT", bars=x, detail=halves(x)),
        MarketStreams("y", "BTCUSDT", bars=y),
    ]

    def act(context: Any) -> None:
        if len(context.bars) == 1:
            context.buy(Decimal(1), price=Decimal(95))

    strategy = Scripted(act)
    outcome = run_events(strategy, streams, account(streams))
    first = int(x.timestamp_ms[0])
    # In the second half of the hour of x, and before the end of that of y.
    assert [(one.exchange, one.at_ms - first) for one in outcome.fills] == [
        ("x", 3 * HALF),
        ("y", 3 * HALF),
    ]
    heard = [one[0] for one in strategy.heard if one[1] == first + 4 * HALF]
    assert heard == ["fill", "fill", "bar", "bar"]


class Hourly(RestlessAboutFills):
    """Acts by chance at the ends of hours and at fills."""

    name = "hourly"

    def on_bar(self, context: Any) -> None:
        if context.now_ms % HOUR_MS == 0:
            self.look("bar", context)

    def look(self, kind: str, context: Any) -> None:
        account = (str(context.equity), str(context.position()))
        self.seen.append((kind, context.now_ms, context.exchange, context.last_price(), account))
        if self.chance.random() < self.share:
            self.act(context)


@given(
    seed=st.integers(0, 2**32),
    hours=st.integers(2, 40),
    kinds=st.lists(st.sampled_from(["smaller", "hours"]), min_size=1, max_size=3),
    timing=st.sampled_from(list(MarketTiming)),
    deviation=st.sampled_from([0.002, 0.02]),
    cash=st.sampled_from([300, 10_000]),
)
@settings(max_examples=60, deadline=None)
def test_hours_with_smaller_bars_are_the_smaller_bars_of_which_the_strategy_hears_the_last(
    seed: int, hours: int, kinds: list[str], timing: MarketTiming, deviation: float, cash: int
) -> None:
    """To the last event, also of contracts that have none, in ruin and with funding anywhere."""
    chance = np.random.default_rng(seed)
    with_smaller, alone = [], []
    for index, kind in enumerate(kinds):
        bars = walk(seed + index, hours, deviation=deviation, tick=0.01)
        span = (int(bars.timestamp_ms[0]), int(bars.timestamp_ms[-1]) + HOUR_MS)
        due = chance.integers(*span, 6)
        due = np.sort(np.where(chance.random(6) < 0.5, due // HALF * HALF, due))
        paid = FundingColumns.of(due, chance.normal(0.0, 0.002, 6))
        smaller = halves(bars)
        name, is_long = (f"x{index}", "BTCUSDT"), kind == "hours"
        detail = None if is_long else smaller
        with_smaller.append(MarketStreams(*name, bars=bars, funding=paid, detail=detail))
        alone.append(MarketStreams(*name, bars=bars if is_long else smaller, funding=paid))
    terms = account(alone, fee="0.0003", cash=cash, fills=FillAssumptions(timing=timing))
    played: list[Any] = []
    for streams in (with_smaller, alone):
        strategy = Hourly(seed, 0.4)
        try:
            outcome = run_events(strategy, streams, terms)
        except RequestError as error:
            played.append((strategy.seen, str(error)))
            continue
        at_ms, equity = outcome.sample_ms.tolist(), outcome.equity.tolist()
        hourly = {at: one for at, one in zip(at_ms, equity, strict=True) if at % HOUR_MS == 0}
        if outcome.insolvent_ms is not None:
            hourly = {}
        played.append((strategy.seen, outcome.events, outcome.insolvent_ms, hourly))
    assert played[0] == played[1]
