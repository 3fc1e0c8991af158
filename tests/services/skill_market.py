"""A market made by hand whose liquidations are known beforehand, as rows of the database.

Each hour begins at a price of 100. In its last minute the price sweeps from 98.95 to 101.05, so ten
cells of 0.1 % and a part of the eleventh are entered on each side. In each of two other minutes one
position is liquidated at the middle of a cell drawn by lot, and the bar of that minute ends just
there. Nothing of it depends on the hour before.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from tests.storage.ready_tables import with_tables

from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.intervals import Interval
from headwater.core.records import Candle, Liquidation
from headwater.services.forecasts import CELL_WIDTH_SHARE, CELLS, HOUR_MS
from headwater.storage.forecasts import StoredForecast
from headwater.storage.sqlite import SqliteDatabase

START_MS = 20_718 * 86_400_000
DAY_MS = 86_400_000
MINUTE_MS = 60_000
PRICE = 100.0
ENTERED = 10
MINUTES = (7, 31)
"""Minutes of an hour with a liquidation."""


class Hour(NamedTuple):
    """What happens in an hour: for each liquidation its cell of 0.1 %, and whether of a long."""

    opened_ms: int
    cells: tuple[int, ...]
    longs: tuple[bool, ...]

    def price(self, number: int) -> float:
        """Price of a liquidation, the middle of its cell."""
        away = (self.cells[number] + 0.5) * 0.001
        return PRICE * (1.0 - away if self.longs[number] else 1.0 + away)


def hours_of(days: int, seed: int = 1) -> list[Hour]:
    """The hours of so many days, by lot."""
    rng = np.random.default_rng(seed)
    return [
        Hour(
            START_MS + number * HOUR_MS,
            tuple(rng.integers(0, ENTERED, size=len(MINUTES)).tolist()),
            tuple(bool(one) for one in rng.integers(0, 2, size=len(MINUTES))),
        )
        for number in range(days * 24)
    ]


def candles_of(hour: Hour, exchange: str = "bybit") -> list[Candle]:
    """Its minutes."""
    ranges = dict.fromkeys(range(60), (PRICE, PRICE))
    ranges[59] = (98.95, 101.05)
    for number, minute in enumerate(MINUTES):
        price = hour.price(number)
        ranges[minute] = (min(price, PRICE), max(price, PRICE))
    return [
        Candle(
            exchange=exchange,
            symbol="BTCUSDT",
            native_symbol="BTCUSDT",
            timestamp_ms=hour.opened_ms + minute * MINUTE_MS,
            received_ns=(hour.opened_ms + (minute + 1) * MINUTE_MS + 300) * 1_000_000,
            interval=Interval.M1,
            open=PRICE,
            high=high,
            low=low,
            close=PRICE,
            volume=1.0,
            quote_volume=None,
            trades_count=None,
            is_closed=True,
        )
        for minute, (low, high) in ranges.items()
    ]


def liquidations_of(hour: Hour, exchange: str = "bybit") -> list[Liquidation]:
    """Its liquidations, 1,000 USD each, told at a bankruptcy price beyond the mark."""
    made = []
    for number, minute in enumerate(MINUTES):
        is_long = hour.longs[number]
        price = hour.price(number) * (0.999 if is_long else 1.001)
        at_ms = hour.opened_ms + minute * MINUTE_MS + 30_000
        made.append(
            Liquidation(
                exchange=exchange,
                symbol="BTCUSDT",
                native_symbol="BTCUSDT",
                timestamp_ms=at_ms,
                received_ns=(at_ms + 200) * 1_000_000,
                side=Side.SELL if is_long else Side.BUY,
                position_side=PositionSide.LONG if is_long else PositionSide.SHORT,
                price=price,
                quantity=1_000.0 / price,
                value=1_000.0,
                price_kind=PriceKind.BANKRUPTCY,
                order_id=None,
                is_floor=exchange != "bybit",
            )
        )
    return made


def forecast_of(
    hour: Hour, model: str, mass: "np.ndarray[tuple[int, int], np.dtype[np.float64]]"
) -> StoredForecast:
    """A forecast for the hour, of stored cells, shape (2, `CELLS`)."""
    longs, shorts = (tuple(row) for row in mass.tolist())
    return StoredForecast(
        model=model,
        version="1",
        exchange="bybit",
        symbol="BTCUSDT",
        issued_ms=hour.opened_ms,
        horizon_ms=HOUR_MS,
        parameters="{}",
        price=PRICE,
        cell_width_share=CELL_WIDTH_SHARE,
        long_mass=longs,
        short_mass=shorts,
    )


def oracle_of(hour: Hour, known: int = len(MINUTES)) -> StoredForecast:
    """The map that knows the first so many liquidations of the hour."""
    mass = np.zeros((2, CELLS))
    for number in range(known):
        row = 0 if hour.longs[number] else 1
        mass[row, 2 * hour.cells[number] : 2 * hour.cells[number] + 2] += 500.0
    return forecast_of(hour, "oracle" if known == len(MINUTES) else "observed", mass)


def uniform_of(hour: Hour) -> StoredForecast:
    """Every cell alike."""
    return forecast_of(hour, "b0", np.ones((2, CELLS)))


def made_database(folder: Path) -> SqliteDatabase:
    """An empty database with its tables, in a folder."""
    return with_tables(folder / "headwater.sqlite3")
