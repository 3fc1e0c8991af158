"""One simulated venue on a real port: the wire, and the faults of connections and replies."""

import asyncio
import json
from itertools import pairwise

import aiohttp
import pytest
from tests.simulator.venue_bench import PATIENCE_S, Bench, levels, rest_of, texts

from headwater.core.enums import Channel
from headwater.core.order_book import OrderBook
from headwater.simulator.faults import (
    FrameFaults,
    HttpFaults,
    MuteFaults,
    SocketFault,
    SocketFaults,
)


async def test_a_book_kept_from_the_wire_equals_the_markets_own(bench: Bench) -> None:
    peer = await bench.open("public", "btcusdt@depth@100ms")
    await bench.steps(3)
    snapshot = await bench.read("/fapi/v1/depth", symbol="BTCUSDT", limit="1000")
    book = OrderBook()
    book.replace(levels(snapshot["bids"]), levels(snapshot["asks"]), snapshot["lastUpdateId"])
    await bench.steps(100)
    truth = bench.venue.market.book("BTCUSDT", 1000)
    previous = None
    while book.sequence != truth.sequence:
        (event,) = await texts(peer, 1)
        assert previous in (None, event["pu"])
        previous = event["u"]
        if event["u"] >= snapshot["lastUpdateId"]:
            book.apply(levels(event["b"]), levels(event["a"]), event["u"])
    assert book.bids(1000) == truth.bids
    assert book.asks(1000) == truth.asks
    await peer.close()


async def test_trades_on_the_wire_are_the_markets_own_id_by_id(bench: Bench) -> None:
    peer = await bench.open("market", "btcusdt@aggTrade")
    await bench.steps(200)
    (first,) = await texts(peer, 1)
    newest = bench.venue.market.prints("BTCUSDT", limit=1)[0].trade.sequence or 0
    rest = await texts(peer, newest - first["a"])
    truth = await bench.read(
        "/_simulator/prints", symbol="BTCUSDT", first=str(first["a"]), last=str(newest)
    )
    heard = [
        (event["a"], event["p"], event["q"], event["f"], event["l"]) for event in [first, *rest]
    ]
    assert [row[0] for row in heard] == [row["trade"]["sequence"] for row in truth]
    assert [float(row[1]) for row in heard] == [row["trade"]["price"] for row in truth]
    assert [row[3:] for row in heard] == [(r["first_fill_id"], r["last_fill_id"]) for r in truth]
    await peer.close()


async def test_unknown_paths_and_closing_handshakes(bench: Bench) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
        await bench.client.ws_connect(f"{bench.rest}/private/ws".replace("http", "ws"))
    assert (await bench.status("/nothing"))[0] == 404
    peer = await bench.open("market")
    await peer.send_str('{"method":"LIST_SUBSCRIPTIONS","id":1}')
    assert await texts(peer, 1) == [{"result": [], "id": 1}]
    await peer.ping(b"hello")
    async with asyncio.timeout(PATIENCE_S):
        pong = await peer.receive()
    assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"hello")
    await peer.close()
    assert peer.close_code == 1000
    binary = await bench.open("market")
    await binary.send_bytes(b"\x00")
    _, end = await rest_of(binary)
    assert end.data == 1003
    await binary.close()


async def test_too_many_messages_close_the_connection(bench: Bench) -> None:
    peer = await bench.open("market")
    for _ in range(11):
        await peer.send_str('{"method":"LIST_SUBSCRIPTIONS","id":1}')
    heard, end = await rest_of(peer)
    assert len(heard) == 10
    assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1008)
    await peer.close()


async def test_every_http_fault_shows_and_is_counted(bench: Bench) -> None:
    expected = {
        "too_many": (429, "3"),
        "too_many_silent": (429, None),
        "banned": (418, "90"),
        "error_before": (503, None),
        "error_after": (503, None),
        "html": (200, None),
        "delay": (200, None),
    }
    for switch, outcome in expected.items():
        bench.weather(
            http=HttpFaults(**{switch: 1.0}, retry_after_s=3, ban_s=90, delay_ms=(1.0, 2.0))  # type: ignore[arg-type]
        )
        assert await bench.status("/fapi/v1/time") == outcome, switch
        assert bench.venue.injector.counts[switch] == 1
    for switch in ("timeout_before", "timeout_after"):
        bench.weather(http=HttpFaults(**{switch: 1.0}, timeout_s=(0.0, 0.01)))  # type: ignore[arg-type]
        with pytest.raises(aiohttp.ClientConnectionError):
            await bench.status("/fapi/v1/time")
    bench.weather()
    assert await bench.status("/fapi/v1/time") == (200, None)


async def test_acting_and_not_acting_differ_in_the_weight(bench: Bench) -> None:
    async def used() -> int:
        async with bench.client.get(f"{bench.rest}/fapi/v1/ping") as reply:
            return int(reply.headers["X-MBX-USED-WEIGHT-1M"])

    before = await used()
    bench.weather(http=HttpFaults(error_before=1.0))
    await bench.status("/fapi/v1/ticker/24hr")
    bench.weather(http=HttpFaults(error_after=1.0))
    await bench.status("/fapi/v1/ticker/24hr")
    bench.weather()
    assert await used() == before + 41


