"""Streams: checked at the door, and the bars that trades make."""

from typing import Any

import pytest
from tests.backtest.drives import bars_of
from tests.backtest.event_markets import HOUR, T0

from headwater.backtest.event_streams import (
    LiquidationTape,
    MarketStreams,
    TradeTape,
    ValueTape,
)
from headwater.core.errors import RequestError


def test_trades_make_bars_and_an_empty_interval_makes_none() -> None:
    tape = TradeTape.of([5, 9, 10, 11, 30], [2.0, 3.0, 5.0, 4.0, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0])
    bars = tape.bars(10, symbol="BTCUSDT")
    assert bars.timestamp_ms.tolist() == [0, 10, 30]
    assert bars.open.tolist() == [2.0, 5.0, 1.0]
    assert bars.high.tolist() == [3.0, 5.0, 1.0]
    assert bars.low.tolist() == [2.0, 4.0, 1.0]
    assert bars.close.tolist() == [3.0, 4.0, 1.0]
    assert bars.volume.tolist() == [3.0, 7.0, 5.0]
    assert len(TradeTape.of([], [], []).bars(10)) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TradeTape.of([2, 1], [1.0, 1.0], [1.0, 1.0]), "never fall"),
        (lambda: TradeTape.of([1], [float("nan")], [1.0]), "trades.price"),
        (lambda: TradeTape.of([1], [1.0], [0.0]), "trades.quantity"),
        (lambda: TradeTape.of([1], [1.0, 2.0], [1.0]), "as many values"),
        (lambda: TradeTape.of(["x"], [1.0], [1.0]), "whole ms"),
        (lambda: TradeTape.of([1], [1.0], [1.0]).bars(0), "interval_ms"),
        (lambda: LiquidationTape.of([1], [-1.0], [1.0], [True]), "liquidations.price"),
        (lambda: ValueTape.of([1], [float("inf")]), "finite"),
        (lambda: MarketStreams("x", "B").checked(), "bars, trades or both"),
    ],
)
def test_bad_columns_are_refused_by_name(make: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        make()


def test_times_of_bars_and_maps_must_fit() -> None:
    flat = [1.0, 1.0]
    bars = bars_of(flat, flat, flat, flat)
    trades = TradeTape.of([T0], [1.0], [1.0])
    known = bars.timestamp_ms + HOUR
    for more, message in (
        ({"bars_known_ms": known}, "trades beside"),
        ({"trades": trades, "bars_known_ms": known[:1]}, "one time for each"),
        ({"trades": trades, "bars_known_ms": known - 2 * HOUR}, "none before its bar"),
        ({"past_bars": 1}, "past_bars"),
        ({"heatmaps": ((2, "b"), (1, "a"))}, "heatmaps"),
    ):
        with pytest.raises(RequestError, match=message):
            MarketStreams("x", "B", bars=bars, **more).checked()
    assert len(MarketStreams("x", "B", trades=trades).all_bars()) == 0
