"""Every terminal socket: races leave nothing behind, no message does harm (O-W6)."""

import asyncio
import logging
from collections import Counter
from itertools import count

import pytest
from tests.api.fake_source import FakeLease, make_book, make_candle, make_liquidation, make_trade
from tests.api.served import Platform
from tests.api.streaming import until
from tests.api.terminal.mutating import Mutator, torment
from tests.api.terminal.racing import race
from tests.api.terminal.viewing import viewing
from tests.api.terminal.watch_socket import is_ours

from headwater.api.stream_contract import StreamLimits
from headwater.api.terminal import session as session_module
from headwater.core.intervals import Interval

PATHS = (
    "orderbook/BTCUSDT?rounding=0.5&limit=50",
    "orderbook?symbol=ETHUSDT&pace_ms=50&asks=highest_first",
    "trades/BTCUSDT",
    "trades?symbol=ETHUSDT&limit=5&exchange=okx",
    "candles/BTCUSDT/1m?container_width=300",
    "candles?symbol=ETHUSDT&timeframe=5m",
    "liquidations/BTCUSDT?timeframe=1m",
    "liquidations?symbol=ETHUSDT&exchange=all&min_value_usd=1",
    "test",
)
REQUESTS: tuple[dict[str, object], ...] = (
    {"type": "ping"},
    {"type": "update_params", "limit": 10, "rounding": 1, "asks": "highest_first", "paceMs": 500},
    {"type": "update_params", "rounding": 0.25},
    {"type": "load_history", "before": 1_731_000_000_000, "limit": 10},
    {"type": "load_history", "before": 1_600_000_000_000},
)
LIMITS = StreamLimits(
    max_inbound_frames_per_s=1_000_000, close_timeout_s=0.1, sweep_interval_s=0.05
)
SYMBOLS = ("BTCUSDT", "ETHUSDT")

mutated = pytest.mark.parametrize(
    "messages", [150, pytest.param(100_000 // len(PATHS), marks=[pytest.mark.soak])]
)


def held(platform: Platform) -> int:
    """Leases that were not given back."""
    leases: list[FakeLease] = [one for s in platform.sources.values() for one in s.leases]
    assert all(lease.released <= 1 for lease in leases), "given back twice"
    return sum(not lease.released for lease in leases)


def left(platform: Platform) -> dict[str, int]:
    """What is there because of clients of terminal sockets."""
    stats = platform.hub.stats()
    return {
        "sockets": stats.clients,
        "tasks": sum(is_ours(task) for task in asyncio.all_tasks()),
        "leases": held(platform),
        "readers": sum(one.name.startswith("terminal/") for one in platform.bus.readers),
        "topics": sum(one.key.startswith("terminal/") for one in stats.topics),
    }


async def until_nothing_is_left(platform: Platform) -> None:
    try:
        await until(lambda: not any(left(platform).values()))
    except TimeoutError:
        raise AssertionError(left(platform)) from None


def publish(platform: Platform, number: int) -> None:
    """News of every kind."""
    for symbol in SYMBOLS:
        platform.bus.publish(make_trade(number, symbol))
        platform.bus.publish(make_book(symbol, 3 + number % 5))
        platform.bus.publish(make_candle(symbol, Interval.M1))
        platform.bus.publish(make_liquidation(symbol))


@pytest.mark.parametrize("venue", ["quick", "slow"])
async def test_o_w6_races_on_every_socket_leave_nothing_behind(
    venue: str, caplog: pytest.LogCaptureFixture
) -> None:
    """500 clients on nine addresses, from half a request to a half-open socket."""
    seen: Counter[str] = Counter()
    numbers = count(1)
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    async with Platform(limits=LIMITS, venues=("binance", "okx")).served() as platform:
        if venue == "slow":
            for source in platform.sources.values():
                source.wait_for = asyncio.Event()

        def between() -> None:
            for name, now in left(platform).items():
                seen[name] = max(seen[name], now)
            number = next(numbers)
            if number % 5 == 0:
                publish(platform, number)

        port = platform.port
        await race(port, PATHS, 500, seed=11, requests=REQUESTS, between=between)
        await until_nothing_is_left(platform)
        for source in platform.sources.values():
            source.wait_for = None
        for path in PATHS[:-1]:
            async with viewing(port, path) as client:
                assert (await client.hear())["type"] != "error", path
        await until_nothing_is_left(platform)
    assert all(seen[name] for name in left(platform)), "there was something to leave behind"
    assert failures == []
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


@mutated
@pytest.mark.timeout(1_800)
async def test_mutated_messages_to_every_socket(
    messages: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All addresses at once, while news come."""
    monkeypatch.setattr(session_module, "REQUESTS_PER_S", 10**9)
    numbers = count(1)
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    async with Platform(limits=LIMITS, venues=("binance", "okx")).served() as platform:

        def between() -> None:
            publish(platform, next(numbers))

        async with asyncio.TaskGroup() as group:
            runs = {
                path: group.create_task(
                    torment(
                        platform.port,
                        f"/api/v1/ws/{path}",
                        Mutator(REQUESTS, seed),
                        messages,
                        between=between,
                    )
                )
                for seed, path in enumerate(PATHS)
            }
        await until_nothing_is_left(platform)
    for path, run in runs.items():
        heard = run.result()
        assert heard["open"], path
        if path != "test":
            assert heard["BAD_MESSAGE"] > messages / 3, (path, heard)
            assert heard["pong"], path
        assert not heard["INTERNAL_ERROR"], path
    assert runs[PATHS[0]].result()["params_updated"]
    assert runs[PATHS[4]].result()["historical_candles"]
    assert failures == []
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
