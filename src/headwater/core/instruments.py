"""Instruments, canonical symbols and the table that resolves what people type.

Canonical symbol: BASE+QUOTE, upper case, no separator (`BTCUSDT`); dated futures add the
delivery day (`BTCUSDT250328`). Only a venue's `symbols.py` knows its native spelling.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import ClassVar
from urllib.parse import unquote

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.errors import UnknownSymbol
from headwater.core.records import Record

MAX_SYMBOL_LENGTH = 64
"""Longer input is no symbol of any venue and is refused before it is looked at."""

_SUGGESTIONS_MAX = 3
_SETTLEMENT = re.compile(r":[^:/]*$")
_CONTRACT_SUFFIX = re.compile(r"[-_]?(SWAP|PERP|PERPETUAL)$")
_SEPARATORS = re.compile(r"[-_/\s]")
_DEFAULT_QUOTE = "USDT"


class Instrument(Record, frozen=True, kw_only=True, gc=False):
    """One tradable contract.

    Attributes:
        base_asset: what is traded.
        quote_asset: what prices are in.
        settle_asset: what profit and margin are in.
        instrument_kind: perpetual or dated.
        status: whether it trades now.
        is_linear: true when quantity is in base units and profit in quote currency.
        contract_size: base units per contract (1 where the venue counts in base units).
        price_tick: smallest price step, quote currency.
        quantity_step: smallest quantity step, base units.
        min_quantity: smallest order, base units; None where the venue has no limit.
        min_notional: smallest order, quote currency; None where the venue has no limit.
        funding_interval_h: hours between funding settlements; None where there is none or unknown.
        listed_at_ms: start of trading; None where the venue does not say.
        expires_at_ms: delivery time of dated contracts, None for perpetuals.
    """

    kind: ClassVar[str] = "instrument"

    base_asset: str
    quote_asset: str
    settle_asset: str
    instrument_kind: InstrumentKind
    status: InstrumentStatus
    is_linear: bool
    contract_size: float
    price_tick: Decimal
    quantity_step: Decimal
    min_quantity: Decimal | None
    min_notional: Decimal | None
    funding_interval_h: float | None
    listed_at_ms: int | None
    expires_at_ms: int | None


def canonical_spelling(text: str) -> str:
    """Brings any common spelling of a symbol to the canonical form, without a table.

    `btcusdt`, `BTC/USDT:USDT`, `BTC-USDT-SWAP` and `BTC%2FUSDT` all give `BTCUSDT`. The result
    may still be no listed symbol (`BTC` stays `BTC`).

    Args:
        text: what a person or another program wrote.

    Returns:
        Upper-case text without separators; empty when `text` has no symbol in it.
    """
    cleaned = unquote(text[: MAX_SYMBOL_LENGTH * 3]).strip().upper()
    cleaned = _SETTLEMENT.sub("", cleaned)
    cleaned = _CONTRACT_SUFFIX.sub("", cleaned)
    return _SEPARATORS.sub("", cleaned)[:MAX_SYMBOL_LENGTH]


class InstrumentTable:
    """All instruments of one venue, found by canonical or native symbol. Never changes.

    Args:
        exchange: venue id.
        instruments: at most one per native symbol; of two with one canonical symbol the first
            stays (venues list perpetuals before look-alikes).
    """

    def __init__(self, exchange: str, instruments: Iterable[Instrument]) -> None:
        self.exchange = exchange
        self._by_symbol: dict[str, Instrument] = {}
        self._by_native: dict[str, Instrument] = {}
        self._by_capitals: dict[str, Instrument] = {}
        for instrument in instruments:
            self._by_symbol.setdefault(instrument.symbol, instrument)
            self._by_native[instrument.native_symbol] = instrument
            self._by_capitals.setdefault(instrument.native_symbol.upper(), instrument)

    def __len__(self) -> int:
        return len(self._by_native)

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._by_native.values())

    def by_symbol(self, symbol: str) -> Instrument | None:
        """The instrument with this canonical symbol, or None."""
        return self._by_symbol.get(symbol)

    def by_native(self, native_symbol: str) -> Instrument | None:
        """The instrument with this native symbol, or None."""
        return self._by_native.get(native_symbol)

    def resolve(self, text: str) -> Instrument:
        """Finds what a person means.

        Args:
            text: any common spelling: canonical, native in any case, with separators, url-encoded,
                or the base asset alone (then its USDT contract).

        Returns:
            The instrument.

        Raises:
            UnknownSymbol: nothing fits; carries up to three suggestions.
        """
        found = self.find(text)
        if found is not None:
            return found
        suggestions: list[str] = []
        if len(text) <= MAX_SYMBOL_LENGTH * 3:
            spelling = canonical_spelling(text)
            suggestions = difflib.get_close_matches(
                spelling, self._by_symbol, n=_SUGGESTIONS_MAX, cutoff=0.5
            )
        raise UnknownSymbol(self.exchange, text[:MAX_SYMBOL_LENGTH], suggestions)

    def find(self, text: str) -> Instrument | None:
        """As `resolve`, but None when nothing fits: suggestions take some milliseconds."""
        if len(text) > MAX_SYMBOL_LENGTH * 3:
            return None
        spelling = canonical_spelling(text)
        return (
            self._by_native.get(text)
            or self._by_symbol.get(spelling)
            # Before anything is guessed: `btcperp` is Bybit's USDC contract, not `BTC`.
            or self._by_capitals.get(text.strip().upper())
            or self._by_native.get(spelling)
            or self._by_symbol.get(spelling + _DEFAULT_QUOTE)
        )
