"""The conversation on one connection: what is asked for, what frames give, what is refused."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headwater.core.enums import Channel, Side
from headwater.core.errors import PlatformError, RequestError, WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import BookDelta, BookSnapshot, Candle, Liquidation, Record, Trade
from headwater.venues.binance.market_stream import (
    ENDPOINTS,
    MESSAGE_BYTES_MAX,
    TOPICS_PER_MESSAGE,
    BinanceStream,
    stream_name,
)
from headwater.venues.messages import Ack, Ignored, StreamEvent, Subscription

NO_TABLE = InstrumentTable("binance", ())
AGG_TRADE: dict[str, Any] = {
    "e": "aggTrade",
    "E": 1768644497528,
    "a": 3057600382,
    "s": "BTCUSDT",
    "p": "95208.60",
    "q": "0.020",
    "nq": "0.020",
    "f": 7111099183,
    "l": 7111099184,
    "T": 1768644497374,
    "m": True,
    "st": 1,
}
DEPTH: dict[str, Any] = {
    "e": "depthUpdate",
    "E": 1723161256299,
    "T": 1723161256298,
    "s": "BTCUSDT",
    "U": 151,
    "u": 160,
    "pu": 150,
    "b": [["37000.0", "1.2"]],
    "a": [["37001.0", "0"]],
}
MARK: dict[str, Any] = {
    "e": "markPriceUpdate",
    "E": 1,
    "s": "BTCUSDT",
    "p": "1",
    "r": "0.0001",
    "T": 9,
}


def wrapped(stream: str, data: object) -> bytes:
    return json.dumps({"stream": stream, "data": data}).encode()


def feed(frame: bytes | str, stream: BinanceStream | None = None) -> list[StreamEvent]:
    parser = stream or BinanceStream("market", NO_TABLE)
    return list(parser.feed(frame.encode() if isinstance(frame, str) else frame, 7))


def one(frame: bytes | str, stream: BinanceStream | None = None) -> StreamEvent:
    (event,) = feed(frame, stream)
    return event


def test_every_channel_has_its_stream_name() -> None:
    names = {
        channel: stream_name(
            Subscription(
                channel=channel,
                native_symbol="BTCUSDT",
                interval=Interval.M1 if channel is Channel.CANDLES else None,
            )
        )
        for channel in Channel
        if channel is not Channel.OPEN_INTEREST
    }
    assert names == {
        Channel.TRADES: "btcusdt@aggTrade",
        Channel.CANDLES: "btcusdt@kline_1m",
        Channel.BOOK: "btcusdt@depth@100ms",
        Channel.QUOTES: "btcusdt@bookTicker",
        Channel.TICKERS: "btcusdt@ticker",
        Channel.MARK_PRICES: "btcusdt@markPrice@1s",
        Channel.LIQUIDATIONS: "btcusdt@forceOrder",
    }


def test_the_whole_market_is_one_stream_where_the_venue_has_it() -> None:
    def name(channel: Channel) -> str:
        return stream_name(Subscription(channel=channel, native_symbol=None))

    assert name(Channel.LIQUIDATIONS) == "!forceOrder@arr"
    assert name(Channel.TICKERS) == "!ticker@arr"
    assert name(Channel.MARK_PRICES) == "!markPrice@arr@1s"
    with pytest.raises(RequestError, match="per symbol"):
        name(Channel.TRADES)


def test_candles_without_an_interval_are_refused() -> None:
    with pytest.raises(RequestError, match="interval"):
        stream_name(Subscription(channel=Channel.CANDLES, native_symbol="BTCUSDT"))


def test_a_channel_of_the_other_endpoint_is_refused() -> None:
    """The venue would acknowledge it and never send anything."""
    for channel, endpoint in ENDPOINTS.items():
        wrong = "market" if endpoint == "public" else "public"
        wanted = Subscription(channel=channel, native_symbol="BTCUSDT", interval=Interval.M1)
        with pytest.raises(RequestError, match=f"served by /{endpoint}"):
            BinanceStream(wrong, NO_TABLE).subscribe([wanted])


def test_requests_are_split_by_number_and_by_bytes() -> None:
    stream = BinanceStream("market", NO_TABLE)
    long_names = ["1000000" + "币安人生" * 5 + f"{number}USDT" for number in range(150)]
    short_names = [f"C{number}USDT" for number in range(150)]
    for names in (long_names, short_names):
        wanted = [Subscription(channel=Channel.TRADES, native_symbol=name) for name in names]
        requests = stream.subscribe(wanted)
        assert [item for request in requests for item in request.subscriptions] == wanted
        for request in requests:
            body = json.loads(request.payload)
            assert body["method"] == "SUBSCRIBE"
            assert body["id"] == request.request_id
            assert len(body["params"]) == len(request.subscriptions) <= TOPICS_PER_MESSAGE
            assert len(request.payload.encode()) <= MESSAGE_BYTES_MAX
    ids = [request.request_id for request in stream.unsubscribe(wanted)]
    assert ids == sorted(set(ids))


def test_unsubscribing_forgets_and_leaves_unknown_ones_out() -> None:
    stream = BinanceStream("market", NO_TABLE)
    held = Subscription(channel=Channel.TRADES, native_symbol="BTCUSDT")
    other = Subscription(channel=Channel.TRADES, native_symbol="ETHUSDT")
    stream.subscribe([held])
    (request,) = stream.unsubscribe([held, other])
    assert json.loads(request.payload)["params"] == ["btcusdt@aggTrade"]
    assert stream.unsubscribe([held]) == []
    assert stream.last_data_ns(held) is None


def test_freshness_is_kept_per_subscription() -> None:
    stream = BinanceStream("market", NO_TABLE)
    trades = Subscription(channel=Channel.TRADES, native_symbol="BTCUSDT")
    minutes = Subscription(channel=Channel.CANDLES, native_symbol="BTCUSDT", interval=Interval.M1)
    everyone = Subscription(channel=Channel.LIQUIDATIONS, native_symbol=None)
    stream.subscribe([trades, minutes, everyone])
    assert stream.last_data_ns(trades) is None
    stream.feed(wrapped("btcusdt@aggTrade", AGG_TRADE), 11)
    assert stream.last_data_ns(trades) == 11
    assert stream.last_data_ns(minutes) is None
    stream.feed(json.dumps(FORCE_ORDER).encode(), 12)
    assert stream.last_data_ns(everyone) == 12
    assert stream.last_data_ns(trades) == 11


FORCE_ORDER = {
    "e": "forceOrder",
    "E": 1584059031426,
    "o": {
        "s": "BTCUSDT",
        "S": "BUY",
        "o": "LIMIT",
        "f": "IOC",
        "q": "0.014",
        "p": "4793.91",
        "ap": "4706.04",
        "X": "FILLED",
        "l": "0.015",
        "z": "0.014",
        "T": 1584059031421,
    },
}


def test_a_trade_in_both_modes_and_subscribed_or_not() -> None:
    subscribed = BinanceStream("market", NO_TABLE)
    subscribed.subscribe([Subscription(channel=Channel.TRADES, native_symbol="BTCUSDT")])
    expected = Trade(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=1768644497374,
        received_ns=7,
        side=Side.SELL,
        price=95208.6,
        quantity=0.02,
        value=95208.6 * 0.02,
        trade_id=3057600382,
        sequence=3057600382,
    )
    for frame in (wrapped("btcusdt@aggTrade", AGG_TRADE), json.dumps(AGG_TRADE)):
        assert one(frame) == expected
        assert one(frame, subscribed) == expected


def test_trades_of_2019_have_no_id_of_their_own() -> None:
    old = {key: value for key, value in AGG_TRADE.items() if key not in ("a", "st", "nq")}
    event = one(wrapped("btcusdt@aggTrade", old))
    assert isinstance(event, Trade)
    assert (event.trade_id, event.sequence) == (7111099184, None)
    del old["l"]
    event = one(wrapped("btcusdt@aggTrade", old))
    assert isinstance(event, Trade)
    assert (event.trade_id, event.sequence) == ("", None)


def test_a_depth_change_keeps_all_three_numbers() -> None:
    event = one(wrapped("btcusdt@depth@100ms", DEPTH))
    assert isinstance(event, BookDelta)
    assert event.bids == ((37000.0, 1.2),)
    assert event.asks == ((37001.0, 0.0),)
    assert (event.first_sequence, event.sequence, event.previous_sequence) == (151, 160, 150)
    assert event.timestamp_ms == 1723161256298


def test_the_name_of_the_stream_tells_a_top_from_a_change() -> None:
    for name in ("btcusdt@depth5", "btcusdt@depth10@500ms", "btcusdt@depth20@100ms"):
        assert isinstance(one(wrapped(name, DEPTH)), BookSnapshot)
    for name in ("btcusdt@depth", "btcusdt@depth@0ms", "btcusdt@depth@500ms"):
        assert isinstance(one(wrapped(name, DEPTH)), BookDelta)


def test_times_fall_back_to_sending_and_then_to_receiving() -> None:
    without_t = {key: value for key, value in DEPTH.items() if key != "T"}
    event = one(wrapped("btcusdt@depth", without_t))
    assert isinstance(event, BookDelta)
    assert event.timestamp_ms == 1723161256299
    del without_t["E"]
    (event,) = BinanceStream("public", NO_TABLE).feed(json.dumps(without_t).encode(), 5_000_000)
    assert isinstance(event, BookDelta)
    assert event.timestamp_ms == 5


def test_coin_margined_messages_are_dropped_wherever_they_are_marked() -> None:
    order = FORCE_ORDER["o"]
    assert isinstance(order, dict)
    frames = [
        wrapped("btcusd_perp@aggTrade", AGG_TRADE | {"st": 2}),
        wrapped("btcusdt@aggTrade", AGG_TRADE | {"st": 2}),
        wrapped("!forceOrder@arr", FORCE_ORDER | {"st": 2}),
        wrapped("!forceOrder@arr", FORCE_ORDER | {"o": order | {"st": 2}}),
        wrapped("btcusdt@depth", DEPTH | {"st": 2}),
        json.dumps(AGG_TRADE | {"s": "BTCUSD_PERP"}).encode(),
        json.dumps(AGG_TRADE | {"s": "BNBUSD_260327", "st": 2}).encode(),
        wrapped("!ticker@arr", [MARK | {"st": 2}, MARK | {"s": "ETHUSD_PERP"}]),
    ]
    subscribed = BinanceStream("market", NO_TABLE)
    subscribed.subscribe([Subscription(channel=Channel.TRADES, native_symbol="BTCUSDT")])
    for frame in frames:
        event = one(frame, subscribed)
        assert isinstance(event, Ignored)
        assert "COIN-M" in event.reason


def test_lists_give_their_records_and_leave_the_rest_out() -> None:
    rows = [MARK, MARK | {"s": "BTCUSD_PERP", "st": 2}, MARK | {"s": "ETHUSDT"}]
    for frame in (wrapped("!markPrice@arr@1s", rows), json.dumps(rows)):
        records = [event for event in feed(frame) if isinstance(event, Record)]
        assert [record.symbol for record in records] == ["BTCUSDT", "ETHUSDT"]
        assert len(feed(frame)) == 2
    mixed = [MARK, {"e": "somethingNew", "x": [1]}]
    assert [type(event).__name__ for event in feed(json.dumps(mixed))] == ["MarkPrice"]
    assert feed("[]") == []


def test_symbols_in_any_script_are_read() -> None:
    event = one(wrapped("币安人生usdt@aggTrade", AGG_TRADE | {"s": "币安人生USDT"}))
    assert isinstance(event, Trade)
    assert event.symbol == "币安人生USDT"


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ('{"result":null,"id":1}', Ack(request_id=1)),
        ('{"result":["btcusdt@aggTrade"],"id":3}', Ack(request_id=3)),
        ('{"id":"text","status":200,"result":{}}', Ack(request_id=None)),
        (
            '{"code":2,"msg":"Invalid request: x","id":4}',
            Ack(request_id=4, error="2: Invalid request: x"),
        ),
        (
            '{"error":{"code":3,"msg":"Invalid JSON: y"},"id":5}',
            Ack(request_id=5, error="3: Invalid JSON: y"),
        ),
        (
            '{"id":null,"status":400,"error":{"code":-1000,"msg":"Invalid JSON request."}}',
            Ack(request_id=None, error="-1000: Invalid JSON request."),
        ),
    ],
)
def test_answers_to_requests_are_acknowledgements(frame: str, expected: Ack) -> None:
    assert one(frame) == expected


@pytest.mark.parametrize(
    ("frame", "what", "reason"),
    [
        ('{"e":"contractInfo","E":1,"s":"IOTAUSDT"}', "contractInfo", "exchangeInfo"),
        (
            '{"stream":"x","data":{"e":"ORDER_TRADE_UPDATE","o":{}}}',
            "ORDER_TRADE_UPDATE",
            "account",
        ),
        ('{"e":"brandNew","q":1}', "brandNew", "unknown"),
        (
            '{"stream":"!assetIndex@arr","data":[{"e":"assetIndexUpdate"},{"e":"assetIndexUpdate"}]}',
            "assetIndexUpdate",
            "margin asset",
        ),
        ('{"foo":1}', "object", "names no event"),
        ('{"stream":"btcusdt@x","data":{"foo":1}}', "btcusdt@x", "names no event"),
    ],
)
def test_what_is_of_no_interest_is_skipped_with_the_reason(
    frame: str, what: str, reason: str
) -> None:
    event = one(frame)
    assert isinstance(event, Ignored)
    assert event.what == what
    assert reason in event.reason


BROKEN = [
    b"",
    b"null",
    b"1",
    b'"text"',
    b"[1]",
    b"[[]]",
    b"\xff\xfe",
    b'{"stream":"x"',
    b'{"stream":1,"data":{}}',
    b'{"e":1}',
    b'{"e":"aggTrade"}',
    b'{"stream":"x","data":null}',
    b'{"stream":"x","data":"y"}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"stream":"' + b"\xff" * 10 + b'","data":{"e":"aggTrade"}}',
    b'{"e":"aggTrade","s":"\\ud800","p":"1","q":"1","T":1,"m":true}',
]


@pytest.mark.parametrize("frame", BROKEN, ids=range(len(BROKEN)))
def test_broken_frames_are_wire_errors_and_nothing_else(frame: bytes) -> None:
    with pytest.raises(WireError):
        feed(frame)


@pytest.mark.parametrize("value", ["NaN", "-NaN", "Infinity", "-1", "0", "1e400", "", "x", "1e30"])
def test_impossible_prices_never_become_records(value: str) -> None:
    for changed in (AGG_TRADE | {"p": value}, AGG_TRADE | {"q": value}):
        with pytest.raises(WireError):
            feed(wrapped("btcusdt@aggTrade", changed))
    with pytest.raises(WireError):
        feed(wrapped("btcusdt@depth", DEPTH | {"b": [["1.0", "2.0"], [value, "1.0"]]}))
    if value != "0":
        with pytest.raises(WireError):
            feed(wrapped("btcusdt@depth", DEPTH | {"a": [["1.0", value]]}))
        with pytest.raises(WireError):
            feed(wrapped("btcusdt@markPrice", MARK | {"p": value}))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "x", "1e999"])
def test_a_funding_rate_that_is_no_number_is_a_wire_error(value: str) -> None:
    with pytest.raises(WireError):
        feed(wrapped("btcusdt@markPrice", MARK | {"r": value}))
    with pytest.raises(WireError):
        feed(json.dumps([MARK | {"r": value}]))


@pytest.mark.parametrize("value", [2**63, -1, 2**200, 1.5, "1.5", None, True, [], "9" * 400])
def test_numbers_beyond_63_bits_never_become_records(value: object) -> None:
    for field in ("T", "a"):
        if field == "a" and value is None:
            continue
        with pytest.raises(WireError):
            feed(wrapped("btcusdt@aggTrade", AGG_TRADE | {field: value}))
    for field in ("u", "U", "pu"):
        with pytest.raises(WireError):
            feed(wrapped("btcusdt@depth", DEPTH | {field: value}))


def test_a_wire_error_names_the_stream_and_shows_the_payload() -> None:
    with pytest.raises(WireError) as caught:
        feed(wrapped("btcusdt@aggTrade", AGG_TRADE | {"p": []}))
    assert caught.value.channel == "btcusdt@aggTrade"
    assert "aggTrade" in caught.value.payload_cut


@given(st.binary(max_size=200))
@example(b'{"id":1e999,"result":null}')
@example(b'{"error":null,"id":1}')
@example(b'{"code":"x","msg":{},"id":1}')
@example(b'{"e":"kline","s":"X","k":{}}')
def test_any_bytes_give_events_or_a_wire_error(frame: bytes) -> None:
    try:
        feed(frame)
    except PlatformError as error:
        assert isinstance(error, WireError)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["e", "s", "p", "data", "id"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(AGG_TRADE)), json_values)
def test_any_value_in_any_field_gives_a_sane_trade_or_a_wire_error(
    field: str, value: object
) -> None:
    try:
        events = feed(wrapped("btcusdt@aggTrade", AGG_TRADE | {field: value}))
    except WireError:
        return
    for event in events:
        if isinstance(event, Trade):
            assert 0 < event.price < 1e18
            assert 0 < event.value < 1e36
            assert 0 <= event.timestamp_ms < 2**63


def test_kline_and_liquidation_come_through_the_same_door() -> None:
    bar = {
        "t": 1638747660000,
        "T": 1638747719999,
        "s": "BTCUSDT",
        "i": "1m",
        "f": 100,
        "L": 200,
        "o": "0.0010",
        "c": "0.0020",
        "h": "0.0025",
        "l": "0.0010",
        "v": "1000",
        "n": 100,
        "x": True,
        "q": "1.0000",
        "V": "500",
        "Q": "0.500",
        "B": "123456",
    }
    kline = {"e": "kline", "E": 1, "s": "BTCUSDT", "k": bar}
    assert isinstance(one(json.dumps(kline)), Candle)
    assert isinstance(one(wrapped("btcusdt@kline_1m", kline)), Candle)
    assert isinstance(one(wrapped("!forceOrder@arr", FORCE_ORDER)), Liquidation)


def test_the_server_pings_so_there_is_no_heartbeat() -> None:
    assert BinanceStream("market", NO_TABLE).heartbeat() is None
