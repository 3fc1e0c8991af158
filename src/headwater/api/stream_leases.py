"""Live data of venues, held for as long as somebody hears a stream that is made of them."""

from typing import Final

import structlog

from headwater.api.stream_wishes import StreamWish
from headwater.core.errors import NotSupported, PlatformError, RequestError, UnknownSymbol
from headwater.feeds.source import Lease, MarketSource
from headwater.venues.messages import Subscription

_log: Final = structlog.stdlib.get_logger("headwater.api.streams")


class StreamLeases:
    """Leases on everything a stream needs; `release` gives them back, once.

    A stream over all venues takes what it gets: one venue's refusal keeps no other away, and its
    health tells of it. Only when every venue refuses, the client is refused.

    Args:
        wish: which stream.

    Raises:
        PlatformError: the venue, or every one, refuses; then nothing is held.
    """

    def __init__(self, wish: StreamWish) -> None:
        self._leases: list[Lease] = []
        refusal: PlatformError | None = None
        for need in wish.needs:
            try:
                self._leases.append(acquire_stream(need.source, need.subscription))
            except PlatformError as error:
                if wish.source is not None:
                    self.release()
                    raise
                venue = need.source.facts.venue_id
                _log.warning("venue left out", exchange=venue, topic=wish.name, reason=str(error))
                refusal = error
        if refusal is not None and not self._leases:
            raise refusal

    def release(self) -> None:
        """Gives everything back; harmless when repeated."""
        leases, self._leases = self._leases, []
        for lease in leases:
            lease.release()


def acquire_stream(source: MarketSource, subscription: Subscription) -> Lease:
    """A hold on a stream, or on the whole market's where the venue has no other.

    OKX tells the liquidations of all swaps at once.

    Args:
        source: the venue's data.
        subscription: what of it.

    Raises:
        PlatformError: the venue refuses.
    """
    try:
        return source.acquire(subscription)
    except (NotSupported, UnknownSymbol):
        raise
    except RequestError:
        channel = subscription.channel
        if subscription.native_symbol is None or channel not in source.facts.whole_market:
            raise
        return source.acquire(Subscription(channel=channel, native_symbol=None))
