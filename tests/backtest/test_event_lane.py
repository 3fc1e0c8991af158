"""What a lane answers, and the records it makes."""

from decimal import Decimal

from tests.backtest.drives import bars_of
from tests.backtest.event_markets import contract

from headwater.backtest.event_lane import Lane
from headwater.core.enums import PositionSide, Side
from headwater.strategies.growing_bars import GrowingBars
from headwater.trading.paper import PaperVenue


def _lane(heatmaps: tuple[tuple[int, str], ...] = ()) -> Lane:
    venue = PaperVenue([contract("x")], Decimal(1))
    bars = GrowingBars(bars_of([1.0], [1.0], [1.0], [1.0]))
    return Lane(0, venue.market("x", "BTCUSDT"), bars, heatmaps)


def test_liquidations_are_summed_by_window_and_side() -> None:
    lane = _lane()
    for at_ms, value, is_long in ((1, 10.0, True), (5, 20.0, False), (5, 1.0, True)):
        lane.note_liquidation(at_ms, value, is_long=is_long)
    sums = lane.liquidations(5)
    assert (sums.long_usd, sums.short_usd, sums.count) == (1.0, 20.0, 2)
    assert lane.liquidations(0).long_usd == 11.0
    assert lane.liquidations(6).count == 0


def test_the_newest_map_up_to_now_is_given() -> None:
    lane = _lane(((10, "first"), (20, "second")))
    assert [lane.heatmap(at) for at in (9, 10, 19, 20, 99)] == [
        None, "first", "first", "second", "second",
    ]  # fmt: skip


def test_records_say_what_was_heard() -> None:
    lane = _lane()
    trade = lane.trade(7, 2.0, 3.0, False)
    assert (trade.side, trade.value, trade.timestamp_ms) == (Side.SELL, 6.0, 7)
    assert (trade.exchange, trade.symbol) == ("x", "BTCUSDT")
    forced = lane.liquidation(7, 2.0, 3.0, is_long=True)
    assert (forced.side, forced.position_side) == (Side.SELL, PositionSide.LONG)
    assert lane.funding(7, 0.01, 8.0).funding_time_ms == 7
    assert lane.mark(7, 5.0).mark == 5.0
    assert lane.interest(7, 5.0).open_interest == 5.0
