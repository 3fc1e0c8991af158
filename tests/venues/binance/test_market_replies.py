"""REST replies as records, as far as paging does not show them, and replies that are broken."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from headwater.core.enums import Side
from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.venues.binance import market_replies as replies
from headwater.venues.binance.symbols import INTERVALS

EMPTY = InstrumentTable("binance", ())
BTC = replies.Contract("BTCUSDT", "BTCUSDT")
KLINE: list[object] = [1700000040000, "37000.1", "37010", "36990", "37001.5", "12.345"]
KLINE += [1700000099999, "456789.01", 321, "6.1", "225700.5", "0"]


def body(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_candle() -> None:
    (candle,) = replies.candles_of(body([KLINE]), BTC, None, now_ms=1700000100000, received_ns=7)
    assert (candle.open, candle.high, candle.low, candle.close) == (37000.1, 37010, 36990, 37001.5)
    assert (candle.volume, candle.quote_volume, candle.taker_buy_volume) == (12.345, 456789.01, 6.1)
    assert candle.trades_count == 321
    assert candle.is_closed


@pytest.mark.parametrize("interval", INTERVALS.values())
def test_the_interval_can_be_told_from_a_row(interval: Interval) -> None:
    opened = interval.opens_at_ms(1700000000000)
    row = [opened, *KLINE[1:6], interval.closes_at_ms(opened) - 1, *KLINE[7:]]
    (candle,) = replies.candles_of(body([row]), BTC, None, now_ms=1, received_ns=7)
    assert candle.interval is interval
    assert not candle.is_closed


def test_a_row_of_no_interval_is_a_wire_error() -> None:
    for opened, closed in ((0, 5), (2**63 - 1, 2**63 - 1)):
        row = [opened, *KLINE[1:6], closed, *KLINE[7:]]
        with pytest.raises(WireError, match=r"interval|year|range|convert"):
            replies.candles_of(body([row]), BTC, None, now_ms=1, received_ns=7)


def test_single_fills_have_ids_but_no_sequence() -> None:
    row = {"id": 1, "price": "2", "qty": "3", "quoteQty": "6", "time": 5, "isBuyerMaker": True}
    (trade,) = replies.fills_of(body([row]), BTC, 7)
    assert (trade.trade_id, trade.sequence, trade.side, trade.value) == (1, None, Side.SELL, 6)


def test_best_quotes() -> None:
    row = {"symbol": "BTCUSDT", "bidPrice": "1", "bidQty": "2", "askPrice": "0", "askQty": "0"}
    (quote,) = replies.quotes_of(body(row), EMPTY, 9_000_000)
    assert (quote.bid, quote.bid_quantity, quote.ask, quote.timestamp_ms) == (1, 2, None, 9)


def test_lists_may_be_empty_or_null() -> None:
    for nothing in (b"[]", b"null"):
        assert replies.candles_of(nothing, BTC, Interval.M1, now_ms=1, received_ns=1) == []
        assert replies.trades_of(nothing, BTC, 1) == []
        assert replies.fills_of(nothing, BTC, 1) == []
        assert replies.fundings_of(nothing, EMPTY, None, 1) == []
        assert replies.open_interests_of(nothing, EMPTY, 1) == []
        assert replies.funding_intervals_of(nothing) == {}
    assert replies.tickers_of(b"[]", EMPTY, 1) == []
    assert replies.mark_prices_of(b"[]", EMPTY, 1) == []


def test_coin_margined_rows_are_left_out() -> None:
    interest = {"openInterest": "1", "symbol": "BTCUSD_PERP", "time": 1}
    assert replies.open_interest_of(body(interest), EMPTY, 1.0, 1) is None
    row = {"pair": "BTCUSD", "sumOpenInterest": "1", "sumOpenInterestValue": "1", "timestamp": 1}
    assert replies.open_interests_of(body([row]), EMPTY, 1) == []
    funding = {"symbol": "BTCUSD_PERP", "fundingRate": "1", "fundingTime": 1}
    assert replies.fundings_of(body([funding]), EMPTY, None, 1) == []


def test_contracts_without_a_mark_price_are_left_out() -> None:
    row = {"symbol": "OLDUSDT", "markPrice": "0.00", "time": 1}
    assert replies.mark_prices_of(body([row]), EMPTY, 1) == []


def test_books_name_their_symbol_on_the_other_market_only() -> None:
    book: dict[str, Any] = {"lastUpdateId": 1, "bids": [], "asks": []}
    assert replies.symbol_of_book(body(book)) == ""
    assert replies.symbol_of_book(body(book | {"symbol": "BTCUSD_PERP"})) == "BTCUSD_PERP"
    assert replies.book_of(body(book), BTC, 9_000_000).timestamp_ms == 9


Read = Callable[[bytes], object]
READS: list[Read] = [
    replies.server_time_of,
    lambda raw: replies.candles_of(raw, BTC, None, now_ms=1, received_ns=1),
    lambda raw: replies.trades_of(raw, BTC, 1),
    lambda raw: replies.fills_of(raw, BTC, 1),
    lambda raw: replies.book_of(raw, BTC, 1),
    lambda raw: replies.tickers_of(raw, EMPTY, 1),
    lambda raw: replies.quotes_of(raw, EMPTY, 1),
    lambda raw: replies.mark_prices_of(raw, EMPTY, 1),
    lambda raw: replies.fundings_of(raw, EMPTY, None, 1),
    replies.funding_intervals_of,
    lambda raw: replies.open_interest_of(raw, EMPTY, None, 1),
    lambda raw: replies.open_interests_of(raw, EMPTY, 1),
    lambda raw: replies.instruments_in(raw, None, 1),
]
BROKEN = [
    b"",
    b"<html>502</html>",
    b"\xff",
    b"1",
    b'"x"',
    b"[1]",
    b'{"code":-1121,"msg":"Invalid symbol."}',
    b"[" * 100_000,
    b'[{"symbol":"BTCUSDT","markPrice":"NaN","time":1}]',
    b'[[1,"NaN","1","1","1","1",2,"1",1,"1"]]',
]


@pytest.mark.parametrize("raw", BROKEN, ids=range(len(BROKEN)))
@pytest.mark.parametrize("read", READS, ids=range(len(READS)))
def test_broken_replies_are_wire_errors_and_nothing_else(read: Read, raw: bytes) -> None:
    with pytest.raises(WireError):
        read(raw)


def test_a_funding_rate_that_is_no_number_is_a_wire_error() -> None:
    row = {"symbol": "X", "markPrice": "1", "lastFundingRate": "inf", "nextFundingTime": 1}
    with pytest.raises(WireError, match="finite"):
        replies.mark_prices_of(body(row | {"time": 1}), EMPTY, 1)
