"""Many topics on one socket, over real connections."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from tests.api import fake_source as fake
from tests.api.served import Platform
from tests.api.streaming import RawClient, raw_client

from headwater.api.stream_contract import StreamLimits
from headwater.core.clock import ManualClock
from headwater.core.enums import Channel
from headwater.core.errors import NotSupported, VenueUnavailable
from headwater.core.instruments import InstrumentTable

Message = dict[str, Any]
BTC, ETH, BOOK = "binance/BTCUSDT/trades", "binance/ETHUSDT/trades", "binance/BTCUSDT/orderbook"
CANDLE, ALL = "binance/BTCUSDT/ohlc?interval=1m", "all/liquidations?min_value_usd=5000"


class Caller:
    """A client of the many-topic socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, **message: object) -> None:
        """Sends a request."""
        await self.socket.send_str(json.dumps(message))

    async def hear(self) -> Message:
        """The next message."""
        async with asyncio.timeout(10):
            found: Message = json.loads(await self.socket.receive_str())
        return found

    async def ask(self, **message: object) -> Message:
        """Sends a request; the next message, which must carry its id."""
        await self.say(id="ask", **message)
        answer = await self.hear()
        assert answer["id"] == "ask"
        return answer

    async def subscribe(self, *topics: object) -> dict[str, Message]:
        """Subscribes; the answer's entries by name."""
        answer = await self.ask(op="subscribe", topics=list(topics))
        assert answer["type"] == "subscribed", answer
        return {entry["topic"]: entry for entry in answer["topics"]}

    async def until_pong(self) -> list[Message]:
        """Everything that was sent before the answer to a ping."""
        await self.say(op="ping", id="until")
        found: list[Message] = []
        while True:
            message = await self.hear()
            if message["type"] == "pong":
                return found
            found.append(message)


@asynccontextmanager
async def caller(platform: Platform) -> AsyncIterator[Caller]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{platform.port}/ws") as socket,
    ):
        yield Caller(socket)


async def published(platform: Platform, *records: Any) -> None:
    """Publishes, and waits until the publisher has handed it all on."""
    for record in records:
        platform.bus.publish(record)
    async with asyncio.timeout(10):
        while platform.bus.readers[0].queued:
            await asyncio.sleep(0.001)


def numbers(messages: Sequence[Message], topic: str) -> list[int]:
    return [m["seq"] for m in messages if m["topic"] == topic and m["type"] == "update"]


def ids(messages: Sequence[Message]) -> list[str]:
    return [m["data"]["trade_id"] for m in messages]


async def test_each_topic_begins_with_its_snapshot_and_goes_on_without_a_hole(
    platform: Platform,
) -> None:
    async with caller(platform) as client:
        entries = await client.subscribe("binance/btc-usdt/trades", BOOK)
        assert entries[BTC]["asked"] == "binance/btc-usdt/trades"
        assert "asked" not in entries[BOOK]
        assert [entry["resumed"] for entry in entries.values()] == [False, False]
        first = {m["topic"]: m for m in (await client.hear(), await client.hear())}
        assert first[BTC] == {
            "type": "snapshot",
            "topic": BTC,
            "seq": entries[BTC]["seq"],
            "data": [],
        }
        assert (first[BOOK]["type"], len(first[BOOK]["data"]["bids"])) == ("snapshot", 50)
        for number in range(1, 6):
            platform.bus.publish(fake.make_trade(number))
        platform.bus.publish(fake.make_book())
        updates = [await client.hear() for _ in range(6)]
        base = entries[BTC]["seq"]
        assert numbers(updates, BTC) == [base + n for n in range(1, 6)]
        assert ids([u for u in updates if u["topic"] == BTC]) == ["1", "2", "3", "4", "5"]
        assert updates[-1]["data"]["sequence"] == 99
        async with caller(platform) as second:
            again = await second.subscribe(BTC)
            snapshot = await second.hear()
            assert snapshot["seq"] == again[BTC]["seq"] == base + 5
            assert [one["trade_id"] for one in snapshot["data"]] == ["1", "2", "3", "4", "5"]
            await published(platform, fake.make_trade(6))
            assert await second.hear() == await client.hear()
    channels = [lease.subscription.channel for lease in platform.source.leases]
    assert channels.count(Channel.TRADES) == 1, "two clients share one lease"


