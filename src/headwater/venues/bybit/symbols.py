"""Our symbol ↔ Bybit's, candle lengths, and the list of instruments.

USDT perpetuals have one text for both (`BTCUSDT`). USDC perpetuals are `BTCPERP` there and
`BTCUSDC` here, because their quote is USDC. Dated contracts are `BTCUSDT-28MAR25` (USDT) and
`BTC-28MAR25` (USDC) there, `BTCUSDT250328` and `BTCUSDC250328` here.

Source: https://bybit-exchange.github.io/docs/v5/market/instrument
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.numbers import decimal_of
from headwater.venues.bybit.wire_rest import InstrumentRow

EXCHANGE: Final = "bybit"
INTERVALS: Final[Mapping[str, Interval]] = {
    "1": Interval.M1,
    "3": Interval.M3,
    "5": Interval.M5,
    "15": Interval.M15,
    "30": Interval.M30,
    "60": Interval.H1,
    "120": Interval.H2,
    "240": Interval.H4,
    "360": Interval.H6,
    "720": Interval.H12,
    "D": Interval.D1,
    "W": Interval.W1,
    "M": Interval.MONTH1,
}
"""Candle lengths by the venue's spelling: minutes, or a letter."""
INTERVAL_NAMES: Final[Mapping[Interval, str]] = {
    interval: name for name, interval in INTERVALS.items()
}
PERIODS: Final[Mapping[Interval, str]] = {
    Interval.M5: "5min",
    Interval.M15: "15min",
    Interval.M30: "30min",
    Interval.H1: "1h",
    Interval.H4: "4h",
    Interval.D1: "1d",
}
"""Spelling of the periods of open interest."""

_MONTHS: Final = (
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MAY",
    "JUN",
    "JUL",
    "AUG",
    "SEP",
    "OCT",
    "NOV",
    "DEC",
)
_DATED: Final = re.compile(r"^([A-Z0-9]+)-(\d{1,2})([A-Z]{3})(\d{2})$")
_USDC_PERPETUAL: Final = re.compile(r"^([A-Z0-9]+)PERP$")
_QUOTES: Final = ("USDT", "USDC")
_STATUSES: Final[Mapping[str, InstrumentStatus]] = {
    "PreLaunch": InstrumentStatus.PENDING,
    "Trading": InstrumentStatus.TRADING,
    "Settling": InstrumentStatus.HALTED,
    "Delivering": InstrumentStatus.HALTED,
    "Closed": InstrumentStatus.CLOSED,
}
_KINDS: Final[Mapping[str, InstrumentKind]] = {
    "LinearPerpetual": InstrumentKind.PERPETUAL,
    "LinearFutures": InstrumentKind.FUTURE,
}
_MINUTES_PER_HOUR: Final = 60


def canonical_symbol(native_symbol: str) -> str:
    """Our name of a linear contract, by its spelling alone."""
    dated = _DATED.match(native_symbol)
    if dated is not None and dated[3] in _MONTHS:
        pair, month = dated[1], _MONTHS.index(dated[3]) + 1
        if not pair.endswith(_QUOTES):
            pair += "USDC"
        return f"{pair}{dated[4]}{month:02d}{int(dated[2]):02d}"
    perpetual = _USDC_PERPETUAL.match(native_symbol)
    return f"{perpetual[1]}USDC" if perpetual is not None else native_symbol


def symbol_in(table: InstrumentTable, native_symbol: str) -> str:
    """Our name by the instrument table, else by rule."""
    instrument = table.by_native(native_symbol)
    return canonical_symbol(native_symbol) if instrument is None else instrument.symbol


def is_linear(native_symbol: str) -> bool:
    """Whether a symbol can be of category linear, by its spelling (recordings hold others)."""
    if native_symbol.endswith(_QUOTES) and "-" not in native_symbol:
        return True
    return bool(_USDC_PERPETUAL.match(native_symbol) or _DATED.match(native_symbol))


def instrument_of(row: InstrumentRow, timestamp_ms: int, received_ns: int) -> Instrument | None:
    """A contract of the listing; None for one of another category.

    Raises:
        ValueError: a tick, step or minimum is no number.
    """
    kind = _KINDS.get(row.contract_type)
    if kind is None:
        return None
    lot, perpetual = row.lot_size_filter, kind is InstrumentKind.PERPETUAL
    return Instrument(
        exchange=EXCHANGE,
        symbol=canonical_symbol(row.symbol),
        native_symbol=row.symbol,
        timestamp_ms=timestamp_ms,
        received_ns=received_ns,
        base_asset=row.base_coin,
        quote_asset=row.quote_coin,
        settle_asset=row.settle_coin or row.quote_coin,
        instrument_kind=kind,
        status=_STATUSES.get(row.status, InstrumentStatus.UNKNOWN),
        is_linear=True,
        contract_size=1.0,
        price_tick=decimal_of(row.price_filter.tick_size),
        quantity_step=decimal_of(lot.quantity_step),
        min_quantity=_minimum(lot.min_quantity),
        min_notional=_minimum(lot.min_notional),
        funding_interval_h=(
            row.funding_interval_min / _MINUTES_PER_HOUR
            if perpetual and row.funding_interval_min
            else None
        ),
        listed_at_ms=row.launched_at_ms or None,
        expires_at_ms=None if perpetual else row.delivered_at_ms or None,
    )


def _minimum(text: str) -> Decimal | None:
    value = decimal_of(text) if text else Decimal(0)
    return value or None
