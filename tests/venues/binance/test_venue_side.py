"""Binance's servers without sockets: shapes, limits, errors and streams over a tiny market."""

import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from headwater.core.enums import (
    Channel,
    InstrumentKind,
    InstrumentStatus,
    PositionSide,
    PriceKind,
    Side,
)
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.order_book import OrderBook
from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    FundingRate,
    Level,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Record,
    Trade,
)
from headwater.venues.binance.venue_side import BinanceSide
from headwater.venues.binance.venue_side_stream import StreamRules
from headwater.venues.side import DayStats, FillPrint, ServerReply, ServerRequest, ServerSocket

START_MS = 1_800_000_000_000  # a full minute


class HandMarket:
    """A market made by hand: every event is put in by the test."""

    def __init__(self) -> None:
        self.clock_ms = START_MS
        self.table = InstrumentTable(
            "binance", [_instrument("BTC", "0.10", "0.001"), _instrument("DOGE", "0.00001", "1")]
        )
        self.made: dict[str, list[FillPrint]] = {"BTCUSDT": [], "DOGEUSDT": []}
        self.books = {symbol: OrderBook() for symbol in self.made}
        self.books["BTCUSDT"].replace([(100.0, 1.0), (99.9, 2.0)], [(100.1, 1.5)], 500, START_MS)
        self.books["DOGEUSDT"].replace([(0.1, 10.0)], [(0.11, 20.0)], 700, START_MS)

    def now_ms(self) -> int:
        return self.clock_ms

    def trade(
        self, price: float, quantity: float, *, fills: int = 1, side: Side = Side.BUY
    ) -> Trade:
        made = self.made["BTCUSDT"]
        sequence = made[-1].trade.sequence + 1 if made and made[-1].trade.sequence else 1
        first = made[-1].last_fill_id + 1 if made else 1000
        trade = Trade(
            exchange="binance",
            symbol="BTCUSDT",
            native_symbol="BTCUSDT",
            timestamp_ms=self.clock_ms,
            received_ns=0,
            side=side,
            price=price,
            quantity=quantity,
            value=price * quantity,
            trade_id=str(sequence),
            sequence=sequence,
        )
        made.append(FillPrint(trade=trade, first_fill_id=first, last_fill_id=first + fills - 1))
        return trade

    def change(self, bids: list[Level], asks: list[Level], first: int, last: int) -> BookDelta:
        book = self.books["BTCUSDT"]
        delta = BookDelta(
            exchange="binance",
            symbol="BTCUSDT",
            native_symbol="BTCUSDT",
            timestamp_ms=self.clock_ms,
            received_ns=0,
            bids=tuple(bids),
            asks=tuple(asks),
            sequence=last,
            first_sequence=first,
            previous_sequence=book.sequence,
        )
        book.apply(bids, asks, last, self.clock_ms)
        return delta

    def candles(
        self,
        symbol: str,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[Candle]:
        rows: dict[int, list[FillPrint]] = {}
        for found in self.made[symbol]:
            rows.setdefault(interval.opens_at_ms(found.trade.timestamp_ms), []).append(found)
        opened = [
            moment
            for moment in sorted(rows)
            if (start_ms is None or moment >= start_ms) and (end_ms is None or moment <= end_ms)
        ]
        chosen = opened[:limit] if start_ms is not None else opened[-limit:]
        return [self._candle(symbol, interval, moment, rows[moment]) for moment in chosen]

    def _candle(
        self, symbol: str, interval: Interval, opened_ms: int, prints: list[FillPrint]
    ) -> Candle:
        prices = [found.trade.price for found in prints]
        return Candle(
            exchange="binance",
            symbol=symbol,
            native_symbol=symbol,
            timestamp_ms=opened_ms,
            received_ns=0,
            interval=interval,
            open=prices[0],
            high=max(prices),
            low=min(prices),
            close=prices[-1],
            volume=sum(found.trade.quantity for found in prints),
            quote_volume=sum(found.trade.value for found in prints),
            trades_count=sum(f.last_fill_id - f.first_fill_id + 1 for f in prints),
            is_closed=self.clock_ms >= interval.closes_at_ms(opened_ms),
            taker_buy_volume=0.0,
        )

    def prints(
        self, symbol: str, *, limit: int, first_sequence: int | None = None
    ) -> list[FillPrint]:
        made = self.made[symbol]
        if first_sequence is None:
            return made[-limit:]
        return [f for f in made if (f.trade.sequence or 0) >= first_sequence][:limit]

    def print_of_fill(self, symbol: str, fill_id: int) -> FillPrint | None:
        return next(
            (f for f in self.made[symbol] if f.first_fill_id <= fill_id <= f.last_fill_id), None
        )

    def book(self, symbol: str, depth: int) -> BookSnapshot:
        book = self.books[symbol]
        return BookSnapshot(
            exchange="binance",
            symbol=symbol,
            native_symbol=symbol,
            timestamp_ms=book.timestamp_ms,
            received_ns=0,
            bids=book.bids(depth),
            asks=book.asks(depth),
            sequence=book.sequence,
        )

    def day_stats(self, symbol: str) -> DayStats:
        return DayStats(
            open=100.0,
            high=110.0,
            low=90.0,
            last=105.0,
            last_quantity=0.5,
            volume=1000.0,
            quote_volume=101_000.0,
            trades_count=7,
            first_trade_id=1000,
            last_trade_id=1006,
            opened_at_ms=self.clock_ms - 86_400_000,
            closed_at_ms=self.clock_ms,
        )

    def mark_price(self, symbol: str) -> MarkPrice:
        return MarkPrice(
            exchange="binance",
            symbol=symbol,
            native_symbol=symbol,
            timestamp_ms=self.clock_ms,
            received_ns=0,
            mark=100.05,
            index=100.0,
            funding_rate=0.0001,
            next_funding_ms=START_MS + 3_600_000,
        )

    def open_interest(self, symbol: str) -> OpenInterest:
        return OpenInterest(
            exchange="binance",
            symbol=symbol,
            native_symbol=symbol,
            timestamp_ms=self.clock_ms,
            received_ns=0,
            open_interest=1234.5,
            value=123_450.0,
        )

    def open_interest_history(
        self,
        symbol: str,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[OpenInterest]:
        return [self.open_interest(symbol)][:limit]

    def funding_history(
        self,
        symbol: str,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[FundingRate]:
        row = FundingRate(
            exchange="binance",
            symbol=symbol,
            native_symbol=symbol,
            timestamp_ms=START_MS,
            received_ns=0,
            rate=-0.00012,
            interval_h=8.0,
            funding_time_ms=START_MS,
        )
        return [row][:limit]

    def liquidation(self, quantity: float) -> Liquidation:
        return Liquidation(
            exchange="binance",
            symbol="BTCUSDT",
            native_symbol="BTCUSDT",
            timestamp_ms=self.clock_ms,
            received_ns=0,
            side=Side.SELL,
            position_side=PositionSide.LONG,
            price=99.0,
            quantity=quantity,
            value=99.0 * quantity,
            price_kind=PriceKind.AVERAGE,
            order_id=None,
            is_floor=True,
            order_price=98.5,
        )


def _instrument(base: str, tick: str, step: str) -> Instrument:
    return Instrument(
        exchange="binance",
        symbol=f"{base}USDT",
        native_symbol=f"{base}USDT",
        timestamp_ms=0,
        received_ns=0,
        base_asset=base,
        quote_asset="USDT",
        settle_asset="USDT",
        instrument_kind=InstrumentKind.PERPETUAL,
        status=InstrumentStatus.TRADING,
        is_linear=True,
        contract_size=1.0,
        price_tick=Decimal(tick),
        quantity_step=Decimal(step),
        min_quantity=Decimal(step),
        min_notional=Decimal(5),
        funding_interval_h=8.0 if base == "BTC" else 4.0,
        listed_at_ms=START_MS - 1,
        expires_at_ms=None,
    )


class Bench:
    """A market, its servers and one client."""

    def __init__(self, rules: StreamRules | None = None) -> None:
        self.market = HandMarket()
        self.side = BinanceSide(self.market, rules)

    def get(self, path: str, **query: object) -> ServerReply:
        client = str(query.pop("client", "192.0.2.1"))
        pairs = tuple((name, str(value)) for name, value in query.items())
        return self.side.answer(ServerRequest(method="GET", path=path, query=pairs, client=client))

    def read(self, path: str, **query: object) -> Any:
        reply = self.get(path, **query)
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def refused(self, path: str, **query: object) -> tuple[int, int]:
        reply = self.get(path, **query)
        return reply.status, json.loads(reply.body)["code"]

    def open(self, path: str, *streams: str) -> ServerSocket:
        query = [("streams", "/".join(streams))] if streams else []
        socket = self.side.open(path, query, "192.0.2.1")
        assert socket is not None
        return socket

    def say(self, socket: ServerSocket, message: object) -> Any:
        """Sends a request on a fresh second, so that the message limit does not matter."""
        self.market.clock_ms += 1000
        frames = socket.receive(json.dumps(message), self.market.clock_ms)
        assert len(frames.texts) == 1, frames
        return json.loads(frames.texts[0])

    def after(self, milliseconds: int, *sockets: ServerSocket) -> list[list[Any]]:
        """What each socket sends when that much time has passed."""
        self.market.clock_ms += milliseconds
        return [
            [json.loads(text) for text in socket.tick(self.market.clock_ms).texts]
            for socket in sockets
        ]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_klines_have_the_documented_row(bench: Bench) -> None:
    bench.market.trade(100.0, 0.5, fills=2)
    bench.market.trade(101.0, 0.25)
    (row,) = bench.read("/fapi/v1/klines", symbol="BTCUSDT", interval="1m")
    assert row == [
        START_MS,
        "100.00",
        "101.00",
        "100.00",
        "101.00",
        "0.750",
        START_MS + 59_999,
        "75.25000",
        3,
        "0.000",
        "0.00000",
        "0",
    ]


def test_agg_trades_by_id_by_time_and_newest(bench: Bench) -> None:
    for step in range(10):
        bench.market.clock_ms = START_MS + step * 1000
        bench.market.trade(100.0 + step, 0.001, side=Side.SELL)
    path, symbol = "/fapi/v1/aggTrades", "BTCUSDT"
    by_id = bench.read(path, symbol=symbol, fromId=4, limit=3)
    assert [row["a"] for row in by_id] == [4, 5, 6]
    assert by_id[0] == {
        "a": 4,
        "p": "103.00",
        "q": "0.001",
        "nq": "0.001",
        "f": 1003,
        "l": 1003,
        "T": START_MS + 3000,
        "m": True,
    }
    by_time = bench.read(path, symbol=symbol, startTime=START_MS + 2000, endTime=START_MS + 4000)
    assert [row["a"] for row in by_time] == [3, 4, 5]
    until = bench.read(path, symbol=symbol, endTime=START_MS + 4000, limit=2)
    assert [row["a"] for row in until] == [4, 5]
    assert [row["a"] for row in bench.read(path, symbol=symbol, limit=2)] == [9, 10]
    assert bench.read(path, symbol="DOGEUSDT", endTime=START_MS) == []


def test_fills_are_counted_without_holes_and_sum_to_their_print(bench: Bench) -> None:
    bench.market.trade(100.0, 0.007, fills=3)
    rows = bench.read("/fapi/v1/trades", symbol="BTCUSDT")
    assert [row["id"] for row in rows] == [1000, 1001, 1002]
    assert sum(Decimal(row["qty"]) for row in rows) == Decimal("0.007")
    reply = bench.side.answer(
        ServerRequest(
            method="GET",
            path="/fapi/v1/historicalTrades",
            query=(("symbol", "BTCUSDT"), ("fromId", "1001")),
            client="a",
            headers={"x-mbx-apikey": "k"},
        )
    )
    assert [row["id"] for row in json.loads(reply.body)] == [1001, 1002]
    assert bench.refused("/fapi/v1/historicalTrades", symbol="BTCUSDT") == (401, -2014)


def test_replies_of_every_other_endpoint(bench: Bench) -> None:
    bench.market.trade(100.0, 1.0)
    assert bench.read("/fapi/v1/time") == {"serverTime": START_MS}
    assert bench.read("/fapi/v1/ping") == {}
    depth = bench.read("/fapi/v1/depth", symbol="BTCUSDT", limit=5)
    assert depth["lastUpdateId"] == 500
    assert depth["bids"] == [["100.00", "1.000"], ["99.90", "2.000"]]
    day = bench.read("/fapi/v1/ticker/24hr", symbol="BTCUSDT")
    assert (day["priceChangePercent"], day["firstId"], day["volume"]) == (
        "5.000",
        1000,
        "1000.000",
    )
    assert len(bench.read("/fapi/v1/ticker/24hr")) == 2
    assert bench.read("/fapi/v2/ticker/price", symbol="BTCUSDT")["price"] == "100.00"
    assert bench.read("/fapi/v1/ticker/bookTicker", symbol="BTCUSDT")["askPrice"] == "100.10"
    premium = bench.read("/fapi/v1/premiumIndex", symbol="BTCUSDT")
    assert (premium["markPrice"], premium["lastFundingRate"]) == ("100.05000000", "0.00010000")
    assert bench.read("/fapi/v1/openInterest", symbol="BTCUSDT")["openInterest"] == "1234.500"
    history = bench.read("/futures/data/openInterestHist", symbol="BTCUSDT", period="5m")
    assert history[0]["sumOpenInterestValue"] == "123450.00000000"
    funding = bench.read("/fapi/v1/fundingRate", symbol="BTCUSDT")
    assert funding[0]["fundingRate"] == "-0.00012000"
    assert [row["symbol"] for row in bench.read("/fapi/v1/fundingInfo")] == ["DOGEUSDT"]
    info = bench.read("/fapi/v1/exchangeInfo")
    assert info["rateLimits"][0]["limit"] == 2400
    assert info["symbols"][0]["filters"][0]["tickSize"] == "0.10"
    continuous = bench.read(
        "/fapi/v1/continuousKlines", pair="BTCUSDT", contractType="PERPETUAL", interval="1h"
    )
    assert len(continuous) == 1
    mark = bench.read("/fapi/v1/markPriceKlines", symbol="BTCUSDT", interval="1m")
    assert mark[0][5] == "0"


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/fapi/v1/klines", {"interval": "1m"}, (400, -1102)),
        ("/fapi/v1/klines", {"symbol": "NOPEUSDT", "interval": "1m"}, (400, -1121)),
        ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1s"}, (400, -1120)),
        ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 0}, (400, -1130)),
        ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1501}, (400, -1130)),
        ("/fapi/v1/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": "x"}, (400, -1130)),
        ("/fapi/v1/depth", {"symbol": "BTCUSDT", "limit": 7}, (400, -1130)),
        ("/fapi/v1/aggTrades", {"symbol": "BTCUSDT", "startTime": -5}, (400, -1130)),
        (
            "/fapi/v1/aggTrades",
            {"symbol": "BTCUSDT", "startTime": 0, "endTime": 3_600_000},
            (400, -1127),
        ),
        (
            "/futures/data/openInterestHist",
            {"symbol": "BTCUSDT", "period": "5m", "startTime": 1},
            (400, -1130),
        ),
        ("/fapi/v1/allForceOrders", {}, (400, -1000)),
        ("/fapi/v1/nothing", {}, (404, -5000)),
        ("/fapi/v2/account", {}, (401, -2014)),
    ],
)
def test_bad_requests_get_the_documented_code(
    bench: Bench, path: str, query: dict[str, object], expected: tuple[int, int]
) -> None:
    assert bench.refused(path, **query) == expected


