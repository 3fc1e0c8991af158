"""One client: requests, limits, errors, heartbeats, its end."""

import asyncio

import aiohttp
import pytest
from tests.api.streaming import raw_client, until
from tests.api.terminal.viewing import viewing
from tests.api.terminal.watch_socket import BeatingSession, World

from headwater.api.terminal.session import HEARTBEAT_S, REQUESTS_PER_S
from headwater.core.clock import ManualClock, SystemClock
from headwater.core.errors import VenueUnavailable

PATH = "watch/BTCUSDT"


async def test_o_w6_a_ping_is_answered() -> None:
    world = World()
    async with world.served() as at, viewing(at.port, PATH) as client:
        assert (await client.hear())["type"] == "seen"
        await client.say("ping", more="ignored")
        assert await client.hear() == {"type": "pong", "timestamp": world.clock.now_ms()}


async def test_o_w6_whatever_is_said_the_socket_stays_open() -> None:
    world = World()
    assert isinstance(world.clock, ManualClock)
    async with world.served() as at, viewing(at.port, PATH) as client:
        await client.hear()
        for number, text in enumerate(
            ("", "x", "null", "{}", '{"type":"load"}', '{"type":"load","limit":99}', "[" * 9_999)
        ):
            await client.socket.send_str(text)
            found = await client.hear()
            assert (found["type"], found["code"]) == ("error", "BAD_MESSAGE"), number
        world.source.error = VenueUnavailable("binance", "down")
        await client.say("load", limit=5)
        assert (await client.hear())["code"] == "VENUE_ERROR"
        world.switches.answer = VenueUnavailable("binance", "down")
        await client.say("load", limit=5)
        assert (await client.hear())["code"] == "VENUE_ERROR"
        world.switches.answer = world.source.error = None
        world.clock.advance(1.0)
        await client.say("load", limit=5)
        assert await client.hear() == {"type": "seen", "symbol": "BTCUSDT", "price": 10.0}


async def test_o_w6_requests_are_counted_by_the_second() -> None:
    world = World()
    assert isinstance(world.clock, ManualClock)
    async with world.served() as at, viewing(at.port, PATH) as client:
        await client.hear()
        for _ in range(2):
            for _ in range(REQUESTS_PER_S + 2):
                await client.say("ping")
            answers = [await client.hear() for _ in range(REQUESTS_PER_S + 2)]
            kinds = [one["type"] for one in answers]
            assert kinds == ["pong"] * REQUESTS_PER_S + ["error"] * 2
            assert {one["code"] for one in answers[-2:]} == {"RATE_LIMITED"}
            world.clock.advance(1.0)


@pytest.mark.parametrize("where", ["answer", "job"])
async def test_o_w6_a_fault_of_ours_is_told_and_closes_with_1011(where: str) -> None:
    world = World()
    async with world.served() as at, viewing(at.port, PATH) as client:
        await client.hear()
        if where == "answer":
            await client.say("break")
        else:
            await until(lambda: world.source.calls)
            world.source.error = RuntimeError("a bug")
            await client.say("load", limit=5)
        messages, code, reason = await client.closing()
        assert [one["code"] for one in messages] == ["INTERNAL_ERROR"]
        assert (code, reason) == (1011, "internal error")
        await world.until_nothing_is_left()


@pytest.mark.parametrize(
    ("error", "told"),
    [(VenueUnavailable("binance", "down"), "VENUE_ERROR"), (RuntimeError(), "INTERNAL_ERROR")],
)
async def test_o_w6_what_cannot_be_begun_is_told_and_closes_with_1011(
    error: Exception, told: str
) -> None:
    world = World()
    world.switches.begin = error
    async with world.served() as at, viewing(at.port, PATH) as client:
        messages, code, _ = await client.closing()
        assert [one["code"] for one in messages] == [told]
        assert code == 1011
        await world.until_nothing_is_left()


async def test_o_w6_a_feed_that_fails_closes_its_clients_with_1011() -> None:
    world = World()
    world.source.error = VenueUnavailable("binance", "down")
    async with world.served() as at, viewing(at.port, PATH) as client:
        messages, code, reason = await client.closing()
        assert [one["type"] for one in messages] == ["seen", "error"]
        assert messages[-1]["code"] == "VENUE_ERROR"
        assert code == 1011
        assert "down" in reason
        await world.until_nothing_is_left()
        world.source.error = None
        async with viewing(at.port, PATH) as again:
            assert (await again.until_pong())[0]["type"] == "seen"


