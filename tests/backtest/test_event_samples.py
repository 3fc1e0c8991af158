"""Equity and positions in columns are what the account says bar by bar."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.event_markets import contract

from headwater.backtest.event_samples import Samples, Standing
from headwater.trading.paper import PaperVenue


def _venue(tick: str = "0.01", step: str = "0.001") -> PaperVenue:
    facts = contract("x")
    grid = msgspec.structs.replace(facts, price_tick=Decimal(tick), quantity_step=Decimal(step))
    return PaperVenue([grid], Decimal(1_000))


def test_columns_by_hand() -> None:
    venue = _venue()
    samples = Samples(venue, [venue.market("x", "BTCUSDT")])
    thousand = 1_000 * 10**18
    # Two steps long from bar 1 on, entered at 100: 0.2; then one short, entered at 101: 0.101.
    standings = [(0, thousand, 0, 0), (1, thousand, 2, 2 * 10**17), (3, thousand, -1, 101 * 10**15)]
    samples.extend([10, 20, 30, 40], [100.0, 101.0, 99.0, 99.0], standings)
    at_ms, equity, (held,) = samples.columns()
    assert at_ms.tolist() == [10, 20, 30, 40]
    assert equity.tolist() == [1_000.0, 1_000.002, 999.998, 1_000.002]
    assert held.tolist() == [0.0, 0.002, 0.002, -0.001]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([("0.01", "0.001"), ("0.1", "1"), ("1e-12", "1e-12"), ("0.3", "0.7")]),
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(-(10**24), 10**30), st.integers(-(10**6), 10**6)),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.integers(1, 10**7), min_size=24, max_size=24),
    st.sampled_from(["grid", "off"]),
    st.none() | st.floats(0.01, 1e6),
)
def test_extending_is_the_same_as_taking_one_by_one(
    grid: tuple[str, str],
    accounts: list[tuple[int, int, int]],
    ticks: list[int],
    tape: str,
    mark: float | None,
) -> None:
    venue = _venue(*grid)
    market, account = venue.market("x", "BTCUSDT"), venue.account
    if mark is not None:
        market.has_marks, market.mark = True, mark
    price = [one / 7 if tape == "off" else market.scale.float_price(one) for one in ticks]
    one_by_one, columns = Samples(venue, [market]), Samples(venue, [market])
    standings: list[Standing] = []
    at = 0
    for count, cash, pos in accounts:
        cost = abs(pos) * 10**19
        standings.append((at, cash, pos, cost))
        account.cash, market.pos, market.cost = cash, pos, cost
        account.open = {0: market} if pos else {}
        for _ in range(count):
            market.last = price[at]
            one_by_one.take(at)
            at += 1
    columns.extend(list(range(at)), price[:at], standings)
    assert columns.at_ms == one_by_one.at_ms
    assert columns.equity == one_by_one.equity
    assert columns.held == one_by_one.held


def test_several_contracts_are_taken_bar_by_bar() -> None:
    contracts = [contract(name) for name in ("x", "y")]
    venue = PaperVenue(contracts, Decimal(10))
    samples = Samples(venue, [venue.market(name, "BTCUSDT") for name in ("x", "y")])
    samples.take(5)
    at_ms, equity, held = samples.columns()
    assert (at_ms.tolist(), equity.tolist()) == ([5], [10.0])
    assert [column.tolist() for column in held] == [[0.0], [0.0]]
    with pytest.raises(ValueError, match="unpack"):
        samples.extend([6], [1.0], [(0, 0, 0, 0)])
