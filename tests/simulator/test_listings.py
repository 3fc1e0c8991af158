"""The listed contracts and their grids."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from headwater.core.instruments import InstrumentTable
from headwater.simulator.listings import LISTINGS, Grid, instruments


def test_enough_distinct_contracts() -> None:
    """A dozen at least, one of them with four-hourly funding, deep books for the liquid ones."""
    assert len({listing.symbol for listing in LISTINGS}) == len(LISTINGS) >= 12
    assert {listing.funding_interval_h for listing in LISTINGS} >= {4, 8}
    assert all(200 <= listing.levels <= 1_000 for listing in LISTINGS)


@given(st.integers(0, len(LISTINGS) - 1), st.integers(1, 10**9))
def test_floats_are_the_nearest_to_the_exact_decimal(which: int, count: int) -> None:
    """No dust: the float of n ticks is what its decimal text reads as, and back."""
    listing = LISTINGS[which]
    grid = Grid(listing)
    assert grid.price(count) == float(listing.price_tick * count)
    assert grid.quantity(count) == float(listing.quantity_step * count)
    assert round(grid.ticks(grid.price(count))) == count


def test_lots_are_at_least_one_and_near_the_notional() -> None:
    """A notional far below a lot still gives one."""
    grid = Grid(LISTINGS[0])
    assert grid.lots_of(0.01, 680_000) == 1
    assert grid.value(grid.lots_of(68_000.0, 680_000) * 680_000) == 68_000.0


def test_instruments_carry_the_venues_spelling() -> None:
    """Native symbols where given, the canonical ones elsewhere; found by both."""
    made = instruments("okx", LISTINGS[:2], {"BTCUSDT": "BTC-USDT-SWAP"}, 5)
    table = InstrumentTable("okx", made)
    assert [one.native_symbol for one in table] == ["BTC-USDT-SWAP", "ETHUSDT"]
    assert table.resolve("btc").price_tick == Decimal("0.1")
    assert made[0].received_ns == 5_000_000
