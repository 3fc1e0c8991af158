"""REST calls: what is asked, what it costs, and that paging leaves nothing out and ends."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.errors import (
    NotSupported,
    RateLimited,
    RequestError,
    VenueUnavailable,
    WireError,
)
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.venues.binance.klines import klines_weight
from headwater.venues.binance.market_rest import BinanceMarketRest
from headwater.venues.messages import RestCall

T = TypeVar("T")
NOW_NS = 1_700_000_000_000_000_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
REQUESTS_MAX = 200

BTC = Instrument(
    exchange="binance",
    symbol="BTCUSDT",
    native_symbol="BTCUSDT",
    timestamp_ms=0,
    received_ns=0,
    base_asset="BTC",
    quote_asset="USDT",
    settle_asset="USDT",
    instrument_kind=InstrumentKind.PERPETUAL,
    status=InstrumentStatus.TRADING,
    is_linear=True,
    contract_size=1.0,
    price_tick=Decimal("0.1"),
    quantity_step=Decimal("0.001"),
    min_quantity=None,
    min_notional=None,
    funding_interval_h=8.0,
    listed_at_ms=None,
    expires_at_ms=None,
)
REST = BinanceMarketRest(InstrumentTable("binance", [BTC]))
Server = Callable[[str, dict[str, str]], Any]


def drive(call: RestCall[T], server: Server) -> tuple[list[HttpRequest], T]:
    """Runs a call against a server that is a function; returns its requests and its result."""
    requests: list[HttpRequest] = []
    try:
        request = next(call)
        while True:
            requests.append(request)
            assert len(requests) <= REQUESTS_MAX, "the call never ends"
            answer = server(request.path, dict(request.query))
            if isinstance(answer, Exception):
                request = call.throw(answer)
                continue
            body = json.dumps(answer).encode()
            request = call.send(HttpReply(status=200, headers={}, body=body, received_ns=NOW_NS))
    except StopIteration as stop:
        return requests, stop.value


def rows_between(
    rows: list[T], time_of: Callable[[T], int], query: dict[str, str], maximum: int
) -> list[T]:
    """What the venue returns of ascending rows: forward from a start, else the newest."""
    start = int(query.get("startTime", "0"))
    end = int(query.get("endTime", str(2**62)))
    limit = int(query["limit"])
    assert 1 <= limit <= maximum
    found = [row for row in rows if start <= time_of(row) <= end]
    return found[:limit] if "startTime" in query else found[-limit:]


KLINES = [
    [index * MINUTE_MS, "1", "2", "0.5", "1.5", "10", (index + 1) * MINUTE_MS - 1, "15", 3, "4"]
    for index in range(1, 4001)
]


def kline_server(path: str, query: dict[str, str]) -> list[list[object]]:
    assert path == "/fapi/v1/klines"
    assert query["symbol"] == "BTCUSDT"
    assert query["interval"] == "1m"
    return rows_between(KLINES, lambda row: int(str(row[0])), query, 1500)


bounds = st.none() | st.integers(0, 4100 * MINUTE_MS)


@given(st.integers(1, 5000), bounds, bounds)
def test_candles_are_paged_without_holes_and_repeats(
    limit: int, start_ms: int | None, end_ms: int | None
) -> None:
    requests, candles = drive(
        REST.candles(BTC, Interval.M1, limit=limit, start_ms=start_ms, end_ms=end_ms, now_ms=2**62),
        kline_server,
    )
    times = [candle.timestamp_ms for candle in candles]
    wanted = [
        int(str(row[0]))
        for row in KLINES
        if (start_ms is None or int(str(row[0])) >= start_ms)
        and (end_ms is None or int(str(row[0])) <= end_ms)
    ]
    assert times == (wanted[-limit:] if start_ms is None else wanted[:limit])
    assert len(requests) <= limit // 1500 + 1
    for request in requests:
        assert request.weight == klines_weight(int(dict(request.query)["limit"]))
        assert request.pool == "ip"


def test_the_forming_candle_is_not_closed() -> None:
    last_open = int(str(KLINES[-1][0]))
    for now_ms, closed in ((last_open + 1, False), (last_open + MINUTE_MS, True)):
        _, candles = drive(REST.candles(BTC, Interval.M1, limit=2, now_ms=now_ms), kline_server)
        assert [candle.is_closed for candle in candles] == [True, closed]


def test_a_venue_that_repeats_a_page_does_not_hold_us_for_ever() -> None:
    page = KLINES[:1500]
    for start_ms in (None, 0):
        requests, candles = drive(
            REST.candles(BTC, Interval.M1, limit=5000, start_ms=start_ms, now_ms=1),
            lambda _path, _query: page,
        )
        assert len(requests) == 2
        assert len(candles) == 1500


@pytest.mark.parametrize(
    ("limit", "weight"),
    [(1, 1), (99, 1), (100, 2), (499, 2), (500, 5), (1000, 5), (1001, 10), (1500, 10)],
)
def test_weight_of_candles(limit: int, weight: int) -> None:
    assert klines_weight(limit) == weight


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused_before_anything_is_sent(limit: int) -> None:
    for call in (
        REST.candles(BTC, Interval.M1, limit=limit, now_ms=1),
        REST.trades(BTC, limit=limit),
        REST.funding_history(BTC, limit=limit),
        REST.open_interest_history(BTC, Interval.M5, limit=limit),
    ):
        with pytest.raises(RequestError, match="limit"):
            next(call)


TRADES = [
    {"a": number, "p": "2", "q": "3", "f": 1, "l": 1, "T": number, "m": number % 2 == 0}
    for number in range(5000, 9000)
]


def trade_server(path: str, query: dict[str, str]) -> list[dict[str, Any]]:
    assert path == "/fapi/v1/aggTrades"
    limit = int(query["limit"])
    assert 1 <= limit <= 1000
    if "fromId" not in query:
        return TRADES[-limit:]
    return [row for row in TRADES if int(str(row["a"])) >= int(query["fromId"])][:limit]


@given(st.integers(1, 5000))
def test_the_newest_trades(limit: int) -> None:
    requests, trades = drive(REST.trades(BTC, limit=limit), trade_server)
    assert [trade.sequence for trade in trades] == [int(str(row["a"])) for row in TRADES[-limit:]]
    assert {request.weight for request in requests} == {20}


@given(st.integers(4000, 9500), st.integers(0, 3500))
def test_trades_between_two_ids(first: int, count: int) -> None:
    last = first + count - 1
    _, trades = drive(REST.trades_between(BTC, first, last), trade_server)
    # The venue starts with the oldest that it still has.
    have = [number for number in range(first, last + 1) if 5000 <= number < 9000]
    assert [trade.sequence for trade in trades] == have


def test_no_trades_between_nothing() -> None:
    requests, trades = drive(REST.trades_between(BTC, 10, 9), trade_server)
    assert (requests, trades) == ([], [])


@pytest.mark.parametrize(
    ("depth", "limit", "weight"),
    [(1, 5, 2), (5, 5, 2), (6, 10, 2), (50, 50, 2), (51, 100, 5), (500, 500, 10), (5000, 1000, 20)],
)
def test_a_book_is_asked_for_with_enough_levels(depth: int, limit: int, weight: int) -> None:
    answer = {"lastUpdateId": 9, "E": 2, "T": 1, "bids": [["1", "2"]], "asks": []}
    (request,), book = drive(REST.book(BTC, depth=depth), lambda _path, _query: answer)
    assert dict(request.query) == {"symbol": "BTCUSDT", "limit": str(limit)}
    assert request.weight == weight
    assert (book.sequence, book.timestamp_ms, book.bids) == (9, 1, ((1.0, 2.0),))


PREMIUM = {
    "symbol": "BTCUSDT",
    "markPrice": "100.5",
    "indexPrice": "100.4",
    "lastFundingRate": "0.0001",
    "nextFundingTime": 1597392000000,
    "time": 5,
}


def test_open_interest_is_valued_at_the_mark_price() -> None:
    def server(path: str, query: dict[str, str]) -> object:
        assert query == {"symbol": "BTCUSDT"}
        if path == "/fapi/v1/premiumIndex":
            return PREMIUM
        return {"openInterest": "10", "symbol": "BTCUSDT", "time": 6}

    requests, found = drive(REST.open_interest(BTC), server)
    assert [request.weight for request in requests] == [1, 1]
    assert (found.open_interest, found.value, found.timestamp_ms) == (10, 1005, 6)


def test_the_coming_funding_rate() -> None:
    _, found = drive(REST.funding_rate(BTC), lambda _path, _query: PREMIUM)
    assert (found.rate, found.interval_h, found.funding_time_ms) == (0.0001, 8, 1597392000000)
    dated = PREMIUM | {"lastFundingRate": "", "nextFundingTime": 0}
    with pytest.raises(NotSupported, match="no funding"):
        drive(REST.funding_rate(BTC), lambda _path, _query: dated)
    with pytest.raises(NotSupported, match="no funding"):
        drive(REST.funding_rate(BTC), lambda _path, _query: [])


@pytest.mark.parametrize("native", [None, "BTCUSDT"])
def test_tickers_and_mark_prices_of_one_or_of_all(native: str | None) -> None:
    instrument = None if native is None else BTC
    row = {
        "symbol": "BTCUSDT",
        "lastPrice": "4",
        "priceChangePercent": "-50",
        "volume": "8",
        "quoteVolume": "15",
        "closeTime": 9,
    }
    (request,), tickers = drive(
        REST.tickers(instrument), lambda _path, _query: row if native else [row]
    )
    assert request.weight == (1 if native else 40)
    assert [(ticker.last, ticker.change_24h) for ticker in tickers] == [(4, -0.5)]
    (request,), marks = drive(
        REST.mark_prices(instrument), lambda _path, _query: PREMIUM if native else [PREMIUM]
    )
    assert request.weight == (1 if native else 10)
    assert [mark.mark for mark in marks] == [100.5]


FUNDING = [
    {"symbol": "BTCUSDT", "fundingRate": "0.0001", "fundingTime": hour * HOUR_MS, "markPrice": "1"}
    for hour in range(8, 8 * 2500, 8)
]


def funding_server(path: str, query: dict[str, str]) -> list[dict[str, Any]]:
    assert path == "/fapi/v1/fundingRate"
    if "startTime" not in query and "endTime" not in query:
        return FUNDING[-min(int(query["limit"]), 200) :]
    assert "startTime" in query, "what an end alone means is not documented"
    return rows_between(FUNDING, lambda row: int(str(row["fundingTime"])), query, 1000)


@given(st.integers(1, 3000), bounds, st.none() | st.integers(0, 8 * 2600 * HOUR_MS))
def test_past_funding_is_complete(limit: int, start_ms: int | None, end_ms: int | None) -> None:
    requests, rates = drive(
        REST.funding_history(BTC, limit=limit, start_ms=start_ms, end_ms=end_ms), funding_server
    )
    wanted = [
        int(str(row["fundingTime"]))
        for row in FUNDING
        if (start_ms is None or int(str(row["fundingTime"])) >= start_ms)
        and (end_ms is None or int(str(row["fundingTime"])) <= end_ms)
    ]
    assert [rate.funding_time_ms for rate in rates] == (
        wanted[-limit:] if start_ms is None else wanted[:limit]
    )
    # A span that ends before it starts takes no request.
    assert {request.pool for request in requests} <= {"funding"}


INTERESTS = [
    {
        "symbol": "BTCUSDT",
        "sumOpenInterest": "2",
        "sumOpenInterestValue": "6",
        "timestamp": str(index * 5 * MINUTE_MS),
    }
    for index in range(10_000, 13_000)
]
LONG_INTERESTS = [INTERESTS[0] | {"timestamp": index * HOUR_MS} for index in range(1000, 1720)]
REACH_MS = 30 * 24 * HOUR_MS


def interest_server(path: str, query: dict[str, str]) -> list[dict[str, Any]]:
    assert path == "/futures/data/openInterestHist"
    assert query["period"] == "5m"
    if "startTime" not in query and "endTime" not in query:
        return INTERESTS[-int(query["limit"]) :]
    assert {"startTime", "endTime"} <= query.keys(), "one bound alone is not documented"
    return rows_between(INTERESTS, lambda row: int(str(row["timestamp"])), query, 500)


@given(
    st.integers(1, 3500),
    st.none() | st.integers(10_000, 13_000),
    st.none() | st.integers(10_000, 13_500),
)
def test_past_open_interest_is_complete(limit: int, start: int | None, end: int | None) -> None:
    start_ms = None if start is None else start * 5 * MINUTE_MS
    end_ms = None if end is None else end * 5 * MINUTE_MS
    requests, found = drive(
        REST.open_interest_history(BTC, Interval.M5, limit=limit, start_ms=start_ms, end_ms=end_ms),
        interest_server,
    )
    wanted = [
        int(str(row["timestamp"]))
        for row in INTERESTS
        if (start_ms is None or int(str(row["timestamp"])) >= start_ms)
        and (end_ms is None or int(str(row["timestamp"])) <= end_ms)
    ]
    assert [row.timestamp_ms for row in found] == (
        wanted[-limit:] if start_ms is None else wanted[:limit]
    )
    assert {request.pool for request in requests} <= {"open_interest_history"}


@given(
    st.integers(1, 1000),
    st.none() | st.integers(900, 1800),
    st.none() | st.integers(0, 1800),
)
def test_open_interest_is_never_asked_for_beyond_the_venues_reach(
    limit: int, end: int | None, start: int | None
) -> None:
    """A window that begins more than 30 days ago is refused as a whole, so none does."""
    moments = [int(str(row["timestamp"])) for row in LONG_INTERESTS]
    present_ms = moments[-1] + HOUR_MS + 300_000  # the newest row is late

    def server(path: str, query: dict[str, str]) -> list[dict[str, Any]]:
        assert path == "/futures/data/openInterestHist"
        if "startTime" in query:
            assert int(query["startTime"]) >= present_ms - REACH_MS
        return rows_between(LONG_INTERESTS, lambda row: int(str(row["timestamp"])), query, 500)

    end_ms = None if end is None else end * HOUR_MS
    start_ms = None if start is None else start * HOUR_MS
    _, found = drive(
        REST.open_interest_history(BTC, Interval.H1, limit=limit, start_ms=start_ms, end_ms=end_ms),
        server,
    )
    first_ms = max(moments[-1] - REACH_MS + 2 * HOUR_MS, start_ms or 0)
    last_ms = end_ms or moments[-1]
    wanted = [moment for moment in moments if first_ms <= moment <= last_ms]
    assert [row.timestamp_ms for row in found] == (
        wanted[-limit:] if start_ms is None else wanted[:limit]
    )


def test_open_interest_of_a_young_contract_begins_with_its_first_row() -> None:
    """Two windows of 500 periods are empty before the three rows that there are."""
    rows = [INTERESTS[0] | {"timestamp": (8_000 + index) * 5 * MINUTE_MS} for index in range(3)]

    def server(path: str, query: dict[str, str]) -> list[dict[str, Any]]:
        assert path == "/futures/data/openInterestHist"
        return rows_between(rows, lambda row: int(str(row["timestamp"])), query, 500)

    _, found = drive(
        REST.open_interest_history(BTC, Interval.M5, limit=9, start_ms=6_900 * 5 * MINUTE_MS),
        server,
    )
    assert [row.timestamp_ms for row in found] == [row["timestamp"] for row in rows]
    assert (
        drive(REST.open_interest_history(BTC, Interval.M5, limit=9, start_ms=1), lambda _, __: [])[
            1
        ]
        == []
    )


def test_a_period_that_does_not_exist_is_refused() -> None:
    with pytest.raises(NotSupported, match="periods: 5m"):
        next(REST.open_interest_history(BTC, Interval.M1, limit=5))


SYMBOL = {
    "symbol": "BTCUSDT",
    "contractType": "PERPETUAL",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
}


def test_instruments_carry_their_funding_interval() -> None:
    def server(path: str, _query: dict[str, str]) -> object:
        if path == "/fapi/v1/exchangeInfo":
            return {"symbols": [SYMBOL, SYMBOL | {"symbol": "ETHUSDT"}]}
        assert path == "/fapi/v1/fundingInfo"
        return [{"symbol": "ETHUSDT", "fundingIntervalHours": 4}]

    requests, found = drive(REST.instruments(), server)
    assert [request.pool for request in requests] == ["ip", "funding"]
    assert [item.funding_interval_h for item in found] == [8, 4]


@pytest.mark.parametrize("trouble", [RateLimited("binance", "later"), {"a": "web page"}])
def test_instruments_are_listed_even_when_the_intervals_cannot_be_had(trouble: object) -> None:
    def server(path: str, _query: dict[str, str]) -> object:
        return {"symbols": [SYMBOL]} if path == "/fapi/v1/exchangeInfo" else trouble

    _, found = drive(REST.instruments(), server)
    assert [item.funding_interval_h for item in found] == [None]


def test_other_failures_reach_the_caller() -> None:
    with pytest.raises(VenueUnavailable):
        drive(REST.server_time_ms(), lambda _path, _query: VenueUnavailable("binance", "gone"))
    with pytest.raises(WireError):
        drive(REST.server_time_ms(), lambda _path, _query: {"time": "x"})


def test_the_clock() -> None:
    (request,), now_ms = drive(REST.server_time_ms(), lambda _path, _query: {"serverTime": 17})
    assert (request.path, request.weight, now_ms) == ("/fapi/v1/time", 1, 17)
