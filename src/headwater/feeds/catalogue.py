"""The instrument list and the clock of a venue, kept fresh.

The list is loaded at the start, tried for ever until it is there, and refreshed hourly, or before
when somebody wants a younger one; a failed refresh keeps the old list. Whoever wants it while it is
being loaded shares that load. The clock probe is also the health probe.
"""

import asyncio
from collections.abc import Callable

import structlog

from headwater.core.clock import Clock
from headwater.core.errors import PlatformError
from headwater.core.instruments import InstrumentTable
from headwater.feeds.answers import AnswerCache
from headwater.feeds.repairs import retry_after_s
from headwater.feeds.venue_rest import VenueRest
from headwater.transport.backoff import FullJitterBackoff
from headwater.venues.base import Venue

_PROBE_DEADLINE_S = 10.0

_log = structlog.stdlib.get_logger(__name__)


class Catalogue:
    """Instruments and clock of one venue.

    Args:
        venue: which one.
        rest: asks it.
        clock: ours.
        backoff: makes the delays after failures.
        refresh_s: age at which the list is loaded again.
        probe_s: how often the clock is read.
    """

    def __init__(
        self,
        venue: Venue,
        rest: VenueRest,
        clock: Clock,
        backoff: Callable[[], FullJitterBackoff],
        refresh_s: float,
        probe_s: float,
    ) -> None:
        self._venue = venue
        self._rest = rest
        self._clock = clock
        self._backoff = backoff
        self._refresh_s = refresh_s
        self._probe_s = probe_s
        self._loaded = asyncio.Event()
        self._loading = AnswerCache(clock, 1)
        self.loads = 0
        self.table = InstrumentTable(venue.facts.venue_id, ())
        self.problem = "the instrument list is not loaded yet"
        self._reachable: bool | None = None
        self.clock_offset_ms: int | None = None
        self.probed_at: float | None = None

    async def wait_loaded(self) -> None:
        """Waits for the first list."""
        await self._loaded.wait()

    def symbol_of(self, native_symbol: str) -> str:
        """The canonical symbol, or the native one while it is unknown."""
        instrument = self.table.by_native(native_symbol)
        return native_symbol if instrument is None else instrument.symbol

    def offset_ms(self) -> int:
        """The venue's clock less ours, 0 before the first probe."""
        return self.clock_offset_ms or 0

    async def run(self) -> None:
        """Loads and refreshes the list for ever."""
        backoff = self._backoff()
        while True:
            try:
                # Not loaded again when somebody else had it loaded not long ago.
                await self.load(self._refresh_s / 2)
            except PlatformError as error:
                self._note_failure(f"instrument list: {error}")
                await asyncio.sleep(backoff.next_delay(retry_after_s(error)))
            else:
                backoff = self._backoff()
                await asyncio.sleep(self._refresh_s)

    async def load(self, max_age_s: float = 0.0) -> int:
        """Loads the list, unless it is young enough; shares a load that is under way.

        Args:
            max_age_s: a list up to this age in seconds is not loaded again.

        Returns:
            How often the venue has told its list since the start, whoever asked.

        Raises:
            VenueError: the venue refused, failed or could not be reached; the old list stays.
            WireError: the list could not be read.
        """
        return await self._loading.get("instruments", max_age_s, self._load)

    async def _load(self) -> int:
        instruments = await self._rest.call(self._venue.rest(self.table).instruments())
        self.table = InstrumentTable(self._venue.facts.venue_id, instruments)
        self.loads += 1
        self._note_success()
        self._loaded.set()
        return self.loads

    async def run_probe(self) -> None:
        """Reads the venue's clock for ever."""
        while True:
            try:
                await self.probe()
            except PlatformError as error:
                self._note_failure(f"probe: {error}")
            await asyncio.sleep(self._probe_s)

    async def probe(self) -> int:
        """Reads the venue's clock once.

        Returns:
            Its clock less ours at the middle of the round trip, ms.

        Raises:
            VenueError: the venue refused, failed or could not be reached.
            WireError: the answer could not be read.
        """
        call = self._venue.rest(self.table).server_time_ms()
        started_ms = self._clock.now_ms()
        venue_ms = await self._rest.call(call, deadline_s=_PROBE_DEADLINE_S)
        ended_ms = self._clock.now_ms()
        self.clock_offset_ms = venue_ms - (started_ms + ended_ms) // 2
        self.probed_at = self._clock.monotonic()
        if len(self.table):
            self._note_success()
        return self.clock_offset_ms

    def _note_failure(self, problem: str) -> None:
        """Keeps the problem for health; the log hears the first of a run of failures."""
        self.problem = problem
        if self._reachable is not False:
            self._reachable = False
            _log.warning("venue_fails", exchange=self._venue.facts.venue_id, problem=problem)

    def _note_success(self) -> None:
        self.problem = ""
        if self._reachable is not True:
            self._reachable = True
            _log.info(
                "venue_answers",
                exchange=self._venue.facts.venue_id,
                instruments=len(self.table),
                clock_offset_ms=self.clock_offset_ms,
            )