def test_weights_are_counted_per_ip_and_minute(bench: Bench) -> None:
    query = {"symbol": "BTCUSDT", "interval": "1m"}
    assert bench.get("/fapi/v1/klines", limit=1500, **query).headers["X-MBX-USED-WEIGHT-1M"] == "10"
    assert bench.get("/fapi/v1/depth", symbol="BTCUSDT").headers["X-MBX-USED-WEIGHT-1M"] == "20"
    assert bench.get("/fapi/v1/ticker/24hr").headers["X-MBX-USED-WEIGHT-1M"] == "60"
    other = bench.get("/fapi/v1/time", client="192.0.2.9")
    assert other.headers["X-MBX-USED-WEIGHT-1M"] == "1"
    bench.market.clock_ms += 60_000
    assert bench.get("/fapi/v1/time").headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_over_the_limit_comes_429_and_going_on_a_ban(bench: Bench) -> None:
    bench.market.clock_ms += 15_000
    statuses = [bench.get("/fapi/v1/ticker/24hr").status for _ in range(60)]
    assert set(statuses) == {200}
    first = bench.get("/fapi/v1/time")
    assert (first.status, first.headers["Retry-After"]) == (429, "45")
    replies = [bench.get("/fapi/v1/time") for _ in range(20)]
    assert replies[0].status == 429
    assert replies[-1].status == 418
    banned_until = bench.market.clock_ms + 120_000
    assert f"banned until {banned_until}" in json.loads(replies[-1].body)["msg"]
    bench.market.clock_ms += 60_000
    assert bench.get("/fapi/v1/time").status == 418
    bench.market.clock_ms += 61_000
    assert bench.get("/fapi/v1/time").status == 200


