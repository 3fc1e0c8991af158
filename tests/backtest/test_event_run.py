"""Event runs by hand: several contracts, funding, trades, the order of events, cuts, bad input."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.backtest.drives import bars_of, walk
from tests.backtest.event_markets import HOUR, T0, Scripted, account

from headwater.backtest.event_run import EventRun, run_events
from headwater.backtest.event_streams import LiquidationTape, MarketStreams, TradeTape, ValueTape
from headwater.backtest.funding import FundingColumns
from headwater.core.errors import RequestError
from headwater.core.order_kinds import TimeInForce
from headwater.strategies.base import BaseStrategy
from headwater.strategies.funding_carry import FundingCarry
from headwater.strategies.sma_cross import SmaCross
from headwater.trading.paper_assumptions import FillAssumptions, LimitFill


def _flat(
    exchange: str, prices: list[float], symbol: str = "BTCUSDT", **more: Any
) -> MarketStreams:
    return MarketStreams(
        exchange, symbol, bars=bars_of(prices, prices, prices, prices, symbol=symbol), **more
    )


def test_a_portfolio_of_two_contracts_shares_one_account() -> None:
    streams = [
        _flat("x", [100.0, 101.0, 103.0, 104.0]),
        _flat("y", [50.0, 50.0, 49.0, 48.0], "ETHUSDT"),
    ]

    def act(context: Any) -> None:
        if len(context.bars) == 1 and context.exchange == "x":
            context.buy(Decimal(10))
            context.sell(Decimal(20), symbol="ETHUSDT", exchange="y")

    outcome = run_events(Scripted(act), streams, account(streams, fee="0.001"))
    # Decided at the first close, filled at the second opens: 10 at 101, −20 at 50; fees 1.01 + 1.
    # Closes: 0; −2.01; + 10 × 2 + 20 × 1 − 2.01 = 37.99; + 10 × 3 + 20 × 2 − 2.01 = 67.99.
    assert outcome.equity == pytest.approx([10_000, 9_997.99, 10_037.99, 10_067.99], abs=1e-9)
    assert [column.tolist() for column in outcome.held] == [[0, 10, 10, 10], [0, -20, -20, -20]]
    assert [(one.symbol, one.price, one.quantity) for one in outcome.fills] == [
        ("BTCUSDT", Decimal(101), Decimal(10)),
        ("ETHUSDT", Decimal(50), Decimal(20)),
    ]
    assert [one.exit_ms for one in outcome.trips] == [None, None]


def test_a_contract_without_a_bar_is_not_filled_there() -> None:
    # y has no second and third bar: what was ordered waits for its next open, at 60.
    bars = bars_of([50.0, 60.0], [50.0, 60.0], [50.0, 60.0], [50.0, 60.0], symbol="ETHUSDT")
    times = np.array([T0, T0 + 3 * HOUR])
    y = MarketStreams(
        "y",
        "ETHUSDT",
        bars=type(bars)(
            times,
            {name: bars[name] for name in ("open", "high", "low", "close", "volume")},
            symbol="ETHUSDT",
            interval_ms=HOUR,
        ),
    )
    streams = [_flat("x", [100.0, 100.0, 100.0, 100.0]), y]

    def act(context: Any) -> None:
        if context.exchange == "y" and len(context.bars) == 1:
            context.buy(Decimal(1))

    outcome = run_events(Scripted(act), streams, account(streams))
    assert [(one.at_ms, one.price) for one in outcome.fills] == [(T0 + 3 * HOUR, Decimal(60))]
    assert outcome.sample_ms.tolist() == [T0 + HOUR * hour for hour in (1, 2, 3, 4)]


def test_events_come_in_their_order_and_none_is_later_than_now() -> None:
    trades = TradeTape.of(
        [T0 + 10, T0 + HOUR - 1, T0 + HOUR, T0 + HOUR + 5],
        [100.0, 101.0, 102.0, 103.0],
        [1.0] * 4,
        [True, False, True, True],
    )
    streams = [
        MarketStreams(
            "x",
            "BTCUSDT",
            trades=trades,
            bar_interval_ms=HOUR,
            liquidations=LiquidationTape.of([T0 + HOUR], [100.0], [2.0], [True]),
            funding=FundingColumns.of([T0 + HOUR], [0.0001]),
            open_interest=ValueTape.of([T0 + HOUR + 1], [7.0]),
            heatmaps=((T0 + 20, "early"), (T0 + HOUR + 1, "late")),
        )
    ]
    seen: list[Any] = []

    def act(context: Any) -> None:
        seen.append(
            (
                context.bars.close[-1],
                context.last_price(),
                context.open_interest(),
                context.funding_rate(),
                context.liquidations(HOUR).count,
                context.heatmap(),
            )
        )
        context.buy(Decimal(1))

    strategy = Scripted(act)
    run_events(strategy, streams, account(streams))
    end = T0 + HOUR
    assert strategy.heard == [
        ("start", T0 + 10),
        ("trade", T0 + 10, "x", 100.0),
        ("trade", end - 1, "x", 101.0),
        ("bar", end, "x", 1),
        ("liquidation", end, "x", 200.0),
        ("funding", end, "x", 0.0001),
        # Met by the next trade, of the same moment; told before that trade is heard.
        ("fill", end, "x", Decimal(102)),
        ("trade", end, "x", 102.0),
        ("trade", end + 5, "x", 103.0),
        ("bar", end + HOUR, "x", 2),
    ]
    assert seen == [
        (101.0, 101.0, None, None, 0, "early"),
        (103.0, 103.0, 7.0, 0.0001, 1, "late"),
    ]


def test_funding_within_a_bar_is_heard_then_and_paid_at_its_end() -> None:
    streams = [_flat("x", [100.0] * 3, funding=FundingColumns.of([T0 + HOUR + HOUR // 2], [0.01]))]
    told: list[Decimal] = []

    class Holder(Scripted):
        def on_funding(self, context: Any) -> None:
            super().on_funding(context)
            told.append(context.equity)

    strategy = Holder(lambda context: context.buy(Decimal(10)) if len(context.bars) == 1 else None)
    outcome = run_events(strategy, streams, account(streams))
    assert ("funding", T0 + HOUR + HOUR // 2, "x", 0.01) in strategy.heard
    assert told == [Decimal(10_000)]  # What the bar will come to is not known yet.
    # 10 × 100 × 0.01 = 10 paid at the second close.
    assert outcome.equity == pytest.approx([10_000, 9_990, 9_990])


def test_funding_carry_over_two_venues() -> None:
    prices = [100.0] * 6
    # Rates per 8 hours: x pays 0.0001, y 0.002; at 4 h both 0: the pair is closed.
    low = FundingColumns.of([T0 + HOUR, T0 + 3 * HOUR, T0 + 4 * HOUR], [0.0001, 0.0001, 0.0])
    high = FundingColumns.of([T0 + HOUR, T0 + 3 * HOUR, T0 + 4 * HOUR], [0.002, 0.002, 0.0])
    streams = [
        _flat("x", prices, funding=low, funding_interval_h=8.0),
        _flat("y", prices, funding=high, funding_interval_h=8.0),
    ]
    outcome = run_events(FundingCarry(), streams, account(streams, fee="0.0005"))
    # At 1 h: 0.45 × 10,000 / 100 = 45 a leg. 4 fills × 4,500 × 0.0005 = 9 of fees.
    # At 3 h the long pays 0.45, the short receives 9.
    assert outcome.final_equity == pytest.approx(10_000 - 9 - 0.45 + 9)
    assert [(one.exchange, one.is_long, one.quantity) for one in outcome.trips] == [
        ("x", True, 45.0),
        ("y", False, 45.0),
    ]
    assert all(one.exit_ms == T0 + 4 * HOUR for one in outcome.trips)


def _tape(seed: int, length: int, start: float) -> TradeTape:
    chance = np.random.default_rng(seed)
    ticks = np.round(start * 100) + np.cumsum(chance.integers(-3, 4, length))
    times = T0 + np.sort(chance.integers(0, 3 * HOUR, length))
    return TradeTape.of(
        times, ticks / 100, chance.random(length) + 0.01, chance.random(length) < 0.5
    )


class _Quoter(BaseStrategy):
    """Two quotes around the last close, placed anew at each bar."""

    name = "quoter"

    def on_bar(self, context: Any) -> None:
        context.cancel_all(context.symbol, context.exchange)
        middle = round(context.bars.close[-1] * 100)
        for is_buy in (True, False):
            context.quote(is_buy, middle + (-4 if is_buy else 4), 50)


class _HearingQuoter(_Quoter):
    """The same, hearing every trade and fill to no purpose."""

    name = "hearing_quoter"

    def on_trade(self, context: Any) -> None:
        assert context.event.timestamp_ms == context.now_ms

    def on_fill(self, context: Any) -> None:
        assert context.event.at_ms <= context.now_ms


def _quoted() -> list[MarketStreams]:
    return [
        MarketStreams("x", "BTCUSDT", trades=_tape(1, 4_000, 100.0), bar_interval_ms=60_000),
        MarketStreams("y", "BTCUSDT", trades=_tape(2, 3_000, 100.0), bar_interval_ms=60_000),
    ]


def test_hearing_trades_changes_nothing_but_the_time_it_takes() -> None:
    streams = _quoted()
    silent = run_events(_Quoter(), streams, account(streams, fee="0.0001"))
    hearing = run_events(_HearingQuoter(), streams, account(streams, fee="0.0001"))
    assert len(silent.fills) > 50
    assert silent.fills == hearing.fills
    assert np.array_equal(silent.equity, hearing.equity)
    assert silent.events == hearing.events


def test_splitting_the_data_and_resuming_equals_one_run() -> None:
    streams = _quoted()
    terms = account(streams, fee="0.0001")
    whole = run_events(_Quoter(), streams, terms)
    for at_ms in (T0 + 60_000, T0 + 47 * 60_000, T0 + 90 * 60_000 + 30_001):
        strategy = _Quoter()
        first = EventRun(strategy, streams, terms)
        one = first.run(until_ms=at_ms)
        assert one.is_cut
        second = EventRun(strategy, streams, terms, snapshot=first.snapshot(at_ms))
        two = second.run()
        assert one.fills + two.fills == whole.fills
        assert np.array_equal(np.concatenate((one.equity, two.equity)), whole.equity)
        assert two.venue.equity == whole.venue.equity


def test_a_cut_within_a_bar_that_matches_orders_is_refused() -> None:
    streams = [_flat("x", [100.0] * 4)]
    run = EventRun(Scripted(lambda context: None), streams, account(streams))
    run.run(until_ms=T0 + HOUR + 1)
    with pytest.raises(RequestError, match="under way"):
        run.snapshot(T0 + HOUR + 1)


def test_truncating_the_future_changes_no_past_fill() -> None:
    bars = walk(3, 200, tick=0.01)
    whole = [MarketStreams("x", "BTCUSDT", bars=bars)]
    part = [MarketStreams("x", "BTCUSDT", bars=bars[:120])]
    every = run_events(_Quoter(), whole, account(whole)).fills
    some = run_events(_Quoter(), part, account(part)).fills
    assert len(some) > 20
    assert every[: len(some)] == some


def test_orders_of_every_kind_go_through_the_context() -> None:
    streams = [_flat("x", [100.0, 100.0, 90.0, 100.0, 100.0])]
    seen: list[Any] = []

    def act(context: Any) -> None:
        if len(context.bars) == 1:
            first = context.buy(Decimal(1), price=Decimal(95), client_order_id="low")
            assert first == "low"
            context.sell(Decimal(1), price=Decimal(200), post_only=True, client_order_id="high")
            context.buy(Decimal(1), trigger_price=Decimal(300), client_order_id="stop")
            context.sell(
                Decimal(1), price=Decimal(250), time_in_force=TimeInForce.IOC, client_order_id="now"
            )
            seen.append(len(context.orders()))
            assert context.amend("high", price=Decimal(210))
        elif len(context.bars) == 3:
            seen.append((context.position(), context.position_record().entry_price))
            assert context.cancel("stop")
            assert not context.cancel("stop")
            seen.append([one.client_order_id for one in context.orders("BTCUSDT")])
            seen.append(context.cancel_all())

    strategy = Scripted(act)
    outcome = run_events(
        strategy,
        streams,
        account(streams, fills=FillAssumptions(limit_fill=LimitFill.THROUGH)),
    )
    assert seen == [4, (Decimal(1), Decimal(95)), ["high"], 1]
    assert [one.client_order_id for one in outcome.fills] == ["low"]
    assert outcome.pending == []


def test_bad_input_is_refused_by_name() -> None:
    streams = [_flat("x", [100.0, 100.0])]
    terms = account(streams)
    with pytest.raises(RequestError, match="AskedStrategy"):
        run_events(SmaCross(), streams, terms)
    with pytest.raises(RequestError, match="streams"):
        run_events(_Quoter(), [], terms)
    with pytest.raises(RequestError, match="bars, trades or both"):
        run_events(_Quoter(), [MarketStreams("x", "BTCUSDT")], terms)
    for act, message in (
        (lambda context: context.buy(Decimal(-1)), "quantity"),
        (lambda context: context.buy(Decimal(1), symbol="NONE"), "x:BTCUSDT"),
        (lambda context: context.cancel("nothing"), "client_order_id"),
        (lambda context: context.place("up", Decimal(1)), "buy or sell"),
    ):
        with pytest.raises(RequestError, match=message):
            run_events(Scripted(act), streams, terms)


def test_a_fill_is_the_same_record_however_often_it_is_read() -> None:
    heard: list[Any] = []

    class Reading(Scripted):
        def on_fill(self, context: Any) -> None:
            assert context.event is context.event
            heard.append(context.event)

    streams = [_flat("x", [100.0] * 4)]
    acting = Reading(lambda context: context.buy(Decimal(1)))
    outcome = run_events(acting, streams, account(streams))
    assert len(heard) == 3
    assert tuple(heard) == outcome.fills


def test_a_strategy_that_answers_fills_for_ever_is_stopped() -> None:
    from headwater.trading.paper_assumptions import MarketTiming

    class Endless(Scripted):
        def on_fill(self, context: Any) -> None:
            context.buy(Decimal(1))

    streams = [_flat("x", [100.0] * 3)]
    terms = account(streams, cash=10**9, fills=FillAssumptions(timing=MarketTiming.SAME_CLOSE))
    with pytest.raises(RequestError, match="rounds"):
        run_events(Endless(lambda context: context.buy(Decimal(1))), streams, terms)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    streams = [_flat("x", [100.0] * 10)]
    run_events(
        _Quoter(), streams, account(streams), progress=lambda done, of: told.append((done, of))
    )
    assert told == [(0, 20)]
