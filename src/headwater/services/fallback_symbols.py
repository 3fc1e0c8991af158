"""What is listed of a venue that has never been reached: contracts that every venue trades.

Only names: there is no price, no volume and no native symbol in it, every row is marked as stale,
and the number formats are the general ones until the venue tells its own. Contracts that venues
count differently (`1000PEPEUSDT` on some is `PEPEUSDT` on others) are left out, so that each name
here means the same contract everywhere.
"""

from typing import Final

from headwater.analytics.rounding_options import price_format, rounding_options
from headwater.core.enums import InstrumentKind
from headwater.core.formatting import SymbolFormat
from headwater.services.listed_symbols import ListedSymbol, SymbolList, symbol_list

BASE_ASSETS: Final = (
    "BTC", "ETH", "SOL", "XRP", "BNB", "DOGE", "ADA", "AVAX", "LINK", "SUI", "LTC", "DOT", "BCH",
    "TRX", "NEAR", "UNI", "ATOM", "APT", "ARB", "OP", "INJ", "FIL", "ETC", "AAVE", "TON", "XLM",
    "HBAR", "WLD",
)  # fmt: skip
"""What is traded, the best known first."""

QUOTE_ASSET: Final = "USDT"
"""What their canonical symbols end in, on every venue."""

GENERAL_FORMAT: Final = SymbolFormat(price_places=2, amount_places=3)
"""How numbers are written where nothing is known: prices to 0.01 (O-S3)."""


def fallback_list(exchange: str, problem: str) -> SymbolList:
    """The list of a venue that was never reached.

    Args:
        exchange: venue id.
        problem: why it was not reached, in words, not empty.
    """
    rows = tuple(_row(exchange, base) for base in BASE_ASSETS)
    return symbol_list(exchange, 0, rows, problem)


def _row(exchange: str, base_asset: str) -> ListedSymbol:
    symbol = base_asset + QUOTE_ASSET
    places = GENERAL_FORMAT.price_places
    return ListedSymbol(
        exchange=exchange,
        symbol_id=symbol,
        symbol=symbol,
        native_symbol=None,
        base_asset=base_asset,
        quote_asset=QUOTE_ASSET,
        instrument_kind=InstrumentKind.PERPETUAL,
        expires_at_ms=None,
        format=GENERAL_FORMAT,
        price_format=price_format(places),
        rounding=rounding_options(places, None),
        volume_24h=None,
        is_estimated=False,
        is_stale=True,
    )
