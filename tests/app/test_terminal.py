"""The symbol service over the running platform and four simulated exchanges (O-R1, O-R6, O-S2).

In virtual time: five minutes pass in seconds. Requests are counted where they arrive, at the
simulated exchanges.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import aiohttp
import msgspec
import pytest
from tests.virtual_time import run_in_virtual_time

from headwater.app.settings import VenueAddressSettings, load
from headwater.app.wiring import Platform
from headwater.core.clock import SourceClock
from headwater.services.venue_symbols import RETRY_MAX_S, TTL_S
from headwater.simulator.hosting import host_venues
from headwater.simulator.server import SimulatorServer
from headwater.simulator.venue_server import HostedVenue
from headwater.venues.discovery import venues
from headwater.venues.side import MarketView, ServerReply, ServerRequest, VenueSide

pytestmark = pytest.mark.no_cover  # traced, it takes two to three times as long

START_NS: Final = 1_790_000_000_000_000_000
CALLERS: Final = 50
BACKFILL_DAYS: Final = 0.5
"""Past that is fetched at the start: the usual week is a tenth of the work."""
BOOK_LEVELS: Final = 50
"""Levels a side: a deep book would show nothing more here, and take a quarter of the time."""
RECOVERED_WITHIN_S: Final = RETRY_MAX_S + 30.0
SYMBOLS: Final = ("BTCUSDT", "SOLUSDT")

LISTINGS: Final = {
    "binance": "/fapi/v1/exchangeInfo",
    "bybit": "/v5/market/instruments-info",
    "okx": "/api/v5/public/instruments",
    "hyperliquid": "/info meta",
}
"""What each venue is asked for its contracts."""
TICKERS: Final = {
    "binance": "/fapi/v1/ticker/24hr",
    "bybit": "/v5/market/tickers",
    "okx": "/api/v5/market/tickers",
    "hyperliquid": "/info metaAndAssetCtxs",
}
"""What each venue is asked for its 24-hour figures."""


class Counting:
    """A venue's servers, and how often each of their addresses was asked."""

    def __init__(self, side: VenueSide, asked: Counter[str]) -> None:
        self._side = side
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._side, name)

    def answer(self, request: ServerRequest) -> ServerReply:
        name = request.path
        if name == "/info":
            name += " " + str(msgspec.json.decode(request.body)["type"])
        self._asked[name] += 1
        return self._side.answer(request)


class Scene:
    """The platform, its venues, what they were asked, and a client."""

    def __init__(
        self,
        clock: SourceClock,
        simulator: SimulatorServer,
        asked: dict[str, Counter[str]],
        platform: Platform,
        client: aiohttp.ClientSession,
    ) -> None:
        self.clock = clock
        self.simulator = simulator
        self.asked = asked
        self.platform = platform
        self._client = client

    async def get(self, path: str) -> tuple[int, Any, Mapping[str, str]]:
        """Status, body and headers of one answer."""
        async with self._client.get(self.platform.base_url + path) as reply:
            return reply.status, await reply.json(content_type=None), reply.headers

    async def post(self, path: str) -> tuple[int, Any, Mapping[str, str]]:
        async with self._client.post(self.platform.base_url + path) as reply:
            return reply.status, await reply.json(content_type=None), reply.headers

    async def until_fresh(self, exchange: str) -> list[dict[str, Any]]:
        """Waits until a venue's list is there and not stale."""
        began = self.clock.monotonic()
        while True:
            _, rows, headers = await self.get(f"/api/v1/symbols?exchange={exchange}")
            if "X-Data-Incomplete" not in headers:
                assert not any(row["stale"] for row in rows)
                return cast("list[dict[str, Any]]", rows)
            assert self.clock.monotonic() - began < RECOVERED_WITHIN_S
            await asyncio.sleep(2)

    def counts(self, paths: dict[str, str]) -> dict[str, int]:
        return {venue: self.asked[venue][path] for venue, path in paths.items()}


def in_virtual_time(
    main: Callable[[Scene], Coroutine[Any, Any, None]], away: str | None = None
) -> None:
    """Runs `main` on a scene; the venue named by `away` is not there from the start."""

    async def run(clock: SourceClock) -> None:
        async with staged(clock, away) as scene:
            await main(scene)

    run_in_virtual_time(run, START_NS)


def counted(hosted: HostedVenue, asked: Counter[str]) -> HostedVenue:
    """The same venue; its requests are counted."""

    def side_of(market: MarketView) -> VenueSide:
        return cast("VenueSide", Counting(hosted.side_of(market), asked))

    return msgspec.structs.replace(hosted, side_of=side_of)


@asynccontextmanager
async def staged(clock: SourceClock, away: str | None) -> AsyncIterator[Scene]:
    """Everything started a moment ago."""
    hosted = host_venues(
        list(venues().values()),
        seed=4,
        start_ms=clock.now_ms(),
        symbols=list(SYMBOLS),
        levels=BOOK_LEVELS,
    )
    asked: dict[str, Counter[str]] = {one.venue_id: Counter() for one in hosted}
    simulator = SimulatorServer([counted(one, asked[one.venue_id]) for one in hosted], clock=clock)
    await simulator.start()
    addresses = {
        name: VenueAddressSettings(rest=where.rest, streams=dict(where.streams))
        for name, where in simulator.addresses.items()
    }
    settings = load(
        options={
            "venue_addresses": addresses,
            "supported_symbols": "BTCUSDT",
            "backfill_days": BACKFILL_DAYS,
            "port": 0,
        },
        environ={},
    )
    if away is not None:
        await simulator.venues[away].stop()
    try:
        async with (
            Platform(settings, simulated=True, clock=clock) as platform,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client,
        ):
            yield Scene(clock, simulator, asked, platform, client)
    finally:
        await simulator.stop()


