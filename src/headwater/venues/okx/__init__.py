"""OKX v5 swaps, linear and inverse.

Peculiarities: sizes are contracts; candles live on another endpoint than everything else; mark,
index and funding come in three topics; the image of a book comes by stream and its checksum is
dead; liquidations of all swaps come in one topic, throttled, at the bankruptcy price.

Documentation: https://www.okx.com/docs-v5/en/
"""

from headwater.venues.okx.venue import OkxVenue

VENUE = OkxVenue()
"""The venue, as `venues.discovery` finds it."""
