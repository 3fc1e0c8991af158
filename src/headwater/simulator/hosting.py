"""Which venues are simulated, and with what market behind them."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.venue_server import HostedVenue
from headwater.venues.base import Venue

LIVE = "live"
"""Environment whose WebSocket paths the simulated venue serves too."""


def host_venue(
    venue: Venue,
    *,
    seed: int,
    start_ms: int,
    symbols: Sequence[str] | None = None,
    levels: int | None = None,
) -> HostedVenue:
    """Puts a simulated exchange behind a venue's own protocol.

    Args:
        venue: whose protocol.
        seed: decides everything that happens on the market.
        start_ms: the market's clock at the start, ms since the epoch.
        symbols: canonical symbols to list; None for all that the simulator knows.
        levels: levels a side that makers keep, as `host_venues` takes them.

    Raises:
        UnknownSymbol: the simulator has no such symbol.
        ValueError: `levels` is not positive.
    """
    (hosted,) = host_venues([venue], seed=seed, start_ms=start_ms, symbols=symbols, levels=levels)
    return hosted


def host_venues(
    venues: Sequence[Venue],
    *,
    seed: int,
    start_ms: int,
    symbols: Sequence[str] | None = None,
    levels: int | None = None,
) -> list[HostedVenue]:
    """The same for several venues, whose prices arbitrage holds together.

    Args:
        venues: whose protocols.
        seed: decides everything that happens on the markets.
        start_ms: the markets' clock at the start, ms since the epoch.
        symbols: canonical symbols to list; None for all that the simulator knows.
        levels: levels a side that makers keep, None for each listing's own; at most 1,000. A thin
            book is moved and told in less time.

    Returns:
        One per venue, in their order.

    Raises:
        UnknownSymbol: the simulator has no such symbol.
        ValueError: `levels` is not positive.
    """
    markets = [
        SimulatedExchange(
            seed=seed,
            start_ms=start_ms,
            exchange=venue.facts.venue_id,
            symbols=symbols,
            listed=venue.listed,
            levels=levels,
        )
        for venue in venues
    ]
    if len(markets) > 1:
        SimulatedExchange.tie(markets)
    return [
        HostedVenue(
            venue_id=venue.facts.venue_id,
            market=market,
            side_of=venue.venue_side,
            stream_paths={
                name: urlsplit(url).path
                for name, url in venue.facts.environments[LIVE].streams.items()
            },
        )
        for venue, market in zip(venues, markets, strict=True)
    ]
