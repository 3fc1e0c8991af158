"""ccxt's markets as instruments. Native symbol is ccxt's unified one (`BTC/USDT:USDT`)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.instruments import Instrument

Market = Mapping[str, Any]


def is_served(market: Market) -> bool:
    """Whether a market is a linear perpetual."""
    return bool(market.get("swap") and market.get("linear"))


def instrument_of(
    venue_id: str, market: Market, *, decimal_places: bool, received_ns: int
) -> Instrument:
    """A market as an instrument.

    Args:
        venue_id: our id of the exchange.
        market: ccxt's unified market.
        decimal_places: whether its precisions count digits instead of being steps.
        received_ns: wall time of the listing, ns since the epoch.
    """
    size = float(market.get("contractSize") or 1.0)
    precision, limits = market["precision"], market["limits"]
    least = (limits.get("amount") or {}).get("min")
    worth = (limits.get("cost") or {}).get("min")
    active = market.get("active")
    return Instrument(
        exchange=venue_id,
        symbol=f"{market['base']}{market['quote']}".upper(),
        native_symbol=market["symbol"],
        timestamp_ms=received_ns // 1_000_000,
        received_ns=received_ns,
        base_asset=market["base"],
        quote_asset=market["quote"],
        settle_asset=market["settle"],
        instrument_kind=InstrumentKind.PERPETUAL,
        status=InstrumentStatus.HALTED if active is False else InstrumentStatus.TRADING,
        is_linear=True,
        contract_size=size,
        price_tick=_step(precision.get("price"), decimal_places=decimal_places),
        quantity_step=_step(precision.get("amount"), decimal_places=decimal_places)
        * Decimal(str(size)),
        min_quantity=None if least is None else Decimal(str(least)) * Decimal(str(size)),
        min_notional=None if worth is None else Decimal(str(worth)),
        funding_interval_h=None,
        listed_at_ms=market.get("created"),
        expires_at_ms=None,
    )


def _step(precision: float | None, *, decimal_places: bool) -> Decimal:
    """Smallest step of a precision; very small where the exchange names none."""
    if precision is None:
        return Decimal("0.00000001")
    return Decimal(1).scaleb(-int(precision)) if decimal_places else Decimal(str(precision))