def test_funding_and_open_interest_history_have_their_own_pools(bench: Bench) -> None:
    statuses = [bench.get("/fapi/v1/fundingInfo").status for _ in range(501)]
    assert statuses[-2:] == [200, 429]
    reply = bench.get("/futures/data/openInterestHist", symbol="BTCUSDT", period="5m")
    assert reply.status == 200
    assert reply.headers["X-MBX-USED-WEIGHT-1M"] == "0"


def test_paths_of_websockets(bench: Bench) -> None:
    for path in ("/public/ws", "/market/ws/btcusdt@aggTrade", "/ws", "/stream", "/public/ws/0"):
        assert bench.side.open(path, [], "c") is not None
    for path in ("/private/ws", "/private/ws/key", "/nothing", "/"):
        assert bench.side.open(path, [], "c") is None


def test_streams_of_the_other_class_are_acknowledged_and_silent(bench: Bench) -> None:
    public, market = bench.open("/public/ws"), bench.open("/market/ws")
    legacy = bench.open("/ws/btcusdt@aggTrade/btcusdt@depth@100ms")
    names = ["btcusdt@aggTrade", "btcusdt@depth@100ms", "what@ever"]
    for socket in (public, market):
        answer = bench.say(socket, {"method": "SUBSCRIBE", "params": names, "id": 1})
        assert answer == {"result": None, "id": 1}
    listed = bench.say(public, {"method": "LIST_SUBSCRIPTIONS", "id": 3})
    assert listed == {"result": names, "id": 3}
    records: list[Record] = [
        bench.market.trade(100.0, 1.0),
        bench.market.change([(100.0, 0.0)], [], 501, 505),
    ]
    for socket in (public, market, legacy):
        for record in records:
            socket.deliver(record)
    heard = bench.after(250, public, market, legacy)
    assert [{event["e"] for event in events} for events in heard] == [
        {"depthUpdate"},
        {"aggTrade"},
        {"depthUpdate"},
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nonsense", 3),
        ("[1]", 2),
        ('{"params":[],"id":1}', 2),
        ('{"method":"FLY","params":[],"id":1}', 2),
        ('{"method":"SUBSCRIBE","params":["a"]}', 2),
        ('{"method":"SUBSCRIBE","params":["a"],"id":-1}', 2),
        ('{"method":"SUBSCRIBE","params":"a","id":1}', 2),
        ('{"method":"SUBSCRIBE","params":[5],"id":1}', 2),
        ('{"method":"SET_PROPERTY","params":["colour",true],"id":1}', 0),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}', 1),
    ],
)
def test_malformed_requests_get_error_bodies(bench: Bench, text: str, code: int) -> None:
    frames = bench.open("/market/ws").receive(text, START_MS)
    body = json.loads(frames.texts[0])
    assert body["code"] == code
    assert body["msg"]
    assert frames.close_code is None


