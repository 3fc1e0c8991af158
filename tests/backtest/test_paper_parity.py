"""A run and its back-test do the same, on streams that come late and out of order."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.event_markets import HOUR, T0, contract
from tests.backtest.test_paper_journal import HEADER
from tests.backtest.test_paper_run import candle, mark, trade

from headwater.backtest.event_account import EventAccount
from headwater.backtest.paper_journal import HeardTrade, JournalLine
from headwater.backtest.paper_parity import Parity, parity_of, recording_of
from headwater.backtest.paper_run import PaperRun, bars_from
from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.core.records import Record
from headwater.strategies.bars import Bar
from headwater.strategies.base import BaseStrategy, Decision


class Busy(BaseStrategy):
    """Quotes, takes and closes by a count of what it has heard."""

    name = "busy"

    def on_start(self, context: Any) -> None:
        self.count = 0

    def on_bar(self, context: Any) -> None:
        context.cancel_all()
        ticks = round(context.bars.close[-1] * 100)
        context.quote(True, ticks - 3, 500)
        context.quote(False, ticks + 3, 500)

    def on_trade(self, context: Any) -> None:
        self.count += 1
        held = context.position()
        if self.count % 7 == 0:
            context.buy(Decimal(1), stop_loss=Decimal("0.001"), take_profit=Decimal("0.002"))
        elif self.count % 5 == 0 and held:
            context.place(Side.SELL if held > 0 else Side.BUY, abs(held), reduce_only=True)


class Flipping(BaseStrategy):
    """Asked at closes: in at even ones, out at odd ones."""

    name = "flipping"

    def should_open_position(self, data: Any) -> Decision:
        return len(data) % 2 == 0, None

    def should_close_position(self, position: Any, data: Any) -> Decision:
        return len(data) % 2 == 1, "odd"


STRATEGIES = {one.name: one for one in (Busy, Flipping)}


def _make(name: str, given_: Mapping[str, Any]) -> BaseStrategy:
    return STRATEGIES[name](given_)


def _live(name: str, records: list[Record]) -> list[JournalLine]:
    """The journal of a run over records in the order of their arrival."""
    past = (Bar(timestamp_ms=T0 - HOUR, open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0),)
    header = msgspec.structs.replace(
        HEADER, strategy=name, parameters={}, interval_ms=HOUR, past=(past,)
    )
    lines: list[JournalLine] = [header]
    account = EventAccount(contracts=(contract("x", fee="0.0005"),), cash=Decimal(header.cash))
    bars = bars_from(past, symbol="BTCUSDT", interval_ms=HOUR)
    run = PaperRun(STRATEGIES[name](), account, interval_ms=HOUR, past=[bars], write=lines.append)
    for record in records:
        run.hear(record)
    lines.append(run.end("stopped"))
    return lines


def _session(chance: Any) -> list[Record]:
    """Some hours of a market: trades, closed candles that come late, mark prices."""
    records: list[Record] = []
    price = 10_000
    for hour in range(6):
        for _ in range(chance.randint(0, 25)):
            price += chance.randint(-4, 4)
            at_ms = T0 + hour * HOUR + chance.randint(0, HOUR - 1)
            side = chance.choice([Side.BUY, Side.SELL])
            records.append(trade(at_ms, price / 100, side))
        records.append(candle(T0 + hour * HOUR, price / 100))
        next_ms = T0 + (hour // 2 * 2 + 2) * HOUR
        records.append(mark(T0 + hour * HOUR + 7, price / 100, 0.0001, next_ms))
    return records


@given(chance=st.randoms(use_true_random=False), name=st.sampled_from(sorted(STRATEGIES)))
@settings(max_examples=60, deadline=None)
def test_the_back_test_over_the_journal_does_the_same(chance: Any, name: str) -> None:
    found = parity_of(recording_of(_live(name, _session(chance))), _make)
    assert found.differences == ()
    assert found.is_equal
    assert found.live_equity == found.replayed_equity


def _busy(alter: Any = None) -> Parity:
    lines = _live("busy", [trade(T0 + n, 100.0 + n % 5 / 100) for n in range(60)])
    if alter is not None:
        lines = [alter(one) for one in lines]
    return parity_of(recording_of(lines), _make)


def test_what_differs_is_counted_and_listed() -> None:
    assert _busy().live_fills > 5
    later = _busy(
        lambda line: (
            msgspec.structs.replace(line, price=line.price + 0.01)
            if isinstance(line, HeardTrade)
            else line
        )
    )
    assert not later.is_equal
    assert later.differing >= later.live_fills
    assert later.differences[0].live != later.differences[0].replayed
    assert len(later.differences) <= 50


def test_a_run_without_an_end_is_compared_as_far_as_it_goes() -> None:
    lines = _live("busy", [trade(T0 + n, 100.0) for n in range(20)])[:-1]
    found = parity_of(recording_of(lines), _make)
    assert found.is_equal
    assert not found.is_ended


def test_a_journal_of_nothing_is_refused() -> None:
    with pytest.raises(RequestError, match="nothing heard"):
        recording_of([HEADER])
