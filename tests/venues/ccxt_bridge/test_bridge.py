"""An exchange behind ccxt reads what our own code for the same exchange reads.

Binance's simulated side answers both; ccxt's code knows nothing of ours.
"""

from collections.abc import Iterator
from typing import TypeVar

import msgspec
import pytest
from tests.venues.conformance.loopback import Loopback

from headwater.core.enums import Channel
from headwater.core.errors import (
    ConfigError,
    NotSupported,
    RateLimited,
    UnknownSymbol,
    VenueUnavailable,
    WireError,
)
from headwater.core.http_messages import HttpReply
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.venues.base import MarketRest, Venue
from headwater.venues.discovery import venues
from headwater.venues.messages import RestCall

ccxt = pytest.importorskip("ccxt", reason="the bridge is an optional extra")

from headwater.venues.ccxt_bridge import bridge  # noqa: E402
from headwater.venues.ccxt_bridge.conversation import REQUESTS_MAX, Conversation  # noqa: E402
from headwater.venues.ccxt_bridge.errors import translated  # noqa: E402

T = TypeVar("T")


@pytest.fixture(scope="module")
def loop() -> Loopback:
    """Binance's own side over a market."""
    return Loopback(venues()["binance"])


@pytest.fixture(scope="module")
def bridged() -> Venue:
    """The same exchange by ccxt."""
    return bridge("binanceusdm")


@pytest.fixture(scope="module")
def rest(loop: Loopback, bridged: Venue) -> MarketRest:
    """Its calls, with the instruments that it read itself."""
    empty = InstrumentTable("binanceusdm", [])
    listed = loop.ask(bridged.rest(empty).instruments())
    return bridged.rest(InstrumentTable("binanceusdm", listed))


def table_of(rest: MarketRest) -> InstrumentTable:
    """The table of the fixture."""
    found = rest._table  # type: ignore[attr-defined]
    assert isinstance(found, InstrumentTable)
    return found


def figures(candle: Candle) -> tuple[float | bool, ...]:
    """What both codes can know of a candle."""
    prices = (candle.open, candle.high, candle.low, candle.close)
    return (candle.timestamp_ms, *prices, candle.volume, candle.is_closed)


def test_instruments_are_those_of_our_own_code(loop: Loopback, rest: MarketRest) -> None:
    for own in loop.table:
        other = table_of(rest).resolve(own.symbol)
        assert (other.symbol, other.base_asset, other.quote_asset, other.settle_asset) == (
            own.symbol, own.base_asset, own.quote_asset, own.settle_asset,
        )  # fmt: skip
        assert (other.price_tick, other.quantity_step) == (own.price_tick, own.quantity_step)
        assert table_of(rest).resolve(other.native_symbol) is other


def test_candles_are_those_of_our_own_code(loop: Loopback, rest: MarketRest) -> None:
    """Over several pages, with the forming one open."""
    now_ms = loop.market.now_ms()
    own = loop.ask(loop.rest.candles(loop.instrument(), Interval.M1, limit=450, now_ms=now_ms))
    contract = table_of(rest).resolve("BTCUSDT")
    other = loop.ask(rest.candles(contract, Interval.M1, limit=450, now_ms=now_ms))
    assert [figures(one) for one in other] == [figures(one) for one in own]


def test_trades_book_and_tickers_are_those_of_our_own_code(
    loop: Loopback, rest: MarketRest
) -> None:
    contract = table_of(rest).resolve("BTCUSDT")
    own_trades = loop.ask(loop.rest.trades(loop.instrument(), limit=20))
    trades = loop.ask(rest.trades(contract, limit=20))
    assert [(t.price, t.quantity, t.side, t.timestamp_ms) for t in trades] == [
        (t.price, t.quantity, t.side, t.timestamp_ms) for t in own_trades
    ]
    assert all(trade.sequence is None for trade in trades)
    own_book, book = (
        loop.ask(loop.rest.book(loop.instrument(), depth=50)),
        loop.ask(rest.book(contract, depth=20)),
    )
    assert (book.bids, book.asks) == (own_book.bids[:20], own_book.asks[:20])
    own = {one.symbol: one for one in loop.ask(loop.rest.tickers())}
    for ticker in loop.ask(rest.tickers()):
        assert (ticker.last, ticker.volume_24h) == (
            own[ticker.symbol].last, own[ticker.symbol].volume_24h,
        )  # fmt: skip
    assert [one.symbol for one in loop.ask(rest.tickers(contract))] == ["BTCUSDT"]