def test_combined_mode_by_path_and_by_property(bench: Bench) -> None:
    wrapped = bench.open("/market/stream", "btcusdt@aggTrade")
    raw = bench.open("/market/ws/btcusdt@aggTrade")
    assert bench.say(raw, {"method": "GET_PROPERTY", "params": ["combined"], "id": 1})[
        "result"
    ] is (False)
    record = bench.market.trade(100.0, 0.1)
    wrapped.deliver(record)
    (first,), (second,) = bench.after(100, wrapped, raw)
    assert first == {"stream": "btcusdt@aggTrade", "data": second}
    assert (second["a"], second["f"], second["l"], second["st"]) == (1, 1000, 1000, 1)
    change = {"method": "SET_PROPERTY", "params": ["combined", True], "id": 2}
    assert bench.say(raw, change) == {"result": None, "id": 2}


def test_depth_windows_chain_whatever_their_speed(bench: Bench) -> None:
    fast = bench.open("/public/ws/btcusdt@depth@100ms")
    slow = bench.open("/public/ws/btcusdt@depth@500ms")
    top = bench.open("/public/ws/btcusdt@depth5@100ms")
    heard: dict[ServerSocket, list[Any]] = {fast: [], slow: [], top: []}
    update = 500
    for step in range(40):
        record = bench.market.change([(100.0 - step % 3, float(step))], [], update + 3, update + 9)
        update += 9
        for socket in heard:
            socket.deliver(record)
        for socket, events in zip(heard, bench.after(50, *heard), strict=True):
            heard[socket] += events
    for socket in (fast, slow):
        events = heard[socket]
        assert events[0]["pu"] == 500
        assert all(b["pu"] == a["u"] for a, b in pairwise(events))
        assert all(event["pu"] < event["U"] <= event["u"] for event in events)
    assert len(heard[fast]) > 4 * len(heard[slow]) - 4
    assert len(heard[top][-1]["b"]) == len(bench.market.book("BTCUSDT", 5).bids)


