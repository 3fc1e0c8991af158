"""Small markets in storage, of which liquidation maps are made."""

from collections.abc import Sequence

from headwater.analytics.margin import build_tiers
from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTier, MarginTiers
from headwater.core.records import Candle, Liquidation, MarkCandle, OpenInterest
from headwater.storage.store import Store

MINUTE_MS = 60_000
DAY_MS = 86_400_000
T0 = 1_790_000_000_000 // DAY_MS * DAY_MS
"""Midnight, the beginning of every market here."""
FREE = build_tiers([(0.0, 0.0, 100.0)])
"""No maintenance: a position at 10× is liquidated a tenth from its entry."""


class Tiers:
    """Tiers of venues; those not named publish none."""

    def __init__(self, **by_venue: Sequence[MarginTier] | Exception) -> None:
        self._by_venue = by_venue

    async def margin_tiers(self, exchange: str, symbol: str) -> MarginTiers | None:
        found = self._by_venue.get(exchange)
        if isinstance(found, Exception):
            raise found
        if found is None:
            return None
        return MarginTiers(
            exchange=exchange,
            symbol=symbol,
            native_symbol=symbol,
            timestamp_ms=T0,
            received_ns=0,
            tiers=tuple(found),
            source="GET /tiers",
        )


def put_minute(
    store: Store,
    number: int,
    price: float = 1000.0,
    *,
    exchange: str = "bybit",
    volume: float = 1.0,
    mark: tuple[float, float] | None = (1000.0, 1000.0),
    interest: float | None = None,
    symbol: str = "BTCUSDT",
) -> None:
    """Stores what happened in the `number`th minute since `T0`."""
    at_ms = T0 + number * MINUTE_MS
    store.put(
        Candle(
            exchange=exchange,
            symbol=symbol,
            native_symbol=symbol,
            timestamp_ms=at_ms,
            received_ns=at_ms * 1_000_000,
            interval=Interval.M1,
            open=price,
            high=price,
            low=price,
            close=price,
            volume=volume,
            quote_volume=None,
            trades_count=None,
            is_closed=True,
        )
    )
    if mark is not None:
        store.put(
            MarkCandle(
                exchange=exchange,
                symbol=symbol,
                native_symbol=symbol,
                timestamp_ms=at_ms,
                received_ns=at_ms * 1_000_000,
                interval=Interval.M1,
                open=price,
                high=mark[1],
                low=mark[0],
                close=price,
                is_closed=True,
            )
        )
    if interest is not None:
        store.put(
            OpenInterest(
                exchange=exchange,
                symbol=symbol,
                native_symbol=symbol,
                timestamp_ms=at_ms + 30_000,
                received_ns=at_ms * 1_000_000,
                open_interest=interest,
                value=None,
            )
        )


def put_liquidation(
    store: Store,
    number: int,
    price: float,
    usd: float = 1000.0,
    *,
    is_long: bool = True,
    exchange: str = "bybit",
    shift_ms: int = 0,
) -> None:
    """Stores a liquidation of the `number`th minute."""
    at_ms = T0 + number * MINUTE_MS + shift_ms
    store.put(
        Liquidation(
            exchange=exchange,
            symbol="BTCUSDT",
            native_symbol="BTCUSDT",
            timestamp_ms=at_ms,
            received_ns=at_ms * 1_000_000,
            side=Side.SELL if is_long else Side.BUY,
            position_side=PositionSide.LONG if is_long else PositionSide.SHORT,
            price=price,
            quantity=usd / price,
            value=usd,
            price_kind=PriceKind.BANKRUPTCY,
            order_id=None,
            is_floor=False,
        )
    )


def put_rise(
    store: Store,
    exchange: str = "bybit",
    *,
    to: float = 110.0,
    bars: int = 3,
    price: float = 1000.0,
) -> None:
    """Quarters of an hour at one price; open interest is 100 in the first, then `to`."""
    for bar in range(bars):
        for minute in range(15):
            interest = (100.0 if bar == 0 else to) if minute == 14 else None
            put_minute(
                store,
                bar * 15 + minute,
                price,
                exchange=exchange,
                mark=(price, price),
                interest=interest,
            )
