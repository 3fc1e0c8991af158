"""Simulated exchanges on real sockets: one loopback port per venue, and what drives their markets.

Simulated time is the market's own start plus elapsed time × speed. Paths below `/_simulator/` are
ours (`admin.py`): they tell what really happened.
"""

import asyncio
import contextlib
from collections.abc import Sequence

from headwater.core.clock import Clock
from headwater.simulator.admin import answer_admin
from headwater.simulator.faults import FaultPlan
from headwater.simulator.venue_server import HostedVenue, VenueServer
from headwater.venues.facts import Addresses

STEP_S = 0.05
"""How often the markets move on."""

CATCH_UP_MS = 2000
"""Simulated time that one step may make up for when the process was held up; the rest waits."""


class SimulatorServer:
    """Several simulated venues and the task that drives their markets.

    Args:
        hosted: the venues.
        clock: the real clock.
        speed: simulated seconds per second.
        host: address to listen on.
        base_port: port of the first venue, the others follow; 0 for any free ones.
        plan: fault switches of every venue.
    """

    def __init__(
        self,
        hosted: Sequence[HostedVenue],
        *,
        clock: Clock,
        speed: float = 1.0,
        host: str = "127.0.0.1",
        base_port: int = 0,
        plan: FaultPlan | None = None,
    ) -> None:
        self.speed = speed
        self.venues = {
            one.venue_id: VenueServer(
                one,
                admin=answer_admin,
                clock=clock,
                plan=plan or FaultPlan(),
                host=host,
                port=base_port + index if base_port else 0,
            )
            for index, one in enumerate(hosted)
        }
        self._clock = clock
        self._driver: asyncio.Task[None] | None = None

    @property
    def addresses(self) -> dict[str, Addresses]:
        """Where each venue is; complete after `start`."""
        return {venue_id: venue.addresses for venue_id, venue in self.venues.items()}

    async def start(self) -> None:
        """Opens the ports and starts the markets.

        Raises:
            OSError: a port is taken; those already open are closed again.
        """
        try:
            for venue in self.venues.values():
                await venue.start()
        except OSError:
            await self.stop()
            raise
        self._driver = asyncio.create_task(self._drive(), name="simulator driver")

    async def stop(self) -> None:
        """Stops the markets and closes everything. Raises what the driver died of."""
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.cancel()
        for venue in self.venues.values():
            await venue.stop()
        if driver is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await driver

    async def wait_failed(self) -> None:
        """Returns only by raising what stopped the driver."""
        if self._driver is not None:
            await asyncio.shield(self._driver)

    async def _drive(self) -> None:
        """Moves all markets on, for ever."""
        longest_ms = max(CATCH_UP_MS, int(2 * STEP_S * self.speed * 1000))
        zero_s = last_s = self._clock.monotonic()
        starts = {venue_id: venue.market.now_ms() for venue_id, venue in self.venues.items()}
        while True:
            await asyncio.sleep(STEP_S)
            now_s = self._clock.monotonic()
            passed_ms = int((now_s - zero_s) * self.speed * 1000)
            targets = {
                venue: min(starts[venue_id] + passed_ms, venue.market.now_ms() + longest_ms)
                for venue_id, venue in self.venues.items()
            }
            for venue in targets:
                venue.begin_step(now_s, now_s - last_s)
            # Slice by slice for all: the markets are tied, none may run ahead of another's sockets.
            behind = list(targets)
            while behind:
                behind = [venue for venue in behind if venue.advance(targets[venue], now_s)]
            for venue, target in targets.items():
                await venue.end_step(target, now_s, now_s - last_s)
            last_s = now_s
