"""Instruments of a tape: from its own instrument list, or worked out from its first records.

A tape without a list still names symbols. Base and quote are cut from the name; tick and step are
the finest ones in the first record, an estimate that later records may undercut.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.numbers import decimal_of
from headwater.core.records import BookDelta, BookSnapshot, Candle, Record, Ticker, Trade

SYMBOLS_MAX: Final = 20_000
"""Symbols made up from records; beyond it new ones stay without an instrument."""

_QUOTES: Final = ("USDT", "USDC", "FDUSD", "BUSD", "USD", "BTC", "ETH", "EUR")
_UNKNOWN_STEP: Final = Decimal("0.00000001")


class TapeInstruments:
    """What is known of a tape's instruments.

    Args:
        exchange: venue id.
    """

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange
        self._known: dict[str, Instrument] = {}
        self.table = InstrumentTable(exchange, ())

    def add(self, instruments: Iterable[Instrument]) -> None:
        """Takes an instrument list that the tape holds; it replaces what was worked out."""
        for instrument in instruments:
            self._known[instrument.native_symbol] = instrument
        self.table = InstrumentTable(self._exchange, self._known.values())

    def of(self, record: Record) -> Instrument | None:
        """The instrument a record is about; worked out when nothing is known of it."""
        native_symbol = record.native_symbol
        known = self._known.get(native_symbol)
        if known is None and len(self._known) < SYMBOLS_MAX:
            known = _worked_out(record)
            self.add((known,))
        return known


def _worked_out(record: Record) -> Instrument:
    prices, quantities = _numbers_of(record)
    quote = next((one for one in _QUOTES if record.symbol.endswith(one)), "")
    return Instrument(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp_ms=record.timestamp_ms,
        received_ns=record.received_ns,
        base_asset=record.symbol.removesuffix(quote) or record.symbol,
        quote_asset=quote,
        settle_asset=quote,
        instrument_kind=InstrumentKind.UNKNOWN,
        status=InstrumentStatus.UNKNOWN,
        is_linear=True,
        contract_size=1.0,
        price_tick=_finest(prices),
        quantity_step=_finest(quantities),
        min_quantity=None,
        min_notional=None,
        funding_interval_h=None,
        listed_at_ms=None,
        expires_at_ms=None,
    )


def _numbers_of(record: Record) -> tuple[list[float], list[float]]:
    if isinstance(record, Trade):
        return [record.price], [record.quantity]
    if isinstance(record, BookDelta | BookSnapshot):
        levels = (*record.bids, *record.asks)
        return [price for price, _ in levels], [quantity for _, quantity in levels]
    if isinstance(record, Ticker):
        prices = [price for price in (record.bid, record.ask, record.last) if price is not None]
        sizes = (record.bid_quantity, record.ask_quantity)
        return prices, [size for size in sizes if size is not None]
    if isinstance(record, Candle):
        return [record.open, record.high, record.low, record.close], [record.volume]
    return [], []


def _finest(values: Iterable[float]) -> Decimal:
    """The power of ten that the values' decimals need."""
    exponents = [
        exponent
        for value in values
        if isinstance(exponent := decimal_of(repr(value)).normalize().as_tuple().exponent, int)
    ]
    return Decimal(1).scaleb(min(0, *exponents)) if exponents else _UNKNOWN_STEP
