"""Our symbol ↔ OKX's, candle lengths, contract sizes, and the list of instruments.

`BTC-USDT-SWAP` is `BTCUSDT`; the inverse `BTC-USD-SWAP` is `BTCUSD` and never the same contract.
Sizes are contracts there and base units here: contracts × ctVal × ctMult for linear ones, that
divided by the price for inverse ones, whose ctVal is in USD.

Source: https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.numbers import decimal_of
from headwater.venues.okx.wire_rest import InstrumentRow

EXCHANGE: Final = "okx"
SWAP: Final = "SWAP"
BARS: Final[Mapping[str, Interval]] = {
    "1m": Interval.M1,
    "3m": Interval.M3,
    "5m": Interval.M5,
    "15m": Interval.M15,
    "30m": Interval.M30,
    "1H": Interval.H1,
    "2H": Interval.H2,
    "4H": Interval.H4,
    "6Hutc": Interval.H6,
    "12Hutc": Interval.H12,
    "1Dutc": Interval.D1,
    "2Dutc": Interval.D2,
    "3Dutc": Interval.D3,
    "1Wutc": Interval.W1,
    "1Mutc": Interval.MONTH1,
    "3Mutc": Interval.MONTH3,
}
"""Candle lengths by the venue's spelling. The forms without `utc` begin at 16:00 UTC."""
BAR_NAMES: Final[Mapping[Interval, str]] = {interval: name for name, interval in BARS.items()}
PERIODS: Final[Mapping[Interval, str]] = {
    Interval.M5: "5m",
    Interval.M15: "15m",
    Interval.M30: "30m",
    Interval.H1: "1H",
    Interval.H2: "2H",
    Interval.H4: "4H",
    Interval.H6: "6Hutc",
    Interval.H12: "12Hutc",
    Interval.D1: "1Dutc",
}
"""Spelling of the periods of open interest."""

_STATES: Final[Mapping[str, InstrumentStatus]] = {
    "live": InstrumentStatus.TRADING,
    "suspend": InstrumentStatus.HALTED,
    "preopen": InstrumentStatus.PENDING,
    "test": InstrumentStatus.UNKNOWN,
}
_SUFFIX: Final = "-SWAP"


def canonical_symbol(native_symbol: str) -> str:
    """Our name of a swap, by its spelling alone."""
    return native_symbol.removesuffix(_SUFFIX).replace("-", "")


def index_of(native_symbol: str) -> str:
    """The index behind a swap: `BTC-USDT`."""
    return native_symbol.removesuffix(_SUFFIX)


def is_swap(native_symbol: str) -> bool:
    """Whether a symbol is a swap, by its spelling."""
    return native_symbol.endswith(_SUFFIX)


def listed(instrument: Instrument) -> Instrument:
    """How the venue lists a linear USDT perpetual of a simulated market.

    The contract is ten smallest quantity steps, so that sizes in contracts have one decimal.
    """
    import msgspec

    return msgspec.structs.replace(
        instrument,
        native_symbol=f"{instrument.base_asset}-{instrument.quote_asset}{_SUFFIX}",
        contract_size=float(instrument.quantity_step * 10),
    )


MILLION: Final = 1e6
"""Contracts are counted in millionths, finer than any lot: a whole number of them divided by how
many make a base unit, another whole number, is the decimal number nearest. 4.1 contracts of 0.01
are 0.041, which the product of two binary fractions misses by a hair.
"""
ROUNDER: Final = 1.5 * 2**52
"""Added to a number and taken away again it leaves a whole one: from 2**52 on, the next number is
the next whole one. Good up to 2**51, two thousand million contracts.
"""


class Sizes:
    """Contracts of one instrument as base units.

    Args:
        instrument: whose.

    Attributes:
        symbol: our name.
        native_symbol: the venue's.
        per_unit: millionths of a contract in a base unit; None where it depends on the price.
            The short path has `(contracts * MILLION + ROUNDER - ROUNDER) / per_unit`, which is
            `base` without a call.
    """

    __slots__ = ("_size", "native_symbol", "per_unit", "symbol")

    def __init__(self, instrument: Instrument) -> None:
        self.symbol = instrument.symbol
        self.native_symbol = instrument.native_symbol
        self._size = instrument.contract_size
        self.per_unit: float | None = None
        if instrument.is_linear and instrument.contract_size > 0:
            self.per_unit = MILLION / instrument.contract_size

    def base(self, contracts: float, price: float) -> float:
        """Base units of contracts at a price > 0."""
        if self.per_unit is None:
            return contracts * self._size / price
        return (contracts * MILLION + ROUNDER - ROUNDER) / self.per_unit


def instrument_of(row: InstrumentRow, timestamp_ms: int, received_ns: int) -> Instrument | None:
    """A swap of the listing; None for anything else.

    Raises:
        ValueError: a tick, step or contract value is no number.
    """
    if row.kind != SWAP or row.contract_kind not in ("linear", "inverse"):
        return None
    is_linear = row.contract_kind == "linear"
    value = decimal_of(row.contract_value) * decimal_of(row.contract_multiplier or "1")
    base, _, quote = (row.underlying or index_of(row.native_symbol)).partition("-")
    lot, least = decimal_of(row.lot_size), decimal_of(row.min_size or "0")
    return Instrument(
        exchange=EXCHANGE,
        symbol=canonical_symbol(row.native_symbol),
        native_symbol=row.native_symbol,
        timestamp_ms=timestamp_ms,
        received_ns=received_ns,
        base_asset=base,
        quote_asset=quote,
        settle_asset=row.settle_asset,
        instrument_kind=InstrumentKind.PERPETUAL,
        status=_STATES.get(row.state, InstrumentStatus.UNKNOWN),
        is_linear=is_linear,
        contract_size=float(value),
        price_tick=decimal_of(row.tick_size),
        # An inverse contract's base units depend on the price: its steps stay in contracts.
        quantity_step=lot * value if is_linear else lot,
        min_quantity=_minimum(least * value if is_linear else least),
        min_notional=None,
        funding_interval_h=None,
        listed_at_ms=row.listed_at_ms or None,
        expires_at_ms=None,
    )


def _minimum(value: Decimal) -> Decimal | None:
    return value or None