async def test_nothing_comes_after_unsubscribed(platform: Platform) -> None:
    async with caller(platform) as client:
        await client.subscribe(BTC, ETH)
        assert {(await client.hear())["type"], (await client.hear())["type"]} == {"snapshot"}
        platform.bus.publish(fake.make_trade(1))
        await client.say(op="unsubscribe", id=5, topics=["binance/BTC-USDT/trades"])
        assert (await client.hear())["type"] == "update"
        assert await client.hear() == {"type": "unsubscribed", "id": 5, "topics": [BTC]}
        await published(platform, fake.make_trade(2), fake.make_trade(3, "ETHUSDT"))
        assert [m["topic"] for m in await client.until_pong()] == [ETH]
        listed = await client.ask(op="list")
        assert [entry["topic"] for entry in listed["topics"]] == [ETH]
        again = await client.ask(op="unsubscribe", topics=[BTC])
        assert again["type"] == "error"
        assert again["problem"]["errors"][0]["field"] == "topic"


@pytest.mark.parametrize("missed", [0, 5, 256, 257])
async def test_a_client_that_comes_back_goes_on_where_it_was(
    platform: Platform, missed: int
) -> None:
    async with caller(platform) as client:
        await client.subscribe(BTC)
        await client.hear()
        await published(platform, fake.make_trade(0))
        last = (await client.hear())["seq"]
    await published(platform, *(fake.make_trade(n) for n in range(1, missed + 1)))
    async with caller(platform) as client:
        entries = await client.subscribe({"topic": BTC, "after": last})
        kept = missed <= 256
        assert (entries[BTC]["seq"], entries[BTC]["resumed"]) == (last + missed, kept)
        if kept:
            updates = [await client.hear() for _ in range(missed)]
            assert numbers(updates, BTC) == list(range(last + 1, last + missed + 1))
            assert ids(updates) == [str(n) for n in range(1, missed + 1)]
        else:
            snapshot = await client.hear()
            assert (snapshot["type"], snapshot["seq"]) == ("snapshot", last + missed)
            assert len(snapshot["data"]) == 50
        await published(platform, fake.make_trade(1000))
        after = await client.hear()
        assert (after["type"], after["seq"]) == ("update", last + missed + 1)
    assert len(platform.source.leases) == 1


async def test_everything_is_given_back_once_when_the_hub_closes(platform: Platform) -> None:
    async with caller(platform) as client, caller(platform) as other:
        await client.subscribe(BTC, BOOK)
        await other.subscribe(BTC)
        await platform.hub.close(timeout_s=0.1)
        assert [lease.released for lease in platform.source.leases] == [1, 1]
        assert not platform.hub.stats().topics
        await platform.hub.close(timeout_s=0.1)
    assert [lease.released for lease in platform.source.leases] == [1, 1]


BAD: list[tuple[str, str]] = [
    ("", "message"),
    ("[1,2]", "message"),
    ('"subscribe"', "message"),
    ("[" * 60_000, "message"),
    ('{"op":"shout","id":7}', "op"),
    ('{"id":7}', "op"),
    ('{"op":"ping","id":[7]}', "id"),
    ('{"op":"ping","id":"' + "x" * 65 + '"}', "id"),
    ('{"op":"ping","what":1}', "what"),
    ('{"op":"subscribe"}', "topics"),
    ('{"op":"subscribe","topics":[]}', "topics"),
    ('{"op":"subscribe","topics":"a"}', "topics"),
    (json.dumps({"op": "subscribe", "topics": ["a"] * 201}), "topics"),
    ('{"op":"subscribe","topics":[7]}', "topics[0]"),
    ('{"op":"subscribe","topics":[""]}', "topics[0]"),
    ('{"op":"subscribe","topics":[{"topic":7}]}', "topics[0].topic"),
    ('{"op":"subscribe","topics":[{"topic":"a","after":"b"}]}', "topics[0].after"),
    ('{"op":"subscribe","topics":[{"topic":"a","after":-1}]}', "topics[0].after"),
    (json.dumps({"op": "subscribe", "topics": [{"topic": BTC, "after": 2**53 - 1}]}), "after"),
    (json.dumps({"op": "subscribe", "topics": ["nonsense"]}), "topic"),
    (json.dumps({"op": "subscribe", "topics": ["foo/BTC/trades"]}), "exchange"),
    (json.dumps({"op": "subscribe", "topics": ["binance/QQQ/trades"]}), "symbol"),
    (json.dumps({"op": "subscribe", "topics": ["binance/BTC/foo"]}), "stream"),
    (json.dumps({"op": "subscribe", "topics": ["binance/BTC/ohlc?interval=7m"]}), "interval"),
    (json.dumps({"op": "subscribe", "topics": [ALL + "&exchanges=x"]}), "exchanges"),
    (json.dumps({"op": "unsubscribe", "topics": [BTC]}), "topic"),
]