async def test_a_muted_channel_is_silent_while_others_flow_and_rest_has_all(bench: Bench) -> None:
    peer = await bench.open("market", "btcusdt@aggTrade", "ethusdt@aggTrade", "btcusdt@kline_1m")
    bench.venue.mute(Channel.TRADES, "BTCUSDT", 20.0)
    await bench.steps(150)
    bench.venue.cut_all(SocketFault.CLOSE)
    heard, _ = await rest_of(peer)
    kinds = {(event["e"], event["s"]) for event in map(json.loads, heard)}
    assert kinds == {("aggTrade", "ETHUSDT"), ("kline", "BTCUSDT")}
    lost = [one for one in bench.venue.injector.journal if one.kind == "mute"]
    assert lost
    rows = await bench.read("/fapi/v1/aggTrades", symbol="BTCUSDT", limit="1000")
    detail = json.loads(lost[0].detail)
    assert detail["a"] in {row["a"] for row in rows}
    await peer.close()


async def test_cuts_are_seen_as_what_they_are(bench: Bench) -> None:
    reset, closed, half = [await bench.open("market", "btcusdt@aggTrade") for _ in range(3)]
    one, two, three = list(bench.venue.connections)
    now_s = bench.clock.monotonic()
    bench.venue._apply(one, SocketFault.RESET, bench.now_ms, now_s)
    bench.venue._apply(two, SocketFault.CLOSE, bench.now_ms, now_s)
    bench.venue._apply(three, SocketFault.HALF_FRAME, bench.now_ms, now_s)
    _, end = await rest_of(reset)
    assert end.type in (aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSED)
    _, end = await rest_of(closed)
    assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1001)
    heard, end = await rest_of(half)
    assert heard == []
    assert end.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    for peer in (reset, closed, half):
        await peer.close()


async def test_a_stall_holds_everything_back_and_then_lets_it_go(bench: Bench) -> None:
    peer = await bench.open("market", "btcusdt@markPrice@1s")
    (connection,) = bench.venue.connections
    connection.stall(bench.clock.monotonic() + 3.05)
    await bench.steps(30)
    assert connection.backlog_bytes > 0
    await bench.steps(2)
    assert connection.backlog_bytes == 0
    times = [event["E"] for event in await texts(peer, 3)]
    assert times == sorted(times)
    await peer.close()


async def test_a_refusing_venue_cuts_and_comes_back_on_the_same_port(bench: Bench) -> None:
    peer = await bench.open("market", "btcusdt@aggTrade")
    async with bench.client.post(f"{bench.rest}/_simulator/refuse?seconds=2") as reply:
        assert reply.status == 200
    await rest_of(peer)
    host, _, port = bench.rest.removeprefix("http://").partition(":")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, int(port))
    await bench.steps(21)
    assert (await bench.status("/fapi/v1/time"))[0] == 200
    await peer.close()


async def test_weather_strikes_by_its_rates(bench: Bench) -> None:
    peer = await bench.open("market", "btcusdt@aggTrade")
    often = 1_000_000.0
    bench.weather(
        sockets=SocketFaults(stalls_per_min=often, stall_s=(1.0, 1.0)),
        mutes=MuteFaults(mutes_per_min=often, mute_s=(60.0, 60.0)),
    )
    await bench.steps(2)
    counts = bench.venue.injector.counts
    assert counts["stall"] == 2
    assert counts["mute_begun"] == 2
    bench.weather(sockets=SocketFaults(refusals_per_min=often, refusal_s=(0.5, 0.5)))
    await bench.steps(1)
    assert counts["refusal"] == 1
    await rest_of(peer)
    bench.weather()
    await bench.steps(6)
    assert (await bench.status("/fapi/v1/time"))[0] == 200
    await peer.close()


async def test_a_long_step_keeps_the_speeds_of_the_streams(bench: Bench) -> None:
    peer = await bench.open("market", "btcusdt@markPrice@1s")
    await bench.steps(1, step_ms=5000)
    times = [event["E"] for event in await texts(peer, 5)]
    assert [later - earlier for earlier, later in pairwise(times)] == [1000] * 4
    await peer.close()


async def test_delays_keep_the_order_and_lose_nothing(bench: Bench) -> None:
    peer = await bench.open("market", "btcusdt@aggTrade")
    bench.weather(frames=FrameFaults(delay=0.5, delay_ms=(0.0, 700.0)))
    await bench.steps(100)
    bench.weather()
    await bench.steps(10)
    bench.venue.cut_all(SocketFault.CLOSE)
    heard, _ = await rest_of(peer)
    ids = [json.loads(text)["a"] for text in heard]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert bench.venue.injector.counts["delay"] > 0
    await peer.close()
