"""The laws of an aggregated book: nothing lost, nothing invented, bids never above asks."""

from collections import defaultdict
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.book_ladder import LadderBook, LadderSide, is_rounding
from headwater.core.formatting import SymbolFormat
from headwater.core.records import Level

TICK = Decimal("0.1")
FORMAT = SymbolFormat(price_places=1, amount_places=3)
MID = 1_000
"""Ticks; bids are below, asks above."""

Levels = dict[Decimal, Decimal]

roundings = st.sampled_from(
    [Decimal(text) for text in ("0.1", "0.25", "0.5", "1", "3", "0.01", "10", "100", "1000", "7.3")]
)
quantities = st.integers(0, 5_000).map(lambda units: units / 1_000)
bid_changes = st.lists(st.tuples(st.integers(1, MID - 1), quantities), max_size=25)
ask_changes = st.lists(st.tuples(st.integers(MID, 3 * MID), quantities), max_size=25)
deltas = st.lists(st.tuples(bid_changes, ask_changes), max_size=6)


def floats(changes: list[tuple[int, float]]) -> list[Level]:
    """Levels as a venue's text becomes them: ticks as the floats nearest to their decimals."""
    return [(ticks / 10, quantity) for ticks, quantity in changes]


def naive(levels: dict[float, float], rounding: Decimal | None, direction: str) -> Levels:
    """The same in decimals, from scratch."""
    found: Levels = defaultdict(Decimal)
    for price, quantity in levels.items():
        exact = Decimal(repr(price))
        if rounding is not None:
            exact = (exact / rounding).to_integral_value(direction) * rounding
        found[exact] += Decimal(repr(quantity))
    return dict(found)


def shown(side: LadderSide, price_places: int) -> Levels:
    """A side in decimals."""
    return {
        Decimal(price).scaleb(-price_places): Decimal(amount).scaleb(-3)
        for price, amount in side.levels(10**6)
    }


def apply_to(held: dict[float, float], changes: list[Level]) -> None:
    for price, quantity in changes:
        held[price] = quantity
        if not quantity:
            del held[price]


@given(deltas=deltas, rounding=roundings | st.none(), early=st.booleans())
def test_any_changes_give_what_counting_anew_gives(
    deltas: list[tuple[list[tuple[int, float]], list[tuple[int, float]]]],
    rounding: Decimal | None,
    early: bool,
) -> None:
    """Exactly, whether the ladder was there before the changes or is made after them."""
    book = LadderBook(FORMAT, TICK)
    if early:
        book.ladder(rounding)
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    for bid_part, ask_part in deltas:
        apply_to(bids, floats(bid_part))
        apply_to(asks, floats(ask_part))
        book.apply(floats(bid_part), floats(ask_part))
    ladder = book.ladder(rounding)
    assert shown(ladder.bids, ladder.price_places) == naive(bids, rounding, ROUND_FLOOR)
    assert shown(ladder.asks, ladder.price_places) == naive(asks, rounding, ROUND_CEILING)
    assert book.depth == (len(bids), len(asks))


@given(bids=bid_changes, asks=ask_changes, rounding=roundings)
def test_quantity_is_conserved_levels_are_multiples_and_sides_never_cross(
    bids: list[tuple[int, float]], asks: list[tuple[int, float]], rounding: Decimal
) -> None:
    book = LadderBook(FORMAT, TICK)
    book.replace(floats(bids), floats(asks))
    ladder, raw = book.ladder(rounding), book.ladder(None)
    for side, whole in ((ladder.bids, raw.bids), (ladder.asks, raw.asks)):
        levels = shown(side, ladder.price_places)
        assert sum(levels.values()) == sum(shown(whole, 1).values())
        assert all(price % rounding == 0 for price in levels)
        assert all(levels.values())
    bid_prices, ask_prices = (
        [price for price, _ in side.levels(100)] for side in (ladder.bids, ladder.asks)
    )
    assert bid_prices == sorted(set(bid_prices), reverse=True)
    assert ask_prices == sorted(set(ask_prices))
    if bid_prices and ask_prices:
        assert bid_prices[0] < ask_prices[0]


