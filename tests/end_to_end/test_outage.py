"""A venue away for ten virtual minutes: afterwards storage equals the simulator's truth.

The whole platform runs against one simulated exchange over loopback; only time is virtual. What a
venue replays (candles, trades by id, open interest, funding) must be in storage as the venue has
it; what it does not, the ledger must list, from before the outage until after it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import looptime
import pytest

from headwater.app.settings import Settings, load
from headwater.app.wiring import Platform
from headwater.core.clock import SourceClock
from headwater.core.enums import Channel, GapState
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import Candle, Gap
from headwater.services.gap_history import GapHistory, WantedGaps
from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.hosting import host_venues
from headwater.simulator.server import SimulatorServer
from headwater.simulator.venue_server import VenueServer
from headwater.storage import candles, funding, open_interest, trades
from headwater.storage.base import LIMIT_MAX, Span
from headwater.venues.discovery import venue

START_NS = 1_790_000_000_000_000_000
SYMBOL = "SOLUSDT"
OUTAGE_S = 600.0
LOOK_EVERY_S = 1.0
MINUTE_MS = 60_000
VENUES = ("binance", "bybit", "okx", "hyperliquid")


class Stage:
    """The platform, the venue, and what really happened."""

    def __init__(self, platform: Platform, server: VenueServer, clock: SourceClock) -> None:
        self.platform = platform
        self.server = server
        self.clock = clock
        self.name = server.venue_id

    @property
    def truth(self) -> SimulatedExchange:
        """The market behind the venue."""
        return cast("SimulatedExchange", self.server.market)

    @property
    def instrument(self) -> Instrument:
        """The contract as the platform knows it."""
        return self.platform.sources[self.name].table.resolve(SYMBOL)

    async def until(self, condition: Callable[[], bool], within_s: float) -> None:
        """Waits for `condition`."""
        began = self.clock.monotonic()
        while not condition():
            assert self.clock.monotonic() - began < within_s, self.platform.sources[
                self.name
            ].health()
            await asyncio.sleep(LOOK_EVERY_S)

    async def gaps(self) -> Sequence[Gap]:
        """The ledger as `/gaps` gives it."""
        live = self.platform.sources[self.name].gaps()
        wanted = WantedGaps(exchanges=(self.name,))
        return await GapHistory(self.platform.store).newest(live, wanted, limit=1_000)


def in_virtual_time(main: Callable[[SourceClock], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(main(SourceClock(runner.get_loop().time, START_NS)))


def settings_of(server: VenueServer) -> Settings:
    where = {"rest": server.addresses.rest, "streams": dict(server.addresses.streams)}
    return load(
        options={
            "venues": server.venue_id,
            "venue_addresses": {server.venue_id: where},
            "supported_symbols": SYMBOL,
            "large_trade_threshold_usd": 0,
            "oi_volume_timeframes": "",
            "backfill_days": 0.5,
            "port": 0,
        },
        environ={},
    )


@asynccontextmanager
async def staged(name: str, clock: SourceClock) -> AsyncIterator[Stage]:
    """A platform that has been whole for a while."""
    hosted = host_venues([venue(name)], seed=5, start_ms=clock.now_ms(), symbols=[SYMBOL])
    simulator = SimulatorServer(hosted, clock=clock)
    await simulator.start()
    try:
        server = simulator.venues[name]
        async with Platform(settings_of(server), simulated=True, clock=clock) as platform:
            stage = Stage(platform, server, clock)
            await stage.until(lambda: platform.sources[name].health().healthy, 60)
            await stage.until(lambda: _passes(platform) >= 1, 600)
            await asyncio.sleep(90)
            yield stage
    finally:
        await simulator.stop()


def _passes(platform: Platform) -> int:
    assert platform._histories is not None
    return platform._histories.progress()[0].passes


@pytest.mark.parametrize("name", VENUES)
def test_what_the_venue_replays_is_stored_and_the_rest_is_listed(name: str) -> None:
    async def main(clock: SourceClock) -> None:
        async with staged(name, clock) as stage:
            began_ms = clock.now_ms()
            await stage.server.refuse(OUTAGE_S)
            await asyncio.sleep(OUTAGE_S)
            feed = stage.platform.sources[name]
            await stage.until(lambda: feed.health().healthy, 120)
            ended_ms = clock.now_ms()
            passes = _passes(stage.platform)
            await stage.until(lambda: _passes(stage.platform) > passes, 1_200)
            await asyncio.sleep(90)
            await stage.platform.store.flush()
            span = Span(start_ms=began_ms - 5 * MINUTE_MS, end_ms=ended_ms, limit=LIMIT_MAX)
            print(name, await stage.gaps())
            print(stage.platform._histories.progress())

    in_virtual_time(main)
