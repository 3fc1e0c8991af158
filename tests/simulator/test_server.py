"""Simulated venues on real sockets: the wire, the limits of memory, and every fault switch."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest

from headwater.core.clock import ManualClock, SystemClock
from headwater.core.enums import Channel
from headwater.core.order_book import OrderBook
from headwater.core.records import Record
from headwater.simulator.admin import answer_admin
from headwater.simulator.connection import MAX_BACKLOG_BYTES, Connection, frame
from headwater.simulator.fault_line import FrameLine
from headwater.simulator.faults import (
    FaultInjector,
    FaultPlan,
    FrameFaults,
    HttpFaults,
    SocketFault,
)
from headwater.simulator.hosting import host_venue
from headwater.simulator.server import SimulatorServer
from headwater.simulator.venue_server import VenueServer
from headwater.venues.discovery import venue as venue_of
from headwater.venues.side import ServerFrames

START_MS = 1_800_000_000_000
PATIENCE_S = 10.0


class Bench:
    """One venue on a port, stepped by hand, and a client."""

    def __init__(
        self, venue: VenueServer, clock: ManualClock, client: aiohttp.ClientSession
    ) -> None:
        self.venue = venue
        self.clock = clock
        self.client = client
        self.rest = venue.addresses.rest
        self.now_ms = venue.market.now_ms()

    async def steps(self, count: int, step_ms: int = 100) -> None:
        """Lets simulated and real time pass together."""
        for _ in range(count):
            self.now_ms += step_ms
            self.clock.advance(step_ms / 1000)
            await self.venue.step(self.now_ms, step_ms / 1000)

    async def read(self, path: str, **query: str) -> Any:
        async with self.client.get(self.rest + path, params=query) as reply:
            assert reply.status == 200, await reply.text()
            return json.loads(await reply.read())

    async def status(self, path: str) -> tuple[int, str | None]:
        async with self.client.get(self.rest + path) as reply:
            return reply.status, reply.headers.get("Retry-After")

    async def open(self, endpoint: str, *streams: str) -> aiohttp.ClientWebSocketResponse:
        url = f"{self.venue.addresses.streams[endpoint]}/ws/{'/'.join(streams)}"
        return await self.client.ws_connect(url, autoping=False)

    def weather(self, **switches: Any) -> None:
        self.venue.injector.set_plan(FaultPlan(seed=1, **switches))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A calm venue with two symbols."""
    clock = ManualClock()
    hosted = host_venue(
        venue_of("binance"), seed=1, start_ms=START_MS, symbols=["BTCUSDT", "ETHUSDT"]
    )
    venue = VenueServer(
        hosted, admin=answer_admin, clock=clock, plan=FaultPlan(), host="127.0.0.1", port=0
    )
    await venue.start()
    async with aiohttp.ClientSession() as client:
        yield Bench(venue, clock, client)
        await venue.stop()


async def _texts(peer: aiohttp.ClientWebSocketResponse, count: int) -> list[Any]:
    """The next messages."""
    async with asyncio.timeout(PATIENCE_S):
        return [json.loads((await peer.receive()).data) for _ in range(count)]


async def _rest(peer: aiohttp.ClientWebSocketResponse) -> tuple[list[str], aiohttp.WSMessage]:
    """Messages up to the end of the connection, and how it ended."""
    texts: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = await peer.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                return texts, message
            texts.append(message.data)


async def test_a_book_kept_from_the_wire_equals_the_markets_own(bench: Bench) -> None:
    peer = await bench.open("public", "btcusdt@depth@100ms")
    await bench.steps(3)
    snapshot = await bench.read("/fapi/v1/depth", symbol="BTCUSDT", limit="1000")
    book = OrderBook()
    book.replace(_levels(snapshot["bids"]), _levels(snapshot["asks"]), snapshot["lastUpdateId"])
    await bench.steps(100)
    truth = bench.venue.market.book("BTCUSDT", 1000)
    previous = None
    while book.sequence != truth.sequence:
        (event,) = await _texts(peer, 1)
        assert previous in (None, event["pu"])
        previous = event["u"]
        if event["u"] >= snapshot["lastUpdateId"]:
            book.apply(_levels(event["b"]), _levels(event["a"]), event["u"])
    assert book.bids(1000) == truth.bids
    assert book.asks(1000) == truth.asks
    await peer.close()


async def test_trades_on_the_wire_are_the_markets_own_id_by_id(bench: Bench) -> None:
    peer = await bench.open("market", "btcusdt@aggTrade")
    await bench.steps(200)
    (first,) = await _texts(peer, 1)
    newest = bench.venue.market.prints("BTCUSDT", limit=1)[0].trade.sequence or 0
    rest = await _texts(peer, newest - first["a"])
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
    assert await _texts(peer, 1) == [{"result": [], "id": 1}]
    await peer.ping(b"hello")
    async with asyncio.timeout(PATIENCE_S):
        pong = await peer.receive()
    assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"hello")
    await peer.close()
    assert peer.close_code == 1000
    binary = await bench.open("market")
    await binary.send_bytes(b"\x00")
    _, end = await _rest(binary)
    assert end.data == 1003
    await binary.close()


