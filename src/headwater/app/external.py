"""The external service of past liquidations, when one is set (requirement O-S20)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headwater.app.settings import Settings
from headwater.core.clock import Clock
from headwater.feeds.external_liquidations import REPLY_BYTES_MAX, ExternalLiquidations
from headwater.transport.http import HttpClient


@asynccontextmanager
async def open_external(
    settings: Settings, clock: Clock, *, simulated: bool
) -> AsyncIterator[ExternalLiquidations | None]:
    """What asks the service, while the block runs; None when none is set.

    Args:
        settings: name its address.
        clock: measures ages of answers.
        simulated: whether the venues are not real: then nothing of a real market stands beside.
    """
    base_url = settings.liquidation_api_base_url
    if base_url is None or simulated:
        yield None
        return
    # A client of its own: shorter replies, and its waiting holds no connection of the venues.
    http = HttpClient(clock, max_reply_bytes=REPLY_BYTES_MAX)
    await http.start()
    try:
        yield ExternalLiquidations(base_url, http, clock)
    finally:
        await http.close()
