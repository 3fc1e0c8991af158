"""The contracts that the simulated exchange lists, as data, and their integer grids.

Prices, ticks, steps and activity are plausible figures of large USDT-margined perpetuals; they are
invented for the simulation and follow no venue's day. Inside the simulator prices are whole ticks
and quantities whole lots (steps), so sums never carry float dust; `Grid` crosses to floats.
"""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.instruments import Instrument
from headwater.core.numbers import places_of
from headwater.core.records import Level

QUOTE_ASSET = "USDT"
"""Quote and margin currency of every listed contract."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One contract and the character of its market.

    Attributes:
        symbol: canonical symbol.
        base_asset: what is traded.
        price: typical price, USDT; the live price starts near it.
        price_tick: smallest price step, USDT.
        quantity_step: smallest quantity step, base units.
        min_notional: smallest order, USDT.
        daily_volatility: standard deviation of a day's log return.
        beta: how strongly it follows the common factor of all symbols.
        taker_rate: taker orders per second on average at rate 1.
        maker_rate: orders placed or withdrawn by makers per second on average at rate 1.
        levels: price levels a side that makers keep.
        touch_notional: USDT of a typical maker order near the best price.
        order_notional: smallest taker order of the power law, USDT.
        positions: leveraged positions open at a time, both sides together.
        position_notional: smallest leveraged position of the power law, USDT.
        open_interest_notional: open interest to start with, USDT, one-sided.
        max_leverage: highest leverage of the smallest margin tier.
        funding_interval_h: hours between funding settlements.
        listed_at_ms: start of trading, ms since the epoch.
    """

    symbol: str
    base_asset: str
    price: float
    price_tick: Decimal
    quantity_step: Decimal
    min_notional: Decimal
    daily_volatility: float
    beta: float
    taker_rate: float
    maker_rate: float
    levels: int
    touch_notional: float
    order_notional: float
    positions: int
    position_notional: float
    open_interest_notional: float
    max_leverage: int
    funding_interval_h: int
    listed_at_ms: int


class Grid:
    """Turns whole ticks and lots into floats, each the nearest float to the exact decimal.

    Args:
        listing: whose tick and step are meant.

    Attributes:
        lot_value: USDT of one lot at a price of one tick.
    """

    __slots__ = ("_lot_scale", "_lot_units", "_tick_scale", "_tick_units", "lot_value")

    def __init__(self, listing: Listing) -> None:
        self._tick_scale: int = 10 ** places_of(listing.price_tick)
        self._tick_units = int(listing.price_tick * self._tick_scale)
        self._lot_scale: int = 10 ** places_of(listing.quantity_step)
        self._lot_units = int(listing.quantity_step * self._lot_scale)
        self.lot_value = float(listing.price_tick * listing.quantity_step)

    def price(self, ticks: int) -> float:
        """Price in USDT of a whole number of ticks."""
        return ticks * self._tick_units / self._tick_scale

    def quantity(self, lots: int) -> float:
        """Base units of a whole number of lots."""
        return lots * self._lot_units / self._lot_scale

    def levels(self, rows: Iterable[tuple[int, int]]) -> tuple[Level, ...]:
        """Price and quantity of (ticks, lots), as `price` and `quantity` have them one by one."""
        tick_units, tick_scale = self._tick_units, self._tick_scale
        lot_units, lot_scale = self._lot_units, self._lot_scale
        return tuple(
            [
                (ticks * tick_units / tick_scale, lots * lot_units / lot_scale)
                for ticks, lots in rows
            ]
        )

    def value(self, tick_lots: int) -> float:
        """USDT of a sum of ticks × lots."""
        units = self._tick_units * self._lot_units
        return tick_lots * units / (self._tick_scale * self._lot_scale)

    def ticks(self, price: float) -> float:
        """Price in ticks, not rounded."""
        return price * self._tick_scale / self._tick_units

    def lots_of(self, notional: float, ticks: float) -> int:
        """Lots worth about `notional` USDT at a price in ticks, at least one."""
        return max(1, round(notional / (ticks * self.lot_value)))


def instruments(exchange: str, listings: Iterable[Listing], now_ms: int) -> list[Instrument]:
    """The listings as instrument records, before a venue's own spelling.

    Args:
        exchange: venue id.
        listings: what is listed.
        now_ms: time of the records, ms since the epoch.

    Returns:
        One record per listing, in its order.
    """
    return [
        Instrument(
            exchange=exchange,
            symbol=listing.symbol,
            native_symbol=listing.symbol,
            timestamp_ms=now_ms,
            received_ns=now_ms * 1_000_000,
            base_asset=listing.base_asset,
            quote_asset=QUOTE_ASSET,
            settle_asset=QUOTE_ASSET,
            instrument_kind=InstrumentKind.PERPETUAL,
            status=InstrumentStatus.TRADING,
            is_linear=True,
            contract_size=1.0,
            price_tick=listing.price_tick,
            quantity_step=listing.quantity_step,
            min_quantity=listing.quantity_step,
            min_notional=listing.min_notional,
            funding_interval_h=float(listing.funding_interval_h),
            listed_at_ms=listing.listed_at_ms,
            expires_at_ms=None,
        )
        for listing in listings
    ]


