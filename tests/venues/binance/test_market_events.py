"""What each kind of event means: sides, units, times, and what zero and absence stand for."""

from typing import Any, TypeVar

import msgspec
import pytest

from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.intervals import Interval
from headwater.core.records import Candle, Liquidation, MarkPrice, Ticker, Trade
from headwater.venues.binance import market_events, wire
from headwater.venues.binance.symbols import INTERVALS
from headwater.venues.messages import Ignored, StreamEvent

T = TypeVar("T")
ORDER: dict[str, Any] = {
    "s": "BTCUSDT",
    "S": "SELL",
    "o": "LIMIT",
    "f": "IOC",
    "q": "0.014",
    "p": "9910",
    "ap": "9915.2",
    "X": "FILLED",
    "l": "0.014",
    "z": "0.010",
    "T": 1568014460893,
}
BAR: dict[str, Any] = {
    "t": 1638747660000,
    "T": 1638747719999,
    "s": "BTCUSDT",
    "i": "1m",
    "f": 100,
    "L": 200,
    "o": "0.0010",
    "c": "0.0020",
    "h": "0.0025",
    "l": "0.0009",
    "v": "1000",
    "n": 100,
    "x": False,
    "q": "1.5",
    "V": "500",
    "Q": "0.500",
    "B": "123456",
}


def read(event: dict[str, Any]) -> StreamEvent:
    decoded = msgspec.convert(event, wire.StreamMessage, strict=False)
    return market_events.READERS[type(decoded)](decoded, "BTCUSDT", 7)


def read_as(kind: type[T], event: dict[str, Any]) -> T:
    record = read(event)
    assert isinstance(record, kind)
    return record


def liquidation(**changes: object) -> Liquidation:
    return read_as(Liquidation, {"e": "forceOrder", "E": 1, "o": ORDER | changes})


def test_a_sold_liquidation_closes_a_long_at_the_average_price() -> None:
    """Known answer: `S` is the side of the closing order."""
    record = liquidation()
    assert record.side is Side.SELL
    assert record.position_side is PositionSide.LONG
    assert (record.price, record.price_kind) == (9915.2, PriceKind.AVERAGE)
    assert record.order_price == 9910
    assert record.quantity == 0.010
    assert record.value == pytest.approx(99.152)
    assert record.is_floor
    assert record.order_id is None
    assert record.timestamp_ms == 1568014460893


def test_a_bought_liquidation_closes_a_short() -> None:
    record = liquidation(S="BUY", p="4793.91", ap="4706.04", z="0.014")
    assert (record.side, record.position_side) == (Side.BUY, PositionSide.SHORT)


def test_an_unfilled_liquidation_has_the_price_and_size_of_its_order() -> None:
    record = liquidation(ap="0", z="0")
    assert (record.price, record.price_kind) == (9910, PriceKind.ORDER)
    assert record.quantity == 0.014
    assert record.value == pytest.approx(138.74)


def test_a_liquidation_without_any_price_or_size_is_skipped() -> None:
    for changes in ({"ap": "0", "p": "0"}, {"q": "0", "z": "0"}):
        assert isinstance(read({"e": "forceOrder", "E": 1, "o": ORDER | changes}), Ignored)


@pytest.mark.parametrize("interval", INTERVALS.values())
def test_candles_of_every_interval_are_read(interval: Interval) -> None:
    event = {"e": "kline", "E": 1, "s": "BTCUSDT", "k": BAR | {"i": interval.value, "x": True}}
    candle = read_as(Candle, event)
    assert candle.interval is interval
    assert candle.timestamp_ms == 1638747660000
    assert candle.is_closed
    assert (candle.open, candle.high, candle.low, candle.close) == (0.001, 0.0025, 0.0009, 0.002)
    assert (candle.volume, candle.quote_volume, candle.taker_buy_volume) == (1000, 1.5, 500)
    assert candle.trades_count == 100