def test_diffs_rebuild_the_book(bench: Bench) -> None:
    socket = bench.open("/public/ws/btcusdt@depth@100ms")
    mirror = OrderBook()
    start = bench.market.book("BTCUSDT", 10)
    mirror.replace(start.bids, start.asks, start.sequence)
    for step in range(30):
        price = 100.0 + (step % 7) / 10
        record = bench.market.change(
            [(price - 1, step % 4)], [(price + 1, step % 3)], 600 + step * 2, 601 + step * 2
        )
        socket.deliver(record)
        for event in bench.after(70, socket)[0]:
            mirror.apply(
                [(float(p), float(q)) for p, q in event["b"]],
                [(float(p), float(q)) for p, q in event["a"]],
                event["u"],
            )
    for event in bench.after(200, socket)[0]:
        mirror.apply(
            [(float(p), float(q)) for p, q in event["b"]],
            [(float(p), float(q)) for p, q in event["a"]],
            event["u"],
        )
    assert mirror.bids() == bench.market.books["BTCUSDT"].bids()
    assert mirror.asks() == bench.market.books["BTCUSDT"].asks()


def test_quotes_follow_every_change_of_the_best(bench: Bench) -> None:
    socket = bench.open("/public/ws/btcusdt@bookTicker")
    quiet = bench.market.change([(99.0, 5.0)], [], 501, 501)
    better = bench.market.change([(100.05, 3.0)], [], 502, 503)
    gone = bench.market.change([(100.05, 0.0)], [], 504, 504)
    frames = [json.loads(text) for r in (quiet, better, gone) for text in socket.deliver(r).texts]
    assert [(f["u"], f["b"], f["B"]) for f in frames] == [
        (503, "100.05", "3.000"),
        (504, "100.00", "1.000"),
    ]


