"""Our symbol ↔ Hyperliquid's coin, candle lengths, and the list of instruments.

A coin is a bare name (`BTC`); here it is `BTCUSDT`, so that one symbol groups all venues, and the
instrument says that its quote is USD and its settlement USDC. A small k before the name counts
thousands: `kPEPE` is `1000PEPEUSDT`. Coins of builders' exchanges (`xyz:NVDA`) and of spot (`@107`,
`PURR/USDC`) are other markets.

Source: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint/perpetuals
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.venues.hyperliquid.wire_rest import AssetRow

EXCHANGE: Final = "hyperliquid"
INTERVALS: Final[Mapping[str, Interval]] = {
    one.value: one
    for one in (
        Interval.M1, Interval.M3, Interval.M5, Interval.M15, Interval.M30, Interval.H1,
        Interval.H2, Interval.H4, Interval.H8, Interval.H12, Interval.D1, Interval.D3,
        Interval.W1, Interval.MONTH1,
    )
}  # fmt: skip
"""Candle lengths by the venue's spelling, which is ours too."""
FUNDING_INTERVAL_H: Final = 1.0
"""Funding is paid every hour, and rates are per hour."""
PRICE_DECIMALS: Final = 6
"""A price has at most this many decimals less the coin's decimals of size."""

_MIN_NOTIONAL: Final = Decimal(10)
_QUOTE: Final = "USDT"
_THOUSANDS: Final = re.compile(r"^k([A-Z0-9]+)$")
_OTHER_MARKET: Final = re.compile(r"[:/@#+]")


def is_perpetual(coin: str) -> bool:
    """Whether a coin is of the venue's own perpetuals, by its spelling."""
    return bool(coin) and _OTHER_MARKET.search(coin) is None


def base_asset_of(coin: str) -> str:
    """Our name of what is traded: `kPEPE` is `1000PEPE`."""
    thousands = _THOUSANDS.match(coin)
    return f"1000{thousands[1]}" if thousands is not None else coin.upper()


def canonical_symbol(coin: str) -> str:
    """Our name of a coin, by its spelling alone."""
    return base_asset_of(coin) + _QUOTE


def coin_of(base_asset: str) -> str:
    """The venue's name of what is traded: `1000PEPE` is `kPEPE`."""
    rest = base_asset.removeprefix("1000")
    return f"k{rest}" if rest and rest != base_asset else base_asset


def symbol_in(table: InstrumentTable, coin: str) -> str:
    """Our name by the instrument table, else by rule."""
    instrument = table.by_native(coin)
    return canonical_symbol(coin) if instrument is None else instrument.symbol


def instrument_of(row: AssetRow, timestamp_ms: int, received_ns: int) -> Instrument:
    """A coin of the universe.

    `price_tick` is the finest that the rules allow; a price has five significant figures too, so
    the step of dear coins is coarser (of BTC it is 1).
    """
    return Instrument(
        exchange=EXCHANGE,
        symbol=canonical_symbol(row.name),
        native_symbol=row.name,
        timestamp_ms=timestamp_ms,
        received_ns=received_ns,
        base_asset=base_asset_of(row.name),
        quote_asset="USD",
        settle_asset="USDC",
        instrument_kind=InstrumentKind.PERPETUAL,
        status=InstrumentStatus.CLOSED if row.is_delisted else InstrumentStatus.TRADING,
        is_linear=True,
        contract_size=1.0,
        price_tick=Decimal(1).scaleb(-max(PRICE_DECIMALS - row.size_decimals, 0)),
        quantity_step=Decimal(1).scaleb(-row.size_decimals),
        min_quantity=None,
        min_notional=_MIN_NOTIONAL,
        funding_interval_h=FUNDING_INTERVAL_H,
        listed_at_ms=None,
        expires_at_ms=None,
    )