async def test_too_many_messages_close_the_connection(bench: Bench) -> None:
    peer = await bench.open("market")
    for _ in range(11):
        await peer.send_str('{"method":"LIST_SUBSCRIPTIONS","id":1}')
    texts, end = await _rest(peer)
    assert len(texts) == 10
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


async def test_a_stale_book_is_older_than_the_market(bench: Bench) -> None:
    bench.weather(http=HttpFaults(stale_book=1.0, stale_s=(3.0, 3.0)))
    await bench.steps(100)
    stale = await bench.read("/fapi/v1/depth", symbol="BTCUSDT", limit="50")
    bench.weather()
    fresh = await bench.read("/fapi/v1/depth", symbol="BTCUSDT", limit="50")
    assert stale["lastUpdateId"] < fresh["lastUpdateId"]
    assert len(stale["bids"]) == 50
    assert fresh["lastUpdateId"] == bench.venue.market.book("BTCUSDT", 1).sequence


async def test_a_muted_channel_is_silent_while_others_flow_and_rest_has_all(bench: Bench) -> None:
    peer = await bench.open("market", "btcusdt@aggTrade", "ethusdt@aggTrade", "btcusdt@kline_1m")
    bench.venue.mute(Channel.TRADES, "BTCUSDT", 20.0)
    await bench.steps(150)
    bench.venue.cut_all(SocketFault.CLOSE)
    texts, _ = await _rest(peer)
    kinds = {(event["e"], event["s"]) for event in map(json.loads, texts)}
    assert kinds == {("aggTrade", "ETHUSDT"), ("kline", "BTCUSDT")}
    lost = [one for one in bench.venue.injector.journal if one.kind == "mute"]
    assert lost
    rows = await bench.read("/fapi/v1/aggTrades", symbol="BTCUSDT", limit="1000")
    detail = json.loads(lost[0].detail)
    assert detail["a"] in {row["a"] for row in rows}
    await peer.close()


async def test_frame_faults_are_counted_and_can_be_changed_while_running(bench: Bench) -> None:
    peer = await bench.open("market", "btcusdt@aggTrade")
    plan = FaultPlan(seed=5, frames=FrameFaults(drop=0.3, duplicate=0.3))
    body = msgspec.json.encode(plan)
    async with bench.client.put(f"{bench.rest}/_simulator/faults", data=body) as reply:
        assert reply.status == 200
    await bench.steps(300)
    bench.venue.cut_all(SocketFault.RESET)
    texts, _ = await _rest(peer)
    counts = (await bench.read("/_simulator/injected"))["counts"]
    ids = [json.loads(text)["a"] for text in texts]
    newest = bench.venue.market.prints("BTCUSDT", limit=1)[0].trade.sequence or 0
    duplicated = len(ids) - len(set(ids))
    assert duplicated == counts["duplicate"]
    # Between the first and the last one heard, each id is there or was dropped.
    missing = set(range(ids[0], ids[-1] + 1)) - set(ids)
    dropped = {
        json.loads(one.detail)["a"] for one in bench.venue.injector.journal if one.kind == "drop"
    }
    assert missing <= dropped
    assert newest >= ids[-1]
    await peer.close()


async def test_cuts_are_seen_as_what_they_are(bench: Bench) -> None:
    reset, closed, half = [await bench.open("market", "btcusdt@aggTrade") for _ in range(3)]
    one, two, three = list(bench.venue.connections)
    now_s = bench.clock.monotonic()
    bench.venue._apply(one, SocketFault.RESET, bench.now_ms, now_s)
    bench.venue._apply(two, SocketFault.CLOSE, bench.now_ms, now_s)
    bench.venue._apply(three, SocketFault.HALF_FRAME, bench.now_ms, now_s)
    _, end = await _rest(reset)
    assert end.type in (aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSED)
    _, end = await _rest(closed)
    assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1001)
    texts, end = await _rest(half)
    assert texts == []
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
    times = [event["E"] for event in await _texts(peer, 3)]
    assert times == sorted(times)
    await peer.close()


async def test_a_refusing_venue_cuts_and_comes_back_on_the_same_port(bench: Bench) -> None:
    peer = await bench.open("market", "btcusdt@aggTrade")
    async with bench.client.post(f"{bench.rest}/_simulator/refuse?seconds=2") as reply:
        assert reply.status == 200
    await _rest(peer)
    host, _, port = bench.rest.removeprefix("http://").partition(":")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, int(port))
    await bench.steps(21)
    assert (await bench.status("/fapi/v1/time"))[0] == 200
    await peer.close()


