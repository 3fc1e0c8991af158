"""Which venues are simulated, and with what market behind them."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.venue_server import HostedVenue
from headwater.venues.base import Venue

LIVE = "live"
"""Environment whose WebSocket paths the simulated venue serves too."""


def host_venue(
    venue: Venue, *, seed: int, start_ms: int, symbols: Sequence[str] | None = None
) -> HostedVenue:
    """Puts a simulated exchange behind a venue's own protocol.

    Args:
        venue: whose protocol.
        seed: decides everything that happens on the market.
        start_ms: the market's clock at the start, ms since the epoch.
        symbols: canonical symbols to list; None for all that the simulator knows.

    Raises:
        UnknownSymbol: the simulator has no such symbol.
    """
    venue_id = venue.facts.venue_id
    market = SimulatedExchange(seed=seed, start_ms=start_ms, exchange=venue_id, symbols=symbols)
    streams = venue.facts.environments[LIVE].streams
    return HostedVenue(
        venue_id=venue_id,
        market=market,
        side_of=venue.venue_side,
        stream_paths={name: urlsplit(url).path for name, url in streams.items()},
    )