def test_klines_form_close_once_and_skip_empty_candles(bench: Bench) -> None:
    socket = bench.open("/market/ws/btcusdt@kline_1m")
    heard: list[Any] = []
    for second in range(180):
        if second in (3, 4, 130):
            socket.deliver(bench.market.trade(100.0 + second, 0.5, fills=2))
        heard += bench.after(1000, socket)[0]
    bars = [(e["k"]["t"] - START_MS, e["k"]["x"], e["k"]["c"], e["k"]["n"]) for e in heard]
    assert bars == [
        (0, False, "103.00", 2),
        (0, False, "104.00", 4),
        (0, True, "104.00", 4),
        (120_000, False, "230.00", 2),
        (120_000, True, "230.00", 2),
    ]
    closed = heard[2]["k"]
    assert (closed["f"], closed["L"], closed["T"]) == (1000, 1003, START_MS + 59_999)


def test_continuous_klines_name_the_pair(bench: Bench) -> None:
    socket = bench.open("/market/ws/btcusdt_perpetual@continuousKline_1m")
    socket.deliver(bench.market.trade(100.0, 0.5))
    (event,) = bench.after(250, socket)[0]
    assert (event["e"], event["ps"], event["ct"]) == ("continuous_kline", "BTCUSDT", "PERPETUAL")
    assert "s" not in event["k"]