def test_funding_and_interest_are_those_of_our_own_code(loop: Loopback, rest: MarketRest) -> None:
    contract = table_of(rest).resolve("ETHUSDT")
    own = loop.ask(loop.rest.funding_rate(loop.instrument("ETHUSDT")))
    rate = loop.ask(rest.funding_rate(contract))
    assert (rate.rate, rate.funding_time_ms) == (own.rate, own.funding_time_ms)
    marks = {one.symbol: one for one in loop.ask(rest.mark_prices())}
    own_mark = loop.ask(loop.rest.mark_prices(loop.instrument("ETHUSDT")))[0]
    assert (marks["ETHUSDT"].mark, marks["ETHUSDT"].index) == (own_mark.mark, own_mark.index)
    past = loop.ask(rest.funding_history(contract, limit=5))
    own_past = loop.ask(loop.rest.funding_history(loop.instrument("ETHUSDT"), limit=5))
    assert [(o.rate, o.funding_time_ms) for o in past] == [
        (o.rate, o.funding_time_ms) for o in own_past
    ]
    interest = loop.ask(rest.open_interest(contract))
    assert interest.open_interest == loop.market.open_interest("ETHUSDT").open_interest
    assert loop.ask(rest.server_time_ms()) == loop.market.now_ms()


def test_it_is_marked_as_bridged_and_has_no_streams(bridged: Venue) -> None:
    facts = bridged.facts
    assert facts.venue_id == "binanceusdm"
    assert facts.display_name.endswith("(ccxt)")
    assert "bridged_by_ccxt" in facts.features
    assert facts.environments["live"].rest.startswith("https://fapi.")
    assert {Interval.M1, Interval.D1} <= set(facts.intervals)
    assert not [one for one in facts.channels.values() if one.available]
    assert all(one.note for one in facts.channels.values())
    table = InstrumentTable("binanceusdm", [])
    for refused in (
        lambda: bridged.stream("public", table),
        lambda: bridged.endpoint_of(Channel.TRADES),
        lambda: bridged.stream_url(facts.environments["live"], "public"),
        bridged.book_rule,
        lambda: bridged.rest(table).trades_between(None, 1, 2),  # type: ignore[arg-type]
    ):
        with pytest.raises(NotSupported):
            refused()


def test_discovery_leaves_the_bridge_out() -> None:
    assert "ccxt_bridge" not in venues()


def test_an_unknown_exchange_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="ccxt_exchanges: 'nope' is unknown"):
        bridge("nope")


@pytest.mark.parametrize(
    ("status", "kind"), [(429, RateLimited), (418, RateLimited), (503, VenueUnavailable)]
)
def test_statuses(bridged: Venue, status: int, kind: type[Exception]) -> None:
    reply = HttpReply(status=status, headers={"retry-after": "7"}, body=b"", received_ns=1)
    error = bridged.error_of(reply)
    assert isinstance(error, kind)
    fine = HttpReply(status=200, headers={}, body=b"", received_ns=1)
    assert bridged.error_of(fine) is None
    assert dict(bridged.used_weights(fine)) == {}


def test_what_ccxt_raises_has_a_meaning_here(rest: MarketRest, loop: Loopback) -> None:
    stranger = msgspec.structs.replace(
        table_of(rest).resolve("BTCUSDT"), native_symbol="NOPE/USDT:USDT"
    )
    with pytest.raises(UnknownSymbol):
        loop.ask(rest.book(stranger, depth=5))
    assert isinstance(translated("x", "m", ccxt.RateLimitExceeded("slow")), RateLimited)
    assert isinstance(translated("x", "m", ccxt.OnMaintenance("later")), VenueUnavailable)
    assert isinstance(translated("x", "m", ccxt.NotSupported("no")), NotSupported)
    assert isinstance(translated("x", "m", KeyError("price")), WireError)