def _listing(
    base: str,
    price: float,
    grid: tuple[str, str, str],
    character: tuple[float, float],
    rates: tuple[float, float, int],
    sizes: tuple[float, float, float],
    crowd: tuple[int, float, int],
    funding_h: int,
    listed_at_ms: int,
) -> Listing:
    """One row of the table below, its columns in the order named there."""
    return Listing(
        symbol=base + QUOTE_ASSET,
        base_asset=base,
        price=price,
        price_tick=Decimal(grid[0]),
        quantity_step=Decimal(grid[1]),
        min_notional=Decimal(grid[2]),
        daily_volatility=character[0],
        beta=character[1],
        taker_rate=rates[0],
        maker_rate=rates[1],
        levels=rates[2],
        touch_notional=sizes[0],
        order_notional=sizes[1],
        position_notional=sizes[2],
        positions=crowd[0],
        open_interest_notional=crowd[1],
        max_leverage=crowd[2],
        funding_interval_h=funding_h,
        listed_at_ms=listed_at_ms,
    )


# base, price, (tick, step, min notional), (daily volatility, beta), (taker orders/s, maker
# orders/s, levels a side), (USDT: maker order near the best, smallest taker, smallest position),
# (positions, open interest USDT, max leverage), funding hours, listed at.
LISTINGS: tuple[Listing, ...] = (
    _listing("BTC", 68_000.0, ("0.10", "0.001", "50"), (0.030, 0.9),
             (5.0, 55.0, 500), (9_000.0, 250.0, 4_000.0), (1400, 2.4e9, 125), 8, 1_569_369_600_000),
    _listing("ETH", 3_500.0, ("0.01", "0.001", "20"), (0.036, 1.1),
             (3.6, 40.0, 400), (7_000.0, 200.0, 3_000.0), (1250, 1.3e9, 100), 8, 1_574_812_800_000),
    _listing("SOL", 165.0, ("0.01", "1", "5"), (0.046, 1.3),
             (2.2, 24.0, 300), (5_000.0, 170.0, 2_500.0), (950, 4.2e8, 100), 8, 1_600_041_600_000),
    _listing("BNB", 590.0, ("0.01", "0.01", "5"), (0.032, 0.8),
             (0.8, 12.0, 250), (4_000.0, 120.0, 2_200.0), (650, 2.1e8, 100), 8, 1_581_292_800_000),
    _listing("XRP", 0.6120, ("0.0001", "0.1", "5"), (0.042, 1.0),
             (1.3, 13.0, 240), (9_000.0, 120.0, 2_200.0), (700, 2.6e8, 100), 8, 1_578_355_200_000),
    _listing("DOGE", 0.14250, ("0.00001", "1", "5"), (0.052, 1.3),
             (0.9, 13.0, 250), (4_000.0, 110.0, 2_000.0), (700, 2.2e8, 100), 8, 1_594_339_200_000),
    _listing("ADA", 0.4480, ("0.0001", "1", "5"), (0.045, 1.2),
             (0.6, 9.0, 240), (6_000.0, 90.0, 1_800.0), (550, 9.0e7, 100), 8, 1_580_428_800_000),
    _listing("AVAX", 31.50, ("0.001", "1", "5"), (0.050, 1.3),
             (0.45, 9.0, 220), (2_500.0, 100.0, 1_800.0), (550, 7.5e7, 75), 8, 1_600_905_600_000),
    _listing("LINK", 15.80, ("0.001", "0.01", "5"), (0.046, 1.2),
             (0.45, 9.0, 220), (2_500.0, 90.0, 1_800.0), (550, 8.0e7, 75), 8, 1_579_219_200_000),
    _listing("LTC", 82.00, ("0.01", "0.001", "5"), (0.038, 1.0),
             (0.4, 8.0, 220), (3_000.0, 90.0, 1_600.0), (500, 6.5e7, 75), 8, 1_578_528_000_000),
    _listing("1000PEPE", 0.01130, ("0.0000010", "1", "5"), (0.066, 1.5),
             (0.7, 11.0, 230), (2_500.0, 90.0, 1_800.0), (650, 1.1e8, 100), 4, 1_683_244_800_000),
    _listing("SUI", 1.2400, ("0.0001", "0.1", "5"), (0.058, 1.4),
             (0.5, 9.0, 230), (2_500.0, 90.0, 1_800.0), (550, 9.5e7, 100), 4, 1_683_072_000_000),
)  # fmt: skip
"""Contracts that are listed by default, most active first (SUI and 1000PEPE settle every 4 h)."""
