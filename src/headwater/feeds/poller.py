"""Data that a venue offers only by REST, read in turns and published: open interest, funding.

Symbols are those somebody holds a live stream of. Each round is spread over the interval, so that
a hundred symbols do not ask in one instant. A failure skips the symbol until the next round.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from headwater.core.clock import Clock
from headwater.core.enums import Channel
from headwater.core.errors import PlatformError
from headwater.core.instruments import Instrument
from headwater.core.records import FundingRate, OpenInterest
from headwater.feeds.history import MarketHistory
from headwater.venues.facts import VenueFacts

_IDLE_S: Final = 1.0

Ask = Callable[[Instrument], Awaitable[OpenInterest | FundingRate]]


class Poller:
    """Reads one kind of data of the wanted symbols in turns.

    Args:
        wanted: the instruments to read now, most wanted first, already bounded.
        ask: reads one; whoever is behind it publishes and remembers the answer.
        clock: measures rounds.
        interval_s: length of a round.
    """

    def __init__(
        self,
        wanted: Callable[[], Sequence[Instrument]],
        ask: Ask,
        clock: Clock,
        interval_s: float,
    ) -> None:
        self._wanted = wanted
        self._ask = ask
        self._clock = clock
        self._interval_s = interval_s
        self.failures = 0
        self.last_problem = ""

    async def run(self) -> None:
        """Reads round after round for ever."""
        while True:
            instruments = self._wanted()
            if not instruments:
                await asyncio.sleep(min(_IDLE_S, self._interval_s))
                continue
            started = self._clock.monotonic()
            spacing_s = self._interval_s / len(instruments)
            for turn, instrument in enumerate(instruments, start=1):
                await self._read(instrument)
                due_in_s = started + turn * spacing_s - self._clock.monotonic()
                await asyncio.sleep(max(0.0, due_in_s))

    async def _read(self, instrument: Instrument) -> None:
        try:
            await self._ask(instrument)
        except PlatformError as error:
            self.failures += 1
            self.last_problem = f"{instrument.symbol}: {error}"


def pollers_of(
    facts: VenueFacts,
    history: MarketHistory,
    wanted: Callable[[], Sequence[Instrument]],
    clock: Clock,
    interval_s: float,
) -> list[tuple[str, Poller]]:
    """One, with its name, for each kind of data that a venue has no stream of.

    Args:
        facts: of the venue.
        history: asks it.
        wanted: as of `Poller`.
        clock: measures rounds.
        interval_s: length of a round.
    """
    asks: list[tuple[str, Ask]] = []
    if by_rest_only(facts, "open_interest", Channel.OPEN_INTEREST):
        asks.append(("open-interest", history.open_interest))
    if by_rest_only(facts, "funding_rate", Channel.MARK_PRICES):
        asks.append(("funding", history.funding_rate))
    return [(name, Poller(wanted, ask, clock, interval_s)) for name, ask in asks]


def by_rest_only(facts: VenueFacts, capability: str, channel: Channel) -> bool:
    """Whether a venue offers something by REST and no stream tells it.

    Args:
        facts: of the venue.
        capability: its name among the REST capabilities.
        channel: the kind of stream that would tell it.
    """
    offered, streamed = facts.capabilities.get(capability), facts.channels.get(channel)
    is_streamed = streamed is not None and streamed.available
    return offered is not None and offered.available and not is_streamed