async def test_our_own_paths_answer_and_refuse(bench: Bench) -> None:
    await bench.steps(5)
    info = await bench.read("/_simulator/info")
    assert (info["simulated"], info["venue"]) == (True, "binance")
    book = await bench.read("/_simulator/book", symbol="BTCUSDT", depth="3")
    assert len(book["bids"]) == 3
    assert await bench.read("/_simulator/liquidations") == []
    assert (await bench.read("/_simulator/faults"))["seed"] == 0
    bad = [
        ("GET", "prints?symbol=BTCUSDT&first=9&last=1"),
        ("GET", "prints?symbol=BTCUSDT"),
        ("GET", "book?symbol=NOPE"),
        ("PUT", "faults"),
        ("POST", "strike?fault=earthquake"),
        ("POST", "mute?channel=trades&symbol=BTCUSDT&seconds=nan"),
        ("POST", "refuse?seconds=-1"),
    ]
    for method, path in bad:
        async with bench.client.request(method, f"{bench.rest}/_simulator/{path}") as reply:
            assert reply.status == 400, path
            assert json.loads(await reply.read())["error"]
    assert (await bench.status("/_simulator/nothing"))[0] == 404


class _Quiet:
    """A venue's socket that says nothing."""

    def tick(self, now_ms: int) -> ServerFrames:
        return ServerFrames()


async def test_a_client_that_does_not_read_is_cut_at_the_bound() -> None:
    connections: list[Connection] = []
    arrived = asyncio.Event()

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            line = FrameLine(FaultInjector(FaultPlan()), "x")
            connections.append(Connection(transport, _Quiet(), line, "x"))  # type: ignore[arg-type]
            arrived.set()

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()):
        async with asyncio.timeout(PATIENCE_S):
            await arrived.wait()
        (connection,) = connections
        highest = 0
        for _ in range(1000):
            connection.data(["x" * 100_000], 0, 0.0, is_fair=True)
            highest = max(highest, connection.backlog_bytes)
            if connection.is_gone:
                break
            await asyncio.sleep(0)
        assert connection.is_gone
        assert highest <= MAX_BACKLOG_BYTES
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_have_the_length_form_of_their_size(size: int) -> None:
    head = {0: b"\x81\x00", 125: b"\x81\x7d", 126: b"\x81\x7e\x00\x7e"}
    head |= {65_535: b"\x81\x7e\xff\xff", 65_536: b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"}
    assert frame(0x81, b"x" * size) == head[size] + b"x" * size


async def test_the_driver_moves_the_markets_and_stops_cleanly() -> None:
    clock = SystemClock()
    hosted = host_venue(venue_of("binance"), seed=2, start_ms=clock.now_ms(), symbols=["BTCUSDT"])
    server = SimulatorServer([hosted], clock=clock, speed=5.0)
    await server.start()
    url = f"{server.addresses['binance'].streams['public']}/stream?streams=btcusdt@depth@100ms"
    async with aiohttp.ClientSession() as client, client.ws_connect(url) as peer:
        first, second = await _texts(peer, 2)
        assert first["stream"] == "btcusdt@depth@100ms"
        assert second["data"]["pu"] == first["data"]["u"]
    await server.stop()
    await server.stop()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.venues["binance"]._port)


async def test_a_taken_port_is_said_and_nothing_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        hosted = host_venue(venue_of("binance"), seed=2, start_ms=START_MS, symbols=["BTCUSDT"])
        server = SimulatorServer([hosted], clock=SystemClock(), base_port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            await server.start()


async def test_a_market_that_fails_ends_the_server_with_its_error() -> None:
    class Broken(Exception):
        """What the market dies of."""

    hosted = host_venue(venue_of("binance"), seed=2, start_ms=START_MS, symbols=["BTCUSDT"])

    class Dying:
        """A market that cannot be moved on."""

        def __init__(self) -> None:
            self.__dict__.update(
                {
                    name: getattr(hosted.market, name)
                    for name in dir(hosted.market)
                    if name[0] != "_"
                }
            )

        def advance_to(self, now_ms: int) -> list[Record]:
            raise Broken

    market = Dying()
    market.__dict__.pop("advance_to")
    server = SimulatorServer(
        [msgspec.structs.replace(hosted, market=market)],
        clock=SystemClock(),
    )
    await server.start()
    with pytest.raises(Broken):
        async with asyncio.timeout(PATIENCE_S):
            await server.wait_failed()
    with contextlib.suppress(Broken):
        await server.stop()


def _levels(rows: list[list[str]]) -> list[tuple[float, float]]:
    return [(float(price), float(quantity)) for price, quantity in rows]
