"""The listed contracts and their grids."""

from hypothesis import given
from hypothesis import strategies as st

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


def test_instruments_are_linear_contracts_in_base_units() -> None:
    """As listed, before a venue gives them its own spelling."""
    made = instruments("okx", LISTINGS[:2], 5)
    assert [one.symbol for one in made] == [one.native_symbol for one in made]
    assert {one.exchange for one in made} == {"okx"}
    assert all(one.is_linear and one.contract_size == 1.0 for one in made)
    assert [one.price_tick for one in made] == [one.price_tick for one in LISTINGS[:2]]
