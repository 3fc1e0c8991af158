"""One venue's list of what it trades: who loads it, when, and who waits for it (O-S2, O-D5).

A list is loaded again when it is five minutes old, markets and tickers alike: by one task, while
whoever asks is given the one that is there. Only before the first load is over does anybody wait,
for that one load. After a load that failed the list is stale: it keeps its contracts, in their
order, without the volumes that are not true any more; of a venue that never was reached there are
the well-known names. Requests keep the budgets, retries and deadlines of the venue's REST calls.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import msgspec
import structlog

from headwater.core.clock import Clock
from headwater.core.errors import (
    NotSupported,
    PlatformError,
    RateLimited,
    VenueError,
    VenueTimeout,
    VenueUnavailable,
)
from headwater.core.instruments import InstrumentTable
from headwater.core.records import Ticker
from headwater.services.fallback_symbols import fallback_list
from headwater.services.listed_symbols import ListedSymbol, SymbolList, listed_symbols, symbol_list

TTL_S: Final = 300.0
"""Age at which a list is loaded again."""

FIRST_WAIT_S: Final = 10.0
"""Longest wait for a venue's first list; then its fallback is given."""

RELOAD_WAIT_S: Final = 30.0
"""Longest wait of somebody who had a list loaded again."""

RELOAD_EVERY_S: Final = 10.0
"""Shortest time between two loads of a venue's list that were asked for."""

RETRY_S: Final = 5.0
"""Pause after a load that failed; doubled after each further one."""

RETRY_MAX_S: Final = 60.0
"""Longest such pause, unless the venue wants a longer one."""

CHECK_S: Final = 5.0
"""How often it is seen whether a venue's feed has other instruments than the list."""

_PROBLEM_CHARS: Final = 200

_log: Final = structlog.stdlib.get_logger("headwater.services.venue_symbols")


class SymbolSource(Protocol):
    """What is needed of a venue's data."""

    @property
    def table(self) -> InstrumentTable:
        """All instruments; empty until the first load succeeded."""
        ...

    async def load_instruments(self, max_age_s: float = 0.0) -> int:
        """Has them loaded anew when they are older; returns how often they were since the start."""
        ...

    async def tickers(self) -> Sequence[Ticker]:
        """24-hour figures of every instrument."""
        ...


class VenueSymbolStats(msgspec.Struct, frozen=True, kw_only=True):
    """What was done for one venue's list since the start.

    Attributes:
        exchange: venue id.
        symbols: contracts in the list.
        is_stale: whether it could not be had anew when it was due.
        problem: why; empty when it is not stale.
        age_s: seconds since the venue last told all of it; None before.
        questions: how often somebody asked for the list.
        shared: of them and of those who wanted it loaded, those who waited for one load together.
        loads: loads that succeeded.
        failures: loads that failed, or that brought no tickers.
        market_loads: how often the venue told its instruments, whoever asked.
        ticker_calls: questions for its tickers.
        forced: loads that were asked for.
        refused: those that were asked for too soon.
        duration_ms: of the newest load; None before.
    """

    exchange: str
    symbols: int
    is_stale: bool
    problem: str
    age_s: float | None
    questions: int
    shared: int
    loads: int
    failures: int
    market_loads: int
    ticker_calls: int
    forced: int
    refused: int
    duration_ms: float | None


class _Counts(msgspec.Struct):
    """What was done so far; see `VenueSymbolStats`."""

    questions: int = 0
    shared: int = 0
    loads: int = 0
    failures: int = 0
    market_loads: int = 0
    ticker_calls: int = 0
    forced: int = 0
    refused: int = 0


