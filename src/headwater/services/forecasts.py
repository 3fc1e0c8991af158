"""Forecasts: at every full hour each model's map is written down as it is then, for ever.

A map that is drawn afterwards can be right about everything. So each hour's maps are stored, by
cells around the price, before anybody knows what follows; the table refuses changes (`storage`).
An hour in which this did not run is missing, and is never made up afterwards.

Knows where maps come from by one callable only. That callable must not use what happened at the
time of issue or later.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, TypeVar

import msgspec
import numpy as np
import structlog

from headwater.analytics.price_map import PriceMap
from headwater.analytics.skill_windows import mass_of_buckets
from headwater.core.clock import Clock
from headwater.core.errors import PlatformError, StorageError
from headwater.storage.forecasts import StoredForecast

ResultT = TypeVar("ResultT")

HOUR_MS: Final = 3_600_000
HORIZONS_MS: Final = (HOUR_MS, 4 * HOUR_MS, 24 * HOUR_MS)
"""For how long a forecast speaks: the same map is judged after each."""

CELL_WIDTH_SHARE: Final = 0.0005
"""Width of a stored cell as a share of the price: half a tenth of a percent, of which cells of
0.1 % (two) and of 0.25 % (five) are made without a rest."""
CELLS: Final = 400
"""Stored cells of a side: up to 20 % away. What lies farther is not stored, and not judged."""

SYMBOLS_MAX: Final = 20
"""Most symbols. A row has 6.5 kB and is never deleted: 24 hours × 3 horizons × 8 models are 3.7 MB
a day and symbol."""
MAPS_MAX: Final = 64
"""Most maps of a symbol at a time of issue; further ones are dropped and counted."""

SETTLE_MS: Final = 20_000
"""Wait after the hour for what happened before it and is still on the way; more than the 15 s
after which maps take a bar for closed."""
LATE_MAX_MS: Final = 300_000
"""An hour that could not be written so long after is missed."""
ATTEMPTS: Final = 3
"""How often reading for maps, and storing, is tried; writing a row twice changes nothing."""
PAUSE_S: Final = 5.0
"""Wait between two of those."""
SLEEP_MAX_S: Final = 60.0
"""Longest sleep: a wall clock that was set is noticed after so long."""

_log: Final = structlog.stdlib.get_logger("headwater.services.forecasts")


class IssuedMap(msgspec.Struct, frozen=True, kw_only=True):
    """A model's map at a time of issue.

    Attributes:
        model: name of the model, as users see it.
        version: of model and parameters; a change of either is another version.
        parameters: as JSON text.
        exchange: venue whose positions it shows, or `all`.
        price: mark price at issue, quote currency, > 0.
        map: amounts by price; only their proportions are judged.
    """

    model: str
    version: str
    parameters: str
    exchange: str
    price: float
    map: PriceMap


MapsAt = Callable[[str, int], Awaitable[Sequence[IssuedMap]]]
"""The maps of a canonical symbol at a time of issue, ms, made of earlier data only."""

PutForecasts = Callable[[Sequence[StoredForecast]], Awaitable[int]]
"""Stores durably; returns how many were new; raises `StorageError`."""


class ForecastPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is written down and when.

    Attributes:
        symbols: canonical symbols, `SYMBOLS_MAX` at most.
        period_ms: time between two issues, which fall on whole multiples of it since the epoch.
        horizons_ms: for how long each map is taken to speak.
        settle_ms: wait after the moment for what is still on the way.
        late_max_ms: so long after the moment it is missed.
    """

    symbols: tuple[str, ...]
    period_ms: int = HOUR_MS
    horizons_ms: tuple[int, ...] = HORIZONS_MS
    settle_ms: int = SETTLE_MS
    late_max_ms: int = LATE_MAX_MS

    def __post_init__(self) -> None:
        if len(self.symbols) > SYMBOLS_MAX:
            raise ValueError(f"{len(self.symbols)} symbols: at most {SYMBOLS_MAX}")
        if not 0 <= self.settle_ms <= self.late_max_ms < self.period_ms:
            raise ValueError("must be: 0 ≤ settle_ms ≤ late_max_ms < period_ms")
        if any(horizon_ms <= 0 for horizon_ms in self.horizons_ms):
            raise ValueError(f"horizons_ms={self.horizons_ms}: each must be > 0")


class ForecastHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What the service did since its start.

    Attributes:
        symbols: canonical symbols it writes for.
        next_issue_ms: next time of issue, ms since the epoch; None before the start.
        last_issued_ms: last time of issue of which something was stored; None for none.
        stored: forecasts stored.
        missed: times of issue that went by (a standstill, a database away for too long).
        failed: symbols of a time of issue without maps or not stored, and maps refused.
        problem: the newest trouble in words, empty for none.
    """

    symbols: tuple[str, ...]
    next_issue_ms: int | None
    last_issued_ms: int | None
    stored: int
    missed: int
    failed: int
    problem: str


class ForecastService:
    """Writes forecasts down.

    Args:
        maps: gives each symbol's maps.
        put: stores them.
        clock: tells when it is a full hour.
        plan: what is written and when.
    """

    def __init__(self, maps: MapsAt, put: PutForecasts, clock: Clock, plan: ForecastPlan) -> None:
        self._maps = maps
        self._put = put
        self._clock = clock
        self._plan = plan
        self._next_ms: int | None = None
        self._last_ms: int | None = None
        self._stored = self._missed = self._failed = 0
        self._problem = ""

    @property
    def health(self) -> ForecastHealth:
        """What was done."""
        return ForecastHealth(
            symbols=self._plan.symbols,
            next_issue_ms=self._next_ms,
            last_issued_ms=self._last_ms,
            stored=self._stored,
            missed=self._missed,
            failed=self._failed,
            problem=self._problem,
        )

    async def run(self) -> None:
        """Works until cancelled. The first issue is at the next full hour, never at the last."""
        plan = self._plan
        self._next_ms = issue_ms = (self._clock.now_ms() // plan.period_ms + 1) * plan.period_ms
        while True:
            late_ms = self._clock.now_ms() - issue_ms
            if late_ms < plan.settle_ms:
                await asyncio.sleep(min((plan.settle_ms - late_ms) / 1000, SLEEP_MAX_S))
                continue
            if late_ms <= plan.late_max_ms:
                await self.issue(issue_ms)
                issue_ms += plan.period_ms
            else:
                missed = -(-(late_ms - plan.late_max_ms) // plan.period_ms)
                _log.warning("forecasts_missed", first_ms=issue_ms, missed=missed)
                self._missed += missed
                issue_ms += missed * plan.period_ms
            self._next_ms = issue_ms

    async def issue(self, issued_ms: int) -> int:
        """Writes the forecasts of one time of issue; trouble with one symbol stops no other.

        Returns:
            How many were new.
        """
        stored = 0
        for symbol in self._plan.symbols:
            try:
                maps = await self._tried(partial(self._maps, symbol, issued_ms), issued_ms)
                if not maps:
                    self._fail(symbol, "no model has a map of it")
                rows = await asyncio.to_thread(self._rows, symbol, issued_ms, maps)
                stored += await self._keep(rows, issued_ms)
            except (PlatformError, ValueError, ArithmeticError, LookupError) as error:
                # Numbers that a model did not expect cost its hour, never the platform.
                self._fail(symbol, str(error) or type(error).__name__)
        if stored:
            self._last_ms = issued_ms
        self._stored += stored
        return stored

    def _rows(
        self, symbol: str, issued_ms: int, maps: Sequence[IssuedMap]
    ) -> Sequence[StoredForecast]:
        """One row per map and horizon."""
        if len(maps) > MAPS_MAX:
            self._fail(symbol, f"{len(maps)} maps: at most {MAPS_MAX} are kept")
        found: list[StoredForecast] = []
        for one in maps[:MAPS_MAX]:
            try:
                found += forecasts_of(one, symbol, issued_ms, self._plan.horizons_ms)
            except ValueError as error:
                self._fail(symbol, f"{one.model} {one.version}: {error}")
        return found

    async def _keep(self, rows: Sequence[StoredForecast], issued_ms: int) -> int:
        """Stores rows; see `_tried`."""
        return await self._tried(partial(self._put, rows), issued_ms) if rows else 0

    async def _tried(self, work: Callable[[], Awaitable[ResultT]], issued_ms: int) -> ResultT:
        """Does something, again when the database is away or has too much to do.

        Raises:
            StorageError: it stayed so, or the hour is over its time.
        """
        for _ in range(ATTEMPTS - 1):
            try:
                return await work()
            except StorageError:
                if self._clock.now_ms() - issued_ms > self._plan.late_max_ms:
                    raise
            await asyncio.sleep(PAUSE_S)
        return await work()

    def _fail(self, symbol: str, problem: str) -> None:
        self._failed += 1
        self._problem = f"{symbol}: {problem}"
        _log.warning("forecast_failed", symbol=symbol, reason=problem)


def forecasts_of(
    issued: IssuedMap, symbol: str, issued_ms: int, horizons_ms: Sequence[int]
) -> list[StoredForecast]:
    """The rows of a map: `CELLS` cells a side, `CELL_WIDTH_SHARE` wide, one row per horizon.

    Args:
        issued: the map.
        symbol: canonical symbol.
        issued_ms: time of issue, ms since the epoch.
        horizons_ms: each > 0.

    Raises:
        ValueError: a price that is none.
    """
    price, amounts = issued.price, issued.map
    if not 0.0 < price < np.inf:
        raise ValueError(f"price={price}: must be finite and > 0")
    edges = amounts.grid.edges
    mass = mass_of_buckets(price, CELLS, edges, amounts.long, amounts.short, CELL_WIDTH_SHARE)
    long_mass, short_mass = (tuple(row) for row in mass.tolist())
    return [
        StoredForecast(
            model=issued.model,
            version=issued.version,
            exchange=issued.exchange,
            symbol=symbol,
            issued_ms=issued_ms,
            horizon_ms=horizon_ms,
            parameters=issued.parameters,
            price=price,
            cell_width_share=CELL_WIDTH_SHARE,
            long_mass=long_mass,
            short_mass=short_mass,
        )
        for horizon_ms in horizons_ms
    ]
