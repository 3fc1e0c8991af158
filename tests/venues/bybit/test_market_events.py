"""What Bybit's messages mean, worked by hand from the notes on the venue."""

import msgspec
import pytest

from headwater.core.enums import Channel, PositionSide, PriceKind, Side
from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import (
    BookSnapshot,
    Candle,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Record,
    Ticker,
)
from headwater.venues.bybit.market_stream import BybitStream
from headwater.venues.messages import Ignored, StreamEvent, Subscription

AT_NS = 1_740_480_208_000_000_000


def stream(*channels: Channel, symbol: str = "BTCUSDT") -> BybitStream:
    """A conversation with these channels of one symbol subscribed."""
    made = BybitStream(InstrumentTable("bybit", []))
    made.subscribe(
        Subscription(
            channel=channel,
            native_symbol=symbol,
            interval=Interval.M5 if channel is Channel.CANDLES else None,
        )
        for channel in channels
    )
    return made


def fed(made: BybitStream, message: object) -> list[StreamEvent]:
    """What a message gives."""
    return list(made.feed(msgspec.json.encode(message), AT_NS))


def liquidation(side: str, size: str, price: str) -> Liquidation:
    """The record of one row of `allLiquidation`."""
    row = {"T": 1739502302929, "s": "ROSEUSDT", "S": side, "v": size, "p": price}
    message = {"topic": "allLiquidation.ROSEUSDT", "type": "snapshot", "ts": 1, "data": [row]}
    (event,) = fed(stream(Channel.LIQUIDATIONS, symbol="ROSEUSDT"), message)
    assert isinstance(event, Liquidation)
    return event


# Raw side, size and price → closing side, position, price, kind, base quantity, USD value, floor.
KNOWN = [
    ("Sell", "20000", "0.04499",
     (Side.BUY, PositionSide.SHORT, 0.04499, PriceKind.BANKRUPTCY, 20_000.0, 899.8, False)),
    ("Buy", "0.009", "45212.50",
     (Side.SELL, PositionSide.LONG, 45_212.5, PriceKind.BANKRUPTCY, 0.009, 406.9125, False)),
]  # fmt: skip


@pytest.mark.parametrize(("side", "size", "price", "answer"), KNOWN)
def test_known_answers_of_liquidations(
    side: str, size: str, price: str, answer: tuple[object, ...]
) -> None:
    event = liquidation(side, size, price)
    told = (event.side, event.position_side, event.price, event.price_kind, event.quantity)
    assert (*told, pytest.approx(event.value), event.is_floor) == answer
    assert (event.timestamp_ms, event.order_id) == (1739502302929, None)


def test_t_d12_the_side_is_the_positions_unlike_at_binance() -> None:
    """Buy means that a long was liquidated; Binance's SELL means the same."""
    event = liquidation("Buy", "1", "2")
    assert (event.position_side, event.side) == (PositionSide.LONG, Side.SELL)


def test_l_d5_sell_is_no_long() -> None:
    """The claim "Sell = long" is what the documents said before August 2023."""
    assert liquidation("Sell", "1", "2").position_side is PositionSide.SHORT


def test_an_unknown_side_is_an_error_and_no_guess() -> None:
    with pytest.raises(WireError, match="allLiquidation"):
        liquidation("Both", "1", "2")


SNAPSHOT = {
    "symbol": "BTCUSDT", "lastPrice": "100", "markPrice": "101", "indexPrice": "102",
    "price24hPcnt": "0.012", "openInterest": "10", "openInterestValue": "1010",
    "singleOpenInterest": "5", "singleOpenInterestValue": "505", "turnover24h": "5000",
    "volume24h": "50", "fundingRate": "0.0001", "nextFundingTime": "1740500000000",
    "bid1Price": "99", "bid1Size": "1", "ask1Price": "101", "ask1Size": "2",
}  # fmt: skip


def ticker(kind: str, **data: str) -> dict[str, object]:
    """A message of the ticker's topic."""
    fields = {"symbol": "BTCUSDT", **data}
    return {"topic": "tickers.BTCUSDT", "type": kind, "data": fields, "cs": 1, "ts": 5}


