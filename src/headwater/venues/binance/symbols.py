"""Our symbol ↔ Binance's, and the list of instruments from `exchangeInfo`.

Perpetuals have one text for both (`BTCUSDT`); dated contracts are `BTCUSDT_250328` there and
`BTCUSDT250328` here. Coin-margined contracts (`BTCUSD_PERP`, `BTCUSD_250328`) share some streams
since the merge of 2026-06-30 and are recognised to be left out: their quantities are contracts.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Exchange-Information
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from urllib.parse import unquote

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.numbers import decimal_of
from headwater.venues.binance.wire_rest import ExchangeInfo, SymbolInfo

EXCHANGE: Final = "binance"
INTERVALS: Final[Mapping[str, Interval]] = {
    interval.value: interval
    for interval in Interval
    if interval not in (Interval.D2, Interval.MONTH3)
}
"""Candle lengths by the venue's spelling, which is ours; it has none of two days or a quarter."""
DEFAULT_FUNDING_INTERVAL_H: Final = 8.0
"""Hours between settlements unless `fundingInfo` says otherwise."""

_DATED: Final = re.compile(r"^(.+)_(\d{6})$")
_PERPETUAL_TYPES: Final = frozenset({"PERPETUAL", "TRADIFI_PERPETUAL"})
_FUTURE_TYPES: Final = frozenset({"CURRENT_MONTH", "NEXT_MONTH", "CURRENT_QUARTER", "NEXT_QUARTER"})
_STATUSES: Final[Mapping[str, InstrumentStatus]] = {
    "TRADING": InstrumentStatus.TRADING,
    "PENDING_TRADING": InstrumentStatus.PENDING,
    "BREAK": InstrumentStatus.HALTED,
    "PRE_SETTLE": InstrumentStatus.HALTED,
    "SETTLING": InstrumentStatus.HALTED,
    "PRE_DELIVERING": InstrumentStatus.HALTED,
    "DELIVERING": InstrumentStatus.HALTED,
    "DELIVERED": InstrumentStatus.CLOSED,
    "CLOSE": InstrumentStatus.CLOSED,
}


def canonical_symbol(native_symbol: str) -> str:
    """Our name for a native symbol, by rule.

    Args:
        native_symbol: as the venue writes it; percent-encoded text is decoded first.

    Returns:
        Upper case without separator: `BTCUSDT`, `BTCUSDT250328`.
    """
    text = unquote(native_symbol) if "%" in native_symbol else native_symbol
    return text.upper().replace("_", "")


def is_coin_margined(native_symbol: str) -> bool:
    """Whether a symbol is one of the coin-margined market's, by its spelling.

    `…_PERP` always is; a dated one is when its pair ends in USD. `BTCBUSD_210129` was margined in
    BUSD, so that ending is left out, but for `BNBUSD`, whose coin is BNB.
    """
    if native_symbol.endswith("_PERP"):
        return True
    dated = _DATED.match(native_symbol)
    if dated is None:
        return False
    pair = dated[1]
    return pair.endswith("USD") and (not pair.endswith("BUSD") or pair == "BNBUSD")


def symbol_in(table: InstrumentTable, native_symbol: str) -> str | None:
    """Our name by the instrument table, else by rule; None for coin-margined contracts."""
    instrument = table.by_native(native_symbol)
    if instrument is not None:
        return instrument.symbol
    return None if is_coin_margined(native_symbol) else canonical_symbol(native_symbol)


def stream_symbol(native_symbol: str) -> str:
    """The lower-case spelling that stream names use."""
    return native_symbol.lower()


def instruments_of(
    info: ExchangeInfo, funding_intervals_h: Mapping[str, float] | None, received_ns: int
) -> list[Instrument]:
    """The contracts of an `exchangeInfo` reply, coin-margined ones left out.

    Args:
        info: the reply.
        funding_intervals_h: hours between settlements of the symbols whose interval was adjusted;
            None when that is not known, so that perpetuals get None too.
        received_ns: when the reply arrived, ns since the epoch.

    Raises:
        ValueError: a tick, step or minimum is no number.
    """
    timestamp_ms = info.server_time or received_ns // 1_000_000
    return [
        _instrument_of(entry, funding_intervals_h, timestamp_ms, received_ns)
        for entry in info.symbols
        if not is_coin_margined(entry.symbol) and entry.margin_asset != entry.base_asset
    ]


def _instrument_of(
    entry: SymbolInfo,
    funding_intervals_h: Mapping[str, float] | None,
    timestamp_ms: int,
    received_ns: int,
) -> Instrument:
    kind = _kind_of(entry)
    perpetual = kind is InstrumentKind.PERPETUAL
    filters = {item.filter_type: item for item in entry.filters}
    price_filter = filters.get("PRICE_FILTER")
    lot = filters.get("LOT_SIZE")
    notional = filters.get("MIN_NOTIONAL")
    interval_h: float | None = None
    if perpetual and funding_intervals_h is not None:
        interval_h = funding_intervals_h.get(entry.symbol, DEFAULT_FUNDING_INTERVAL_H)
    return Instrument(
        exchange=EXCHANGE,
        symbol=canonical_symbol(entry.symbol),
        native_symbol=entry.symbol,
        timestamp_ms=timestamp_ms,
        received_ns=received_ns,
        base_asset=entry.base_asset,
        quote_asset=entry.quote_asset,
        settle_asset=entry.margin_asset or entry.quote_asset,
        instrument_kind=kind,
        status=_STATUSES.get(entry.status, InstrumentStatus.UNKNOWN),
        is_linear=True,
        contract_size=1.0,
        price_tick=_grid(price_filter.tick_size if price_filter else None, entry.price_precision),
        quantity_step=_grid(lot.step_size if lot else None, entry.quantity_precision),
        min_quantity=_minimum(lot.min_qty if lot else None),
        min_notional=_minimum(notional.notional if notional else None),
        funding_interval_h=interval_h,
        listed_at_ms=entry.onboard_date or None,
        # Perpetuals carry a placeholder in the year 2100.
        expires_at_ms=None if perpetual else entry.delivery_date or None,
    )


def _kind_of(entry: SymbolInfo) -> InstrumentKind:
    if entry.contract_type in _PERPETUAL_TYPES:
        return InstrumentKind.PERPETUAL
    # "CURRENT_QUARTER DELIVERING" is the name of a contract in its last minutes.
    if entry.contract_type.split(" ")[0] in _FUTURE_TYPES or _DATED.match(entry.symbol):
        return InstrumentKind.FUTURE
    return InstrumentKind.UNKNOWN


def _grid(text: str | None, precision: int) -> Decimal:
    """A tick or step; where the filter is missing or 0, the precision's last place."""
    step = decimal_of(text) if text else Decimal(0)
    return step if step > 0 else Decimal(1).scaleb(-precision)


def _minimum(text: str | None) -> Decimal | None:
    """A minimum; None where there is none."""
    value = decimal_of(text) if text else Decimal(0)
    return value if value > 0 else None