async def test_o_w6_sending_after_the_end_is_harmless() -> None:
    """Whatever is called on a session whose socket has ended, before it was opened or twice."""
    world = World()
    accepted = world.open("/BTCUSDT", "")
    assert accepted.on_close is not None
    assert accepted.on_message is not None
    (session,) = next(iter(world.desk.feeds.values())).viewers
    assert isinstance(session, world.session)

    async def never() -> None:
        raise AssertionError

    for _ in range(2):
        assert not session.is_open
        session.send([b"x"])
        session.listen(["nothing"])
        session.end(world.desk.internal_error(), 1011)
        accepted.on_close()
        session.work(never(), "never")
    assert accepted.on_message('{"type":"ping"}')
    await world.until_nothing_is_left()


async def test_a_job_that_is_cancelled_before_its_first_step_leaves_no_trace() -> None:
    """A client that asks and is gone in the same turn of the loop."""
    world = World()
    accepted = world.open("/BTCUSDT", "")
    assert accepted.on_message is not None
    assert accepted.on_close is not None
    assert accepted.on_message('{"type":"load","limit":5}') == []
    accepted.on_close()
    await world.until_nothing_is_left()
    assert world.source.calls == []


async def test_jobs_end_with_their_socket() -> None:
    world = World()
    world.source.wait_for = asyncio.Event()
    async with world.served() as at:
        async with viewing(at.port, PATH) as client:
            await client.hear()
            await client.say("load", limit=7)
            await until(lambda: "book BTCUSDT 7" in world.source.calls)
        await world.until_nothing_is_left()


async def test_o_w6_a_client_that_is_gone_is_cleaned_up_before_the_next_is_served() -> None:
    """At every turn the old lease is given back before the new one is taken."""
    world = World()
    async with world.served() as at:
        for turn in range(1, 6):
            async with viewing(at.port, PATH) as client:
                await client.hear()
                held = [lease.released for lease in world.source.leases]
                assert held == [1] * (turn - 1) + [0]
            await world.until_nothing_is_left()


async def test_a_binary_message_is_refused_as_on_every_socket() -> None:
    world = World()
    async with world.served() as at, raw_client(at.port, f"/api/v1/ws/{PATH}") as client:
        assert '"seen"' in await client.text()
        client.send(2, b"\x00")
        assert (await client.closed())[0] == 1003
        await world.until_nothing_is_left()


async def test_o_w4_silence_is_broken_by_heartbeats_and_news_puts_them_off() -> None:
    assert HEARTBEAT_S == 30.0
    world = World(clock=SystemClock())
    world.session = BeatingSession
    async with world.served() as at, viewing(at.port, PATH) as client:
        assert (await client.hear())["type"] == "seen"
        beats = [await client.hear_next("heartbeat") for _ in range(3)]
        times = [beat["timestamp"] for beat in beats]
        assert times == sorted(times)
        assert set(beats[0]) == {"type", "timestamp"}
        await client.socket.close()
        assert client.socket.closed
        await world.until_nothing_is_left()


async def test_no_heartbeat_is_due_soon_after_something_was_sent() -> None:
    world = World()
    world.session = BeatingSession
    assert isinstance(world.clock, ManualClock)
    async with world.served() as at, viewing(at.port, PATH) as client:
        await client.hear()
        assert await client.until_pong() == [], "time stands still: no silence"
        world.clock.advance(1.0)
        assert (await client.hear())["type"] == "heartbeat"
        assert await client.until_pong() == []
        (session,) = next(iter(world.desk.feeds.values())).viewers
        assert isinstance(session, BeatingSession)
        assert session.silent_since_s() == world.clock.monotonic()


async def test_the_close_handshake_of_the_client_is_answered() -> None:
    world = World()
    async with world.served() as at, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{at.port}/api/v1/ws/{PATH}"
        socket = await http.ws_connect(url)
        await socket.close(code=4321)
        assert socket.close_code == 4321
        await world.until_nothing_is_left()
