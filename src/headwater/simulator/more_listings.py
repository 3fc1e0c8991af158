"""Thirty-eight smaller contracts that are listed on demand, for runs as wide as real venues.

Their character follows from one figure, how active a contract is beside the last one of
`LISTINGS`. Prices and steps are plausible and invented, as there.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from headwater.simulator.listings import LISTINGS, QUOTE_ASSET, Listing

_LISTED_AT_MS: Final = 1_640_995_200_000
_INTERVAL_H: Final = 8

# base, price, price tick, quantity step, daily volatility, activity beside SUI (1.0).
_ROWS: Final = (
    ("TRX", 0.1250, "0.00001", "1", 0.028, 0.9),
    ("TON", 6.900, "0.001", "0.1", 0.046, 0.8),
    ("DOT", 6.400, "0.001", "0.1", 0.045, 0.8),
    ("BCH", 355.0, "0.01", "0.001", 0.046, 0.8),
    ("NEAR", 5.20, "0.001", "1", 0.055, 0.8),
    ("APT", 8.10, "0.001", "0.1", 0.053, 0.7),
    ("ARB", 0.7300, "0.0001", "0.1", 0.052, 0.7),
    ("OP", 1.700, "0.0001", "0.1", 0.054, 0.7),
    ("WLD", 2.050, "0.0001", "1", 0.066, 0.7),
    ("INJ", 22.50, "0.001", "0.1", 0.056, 0.6),
    ("FIL", 4.30, "0.001", "0.1", 0.050, 0.6),
    ("ETC", 22.80, "0.001", "0.01", 0.044, 0.6),
    ("UNI", 7.700, "0.001", "1", 0.050, 0.6),
    ("ATOM", 6.300, "0.001", "0.01", 0.045, 0.5),
    ("TIA", 5.600, "0.0001", "1", 0.062, 0.6),
    ("SEI", 0.3300, "0.0001", "1", 0.060, 0.5),
    ("AAVE", 92.00, "0.01", "0.1", 0.052, 0.5),
    ("ICP", 8.900, "0.001", "1", 0.050, 0.4),
    ("STX", 1.650, "0.0001", "1", 0.055, 0.4),
    ("RUNE", 4.100, "0.001", "1", 0.058, 0.4),
    ("IMX", 1.350, "0.0001", "1", 0.055, 0.4),
    ("GALA", 0.02100, "0.00001", "1", 0.055, 0.4),
    ("LDO", 1.550, "0.0001", "1", 0.057, 0.4),
    ("CRV", 0.2900, "0.0001", "0.1", 0.060, 0.4),
    ("DYDX", 1.200, "0.001", "0.1", 0.055, 0.3),
    ("SAND", 0.3100, "0.00001", "1", 0.050, 0.3),
    ("AXS", 5.600, "0.001", "1", 0.050, 0.3),
    ("MANA", 0.3200, "0.0001", "1", 0.048, 0.3),
    ("ALGO", 0.1400, "0.0001", "0.1", 0.045, 0.3),
    ("EGLD", 29.00, "0.01", "0.1", 0.047, 0.3),
    ("XLM", 0.0950, "0.00001", "1", 0.042, 0.4),
    ("XTZ", 0.7400, "0.001", "0.1", 0.043, 0.3),
    ("GRT", 0.1700, "0.00001", "1", 0.052, 0.3),
    ("COMP", 48.00, "0.01", "0.001", 0.050, 0.3),
    ("SNX", 1.700, "0.001", "0.1", 0.052, 0.3),
    ("ENS", 19.00, "0.001", "0.1", 0.056, 0.3),
    ("GMX", 27.00, "0.01", "0.01", 0.050, 0.2),
    ("ZEC", 31.00, "0.01", "0.001", 0.050, 0.3),
)


def _listing(
    base: str, price: float, tick: str, step: str, daily_volatility: float, activity: float
) -> Listing:
    """One row, its columns in the order named above."""
    return Listing(
        symbol=base + QUOTE_ASSET,
        base_asset=base,
        price=price,
        price_tick=Decimal(tick),
        quantity_step=Decimal(step),
        min_notional=Decimal(5),
        daily_volatility=daily_volatility,
        beta=1.2,
        taker_rate=0.5 * activity,
        maker_rate=9.0 * activity,
        levels=200,
        touch_notional=2_500.0 * activity,
        order_notional=90.0,
        positions=int(550 * activity),
        position_notional=1_600.0,
        open_interest_notional=9.0e7 * activity,
        max_leverage=75,
        funding_interval_h=_INTERVAL_H,
        listed_at_ms=_LISTED_AT_MS,
    )


MORE_LISTINGS: Final[tuple[Listing, ...]] = tuple(_listing(*row) for row in _ROWS)
"""Contracts that are listed only when they are named."""

LISTING_BY_SYMBOL: Final[Mapping[str, Listing]] = {
    listing.symbol: listing for listing in (*LISTINGS, *MORE_LISTINGS)
}
"""Every contract the simulator knows, by canonical symbol."""