class VenueSymbols:
    """The list of one venue.

    Args:
        exchange: venue id.
        source: its data.
        clock: measures ages.
        versions: numbers the lists of the process.

    Attributes:
        source: its data.
        newest: its list; a fallback before the first one is there.
    """

    def __init__(
        self, exchange: str, source: SymbolSource, clock: Clock, versions: Iterator[int]
    ) -> None:
        self.source = source
        self.newest = fallback_list(exchange, "the venue has not answered yet")
        self._exchange = exchange
        self._clock = clock
        self._versions = versions
        self._tickers: Sequence[Ticker] = ()
        self._seen = source.table
        self._is_settled = False
        self._is_loading = False
        self._is_forced = False
        self._wake = asyncio.Event()
        self._done = asyncio.Event()
        self._error: PlatformError | None = None
        self._failed_in_row = 0
        self._loaded_at: float | None = None
        self._reloaded_at: float | None = None
        self._duration_s: float | None = None
        self._counts = _Counts()

    async def run(self) -> None:
        """Loads the list for ever; nobody else does."""
        try:
            while True:
                await self._load()
                await self._pause()
        finally:
            self._settle()

    async def listed(self) -> SymbolList:
        """The list, at once; before the first load is over, at most `FIRST_WAIT_S` later."""
        self._counts.questions += 1
        if not self._is_settled:
            self._counts.shared += 1
            await self._wait(FIRST_WAIT_S)
        return self.newest

    async def reload(self) -> SymbolList:
        """Has the list loaded again, at most once in `RELOAD_EVERY_S`; shares a load under way.

        Raises:
            RateLimited: it was loaded on demand a moment ago.
            VenueError: the venue refused, failed or could not be reached; the list is stale.
            WireError: it answered what cannot be read; the list is stale.
        """
        if self._is_loading:
            self._counts.shared += 1
        else:
            self._demand()
        if not await self._wait(RELOAD_WAIT_S):
            raise VenueTimeout(self._exchange, f"its list did not come in {RELOAD_WAIT_S:.0f} s")
        if self._error is not None:
            raise self._error
        return self.newest

    def stats(self) -> VenueSymbolStats:
        """What was done so far."""
        loaded_at, duration_s = self._loaded_at, self._duration_s
        return VenueSymbolStats(
            exchange=self._exchange,
            symbols=len(self.newest.rows),
            is_stale=self.newest.is_stale,
            problem=self.newest.problem,
            age_s=None if loaded_at is None else self._clock.monotonic() - loaded_at,
            duration_ms=None if duration_s is None else duration_s * 1000,
            **msgspec.structs.asdict(self._counts),
        )

    def _demand(self) -> None:
        """Wakes the loader, unless it was a moment ago."""
        now_s = self._clock.monotonic()
        if self._reloaded_at is not None:
            left_s = self._reloaded_at + RELOAD_EVERY_S - now_s
            if left_s > 0:
                self._counts.refused += 1
                words = f"its list is loaded on demand once in {RELOAD_EVERY_S:.0f} s"
                raise RateLimited(self._exchange, words, retry_after_s=left_s)
        self._reloaded_at = now_s
        self._counts.forced += 1
        self._is_forced = True
        self._wake.set()

    async def _wait(self, longest_s: float) -> bool:
        """Waits until the load under way, or else the next one, is over; false if it is not."""
        done = self._done
        try:
            async with asyncio.timeout(longest_s):
                await done.wait()
        except TimeoutError:
            return False
        return True

    def _settle(self) -> None:
        """Lets everybody go on who waits for a load."""
        self._is_settled = True
        self._is_loading = False
        done, self._done = self._done, asyncio.Event()
        done.set()

    async def _load(self) -> None:
        """Loads the list once, whatever comes of it."""
        self._is_loading = True
        # Half the age, so that a load that others asked for makes no list twice as old.
        max_age_s = 0.0 if self._is_forced else TTL_S / 2
        self._is_forced = False
        self._wake.clear()
        started_s = self._clock.monotonic()
        self._error = None
        try:
            self._counts.market_loads = await self.source.load_instruments(max_age_s)
            await self._ask_tickers()
        except PlatformError as error:
            self._error = error
        table = self._seen = self.source.table
        if not len(table) and self._error is None:
            words = "it has told of no instruments yet"
            self._error = VenueUnavailable(self._exchange, words)
        rows = await asyncio.to_thread(
            listed_symbols, table, self._tickers, is_stale=self._error is not None
        )
        self._duration_s = self._clock.monotonic() - started_s
        self._note(rows)
        self._settle()

    async def _ask_tickers(self) -> None:
        """The tickers; a venue that fails to tell them leaves the old ones and an error."""
        self._counts.ticker_calls += 1
        try:
            self._tickers = await self.source.tickers()
        except NotSupported:
            self._tickers = ()
        except PlatformError as error:
            self._error = error

    def _note(self, rows: tuple[ListedSymbol, ...]) -> None:
        """Makes the rows the newest list."""
        error = self._error
        if error is None:
            self._counts.loads += 1
            self._failed_in_row = 0
            self._loaded_at = self._clock.monotonic()
            self.newest = symbol_list(self._exchange, next(self._versions), rows)
            return
        self._counts.failures += 1
        self._failed_in_row += 1
        problem = str(error)[:_PROBLEM_CHARS]
        if not len(self._seen):
            self.newest = fallback_list(self._exchange, problem)
        else:
            self.newest = symbol_list(self._exchange, next(self._versions), rows, problem)
        if self._failed_in_row == 1:
            _log.warning("symbols_stale", exchange=self._exchange, problem=problem)

    async def _pause(self) -> None:
        """Waits until a load is due: by age, on demand, or as the venue has other contracts."""
        ends_s = self._clock.monotonic() + self._pause_s()
        while self.source.table is self._seen:
            left_s = ends_s - self._clock.monotonic()
            if left_s <= 0:
                return
            try:
                async with asyncio.timeout(min(left_s, CHECK_S)):
                    await self._wake.wait()
            except TimeoutError:
                continue
            return

    def _pause_s(self) -> float:
        if self._error is None:
            return TTL_S
        pause_s = min(RETRY_S * 2.0 ** min(self._failed_in_row - 1, 16), RETRY_MAX_S)
        wanted_s = self._error.retry_after_s if isinstance(self._error, VenueError) else None
        return max(pause_s, wanted_s or 0.0)