def test_a_reply_that_is_no_json_is_a_typed_error(bridged: Venue, rest: MarketRest) -> None:
    call = rest.book(table_of(rest).resolve("BTCUSDT"), depth=5)
    next(call)
    with pytest.raises((WireError, VenueUnavailable)):
        call.send(HttpReply(status=200, headers={}, body=b"<html>", received_ns=1))


def test_a_method_that_never_ends_is_stopped() -> None:
    """Bounded by the number of its requests."""
    talk = Conversation("binanceusdm")
    talk.exchange.markets = {"known": {}}

    def endless() -> Iterator[None]:
        while True:
            talk.exchange.fetch("https://fapi.binance.com/fapi/v1/time")

    talk.exchange.endless = endless
    call = talk.call("endless")
    request = next(call)
    fine = HttpReply(status=200, headers={}, body=b"{}", received_ns=1)
    for _ in range(REQUESTS_MAX - 1):
        call.send(fine)
    with pytest.raises(WireError, match=f"more than {REQUESTS_MAX} requests"):
        call.send(fine)
    assert request.path == "/fapi/v1/time"
    assert request.base_url is None


def answered(call: RestCall[T], body: object, received_ns: int) -> T:
    """What a call that asks once makes of a reply."""
    next(call)
    encoded = msgspec.json.encode(body)
    try:
        call.send(HttpReply(status=200, headers={}, body=encoded, received_ns=received_ns))
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("it asks again")


def test_records_carry_the_time_of_their_reply(loop: Loopback, rest: MarketRest) -> None:
    """Also as their own where the exchange gives none: never 1970."""
    contract = table_of(rest).resolve("BTCUSDT")
    now_ns = loop.market.now_ms() * 1_000_000
    assert {one.received_ns for one in loop.ask(rest.trades(contract, limit=5))} == {now_ns}
    (ticker,) = answered(
        rest.tickers(contract), {"symbol": "BTCUSDT", "lastPrice": "5"}, 7_000_000_000
    )
    assert (ticker.last, ticker.timestamp_ms, ticker.received_ns) == (5.0, 7_000, 7_000_000_000)
    assert contract.timestamp_ms == loop.table.resolve("BTCUSDT").received_ns // 1_000_000


def test_a_part_that_is_missing_is_a_typed_error(rest: MarketRest) -> None:
    """It comes as None out of ccxt."""
    contract = table_of(rest).resolve("BTCUSDT")
    candles = rest.candles(contract, Interval.M1, limit=1, now_ms=1_790_000_040_000)
    with pytest.raises(WireError, match="fetch_ohlcv"):
        answered(candles, [[1_790_000_040_000, None, "1", "1", "1", "1"]], 1)
    book = rest.book(contract, depth=1)
    with pytest.raises(WireError, match="fetch_order_book"):
        answered(book, {"lastUpdateId": 1, "bids": [[None, "1"]], "asks": []}, 1)


def test_the_first_question_may_come_before_the_list_of_markets(
    loop: Loopback, rest: MarketRest
) -> None:
    """The library loads the list in the middle of its method; no reply is taken for another."""
    fresh = bridge("binanceusdm").rest(table_of(rest))
    contract = table_of(rest).resolve("BTCUSDT")
    own = loop.ask(rest.tickers(contract))
    assert [one.last for one in loop.ask(fresh.tickers(contract))] == [one.last for one in own]


def test_as_many_months_as_asked_for(loop: Loopback, rest: MarketRest) -> None:
    contract, now_ms = table_of(rest).resolve("BTCUSDT"), loop.market.now_ms()
    for limit in (1, 6, 12):
        own = loop.ask(
            loop.rest.candles(loop.instrument(), Interval.MONTH1, limit=limit, now_ms=now_ms)
        )
        got = loop.ask(rest.candles(contract, Interval.MONTH1, limit=limit, now_ms=now_ms))
        assert [one.timestamp_ms for one in got] == [one.timestamp_ms for one in own]
