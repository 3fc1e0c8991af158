"""A venue in memory for the symbol service: what it lists, when it fails, what it was asked."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from tests.virtual_time import run_in_virtual_time

from headwater.core.clock import SourceClock
from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.errors import PlatformError, VenueUnavailable
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.records import Ticker

VENUE = "venue"
START_MS = 1_731_000_000_000


def contract(base: str, **changes: Any) -> Instrument:
    """A perpetual in USDT with a tick of 0.01 that trades."""
    made = Instrument(
        exchange=VENUE,
        symbol=f"{base}USDT",
        native_symbol=f"{base}-USDT",
        timestamp_ms=START_MS,
        received_ns=0,
        base_asset=base,
        quote_asset="USDT",
        settle_asset="USDT",
        instrument_kind=InstrumentKind.PERPETUAL,
        status=InstrumentStatus.TRADING,
        is_linear=True,
        contract_size=1.0,
        price_tick=Decimal("0.01"),
        quantity_step=Decimal("0.001"),
        min_quantity=None,
        min_notional=None,
        funding_interval_h=8.0,
        listed_at_ms=None,
        expires_at_ms=None,
    )
    return msgspec.structs.replace(made, **changes)


def ticker(of: Instrument, **told: float) -> Ticker:
    """What a venue tells of a contract."""
    return Ticker(
        exchange=of.exchange,
        symbol=of.symbol,
        native_symbol=of.native_symbol,
        timestamp_ms=START_MS,
        received_ns=0,
        **told,
    )


class MemoryVenue:
    """Lists contracts with volumes, after some time.

    Attributes:
        volumes: of each contract by base asset, quote currency; None for one without a ticker.
        took_s: time of each answer.
        markets_error: raised instead of the instruments.
        tickers_error: raised instead of the tickers.
        asked: every question, with its time.
    """

    def __init__(self, clock: SourceClock, volumes: dict[str, float | None]) -> None:
        self.volumes = volumes
        self.took_s = 0.5
        self.markets_error: PlatformError | None = None
        self.tickers_error: PlatformError | None = None
        self.asked: list[tuple[str, float]] = []
        self._clock = clock
        self._table = InstrumentTable(VENUE, ())
        self._loads = 0
        self._loaded_at = 0.0

    @property
    def table(self) -> InstrumentTable:
        return self._table

    def questions(self, name: str) -> list[float]:
        """When it was asked that, in seconds."""
        return [at for asked, at in self.asked if asked == name]

    def go_away(self) -> None:
        self.markets_error = self.tickers_error = VenueUnavailable(VENUE, "is down")

    def come_back(self) -> None:
        self.markets_error = self.tickers_error = None

    def list_now(self) -> None:
        """The feed's own load."""
        self._table = InstrumentTable(VENUE, map(contract, self.volumes))
        self._loads += 1
        self._loaded_at = self._clock.monotonic()

    async def load_instruments(self, max_age_s: float = 0.0) -> int:
        if self._loads and self._clock.monotonic() - self._loaded_at < max_age_s:
            return self._loads
        self.asked.append(("markets", self._clock.monotonic()))
        await asyncio.sleep(self.took_s)
        if self.markets_error is not None:
            raise self.markets_error
        self.list_now()
        return self._loads

    async def tickers(self) -> Sequence[Ticker]:
        self.asked.append(("tickers", self._clock.monotonic()))
        await asyncio.sleep(self.took_s)
        if self.tickers_error is not None:
            raise self.tickers_error
        return [
            ticker(contract(base), last=100.0, quote_volume_24h=volume)
            for base, volume in self.volumes.items()
            if volume is not None
        ]


def virtual(work: Callable[[SourceClock], Coroutine[Any, Any, None]]) -> None:
    """Runs on a loop that skips waiting."""
    run_in_virtual_time(work, START_MS * 1_000_000)
