"""The streams that are live all the time, whether anybody looks or not.

They are held for the platform's life by leases like anybody else's, as soon as the venue's
instrument list is known.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

import structlog

from headwater.app.settings import Settings
from headwater.core.enums import Channel
from headwater.core.errors import NotSupported, RequestError, UnknownSymbol
from headwater.core.instruments import Instrument
from headwater.feeds.venue_feed import VenueFeed
from headwater.venues.messages import Subscription

STANDING_CHANNELS: Final = (
    Channel.TRADES,
    Channel.BOOK,
    Channel.QUOTES,
    Channel.TICKERS,
    Channel.MARK_PRICES,
    Channel.OPEN_INTEREST,
)
"""Held for each supported symbol, besides its candles and the market's liquidations."""

_log: Final = structlog.stdlib.get_logger("headwater.app.standing")


async def hold_standing(feed: VenueFeed, settings: Settings) -> None:
    """Holds the standing streams of one venue until cancelled.

    What the venue does not offer or list is logged once and left out: one venue's missing symbol
    must not keep the others from starting.

    Args:
        feed: the venue.
        settings: name the symbols and intervals.
    """
    await feed.wait_ready()
    leases = []
    try:
        for subscription in _wanted(feed, settings):
            try:
                leases.append(feed.acquire(subscription))
            except NotSupported as error:
                _log.info("not_offered", exchange=error.exchange, reason=str(error))
            except RequestError as error:
                _log.warning("not_held", exchange=feed.facts.venue_id, reason=str(error))
        await asyncio.get_running_loop().create_future()
    finally:
        for lease in leases:
            lease.release()


def _wanted(feed: VenueFeed, settings: Settings) -> Iterator[Subscription]:
    yield Subscription(channel=Channel.LIQUIDATIONS, native_symbol=None)
    for symbol in settings.supported_symbols:
        try:
            instrument: Instrument = feed.table.resolve(symbol)
        except UnknownSymbol as error:
            _log.warning(
                "symbol_not_listed",
                exchange=error.exchange,
                symbol=symbol,
                suggestions=error.suggestions,
            )
            continue
        native = instrument.native_symbol
        for channel in STANDING_CHANNELS:
            yield Subscription(channel=channel, native_symbol=native)
        for interval in settings.supported_intervals:
            yield Subscription(channel=Channel.CANDLES, native_symbol=native, interval=interval)
    yield from _monitored(feed, settings)


def _monitored(feed: VenueFeed, settings: Settings) -> Iterator[Subscription]:
    """Open interest that the monitor reads live, where the venue offers no history of it."""
    history = feed.facts.capabilities.get("open_interest_history")
    if history is not None and history.available:
        return
    for symbol in settings.oi_volume_symbols:
        instrument = feed.table.by_symbol(symbol)
        if instrument is not None and symbol not in settings.supported_symbols:
            native = instrument.native_symbol
            yield Subscription(channel=Channel.OPEN_INTEREST, native_symbol=native)
