"""Records written from ticks and lots."""

from headwater.core.enums import Side
from headwater.core.intervals import Interval
from headwater.simulator.candles import CandleRow
from headwater.simulator.marks import Settlement
from headwater.simulator.matching import Changes, Placement, Print
from headwater.simulator.more_listings import LISTING_BY_SYMBOL
from headwater.simulator.positions import Position
from headwater.simulator.record_maker import RecordMaker

MAKER = RecordMaker("binance", "BTCUSDT", LISTING_BY_SYMBOL["BTCUSDT"])


def test_a_trade_in_exact_floats() -> None:
    """681,234 ticks of 0.1 and 12 lots of 0.001."""
    trade = MAKER.trade(77, Print(5, 681_234, 12, False, 1, 2))
    assert (trade.side, trade.price, trade.quantity) == (Side.SELL, 68_123.4, 0.012)
    assert (trade.trade_id, trade.sequence, trade.received_ns) == (77, 77, 5_000_000)


def test_a_delta_keeps_numbers_and_zeros() -> None:
    """Removed levels carry quantity 0."""
    delta = MAKER.delta(9, Changes(3, 8, 2, [(680_001, 0)], [(680_003, 5)]))
    assert (delta.bids, delta.asks) == (((68_000.1, 0.0),), ((68_000.3, 0.005),))
    assert (delta.first_sequence, delta.sequence, delta.previous_sequence) == (3, 8, 2)


def test_a_forced_close_has_the_average_of_its_fills() -> None:
    """Two prices, the order priced at bankruptcy, the rest taken over."""
    position = Position(4, True, 30, 690_000.0, 100)
    position.bankruptcy = 683_100
    cost = 10 * 684_000 + 10 * 683_500
    close = MAKER.forced_close(9, position, Placement(55, 20, cost, 0), 10, 685_000.0)
    liquidation = close.liquidation
    assert (liquidation.price, liquidation.quantity) == (68_375.0, 0.02)
    assert (liquidation.side, liquidation.order_price) == (Side.SELL, 68_310.0)
    assert (liquidation.order_id, close.unfilled, close.entry) == ("55", 0.01, 69_000.0)


def test_candle_funding_and_open_interest() -> None:
    """Times, units and values."""
    candle = MAKER.candle(Interval.M1, CandleRow(60_000, 10, 20, 5, 15, 100, 1_200, 7, 40),
                          is_closed=True)  # fmt: skip
    assert (candle.open, candle.high, candle.low, candle.close) == (1.0, 2.0, 0.5, 1.5)
    assert (candle.volume, candle.quote_volume, candle.taker_buy_volume) == (0.1, 0.12, 0.04)
    assert MAKER.funding(Settlement(8, 0.0001)).interval_h == 8.0
    assert MAKER.open_interest(1, 2_000, 50_000.0).value == 100_000.0
