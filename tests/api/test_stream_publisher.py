"""Records reach those who hear them, encoded once; nobody else costs anything."""

import asyncio
import json
from collections.abc import Sequence

import msgspec
import pytest
from tests.api import fake_source as fake

from headwater.api.stream_contract import StreamAccepted, StreamRefused, StreamRequest
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_publisher import StreamPublisher
from headwater.api.streams import STREAMS
from headwater.bus.memory import MemoryBus
from headwater.core.intervals import Interval
from headwater.core.records import ALL_SYMBOLS, Record, Ticker


class Ear:
    """Counts what a topic publishes; stands in for its clients."""

    def __init__(
        self, publisher: StreamPublisher, stream: str, symbol: str, interval: Interval | None = None
    ) -> None:
        spec = STREAMS[stream]
        self.heard: list[bytes] = []
        self.key = publisher.open(spec, "binance", symbol, interval)
        topic = publisher.hub.topic(self.key, spec.policy)
        topic.add_audience(self)  # type: ignore[arg-type]
        self.wants = None

    def append(self, frame: bytes, source: object) -> None:
        """As `Audience.append`."""
        self.heard.append(frame)


@pytest.fixture
def publisher() -> StreamPublisher:
    made = StreamPublisher(MemoryBus(), 100)
    made.attach(StreamHub(refuse_all))
    return made


async def refuse_all(request: StreamRequest) -> StreamAccepted | StreamRefused:
    raise AssertionError("no client here")


def test_a_record_reaches_its_topics_only(publisher: StreamPublisher) -> None:
    trades = Ear(publisher, "trades", "BTCUSDT")
    large = Ear(publisher, "large_trades", "BTCUSDT")
    other = Ear(publisher, "trades", "ETHUSDT")
    publisher.publish([fake.make_trade(1), fake.make_large_trade(), fake.make_trade(2)])
    assert [len(ear.heard) for ear in (trades, large, other)] == [2, 1, 0]
    assert b'"trade_id":"1"' in trades.heard[0]


def test_candles_go_by_interval(publisher: StreamPublisher) -> None:
    minute = Ear(publisher, "ohlc", "BTCUSDT", Interval.M1)
    hour = Ear(publisher, "ohlc", "BTCUSDT", Interval.H1)
    publisher.publish([fake.make_candle(), fake.make_candle(interval=Interval.H1)])
    assert b'"interval":"1m"' in minute.heard[0]
    assert b'"interval":"1h"' in hour.heard[0]
    assert len(minute.heard) == len(hour.heard) == 1


def test_the_whole_market_hears_every_symbol(publisher: StreamPublisher) -> None:
    everything = Ear(publisher, "liquidations", ALL_SYMBOLS)
    one = Ear(publisher, "liquidations", "BTCUSDT")
    publisher.publish([fake.make_liquidation(s) for s in ("BTCUSDT", "ETHUSDT", "XRPUSDT")])
    assert len(everything.heard) == 3
    assert one.heard == everything.heard[:1]


def test_a_topic_lives_as_long_as_somebody_holds_it(publisher: StreamPublisher) -> None:
    spec = STREAMS["trades"]
    keys = [publisher.open(spec, "binance", "BTCUSDT", None) for _ in range(3)]
    assert len(set(keys)) == 1
    publisher.publish([fake.make_trade()])
    for left in (2, 1, 0):
        assert len(publisher.hub.stats().topics) == 1
        publisher.close(keys[0], spec, "binance", "BTCUSDT")
        assert (len(publisher.hub.stats().topics) == 1) is (left > 0)
    publisher.publish([fake.make_trade()])


def test_the_current_candle_is_known_until_it_is_over(publisher: StreamPublisher) -> None:
    candle = fake.make_candle()
    publisher.publish([candle])
    who = ("binance", "BTCUSDT", Interval.M1)
    assert publisher.current_candle(*who, candle.timestamp_ms + 59_999) is candle
    assert publisher.current_candle(*who, candle.timestamp_ms + 60_000) is None
    assert publisher.current_candle("binance", "ETHUSDT", Interval.M1, fake.NOW_MS) is None