async def test_what_is_wrong_is_named_and_the_socket_lives(platform: Platform) -> None:
    async with caller(platform) as client:
        for text, field in BAD:
            await client.socket.send_str(text)
            answer = await client.hear()
            assert answer["type"] == "error", text
            named = answer["problem"]["errors"][0]
            assert named["field"] == field, answer
            assert named["allowed"], answer
            assert answer["problem"]["status"] in (404, 422)
        await client.say(
            op="subscribe", id=1, topics=[{"topic": BTC, "after": []}, "x/y/z", ETH, 5]
        )
        found = [await client.hear() for _ in range(5)]
        assert {m["id"] for m in found if "id" in m} == {1}
        kinds = [m["type"] for m in found]
        assert sorted(kinds) == ["error", "error", "error", "snapshot", "subscribed"]
        assert {m.get("topic") for m in found if m["type"] == "error"} == {BTC, "x/y/z", None}
        assert await client.until_pong() == []


async def test_bytes_and_parameters_are_refused(platform: Platform) -> None:
    async with caller(platform) as client:
        await client.socket.send_bytes(b"{}")
        assert (await client.socket.receive(timeout=10)).data == 1003
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{platform.port}/ws?topics={BTC}"
        async with session.ws_connect(url) as socket:
            message = await socket.receive(timeout=10)
            assert (message.data, str(message.extra)[:6]) == (1008, "query=")


async def test_a_client_has_only_so_many_topics() -> None:
    limits = StreamLimits(max_topics_per_client=2)
    async with Platform(limits=limits).served() as platform, caller(platform) as client:
        await client.say(op="subscribe", id=1, topics=[BTC, ETH, BTC, CANDLE])
        found = [await client.hear() for _ in range(4)]
        errors = [m for m in found if m["type"] == "error"]
        assert [m["topic"] for m in errors] == [CANDLE]
        assert "at most 2 topics" in errors[0]["problem"]["detail"]
        await client.ask(op="unsubscribe", topics=[BTC])
        assert list(await client.subscribe(CANDLE)) == [CANDLE]


async def test_a_server_has_only_so_many_topics() -> None:
    async with Platform(limits=StreamLimits(max_topics=2)).served() as platform:
        async with caller(platform) as client:
            await client.say(op="subscribe", id=1, topics=[BTC, ETH, CANDLE])
            found = [await client.hear() for _ in range(4)]
            [error] = [m for m in found if m["type"] == "error"]
            assert (error["topic"], error["problem"]["status"]) == (CANDLE, 503)
            assert error["problem"]["retry_after"] > 0
        assert len(platform.source.leases) == 3
    assert {lease.released for lease in platform.source.leases} == {1}


async def test_a_state_that_cannot_be_loaded_begins_with_the_first_live_one(
    platform: Platform,
) -> None:
    platform.source.error = VenueUnavailable("binance", "breaker open")
    async with caller(platform) as client:
        base = (await client.subscribe(BOOK))[BOOK]["seq"]
        assert await client.until_pong() == []
        await published(platform, fake.make_book())
        await published(platform, fake.make_book())
        found = [await client.hear(), await client.hear()]
        assert [(m["type"], m["seq"]) for m in found] == [
            ("snapshot", base + 1),
            ("update", base + 2),
        ]


async def test_an_old_state_is_asked_for_again() -> None:
    clock = ManualClock(fake.NOW_MS * 1_000_000)
    async with (
        Platform(clock=clock).served() as platform,
        caller(platform) as client,
        caller(platform) as late,
    ):
        for number, one in enumerate((client, late), start=1):
            await one.subscribe(CANDLE)
            assert (await one.hear())["type"] == "snapshot"
            assert len(platform.source.calls) == number
            clock.advance(11)
        await published(platform, fake.make_candle(is_closed=True))
        assert await client.hear() == await late.hear()


