"""What a venue trades now, as a list for a screen: made of its instruments and its tickers.

Pure: a table and tickers in, rows out. Volumes are in quote currency. A venue that tells only base
units (OKX) has its volume worked out with the price, and the row says that it is an estimate.
"""

from collections.abc import Iterable
from math import isfinite
from typing import Final

import msgspec

from headwater.analytics.rounding_options import (
    PriceFormat,
    RoundingOptions,
    price_format,
    rounding_options,
)
from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.formatting import SymbolFormat
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.records import Ticker

KINDS: Final = frozenset({InstrumentKind.PERPETUAL, InstrumentKind.FUTURE})
"""Kinds of contracts that the platform serves."""


class ListedSymbol(msgspec.Struct, frozen=True, kw_only=True):
    """One contract of a list.

    Attributes:
        exchange: venue id.
        symbol_id: names it in every address: the canonical symbol, or the native one where that
            means another contract of the venue.
        symbol: canonical symbol.
        native_symbol: the venue's own; None in a list that no venue told.
        base_asset: what is traded.
        quote_asset: what prices are in.
        instrument_kind: perpetual or dated.
        expires_at_ms: delivery time of dated contracts, ms since 1970, None for perpetuals.
        format: how its numbers are written.
        price_format: how a chart writes its prices.
        rounding: what its prices may be rounded to.
        volume_24h: quote currency in 24 h, ≥ 0; None when it is not known now.
        is_estimated: whether the volume was worked out of base units and the price.
        is_stale: whether the list could not be had anew when it was due.
    """

    exchange: str
    symbol_id: str
    symbol: str
    native_symbol: str | None
    base_asset: str
    quote_asset: str
    instrument_kind: InstrumentKind
    expires_at_ms: int | None
    format: SymbolFormat
    price_format: PriceFormat
    rounding: RoundingOptions
    volume_24h: float | None
    is_estimated: bool
    is_stale: bool


class SymbolList(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue trades, by volume, largest first, unknown last.

    A list that could not be had anew keeps the order that it had when volumes were known.

    Attributes:
        exchange: venue id.
        version: a greater number for each new list of a process; 0 for one that no venue told.
        rows: the contracts.
        problem: why the list is stale; empty when it is not.
    """

    exchange: str
    version: int
    rows: tuple[ListedSymbol, ...]
    problem: str

    @property
    def is_stale(self) -> bool:
        """Whether the list could not be had anew when it was due."""
        return bool(self.problem)


def listed_symbols(
    table: InstrumentTable, tickers: Iterable[Ticker], *, is_stale: bool
) -> tuple[ListedSymbol, ...]:
    """The contracts that trade now.

    Args:
        table: all instruments of the venue.
        tickers: the newest known, of any instruments.
        is_stale: the tickers are old: they give the order and the roundings, and no volume.
    """
    newest = {one.native_symbol: one for one in tickers}
    made = [
        _listed(one, newest.get(one.native_symbol), table)
        for one in table
        if one.status is InstrumentStatus.TRADING and one.instrument_kind in KINDS
    ]
    made.sort(key=lambda row: row.symbol_id)
    rows = by_volume(made)
    return tuple(_aged(row) for row in rows) if is_stale else rows


def by_volume(rows: Iterable[ListedSymbol]) -> tuple[ListedSymbol, ...]:
    """Largest volume first, unknown last; equals keep their order."""
    return tuple(sorted(rows, key=_rank))


def symbol_list(
    exchange: str, version: int, rows: tuple[ListedSymbol, ...], problem: str = ""
) -> SymbolList:
    """A list of rows that are in order."""
    return SymbolList(exchange=exchange, version=version, rows=rows, problem=problem)


def _aged(row: ListedSymbol) -> ListedSymbol:
    """A row of a list that is out of date: what it said of volume is not true any more."""
    return msgspec.structs.replace(row, volume_24h=None, is_estimated=False, is_stale=True)


def _rank(row: ListedSymbol) -> tuple[bool, float]:
    volume = row.volume_24h
    return (True, 0.0) if volume is None else (False, -volume)


def _listed(instrument: Instrument, ticker: Ticker | None, table: InstrumentTable) -> ListedSymbol:
    price = None if ticker is None else _price_of(ticker)
    volume, is_estimated = _volume_of(ticker, price)
    written = SymbolFormat.of(instrument)
    symbol = instrument.symbol
    return ListedSymbol(
        exchange=instrument.exchange,
        symbol_id=symbol if table.find(symbol) is instrument else instrument.native_symbol,
        symbol=symbol,
        native_symbol=instrument.native_symbol,
        base_asset=instrument.base_asset,
        quote_asset=instrument.quote_asset,
        instrument_kind=instrument.instrument_kind,
        expires_at_ms=instrument.expires_at_ms,
        format=written,
        price_format=price_format(written.price_places),
        rounding=rounding_options(written.price_places, price),
        volume_24h=volume,
        is_estimated=is_estimated,
        is_stale=False,
    )


def _price_of(ticker: Ticker) -> float | None:
    """The last price, else the middle of the quotes."""
    if _is_positive(ticker.last):
        return ticker.last
    bid, ask = ticker.bid, ticker.ask
    if bid is not None and ask is not None and _is_positive(bid) and _is_positive(ask):
        return (bid + ask) / 2
    return None


def _volume_of(ticker: Ticker | None, price: float | None) -> tuple[float | None, bool]:
    """The volume in quote currency, and whether it is an estimate."""
    if ticker is None:
        return None, False
    told = ticker.quote_volume_24h
    if told is not None:
        return (told, False) if isfinite(told) else (None, False)
    base = ticker.volume_24h
    if base is None or price is None or not isfinite(base * price):
        return None, False
    return base * price, True


def _is_positive(value: float | None) -> bool:
    return value is not None and isfinite(value) and value > 0
