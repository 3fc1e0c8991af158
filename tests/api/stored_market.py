"""A few hours of a market in storage up to now, so that routes answer with data of every kind."""

from tests.storage.samples import (
    backfilled,
    candle,
    forecast,
    funding,
    gap,
    large,
    liquidation,
    live_spell,
    mark_candle,
    open_interest,
    trade,
)

from headwater.core.enums import GapState, PositionSide, Side
from headwater.services.forecasts import CELL_WIDTH_SHARE, CELLS
from headwater.storage.store import Store

EXCHANGE = "binance"
HOURS = 6
PRICE = 100.0
"""About the mark price that the venue in memory tells."""

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_NAMES = {"exchange": EXCHANGE, "symbol": "BTCUSDT", "native_symbol": "BTCUSDT"}


def price_at(minute: int) -> float:
    """A saw tooth of an hour: up from `PRICE` by two percent, then down again."""
    place = minute % 60
    return PRICE * (1.0 + 0.02 * min(place, 60 - place) / 30)


async def put_market(store: Store, now_ms: int) -> None:
    """Stores `HOURS` full hours up to the last one, and the minutes since.

    Every minute has a candle and a mark candle, every fifth one a reading of rising open interest
    and a liquidation, longs and shorts in turn; every hour has two forecasts, and one hour a gap.
    """
    hour_ms = now_ms - now_ms % _HOUR_MS
    first_ms = hour_ms - HOURS * _HOUR_MS
    for minute in range((now_ms - first_ms) // _MINUTE_MS):
        _put_minute(store, minute, first_ms + minute * _MINUTE_MS)
    masses = (tuple(1000.0 + cell for cell in range(CELLS)), (500.0,) * CELLS)
    for number in range(HOURS + 1):
        for model in ("b0", "estimated"):
            store.put(
                forecast(
                    first_ms + number * _HOUR_MS,
                    model=model,
                    price=PRICE,
                    cell_width_share=CELL_WIDTH_SHARE,
                    long_mass=masses[0],
                    short_mass=masses[1],
                )
            )
    store.put(funding(first_ms, **_NAMES))
    for number in range(5):
        store.put(large(trade(number, at_ms=now_ms - _MINUTE_MS * number)))
    store.put(live_spell(first_ms, **_NAMES, until_ms=now_ms))
    store.put(backfilled(first_ms, exchange=EXCHANGE, symbol="BTCUSDT", end_ms=hour_ms))
    store.put(gap(first_ms + _HOUR_MS, **_NAMES, state=GapState.OPEN))
    await store.flush()


def _put_minute(store: Store, minute: int, at_ms: int) -> None:
    """What happened in one minute."""
    opened, closed = price_at(minute), price_at(minute + 1)
    low, high = min(opened, closed), max(opened, closed)
    prices = {"open": opened, "high": high, "low": low, "close": closed}
    store.put(candle(at_ms, **_NAMES, **prices, built_from=None))
    store.put(mark_candle(at_ms, **_NAMES, **prices))
    if minute % 5:
        return
    store.put(open_interest(at_ms, **_NAMES, open_interest=1_000.0 + minute))
    is_long = minute % 10 == 0
    store.put(
        liquidation(
            at_ms + 1_000,
            **_NAMES,
            side=Side.SELL if is_long else Side.BUY,
            position_side=PositionSide.LONG if is_long else PositionSide.SHORT,
            price=low,
            quantity=0.5,
            value=0.5 * low,
            is_floor=True,
        )
    )
