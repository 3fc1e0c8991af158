"""Maps for tests: counted, held back and refused at will."""

import asyncio
from collections import Counter

from tests.api.fake_source import NOW_MS

from headwater.services.map_question import MapLevel, NewestMap


def make_snapshot(symbol: str = "BTCUSDT", number: int = 1, levels: int = 2) -> NewestMap:
    """The `number`th map of a symbol; its price tells the number."""
    return NewestMap(
        symbol=symbol,
        timestamp_ms=NOW_MS + number,
        levels=tuple(
            MapLevel(price=100.0 + at, long_usd=1e6 * at, short_usd=2e6) for at in range(levels)
        ),
        current_price=float(number),
        positions_created_usd=5e5,
        positions_consumed_usd=2.5e5,
    )


class CountedMaps:
    """Gives a new map on every question.

    Attributes:
        asked: questions by symbol.
        running: questions not answered yet.
        running_peak: most of them at a time.
        error: raised instead of an answer, while it is set.
        gate: answers wait for it.
        levels: of a map.
    """

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.running = 0
        self.running_peak = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.levels = 2

    async def newest(self, symbol: str) -> NewestMap:
        self.asked[symbol] += 1
        number = self.asked[symbol]
        self.running += 1
        self.running_peak = max(self.running_peak, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        if self.error is not None:
            raise self.error
        return make_snapshot(symbol, number, self.levels)
