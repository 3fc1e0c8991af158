"""Binance USD-M futures: perpetual and dated contracts margined in USDT, USDC and the like.

Peculiarities: book and quote streams live under `/public`, every other public stream under
`/market`, and a subscription on the wrong path is acknowledged and then silent; all-market streams
also carry coin-margined contracts (`st` 2), which are dropped; liquidations are throttled to one a
second and symbol, so their sums are a lower bound; there is no open-interest stream.

Documentation: https://developers.binance.com/docs/derivatives/usds-margined-futures
"""

from headwater.venues.binance.venue import BinanceVenue

VENUE = BinanceVenue()
"""The venue, as `venues.discovery` finds it."""
