"""Hyperliquid perpetuals of the venue's own book (not those of builders, not spot).

Peculiarities: everything is a POST to one path; the book comes as whole images without a number;
trades are not counted; one topic of contexts carries mark price, funding, open interest and 24 h
figures; candles have no closed flag; there is no public channel of liquidations, and what is exact
of them are the fills by which the venue's liquidator vaults take positions over.

Documentation: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api
"""

from headwater.venues.hyperliquid.venue import HyperliquidVenue

VENUE = HyperliquidVenue()
"""The venue, as `venues.discovery` finds it."""
