"""The monitor over the simulated exchanges: every venue's own messages, its own end of the talk."""

import asyncio
from collections.abc import Sequence

import looptime
from tests.venues.conformance.loopback import START_MS, Loopback

from headwater.analytics.oi_volume import SpikeRule
from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.clock import SourceClock
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import Candle, OiVolumeSpike, OpenInterest
from headwater.services.oi_volume_monitor import OiVolumeMonitor
from headwater.services.oi_volume_venue import OiVolumeSettings
from headwater.venues.discovery import venue, venues

_SYMBOLS = ("BTCUSDT", "ETHUSDT")
_BAR_MS = Interval.M5.nominal_ms


class _Source:
    """A venue whose market is as far as the clock."""

    def __init__(self, name: str, clock: SourceClock) -> None:
        self.loop = Loopback(venue(name), _SYMBOLS)
        self._clock = clock

    @property
    def table(self) -> InstrumentTable:
        return self.loop.table

    def catch_up(self) -> None:
        """Lets the market reach the clock."""
        if self._clock.now_ms() > self.loop.market.now_ms():
            self.loop.market.advance_to(self._clock.now_ms())

    async def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[Candle]:
        self.catch_up()
        now_ms = self.loop.market.now_ms()
        del start_ms, end_ms
        call = self.loop.rest.candles(instrument, interval, limit=limit, now_ms=now_ms)
        return self.loop.ask(call)

    async def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[OpenInterest]:
        self.catch_up()
        del start_ms, end_ms
        return self.loop.ask(self.loop.rest.open_interest_history(instrument, period, limit=limit))


async def _watch_a_bar() -> list[OiVolumeSpike]:
    clock = SourceClock(asyncio.get_running_loop().time, START_MS * 1_000_000)
    end_ms = Interval.M5.opens_at_ms(START_MS) + _BAR_MS
    bus = MemoryBus()
    reader = bus.subscribe("test", [TopicFilter(OiVolumeSpike)], 100)
    sources = {name: _Source(name, clock) for name in venues()}
    # So low a threshold that whatever has a score is told; the past is of a hundred bars.
    rule = SpikeRule(interval=Interval.M5, threshold=1e-9, cooldown_bars=0)
    settings = OiVolumeSettings(symbols=_SYMBOLS, rules=(rule,))
    monitor = OiVolumeMonitor(sources, bus, clock, settings)
    task = asyncio.create_task(monitor.run(), name="monitor")
    await asyncio.sleep((end_ms - START_MS) / 1000)
    for source in sources.values():
        source.catch_up()
        for symbol in _SYMBOLS:
            bus.publish(source.loop.market.open_interest(symbol))
    await asyncio.sleep(15)
    assert not reader.stats.dropped
    assert {report.scored for report in monitor.reports()} == {len(_SYMBOLS)}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    spikes = [record for record in reader.drain() if isinstance(record, OiVolumeSpike)]
    assert {spike.timestamp_ms for spike in spikes} == {end_ms}
    return spikes


def test_every_simulated_venue_is_scored_from_its_own_messages() -> None:
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        spikes = runner.run(_watch_a_bar())
    told = {(spike.exchange, spike.symbol): spike for spike in spikes}
    assert len(told) == len(spikes)
    assert told.keys() == {(name, symbol) for name in venues() for symbol in _SYMBOLS}
    for (exchange, _), spike in told.items():
        assert spike.z_volume is not None
        # Hyperliquid has no past of open interest: one live reading makes no window.
        assert (spike.z_oi is None) == (exchange == "hyperliquid")
        assert spike.open_interest_usd > 0
        assert spike.volume_usd > 0
