"""How often the open-interest and volume monitor would have told something: a rule over the past.

Candles and open interest are asked for by callables; nothing is known of venues. The rules are
those of the live monitor and so is what judges a bar (`analytics.oi_volume_past`). Without the
alert budget: what that would have held back depends on all symbols of a venue.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from headwater.analytics.oi_volume import SpikeRule, spike_of
from headwater.analytics.oi_volume_past import PastAlerts, bars_needed, past_alerts
from headwater.analytics.oi_volume_series import bars_of, by_minute
from headwater.core.clock import Clock
from headwater.core.errors import RequestError, StorageUnavailable
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import Candle, OiVolumeSpike, OpenInterest
from headwater.services.oi_volume_venue import OiVolumeSettings

HOURS_MAX: Final = 168
"""Longest span, hours: a week."""
BARS_MAX: Final = 10_000
"""Most bars of one preview, those before the span included; a longer span is refused."""
AT_ONCE: Final = 2
"""Previews that are made at a time."""
WAITING_MAX: Final = 16
"""Previews that may wait for their turn; further ones are refused for now."""

_HOUR_MS: Final = Interval.H1.nominal_ms

AskCandles = Callable[[int, int, int], Awaitable[Sequence[Candle]]]
"""(first opening, last opening, most rows) → closed candles, oldest first."""
AskInterest = Callable[[int], Awaitable[Sequence[OpenInterest]]]
"""(most rows) → the newest readings at the ends of bars, oldest first."""


class SpikePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Which bars a preview is made of.

    Attributes:
        rule: the monitor's.
        start_ms: bars must end later than this.
        end_ms: end of the newest bar that is over.
        due: bars of the span.
        bars: bars to ask for, those before the span included.
    """

    rule: SpikeRule
    start_ms: int
    end_ms: int
    due: int
    bars: int


class SpikePreview:
    """Answers how often the monitor's rules would have told something.

    Args:
        settings: what the monitor watches.
        clock: tells which bars are over.
    """

    def __init__(self, settings: OiVolumeSettings, clock: Clock) -> None:
        self.settings: Final = settings
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    def plan(self, symbol: str, interval: Interval, hours: int) -> SpikePlan:
        """What is needed for a preview.

        Args:
            symbol: canonical symbol.
            interval: length of the bars.
            hours: how far back, 1 to `HOURS_MAX`.

        Raises:
            RequestError: the monitor does not watch this, or the span has too many bars.
        """
        rule = next((one for one in self.settings.rules if one.interval is interval), None)
        if rule is None:
            watched = ", ".join(one.interval for one in self.settings.rules)
            allowed = f"one of {watched}" if watched else "none: the monitor is turned off"
            raise RequestError("timeframe", interval.value, f"{allowed} (oi_volume_timeframes)")
        if symbol not in self.settings.symbols:
            watched = ", ".join(self.settings.symbols)
            raise RequestError("symbol", symbol, f"one of {watched} (oi_volume_symbols)")
        length_ms = interval.nominal_ms
        due = hours * _HOUR_MS // length_ms
        bars = bars_needed(rule, due)
        if bars > BARS_MAX:
            room = max(0, BARS_MAX - bars_needed(rule, 0)) * length_ms // _HOUR_MS
            raise RequestError("hours", hours, f"at most {room} at {interval}")
        end_ms = interval.opens_at_ms(self._clock.now_ms())
        return SpikePlan(
            rule=rule, start_ms=end_ms - due * length_ms, end_ms=end_ms, due=due, bars=bars
        )

    async def make(
        self,
        plan: SpikePlan,
        instrument: Instrument,
        ask_candles: AskCandles,
        ask_interest: AskInterest,
    ) -> tuple[int, list[OiVolumeSpike]]:
        """Judges the bars of a plan, off the event loop.

        Args:
            plan: which bars.
            instrument: whose.
            ask_candles: where they come from.
            ask_interest: where their open interest comes from.

        Returns:
            How many bars of the span were tested, and what would have been told, oldest first.

        Raises:
            StorageUnavailable: too many previews wait.
            PlatformError: what the questions raise.
        """
        if self._waiting >= AT_ONCE + WAITING_MAX:
            raise StorageUnavailable("oi-vol", f"{self._waiting} previews wait to be made")
        self._waiting += 1
        try:
            async with self._turns:
                interval = plan.rule.interval
                first_ms = plan.end_ms - plan.bars * interval.nominal_ms
                last_ms = interval.opens_at_ms(plan.end_ms - 1)
                candles = await ask_candles(first_ms, last_ms, plan.bars)
                readings = await ask_interest(plan.bars)
                found = await asyncio.to_thread(_judged, plan, candles, readings)
        finally:
            self._waiting -= 1
        now_ns = self._clock.now_ns()
        return found.tested, [
            spike_of(verdict, plan.rule, instrument, now_ns) for verdict in found.alerts
        ]


def _judged(
    plan: SpikePlan, candles: Sequence[Candle], readings: Sequence[OpenInterest]
) -> PastAlerts:
    bars = bars_of(candles, by_minute(readings), plan.end_ms)
    return past_alerts(plan.rule, bars, plan.start_ms, plan.end_ms)
