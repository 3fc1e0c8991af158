"""Rows of a list of symbols, made of a table and tickers."""

from decimal import Decimal
from math import inf, nan

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.services.symbol_market import VENUE, contract, ticker

from headwater.core.enums import InstrumentKind, InstrumentStatus
from headwater.core.instruments import InstrumentTable
from headwater.services.listed_symbols import by_volume, listed_symbols, symbol_list

VOLUMES = st.floats(0, 1e15) | st.none()


@given(volumes=st.lists(VOLUMES, max_size=40))
def test_o_r1_largest_volume_first_and_unknown_last(volumes: list[float | None]) -> None:
    contracts = [contract(f"A{number}") for number in range(len(volumes))]
    told = [
        ticker(one, last=1.0, quote_volume_24h=volume)
        for one, volume in zip(contracts, volumes, strict=True)
        if volume is not None
    ]
    rows = listed_symbols(InstrumentTable(VENUE, contracts), told, is_stale=False)
    assert {row.symbol for row in rows} == {one.symbol for one in contracts}
    found = [row.volume_24h for row in rows]
    known = [one for one in found if one is not None]
    assert known == sorted((one for one in volumes if one is not None), reverse=True)
    assert found == known + [None] * volumes.count(None)
    assert by_volume(rows) == rows


def test_only_what_trades_now_and_is_served_is_listed() -> None:
    kept = contract("A")
    dated = contract(
        "B", instrument_kind=InstrumentKind.FUTURE, symbol="BUSDT250328", expires_at_ms=1
    )
    others = [contract(f"S{one}", status=one) for one in InstrumentStatus if one != "trading"]
    strange = contract("K", instrument_kind=InstrumentKind.UNKNOWN)
    table = InstrumentTable(VENUE, [kept, dated, *others, strange])
    rows = listed_symbols(table, (), is_stale=False)
    assert [row.symbol for row in rows] == ["AUSDT", "BUSDT250328"]


def test_o_s1_an_id_means_its_own_contract() -> None:
    """Of two contracts with one canonical symbol the second goes by its native one."""
    first, second = contract("A"), contract("A", native_symbol="A-PERP-2")
    table = InstrumentTable(VENUE, [first, second, contract("B")])
    rows = listed_symbols(table, (), is_stale=False)
    assert sorted(row.symbol_id for row in rows) == ["A-PERP-2", "AUSDT", "BUSDT"]
    for row in rows:
        assert table.resolve(row.symbol_id).native_symbol == row.native_symbol


def test_a_volume_in_base_units_is_worked_out_and_says_so() -> None:
    """3 base units at 100 are 300; with quotes alone, 3 at the middle of 99 and 101."""
    names = ("TOLD", "LAST", "MIDDLE", "ALONE", "ENDLESS", "NOTHING", "FREE")
    told, last, middle, alone, endless, nothing, free = contracts = [contract(n) for n in names]
    rows = listed_symbols(
        InstrumentTable(VENUE, contracts),
        [
            ticker(told, last=100.0, volume_24h=3.0, quote_volume_24h=299.0),
            ticker(last, last=100.0, volume_24h=3.0),
            ticker(middle, bid=99.0, ask=101.0, volume_24h=3.0),
            ticker(alone, volume_24h=3.0),
            ticker(endless, last=1.0, quote_volume_24h=inf),
            ticker(nothing, last=nan, volume_24h=3.0),
            ticker(free, last=0.0, bid=0.0, ask=2.0, volume_24h=3.0),
        ],
        is_stale=False,
    )
    found = {row.base_asset: (row.volume_24h, row.is_estimated) for row in rows}
    assert found == {
        "TOLD": (299.0, False),
        "LAST": (300.0, True),
        "MIDDLE": (300.0, True),
    } | dict.fromkeys(("ALONE", "ENDLESS", "NOTHING", "FREE"), (None, False))


def test_o_s6_roundings_go_by_the_price() -> None:
    """At 1234.5 a hundred is not above a tenth; without a price a thousand is not either."""
    one, other = contract("A"), contract("B", price_tick=Decimal(5))
    table = InstrumentTable(VENUE, [one, other])
    rows = listed_symbols(table, [ticker(one, last=1234.5)], is_stale=False)
    priced, unpriced = sorted(rows, key=lambda row: row.base_asset)
    assert [str(option) for option in priced.rounding.options] == ["0.01", "0.1", "1", "10", "100"]
    assert [str(option) for option in unpriced.rounding.options] == ["1", "10", "100", "1000"]
    assert (unpriced.format.price_places, unpriced.price_format.precision) == (0, 0)


def test_o_s2_a_stale_list_keeps_order_and_roundings_and_no_volume() -> None:
    contracts = [contract(name) for name in "ABC"]
    table = InstrumentTable(VENUE, contracts)
    told = [
        ticker(one, last=100.0, quote_volume_24h=volume)
        for one, volume in zip(contracts, (1.0, 3.0, 2.0), strict=True)
    ]
    fresh = listed_symbols(table, told, is_stale=False)
    stale = listed_symbols(table, told, is_stale=True)
    assert [row.base_asset for row in fresh] == [row.base_asset for row in stale] == ["B", "C", "A"]
    assert all(row.is_stale and row.volume_24h is None for row in stale)
    assert [row.rounding for row in stale] == [row.rounding for row in fresh]
    back = [
        msgspec.structs.replace(old, volume_24h=new.volume_24h, is_stale=False)
        for old, new in zip(stale, fresh, strict=True)
    ]
    assert tuple(back) == fresh


def test_a_list_with_a_problem_is_stale() -> None:
    table = InstrumentTable(VENUE, [contract("A"), contract("B")])
    found = symbol_list(VENUE, 3, listed_symbols(table, (), is_stale=False))
    assert not found.is_stale
    assert symbol_list(VENUE, 4, found.rows, "down").is_stale
