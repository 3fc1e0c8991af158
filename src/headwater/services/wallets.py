"""Positions of wallets that the user named, read in turns: what the `observed` map is made of.

A map is of the end of a bar, so what is known at a moment is what was read last before it: a later
reading would tell a map its future. A reading speaks for `KEPT_MS`; when a wallet cannot be read
for so long, its positions leave the map, and that is counted.
"""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec
import structlog

from headwater.core.clock import Clock
from headwater.core.errors import PlatformError, WireError
from headwater.core.wallet_positions import WalletPosition
from headwater.services.map_question import KnownPosition

KEPT_MS: Final = 600_000
"""How long a reading speaks for a wallet."""
HISTORY_MS: Final = 25 * 3_600_000
"""How long readings are remembered: the newest closed bar of a day ended up to a day ago."""
SLOT_MS: Final = 60_000
"""Of older readings one a minute is remembered, the last: bars end at full minutes."""
ROWS_MAX: Final = 200_000
"""Positions remembered in all readings; beyond it the oldest readings go, of all wallets."""
_PROBLEM_CHARS: Final = 200

Ask = Callable[[str], Awaitable[Sequence[WalletPosition]]]

_log: Final = structlog.stdlib.get_logger("headwater.services.wallets")


class WalletsHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What the reader of wallets did.

    Attributes:
        wallets: how many are named.
        known: of them with a reading that still speaks.
        failing: of them whose last request failed.
        readings: successful requests since the start.
        failures: failed ones.
        dropped: how often a wallet's last reading became too old before another came.
        positions: open positions in the readings that speak.
        problem: of the last failure, in words; empty while none fails.
    """

    wallets: int
    known: int
    failing: int
    readings: int
    failures: int
    dropped: int
    positions: int
    problem: str


class _Reading(msgspec.Struct, frozen=True):
    """What a wallet held when it was read, by canonical symbol."""

    taken_ms: int
    rows: int
    by_symbol: Mapping[str, tuple[KnownPosition, ...]]


class WalletPositions:
    """Reads each wallet once in a round, spread evenly, and remembers; is `KnownPositions`.

    Args:
        addresses: at least one wallet, each once.
        ask: reads one wallet; within the venue's limits and in bounded time.
        clock: stamps readings and measures rounds.
        interval_s: length of a round, > 0.
    """

    def __init__(self, addresses: Sequence[str], ask: Ask, clock: Clock, interval_s: float) -> None:
        self._readings: dict[str, deque[_Reading]] = {one: deque() for one in addresses}
        self._ask = ask
        self._clock = clock
        self._spacing_s = interval_s / len(self._readings)
        self._rows = 0
        self._failing: set[str] = set()
        self._silent: set[str] = set()
        self._read = 0
        self._failures = 0
        self._dropped = 0
        self._problem = ""

    async def run(self) -> None:
        """Reads round after round for ever.

        A slow answer delays the turns after it; they are not made up for, so no burst follows.
        """
        while True:
            for address in self._readings:
                started_s = self._clock.monotonic()
                await self._turn(address)
                took_s = self._clock.monotonic() - started_s
                await asyncio.sleep(max(0.0, self._spacing_s - took_s))

    async def at(self, exchange: str, symbol: str, moment_ms: int) -> Sequence[KnownPosition]:
        """Positions by what was read last before a moment, at most `KEPT_MS` before it.

        Args:
            exchange: the wallets' venue; others are not known here.
            symbol: canonical symbol.
            moment_ms: ms since the epoch, UTC.
        """
        del exchange
        speaking = (_speaking(one, moment_ms) for one in self._readings.values())
        return [
            position
            for reading in speaking
            if reading is not None
            for position in reading.by_symbol.get(symbol, ())
        ]

    @property
    def health(self) -> WalletsHealth:
        """What was done so far."""
        now_ms = self._clock.now_ms()
        found = [_speaking(one, now_ms) for one in self._readings.values()]
        speaking = [one for one in found if one is not None]
        return WalletsHealth(
            wallets=len(self._readings),
            known=len(speaking),
            failing=len(self._failing),
            readings=self._read,
            failures=self._failures,
            dropped=self._dropped,
            positions=sum(one.rows for one in speaking),
            problem=self._problem if self._failing else "",
        )

    async def _turn(self, address: str) -> None:
        try:
            positions = await self._ask(address)
        except PlatformError as error:
            self._failures += 1
            self._problem = _told(error)
            if address not in self._failing:
                _log.warning("wallet_unread", address=address, reason=str(error)[:_PROBLEM_CHARS])
            self._failing.add(address)
            self._note_silence(address)
            return
        self._read += 1
        self._failing.discard(address)
        self._silent.discard(address)
        self._remember(address, positions)

    def _note_silence(self, address: str) -> None:
        """Counts, once, that the last reading of a wallet became too old."""
        readings, now_ms = self._readings[address], self._clock.now_ms()
        if readings and address not in self._silent and not _speaking(readings, now_ms):
            self._silent.add(address)
            self._dropped += 1

    def _remember(self, address: str, positions: Sequence[WalletPosition]) -> None:
        readings, now_ms = self._readings[address], self._clock.now_ms()
        if readings and readings[-1].taken_ms // SLOT_MS == now_ms // SLOT_MS:
            self._rows -= readings.pop().rows
        by_symbol: dict[str, tuple[KnownPosition, ...]] = {}
        for one in positions:
            by_symbol[one.symbol] = (*by_symbol.get(one.symbol, ()), _known(one))
        readings.append(_Reading(now_ms, len(positions), by_symbol))
        self._rows += len(positions)
        while readings[0].taken_ms < now_ms - HISTORY_MS:
            self._rows -= readings.popleft().rows
        self._keep_bound()

    def _keep_bound(self) -> None:
        """Forgets the oldest readings while there are too many rows, never a wallet's last one."""
        while self._rows > ROWS_MAX:
            older = [one for one in self._readings.values() if len(one) > 1]
            if not older:
                return
            self._rows -= min(older, key=lambda one: one[0].taken_ms).popleft().rows


def _speaking(readings: "deque[_Reading]", moment_ms: int) -> _Reading | None:
    """What was read last before a moment; None when it is older than `KEPT_MS` then."""
    place = bisect_right(readings, moment_ms, key=lambda one: one.taken_ms)
    if not place or moment_ms - readings[place - 1].taken_ms > KEPT_MS:
        return None
    return readings[place - 1]


def _told(error: PlatformError) -> str:
    """What may be said of a failure to anybody: nothing of what the venue told of a wallet."""
    if isinstance(error, WireError):
        return "the reply means nothing"
    return str(error)[:_PROBLEM_CHARS]


def _known(position: WalletPosition) -> KnownPosition:
    return KnownPosition(
        side=position.position_side,
        quantity=position.quantity,
        liquidation_price=position.liquidation_price,
        notional_usd=position.notional_usd,
    )