def test_liquidations_show_the_latest_of_each_second(bench: Bench) -> None:
    one = bench.open("/market/ws/btcusdt@forceOrder")
    every = bench.open("/market/ws/!forceOrder@arr")
    for quantity in (0.1, 0.2, 0.3):
        record = bench.market.liquidation(quantity)
        for socket in (one, every):
            socket.deliver(record)
    assert bench.after(500, one, every) == [[], []]
    single, both = bench.after(500, one, every)
    assert [event["o"]["z"] for event in single] == ["0.300"]
    order = single[0]["o"]
    assert (order["S"], order["p"], order["ap"]) == ("SELL", "98.50", "99.00")
    assert [(event["st"], event["o"]["s"]) for event in both] == [
        (1, "BTCUSDT"),
        (2, "BTCUSD_PERP"),
    ]
    assert bench.after(3000, one, every) == [[], []]


def test_marks_and_tickers_carry_coin_contracts_in_all_market_streams(bench: Bench) -> None:
    marks = bench.open("/market/ws/!markPrice@arr@1s")
    tickers = bench.open("/market/ws/!ticker@arr")
    slow = bench.open("/market/ws/btcusdt@markPrice")
    heard: list[list[Any]] = [[], [], []]
    for _ in range(6):
        for symbol in ("BTCUSDT", "DOGEUSDT"):
            record = bench.market.mark_price(symbol)
            for socket in (marks, tickers, slow):
                socket.deliver(record)
        for kept, events in zip(heard, bench.after(1000, marks, tickers, slow), strict=True):
            kept += events
    assert [(row["s"], row["st"]) for row in heard[0][0]] == [
        ("BTCUSDT", 1),
        ("BTCUSD_PERP", 2),
        ("DOGEUSDT", 1),
    ]
    assert len(heard[0]) == 6
    assert len(heard[1]) == 1  # nobody traded since
    assert [row["s"] for row in heard[1][0]] == ["BTCUSDT", "BTCUSD_PERP", "DOGEUSDT"]
    assert len(heard[2]) == 2