def test_o_s2_fifty_callers_make_one_load_per_venue_and_o_r1_the_list_has_all_of_all() -> None:
    """Fifty callers at the start; a minute later every venue in one list by volume."""

    async def main(scene: Scene) -> None:
        names = [*venues(), "all"]
        paths = [f"/api/v1/symbols?exchange={names[n % len(names)]}" for n in range(CALLERS)]
        answers = await asyncio.gather(*(scene.get(path) for path in paths))
        assert {status for status, _, _ in answers} == {200}
        for path, (_, rows, headers) in zip(paths, answers, strict=True):
            assert "X-Data-Incomplete" not in headers
            chosen = path.partition("=")[2]
            wanted = set(venues()) if chosen == "all" else {chosen}
            assert {row["exchange"] for row in rows} == wanted
            assert not any(row["stale"] for row in rows)
        await asyncio.sleep(60)
        assert set(scene.counts(LISTINGS).values()) == {1}, scene.asked
        _, stats, _ = await scene.get("/api/v1/symbol-cache-stats")
        for one in stats["exchanges"]:
            assert one["marketCalls"] == one["tickerCalls"] == one["loads"] == 1, one

        # Meanwhile there were trades, so there are volumes.
        _, reloads, _ = await scene.post("/api/v1/refresh-symbols?exchange=all")
        assert [one["exchange"] for one in reloads["exchanges"]] == sorted(venues())
        assert all(one["reloaded"] for one in reloads["exchanges"])
        _, rows, _ = await scene.get("/api/v1/symbols?exchange=all")
        volumes = [row["volume24h"] for row in rows]
        assert volumes == sorted(volumes, reverse=True), "every venue tells them"
        assert volumes[0] > 0
        assert {(row["exchange"], row["symbol"]) for row in rows} == {
            (venue, symbol) for venue in venues() for symbol in SYMBOLS
        }
        assert {row["exchange"] for row in rows if row["volumeEstimated"]} == {"okx"}
        for row in rows:
            status, _, _ = await scene.get(f"/{row['exchange']}/orderbook/{row['id']}?limit=5")
            assert status == 200, row
            assert row["id"] == row["symbol"]

    in_virtual_time(main)


@pytest.mark.soak
@pytest.mark.timeout(300)  # a market of five minutes
def test_o_d5_o_s2_lists_expire_after_five_minutes_and_a_stopped_venue_is_stale() -> None:
    async def main(scene: Scene) -> None:
        await scene.get("/api/v1/symbols?exchange=all")
        listings, tickers = scene.counts(LISTINGS), scene.counts(TICKERS)
        server = scene.simulator.venues["okx"]
        await server.stop()
        await asyncio.sleep(TTL_S + 20)
        for name in set(venues()) - {"okx"}:
            assert scene.asked[name][LISTINGS[name]] == listings[name] + 1
            assert scene.asked[name][TICKERS[name]] > tickers[name]
        status, rows, headers = await scene.get("/api/v1/symbols?exchange=all")
        assert status == 200
        assert "okx" in headers["X-Data-Incomplete"]
        gone = [row for row in rows if row["exchange"] == "okx"]
        assert rows[-len(gone) :] == gone, "what is not known is last"
        assert len(gone) == len(SYMBOLS)
        for row in rows:
            assert row["stale"] is (row["exchange"] == "okx")
            assert (row["volume24h"] is None) is (row["exchange"] == "okx")
            assert (row["volume24hFormatted"] is None) is (row["exchange"] == "okx")
        status, problem, _ = await scene.post("/api/v1/refresh-symbols?exchange=okx")
        assert status in (503, 504), problem
        await server.start()
        rows = await scene.until_fresh("okx")
        assert {row["symbol"] for row in rows} == set(SYMBOLS)
        assert not scene.platform.failed.done()

    in_virtual_time(main)


@pytest.mark.soak
def test_o_d5_o_r6_a_venue_that_was_never_reached_and_a_stampede_of_refreshes() -> None:
    async def main(scene: Scene) -> None:
        _, rows, headers = await scene.get("/api/v1/symbols?exchange=all")
        assert "okx" in headers["X-Data-Incomplete"]
        names = [row for row in rows if row["exchange"] == "okx"]
        assert len(names) == 28
        assert all(row["stale"] and row["volume24h"] is None for row in names)
        assert not any(row["stale"] for row in rows if row["exchange"] != "okx")
        await scene.simulator.venues["okx"].start()
        rows = await scene.until_fresh("okx")
        assert {row["symbol"] for row in rows} == set(SYMBOLS)

        before = scene.counts(LISTINGS)
        answers = await asyncio.gather(
            *(scene.post("/api/v1/refresh-symbols?exchange=all") for _ in range(CALLERS))
        )
        # Those that came while it was loading shared that load; later ones are too early.
        assert {200} <= {status for status, _, _ in answers} <= {200, 429}
        status, _, headers = await scene.post("/api/v1/refresh-symbols?exchange=all")
        assert status == 429
        assert 1 <= int(headers["Retry-After"]) <= 10
        after = scene.counts(LISTINGS)
        assert {name: after[name] - before[name] for name in after} == dict.fromkeys(venues(), 1)

    in_virtual_time(main, away="okx")
