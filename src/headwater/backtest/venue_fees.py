"""Public fees of the venues for perpetual contracts, for accounts without any discount.

They are what a run takes when its caller states no fee of their own; they are printed with every
result. Venues change them, and accounts differ by volume, by holdings of the venue's coin and by
region: whoever knows their own rate says it. The figures are those of each venue's public schedule
for its lowest tier, as known in 2026:

- Binance USDⓈ-M, regular user: maker 0.0200 %, taker 0.0500 % (binance.com/en/fee/futureFee)
- Bybit linear perpetuals, non-VIP: maker 0.0200 %, taker 0.0550 %
  (bybit.com/en/help-center/article/Trading-Fee-Structure)
- OKX swaps, regular user Lv 1: maker 0.0200 %, taker 0.0500 % (okx.com/fees)
- Hyperliquid perpetuals, tier 0: maker 0.0150 %, taker 0.0450 %
  (hyperliquid.gitbook.io/hyperliquid-docs/trading/fees)
"""

from types import MappingProxyType
from typing import Final

import msgspec

from headwater.core.errors import RequestError

__all__ = ["DEFAULT_EXCHANGE", "VENUE_FEES", "VenueFees", "taker_fee_rate", "venue_fees"]

DEFAULT_EXCHANGE: Final = "binance"
"""Whose fees are taken when nobody says anything."""


class VenueFees(msgspec.Struct, frozen=True, kw_only=True):
    """Fees of every fill as fractions of its value.

    Attributes:
        maker_rate: of an order that had waited in the book.
        taker_rate: of an order that took what was there; what a back-test over bars pays.
        source: the venue's page that says so.
    """

    maker_rate: float
    taker_rate: float
    source: str


VENUE_FEES: Final = MappingProxyType(
    {
        "binance": VenueFees(
            maker_rate=0.0002, taker_rate=0.0005, source="binance.com/en/fee/futureFee"
        ),
        "bybit": VenueFees(
            maker_rate=0.0002,
            taker_rate=0.00055,
            source="bybit.com/en/help-center/article/Trading-Fee-Structure",
        ),
        "okx": VenueFees(maker_rate=0.0002, taker_rate=0.0005, source="okx.com/fees"),
        "hyperliquid": VenueFees(
            maker_rate=0.00015,
            taker_rate=0.00045,
            source="hyperliquid.gitbook.io/hyperliquid-docs/trading/fees",
        ),
    }
)
"""By venue id."""


def venue_fees(exchange: str) -> VenueFees:
    """The fees of a venue.

    Args:
        exchange: venue id, in any case.

    Raises:
        RequestError: none are known; names those that are.
    """
    try:
        return VENUE_FEES[exchange.strip().lower()]
    except KeyError:
        there = ", ".join(VENUE_FEES)
        raise RequestError(
            "exchange", exchange, f"one of {there}, or a fee of your own instead"
        ) from None


def taker_fee_rate(exchange: str) -> float:
    """What a venue takes of a fill that took what was there, as a fraction of its value.

    Args:
        exchange: venue id, in any case.

    Raises:
        RequestError: none is known; names those that are.
    """
    return venue_fees(exchange).taker_rate
