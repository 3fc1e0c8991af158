"""The outcome of an event run as that of a run over bars."""

from decimal import Decimal
from typing import Any

import numpy as np
from tests.backtest.drives import bars_of
from tests.backtest.event_markets import HOUR, Scripted, account

from headwater.backtest.assumptions import Assumptions, FillRule
from headwater.backtest.event_account import EventAccount
from headwater.backtest.event_run import run_events
from headwater.backtest.event_streams import MarketStreams
from headwater.backtest.outcome import Pending
from headwater.core.orders import OrderEvent
from headwater.strategies.bars import Bars


def test_refusals_and_pending_orders_are_told_by_bar() -> None:
    flat = [100.0, 100.0, 100.0]
    bars = bars_of(flat, flat, flat, flat)

    def act(context: Any) -> None:
        if len(context.bars) == 1:
            context.buy(Decimal(100_000))  # Ten millions with 10,000 at leverage 10.
        if len(context.bars) == 2:
            context.buy(Decimal(1))
        if len(context.bars) == 3:
            context.sell(Decimal(1), reduce_only=True)
            context.sell(Decimal(1))

    streams = [MarketStreams("x", "BTCUSDT", bars=bars)]
    found = run_events(Scripted(act), streams, account(streams))
    outcome = found.single(bars)
    (refused,) = outcome.refused
    assert (refused.bar, refused.action) == (1, "enter_long")
    assert "not enough free margin" in refused.reason
    # An exit with an entry behind it, both without a bar to come.
    assert outcome.pending == (Pending(bar=2, action="reverse_short"),)
    assert outcome.trades.entry_bar.tolist() == [2]
    assert outcome.trades.exit_bar.tolist() == [-1]
    assert outcome.held.tolist() == [0.0, 0.0, 1.0]
    assert found.dropped == 0
    assert [one.sequence for one in found.events] == list(range(1, len(found.entries) + 1))
    assert all(isinstance(one, OrderEvent) and one.text for one in found.events)


def test_fills_at_a_close_belong_to_the_bar_that_ends_and_others_to_the_one_they_are_in() -> None:
    # Bought at the closes of bars 0 and 2, which ends when bar 3 opens. The first is stopped in
    # bar 1, which falls to 89; the second is sold at the close of bar 4.
    flat = [100.0] * 5
    bars = bars_of(flat, flat, [100.0, 89.0, 100.0, 100.0, 100.0], flat)

    def act(context: Any) -> None:
        if len(context.bars) == 1:
            context.buy(Decimal(1), stop_loss=Decimal("0.1"))
        if len(context.bars) == 3:
            context.buy(Decimal(1))
        if len(context.bars) == 5:
            context.sell(Decimal(1))

    terms = EventAccount.of(Assumptions(fill=FillRule.CLOSE).checked(), [("x", "BTCUSDT")])
    found = run_events(Scripted(act), [MarketStreams("x", "BTCUSDT", bars=bars)], terms)
    trades = found.single(bars).trades
    assert trades.entry_bar.tolist() == [0, 2]
    assert trades.exit_bar.tolist() == [1, 4]
    assert trades.exit_price.tolist() == [90.0, 100.0]
    assert len(found.at_close) == 3


def test_a_quoted_side_may_be_what_numpy_says_of_two_numbers() -> None:
    flat = [100.0] * 3
    bars = bars_of(flat, flat, flat, flat)

    def act(context: Any) -> None:
        is_buy = np.float64(context.bars.close[-1]) > np.float64(200.0)
        context.quote(is_buy, 9_000, 1_000)  # one for sale from 90 on

    streams = [MarketStreams("x", "BTCUSDT", bars=bars)]
    found = run_events(Scripted(act), streams, account(streams)).single(bars)
    assert [one.side for one in found.trades.records()] == ["short"]


def test_a_bar_of_which_two_smaller_ones_are_ambiguous_is_told_once() -> None:
    # Bought at the open of bar 1, stop 90, target 110: both halves reach both. Stopped in the
    # first, it is bought again at the second one's open.
    flat, high, low = [100.0] * 2, [100.0, 120.0], [100.0, 80.0]
    bars = bars_of(flat, high, low, flat)
    smaller = Bars.from_columns(
        bars.timestamp_ms[0] + np.arange(4) * HOUR // 2,
        {
            "open": [100.0] * 4,
            "high": [100.0, 100.0, 120.0, 120.0],
            "low": [100.0, 100.0, 80.0, 80.0],
            "close": [100.0] * 4,
            "volume": [1.0] * 4,
        },
    )

    class Again(Scripted):
        def on_fill(self, context: Any) -> None:
            if context.event.side == "sell":
                self.acts(context)

    def act(context: Any) -> None:
        if len(context.bars) == 1:
            context.buy(Decimal(1), stop_loss=Decimal("0.1"), take_profit=Decimal("0.1"))

    streams = [MarketStreams("x", "BTCUSDT", bars=bars, detail=smaller)]
    found = run_events(Again(act), streams, account(streams))
    first = int(bars.timestamp_ms[0])
    assert [one.at_ms - first for one in found.ambiguous_bars] == [HOUR, 3 * HOUR // 2]
    outcome = found.single(bars)
    assert outcome.trades.exit_bar.tolist() == [1, 1]
    assert outcome.ambiguous_bars == (1,)