@pytest.mark.parametrize("interval", ["1s", "", "1y"])
def test_candles_of_other_intervals_are_skipped(interval: str) -> None:
    event = {"e": "kline", "E": 1, "s": "BTCUSDT", "k": BAR | {"i": interval}}
    assert isinstance(read(event), Ignored)


def test_fills_that_are_no_market_trades_are_skipped() -> None:
    event = {
        "e": "trade",
        "E": 2,
        "T": 1,
        "s": "BTCUSDT",
        "t": 5,
        "p": "2",
        "q": "3",
        "X": "MARKET",
        "m": False,
    }
    trade = read_as(Trade, event)
    assert (trade.trade_id, trade.sequence, trade.side, trade.value) == (5, None, Side.BUY, 6)
    del event["X"]
    assert isinstance(read(event), Trade)
    assert isinstance(read(event | {"X": "INSURANCE_FUND"}), Ignored)
    assert isinstance(read(event | {"X": "NA", "p": "0", "q": "0"}), Ignored)
    assert isinstance(read(event | {"p": "0"}), Ignored)


def test_an_empty_side_has_no_price() -> None:
    event = {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": "0.00", "B": "0", "a": "2", "A": "3"}
    quote = read_as(Ticker, event | {"T": 8, "E": 9})
    assert (quote.bid, quote.ask, quote.bid_quantity, quote.ask_quantity) == (None, 2, 0, 3)
    assert quote.timestamp_ms == 8
    assert read_as(Ticker, event | {"E": 9}).timestamp_ms == 9


def test_the_change_of_a_day_is_a_fraction() -> None:
    event = {
        "e": "24hrTicker",
        "E": 5,
        "s": "BTCUSDT",
        "P": "-0.786",
        "c": "16584.6",
        "v": "122474.816",
        "q": "2036102085.7",
    }
    ticker = read_as(Ticker, event)
    assert ticker.change_24h == pytest.approx(-0.00786)
    assert (ticker.last, ticker.bid, ticker.ask) == (16584.6, None, None)
    assert (ticker.volume_24h, ticker.quote_volume_24h) == (122474.816, 2036102085.7)
    assert read_as(Ticker, event | {"c": "0"}).last is None


def test_the_short_ticker_has_its_change_worked_out() -> None:
    event = {"e": "24hrMiniTicker", "E": 5, "s": "BTCUSDT", "v": "1", "q": "2", "h": "9", "l": "1"}
    assert read_as(Ticker, event | {"c": "0.0025", "o": "0.0010"}).change_24h == pytest.approx(1.5)
    assert read_as(Ticker, event | {"c": "5", "o": "0"}).change_24h is None
    assert read_as(Ticker, event | {"c": "1e17", "o": "1e-300"}).change_24h is None


def test_mark_prices_of_perpetuals_and_of_dated_contracts() -> None:
    event = {"e": "markPriceUpdate", "E": 5, "s": "BTCUSDT", "p": "11.5", "i": "11.4"}
    mark = read_as(MarkPrice, event | {"r": "-0.00038167", "T": 1562306400000})
    assert (mark.mark, mark.index, mark.funding_rate) == (11.5, 11.4, -0.00038167)
    assert mark.next_funding_ms == 1562306400000
    for dated in ({"r": "", "T": 0}, {"r": "0.00000000", "T": 0}, {}):
        mark = read_as(MarkPrice, event | dated)
        assert (mark.funding_rate, mark.next_funding_ms) == (None, None)
    assert read_as(MarkPrice, {**event, "i": "0"}).index is None
    assert isinstance(read({**event, "p": "0"}), Ignored)


def test_every_event_that_is_decoded_has_a_reader() -> None:
    kinds = set(wire.Event.__subclasses__())
    assert kinds == set(market_events.READERS)
    tags = {str(kind.__struct_config__.tag) for kind in kinds}
    assert tags.isdisjoint(market_events.NOT_READ)