async def test_a_refused_lease_is_an_error_of_its_topic(platform: Platform) -> None:
    platform.source.acquire_error = NotSupported("binance", "quotes", "too many streams")
    platform.source.refused_channel = Channel.QUOTES
    async with caller(platform) as client:
        answer = await client.ask(op="subscribe", topics=["binance/BTCUSDT/ticker"])
        assert (answer["type"], answer["problem"]["code"]) == ("error", "not_supported")
        assert [lease.released for lease in platform.source.leases] == [1]
        assert list(await client.subscribe(BTC)) == [BTC]


async def test_streams_over_all_venues_are_topics_and_filters_make_no_holes(
    platform: Platform,
) -> None:
    rich = "all/liquidations?symbols=btc&min_value_usd=30000"
    async with caller(platform) as client:
        entries = await client.subscribe("all/liquidations", rich)
        assert list(entries) == [ALL, "all/liquidations?min_value_usd=30000&symbols=BTCUSDT"]
        assert {(await client.hear())["type"] for _ in entries} == {"snapshot"}
        symbols = ["BTCUSDT", "ETHUSDT", "BTCUSDT", "SOLUSDT", "BTCUSDT"]
        await published(platform, *map(fake.make_liquidation, symbols))
        found = await client.until_pong()
        for name, count in zip(entries, (5, 3), strict=True):
            base = entries[name]["seq"]
            assert numbers(found, name) == list(range(base + 1, base + count + 1))


SLOW = StreamLimits(buffer_bytes=128 * 1024, chunk_bytes=16 * 1024, kernel_unsent_bytes=16 * 1024)


async def said(client: RawClient, **message: object) -> None:
    client.send(1, json.dumps(message).encode())
    await client.writer.drain()


async def test_a_slow_client_is_told_what_it_missed_and_can_have_it_again() -> None:
    async with (
        Platform(limits=SLOW).served() as platform,
        raw_client(platform.port, "/ws", receive_buffer=4096) as client,
    ):
        await said(client, op="subscribe", topics=[BTC])
        base = json.loads(await client.text())["topics"][0]["seq"]
        assert json.loads(await client.text())["seq"] == base
        sent = 0
        while not any(topic.dropped for topic in platform.hub.stats().topics):
            records = [fake.make_trade(n) for n in range(sent + 1, sent + 501)]
            await published(platform, *records)
            sent += 500
        last, missed = base, 0
        while last < base + sent:
            message = json.loads(await client.text())
            if message["type"] == "dropped":
                assert message["topic"] == BTC
                missed += message["count"]
            else:
                missed -= message["seq"] - last - 1
                assert missed >= 0
                last = message["seq"]
                assert message["data"]["trade_id"] == str(last - base)
        assert missed == 0
        await said(client, op="unsubscribe", topics=[BTC])
        await said(client, op="subscribe", topics=[{"topic": BTC, "after": last - 5}])
        kinds = [json.loads(await client.text()) for _ in range(7)]
        assert [m["type"] for m in kinds] == ["unsubscribed", "subscribed", *["update"] * 5]


async def test_many_topics_begin_one_after_the_other_as_a_slow_client_reads() -> None:
    """Together their snapshots are many times what may wait for it."""
    symbols = [f"S{number}USDT" for number in range(200)]
    topics = [f"binance/{symbol}/trades" for symbol in symbols]
    async with Platform(limits=SLOW).served() as platform, caller(platform) as first:
        instruments = [fake.make_instrument(symbol) for symbol in symbols]
        platform.source._table = InstrumentTable("binance", instruments)
        told = 0
        await first.say(op="subscribe", topics=topics)
        while told < 2 * len(topics):
            told += len((await first.hear()).get("topics", "1"))
        for symbol in symbols:
            await published(platform, *(fake.make_trade(n, symbol) for n in range(60)))
        async with raw_client(platform.port, "/ws", receive_buffer=4096) as client:
            answered: list[str] = []
            begun: list[str] = []
            await said(client, op="subscribe", id=1, topics=topics)
            # It is behind before all have begun, and is not closed for it.
            while not platform.hub.stats().slow_clients:
                await asyncio.sleep(0.001)
            while len(begun) < len(topics):
                message = json.loads(await client.text())
                if message["type"] == "subscribed":
                    answered += [entry["topic"] for entry in message["topics"]]
                else:
                    assert (message["type"], len(message["data"])) == ("snapshot", 50)
                    begun.append(message["topic"])
            assert (answered, begun) == (topics, topics)
        assert platform.hub.counters.closed_slow == 0