def test_a_delta_tells_only_what_changed() -> None:
    """And only records of what it carries come out."""
    made = stream(Channel.TICKERS, Channel.MARK_PRICES, Channel.OPEN_INTEREST)
    first = fed(made, ticker("snapshot", **SNAPSHOT))
    assert [type(one) for one in first] == [Ticker, MarkPrice, OpenInterest]
    (mark,) = fed(made, ticker("delta", markPrice="103"))
    assert isinstance(mark, MarkPrice)
    assert (mark.mark, mark.index, mark.funding_rate) == (103.0, 102.0, 0.0001)
    assert mark.next_funding_ms == 1740500000000
    (quote,) = fed(made, ticker("delta", bid1Size="7"))
    assert isinstance(quote, Ticker)
    assert (quote.bid, quote.bid_quantity, quote.last, quote.change_24h) == (99, 7, 100, 0.012)
    assert fed(made, ticker("delta", highPrice24h="200")) == []


def test_open_interest_is_of_one_side() -> None:
    """`openInterest` counts both; without the other field it is passed on as it stands."""
    (told,) = fed(stream(Channel.OPEN_INTEREST), ticker("snapshot", **SNAPSHOT))
    assert isinstance(told, OpenInterest)
    assert (told.open_interest, told.value) == (5.0, 505.0)
    old = {name: value for name, value in SNAPSHOT.items() if not name.startswith("single")}
    (told,) = fed(stream(Channel.OPEN_INTEREST), ticker("snapshot", **old))
    assert isinstance(told, OpenInterest)
    assert (told.open_interest, told.value) == (10.0, 1010.0)


def test_a_count_that_begins_anew_is_an_image() -> None:
    """`u` 1 after a restart of the service, even when the message calls itself a delta."""
    data = {"s": "BTCUSDT", "b": [["99", "1"]], "a": [["101", "0"]], "u": 1, "seq": 9}
    message = {"topic": "orderbook.200.BTCUSDT", "type": "delta", "ts": 5, "data": data, "cts": 4}
    (book,) = fed(stream(Channel.BOOK), message)
    assert isinstance(book, BookSnapshot)
    assert (book.bids, book.asks, book.timestamp_ms) == (((99.0, 1.0),), (), 4)


def test_a_candle_is_closed_when_it_is_confirmed() -> None:
    bar = {
        "start": 1672324800000, "end": 1672325099999, "interval": "5", "open": "1", "close": "2",
        "high": "3", "low": "1", "volume": "4", "turnover": "8", "confirm": True, "timestamp": 1,
    }  # fmt: skip
    made = stream(Channel.CANDLES)
    (candle,) = fed(made, {"topic": "kline.5.BTCUSDT", "type": "snapshot", "ts": 1, "data": [bar]})
    assert isinstance(candle, Candle)
    assert (candle.interval, candle.is_closed, candle.trades_count) == (Interval.M5, True, None)


def test_other_markets_and_unasked_topics_are_skipped() -> None:
    made = stream(Channel.TRADES)
    row = {"T": 1, "s": "BTCUSD", "S": "Buy", "v": "1", "p": "2", "i": "x"}
    (event,) = fed(
        made, {"topic": "publicTrade.BTCUSD", "type": "snapshot", "ts": 1, "data": [row]}
    )
    assert isinstance(event, Ignored)
    with pytest.raises(WireError):
        made.feed(b'{"topic":"publicTrade.BTCUSDT","data":[{"s":"ETHUSDT"}]}', AT_NS)


def test_shared_topics_are_asked_for_once_and_given_up_last() -> None:
    made = BybitStream(InstrumentTable("bybit", []))
    both = [
        Subscription(channel=channel, native_symbol="BTCUSDT")
        for channel in (Channel.TICKERS, Channel.MARK_PRICES)
    ]
    (request,) = made.subscribe(both)
    assert msgspec.json.decode(request.payload)["args"] == ["tickers.BTCUSDT"]
    assert set(request.subscriptions) == set(both)
    assert made.unsubscribe(both[:1]) == []
    again = made.renew(both[1:])
    assert [one.gives_up for one in again] == [True, False]
    assert [one.gives_up for one in made.unsubscribe(both[1:])] == [True]
    assert not [one for one in fed(made, ticker("snapshot", **SNAPSHOT)) if isinstance(one, Record)]
