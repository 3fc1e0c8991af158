"""Bybit v5, category linear: USDT and USDC perpetuals and dated futures.

Peculiarities: one topic of tickers carries quotes, mark price, funding and open interest, and its
deltas hold only what changed; a book's image comes by stream, at any time; liquidations name the
side of the position and the bankruptcy price, and are complete; errors come with HTTP 200.

Documentation: https://bybit-exchange.github.io/docs/v5/intro
"""

from headwater.venues.bybit.venue import BybitVenue

VENUE = BybitVenue()
"""The venue, as `venues.discovery` finds it."""