def test_all_quotes_and_mini_tickers(bench: Bench) -> None:
    quotes = bench.open("/public/ws/!bookTicker")
    mini = bench.open("/market/ws/btcusdt@miniTicker")
    first, second = bench.after(50, quotes, mini)
    assert [event["st"] for event in first] == [1, 2, 1]
    assert second[0]["e"] == "24hrMiniTicker"
    assert bench.after(4000, quotes, mini) == [[], []]


def test_too_many_messages_end_the_connection(bench: Bench) -> None:
    socket = bench.open("/market/ws")
    request = json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 1})
    for _ in range(9):
        assert socket.receive(request, START_MS).close_code is None
    assert socket.receive_pong(START_MS).close_code is None
    assert socket.receive_ping(START_MS + 1001).close_code is None
    for _ in range(9):
        assert socket.receive(request, START_MS + 1500).close_code is None
    assert socket.receive(request, START_MS + 1600).close_code == 1008


def test_more_streams_than_allowed_end_the_connection() -> None:
    bench = Bench(StreamRules(max_streams=3))
    socket = bench.open("/market/ws/a/b/c")
    request = json.dumps({"method": "SUBSCRIBE", "params": ["c", "d"], "id": 1})
    assert socket.receive(request, START_MS).close_code == 1008


def test_pings_pong_deadline_and_end_of_life() -> None:
    hour = 3_600_000
    bench = Bench()
    mute, alive = bench.open("/market/ws"), bench.open("/market/ws")
    pings = 0
    for minute in range(1, 24 * 60):
        now_ms = START_MS + minute * 60_000
        frames = alive.tick(now_ms)
        assert frames.close_code is None
        if frames.ping is not None:
            pings += 1
            alive.receive_pong(now_ms)
    assert pings == 24 * 20 - 1
    assert mute.tick(START_MS + 599_999).close_code is None
    assert mute.tick(START_MS + 600_000).close_code == 1008
    assert alive.tick(START_MS + 24 * hour).close_code == 1001


def test_a_closed_socket_is_forgotten_and_streams_stop(bench: Bench) -> None:
    gone, left = (
        bench.open("/market/ws/btcusdt@aggTrade"),
        bench.open("/market/ws/btcusdt@aggTrade"),
    )
    gone.closed()
    left.deliver(bench.market.trade(1.0, 1.0))
    assert len(bench.after(100, left)[0]) == 1
    assert gone.tick(bench.market.clock_ms + 1).texts == ()
    left.receive('{"method":"UNSUBSCRIBE","params":["btcusdt@aggTrade"],"id":1}', START_MS)
    left.deliver(bench.market.trade(1.0, 1.0))
    assert bench.after(100, left) == [[]]


def test_frame_marks_find_the_frames_of_one_channel(bench: Bench) -> None:
    socket = bench.open("/market/ws/btcusdt@aggTrade/btcusdt@kline_1m")
    socket.deliver(bench.market.trade(100.0, 1.0))
    bench.market.clock_ms += 250
    texts = socket.tick(bench.market.clock_ms).texts
    marks = bench.side.frame_marks(Channel.TRADES, "BTCUSDT")
    assert [all(mark in text for mark in marks) for text in texts] == [True, False]


def test_trouble_speaks_as_the_venue_does(bench: Bench) -> None:
    reply = bench.side.trouble(418, "192.0.2.1", 120)
    assert reply.headers["Retry-After"] == "120"
    assert f"banned until {START_MS + 120_000}" in json.loads(reply.body)["msg"]
    assert json.loads(bench.side.trouble(503, "192.0.2.1", None).body)["code"] == -1000