def test_the_newest_price_is_the_one_heard_last_of_this_minute(publisher: StreamPublisher) -> None:
    candle = fake.make_candle()
    now_ms = candle.timestamp_ms + 1000
    assert publisher.newest_price(("binance",), "BTCUSDT", now_ms) is None
    later = msgspec.structs.replace(
        candle, exchange="okx", close=106.5, received_ns=candle.received_ns + 1
    )
    publisher.publish([later, candle, fake.make_candle("ETHUSDT")])
    assert publisher.newest_price(("binance", "okx"), "BTCUSDT", now_ms) == 106.5
    assert publisher.newest_price(("binance", "bybit"), "BTCUSDT", now_ms) == 105.25
    assert publisher.newest_price(("binance", "okx"), "BTCUSDT", now_ms + 60_000) is None


def test_parts_of_a_ticker_are_put_together(publisher: StreamPublisher) -> None:
    ear = Ear(publisher, "ticker", "BTCUSDT")
    quote = Ticker(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=fake.NOW_MS,
        received_ns=1,
        bid=1.5,
        ask=2.5,
    )
    publisher.publish([fake.make_ticker(bid=None), quote])
    assert b'"bid":1.5,"ask":2.5,"last":100.0' in ear.heard[1]
    whole = publisher.current_ticker("binance", "BTCUSDT")
    assert whole is not None
    assert (whole.bid, whole.last) == (1.5, 100.0)


def test_a_candle_of_the_past_that_changes_is_not_the_current_one(
    publisher: StreamPublisher,
) -> None:
    now = fake.make_candle()
    before = fake.make_candle(opened_at_ms=now.timestamp_ms - 60_000, is_closed=True)
    publisher.publish([now, before])
    current = publisher.current_candle("binance", "BTCUSDT", Interval.M1, fake.NOW_MS)
    assert current == now


def test_what_is_remembered_is_bounded(
    publisher: StreamPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.api.stream_publisher.LATEST_MAX", 10)
    records: list[Record] = []
    for number in range(50):
        records += [fake.make_candle(f"S{number}"), fake.make_ticker(f"S{number}")]
    publisher.publish(records)
    assert len(publisher._candles) == len(publisher._tickers) == 10
    assert publisher.current_ticker("binance", "S49") is not None


def test_the_delay_of_trades_is_measured(publisher: StreamPublisher) -> None:
    publisher.publish([fake.make_trade(5)])
    assert publisher.delays_s == {"binance": pytest.approx(0.002)}


async def test_the_task_reads_the_bus_in_order_and_ends_when_cancelled() -> None:
    bus = MemoryBus()
    publisher = StreamPublisher(bus, 10_000)
    publisher.attach(StreamHub(refuse_all))
    ear = Ear(publisher, "trades", "BTCUSDT")
    task = asyncio.create_task(publisher.run(), name="publisher")
    await asyncio.sleep(0)
    for number in range(2000):
        bus.publish(fake.make_trade(number))
    while len(ear.heard) < 2000:
        await asyncio.sleep(0)
    ids = [int(_payload(frame)["trade_id"]) for frame in ear.heard]
    assert ids == list(range(2000))
    task.cancel()
    results: Sequence[object] = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert not bus.readers


def _payload(frame: bytes) -> dict[str, str]:
    payload: dict[str, str] = json.loads(frame[frame.index(b"{") :])
    return payload


async def test_what_the_server_itself_lost_is_told_before_what_follows() -> None:
    bus = MemoryBus()
    publisher = StreamPublisher(bus, 10)
    publisher.attach(StreamHub(refuse_all))
    trades = Ear(publisher, "trades", "BTCUSDT")
    marks = Ear(publisher, "mark_price", "BTCUSDT")
    task = asyncio.create_task(publisher.run(), name="publisher")
    await asyncio.sleep(0)
    for number in range(25):
        bus.publish(fake.make_trade(number))
    async with asyncio.timeout(5):
        while len(trades.heard) < 11:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert b'"type":"dropped"' in trades.heard[0]
    assert b'"count":15' in trades.heard[0]
    assert b'"trade_id":"15"' in trades.heard[1]
    assert marks.heard == []
