"""The open-interest and volume monitor: watches every venue, publishes what stands out.

Knows the bus, `analytics.oi_volume` and venues by a small contract (`OiVolumeSource`); not who
reads. The rule is T-S4 as requirements A3 mend it; `docs/guides/oi-volume-monitor.md` explains it.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from headwater.analytics.oi_volume import rule_problem
from headwater.bus.bus import Bus, Reader, ReaderClosed
from headwater.bus.topics import TopicFilter
from headwater.core.clock import Clock
from headwater.core.records import OpenInterest
from headwater.services.oi_samples import OpenInterestSamples
from headwater.services.oi_volume_venue import (
    OiVolumeSettings,
    OiVolumeSource,
    RuleReport,
    VenueWatch,
)

QUEUE_CAPACITY: Final = 16_384
"""Instruments whose newest open interest may wait for this service; further ones are dropped."""


class OiVolumeMonitor:
    """Publishes an `OiVolumeSpike` for each event that a rule finds.

    Bars that ended before the start are the window of later ones and never told. Alerts are told
    within `close_delay_s` of a bar's end where the venue has its open interest by then.

    Args:
        sources: venues by id.
        bus: where live open interest comes from and spikes go to.
        clock: tells the time.
        settings: what to watch.

    Raises:
        ValueError: a rule cannot be used, or two are for one interval.
    """

    def __init__(
        self,
        sources: Mapping[str, OiVolumeSource],
        bus: Bus,
        clock: Clock,
        settings: OiVolumeSettings,
    ) -> None:
        for rule in settings.rules:
            if (problem := rule_problem(rule)) is not None:
                raise ValueError(f"rule of {rule.interval}: {problem}")
        if len({rule.interval for rule in settings.rules}) < len(settings.rules):
            raise ValueError("more than one rule for one interval")
        self._bus = bus
        self._samples = OpenInterestSamples()
        self._watches = {
            exchange: VenueWatch(
                exchange, source, bus=bus, clock=clock, settings=settings, samples=self._samples
            )
            for exchange, source in sources.items()
        }

    async def run(self) -> None:
        """Works until cancelled or until the bus closes its reader."""
        reader = self._bus.subscribe(
            "oi_volume_monitor", [TopicFilter(OpenInterest)], QUEUE_CAPACITY
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = [
                    tasks.create_task(watch.run(), name=f"oi_volume_monitor {exchange}")
                    for exchange, watch in self._watches.items()
                ]
                await self._listen(reader)
                for task in watching:
                    task.cancel()
        finally:
            reader.close()

    def reports(self) -> list[RuleReport]:
        """How each rule does on each venue, with the rate of alerts to expect under a budget."""
        return [report for watch in self._watches.values() for report in watch.reports()]

    async def _listen(self, reader: Reader) -> None:
        """Keeps live open interest until the reader is closed."""
        try:
            while True:
                for record in await reader.next_batch():
                    # The reader's filter lets only open interest through.
                    if isinstance(record, OpenInterest):
                        self._samples.note(record)
        except ReaderClosed:
            return