@given(bids=bid_changes, asks=ask_changes, rounding=roundings)
def test_aggregating_twice_is_aggregating_once(
    bids: list[tuple[int, float]], asks: list[tuple[int, float]], rounding: Decimal
) -> None:
    once_book = LadderBook(FORMAT, TICK)
    once_book.replace(floats(bids), floats(asks))
    once = once_book.ladder(rounding)
    places = once.price_places
    twice_book = LadderBook(SymbolFormat(price_places=places, amount_places=3), TICK)
    twice_book.replace(*(
        [(float(price), float(amount)) for price, amount in shown(side, places).items()]
        for side in (once.bids, once.asks)
    ))  # fmt: skip
    twice = twice_book.ladder(rounding)
    assert shown(twice.bids, places) == shown(once.bids, places)
    assert shown(twice.asks, places) == shown(once.asks, places)


def test_o_s5_a_book_by_hand() -> None:
    """Rounding 0.25 on a tick of 0.1.

    Bids 100.4 (1), 100.3 (2), 100.2 (4): down to 100.25 (1 + 2) and 100.00 (4).
    Asks 100.5 (8), 100.6 (16), 100.8 (32): up to 100.50 (8), 100.75 (16) and 101.00 (32).
    """
    book = LadderBook(FORMAT, TICK)
    book.replace(
        [(100.4, 1.0), (100.3, 2.0), (100.2, 4.0)], [(100.5, 8.0), (100.6, 16.0), (100.8, 32.0)]
    )
    ladder = book.ladder(Decimal("0.25"))
    assert ladder.price_places == 2
    assert ladder.bids.levels(9) == [(10025, 3000), (10000, 4000)]
    assert ladder.asks.levels(9) == [(10050, 8000), (10075, 16000), (10100, 32000)]
    assert ladder.asks.levels(1) == [(10050, 8000)]
    book.apply([(100.3, 0.0)], [(100.6, 0.5), (100.7, 0.25)])
    assert ladder.bids.levels(9) == [(10025, 1000), (10000, 4000)]
    assert ladder.asks.levels(9) == [(10050, 8000), (10075, 750), (10100, 32000)]


def test_sums_have_no_artefacts_of_floats() -> None:
    """0.1 + 0.2 is 0.3, and ten times 0.1 is 1."""
    book = LadderBook(FORMAT, TICK)
    book.replace([], [(100.1, 0.1), (100.2, 0.2), *[(101.0 + n / 10, 0.1) for n in range(1, 11)]])
    assert book.ladder(Decimal(1)).asks.levels(9) == [(1010, 300), (1020, 1000)]


def test_o_s5_dust_is_below_one_unit() -> None:
    """1e-6 is dropped where the contract counts in thousandths, and kept where in millionths."""
    for places, kept in ((3, []), (6, [(1000, 1)])):
        book = LadderBook(SymbolFormat(price_places=1, amount_places=places), TICK)
        book.replace([(100.0, 1e-6)], [])
        assert book.ladder(None).bids.levels(9) == kept


def test_a_change_that_changes_nothing_says_so() -> None:
    book = LadderBook(FORMAT, TICK)
    ladder = book.ladder(TICK)
    assert book.apply([(100.0, 1.0)], [])
    version = ladder.bids.version
    assert not book.apply([(100.0, 1.0), (99.0, 0.0)], [])
    assert ladder.bids.version == version


def test_a_dropped_ladder_is_kept_no_longer() -> None:
    book = LadderBook(FORMAT, TICK)
    first = book.ladder(Decimal("0.50"))
    assert book.ladder(Decimal("0.5")) is first
    book.drop(Decimal("0.5"))
    assert book.roundings == 0
    book.apply([(100.0, 1.0)], [])
    assert first.bids.levels(9) == []


@pytest.mark.parametrize(("tick", "aggregated"), [("0.1", False), ("0.05", False), ("0.25", True)])
def test_a_rounding_is_aggregated_when_ticks_may_share_a_level(tick: str, aggregated: bool) -> None:
    assert LadderBook(FORMAT, TICK).ladder(Decimal(tick)).is_aggregated is aggregated


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("0.5", True),
        ("1e-12", True),
        ("1e12", True),
        ("0", False),
        ("-1", False),
        ("1e-13", False),
        ("1e-999999999", False),
        ("0.1234567890123", False),
        ("1.0000000000001e12", False),
    ],
)
def test_what_can_be_rounded_to(text: str, good: bool) -> None:
    assert is_rounding(Decimal(text)) is good
