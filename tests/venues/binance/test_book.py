"""The book's sequence rule, step by step and as a law."""

from hypothesis import given
from hypothesis import strategies as st

from headwater.core.records import BookDelta, BookSnapshot
from headwater.venues.binance.book import BinanceBookRule, is_older, overlaps
from headwater.venues.messages import Verdict


def delta(first: int, last: int, previous: int | None) -> BookDelta:
    return BookDelta(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=1,
        received_ns=1,
        bids=(),
        asks=(),
        sequence=last,
        first_sequence=first,
        previous_sequence=previous,
    )


def snapshot(sequence: int) -> BookSnapshot:
    return BookSnapshot(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=1,
        received_ns=1,
        bids=(),
        asks=(),
        sequence=sequence,
    )


def rule_at(sequence: int) -> BinanceBookRule:
    rule = BinanceBookRule()
    rule.on_snapshot(snapshot(sequence))
    return rule


def test_before_a_snapshot_every_delta_is_a_gap() -> None:
    assert BinanceBookRule().on_delta(delta(1, 2, 0)) is Verdict.GAP


def test_step_3_drops_what_the_snapshot_already_has() -> None:
    rule = rule_at(100)
    assert rule.on_delta(delta(90, 99, 80)) is Verdict.IGNORE
    assert rule.on_delta(delta(100, 105, 99)) is Verdict.ACCEPT
    assert is_older(99, 100, chained=False)
    assert not is_older(100, 100, chained=False)


def test_step_4_takes_the_delta_that_contains_the_snapshot() -> None:
    """The numbers of the recording of 2024-08-08."""
    rule = rule_at(5123107852948)
    contains = delta(5123107850310, 5123107853551, 5123107850240)
    assert overlaps(contains, 5123107852948)
    assert rule.on_delta(contains) is Verdict.ACCEPT


def test_step_4_takes_a_delta_that_ends_or_starts_on_the_snapshot() -> None:
    assert rule_at(100).on_delta(delta(95, 100, 90)) is Verdict.ACCEPT
    assert rule_at(100).on_delta(delta(100, 104, 99)) is Verdict.ACCEPT


def test_step_4_takes_a_delta_whose_previous_is_the_snapshot() -> None:
    assert rule_at(100).on_delta(delta(120, 130, 100)) is Verdict.ACCEPT


def test_step_4_sees_that_the_snapshot_is_too_old() -> None:
    rule = rule_at(100)
    assert rule.on_delta(delta(120, 130, 110)) is Verdict.GAP
    assert rule.on_delta(delta(131, 140, 130)) is Verdict.GAP


def test_step_5_wants_an_unbroken_chain() -> None:
    rule = rule_at(100)
    assert rule.on_delta(delta(99, 110, 98)) is Verdict.ACCEPT
    assert rule.on_delta(delta(115, 120, 110)) is Verdict.ACCEPT
    assert rule.on_delta(delta(115, 120, 110)) is Verdict.IGNORE
    assert rule.on_delta(delta(125, 130, 122)) is Verdict.GAP
    rule.on_snapshot(snapshot(200))
    assert rule.on_delta(delta(199, 210, 190)) is Verdict.ACCEPT


def test_a_delta_without_numbers_is_a_gap() -> None:
    rule = rule_at(100)
    assert rule.on_delta(delta(90, 110, None)) is Verdict.ACCEPT
    assert rule.on_delta(delta(111, 120, None)) is Verdict.GAP


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[BookDelta], int, int]:
    """An unbroken chain with holes in its ids, a snapshot inside it, and where that falls."""
    made: list[BookDelta] = []
    last = draw(st.integers(0, 10**12))
    for _ in range(draw(st.integers(3, 30))):
        first = last + draw(st.integers(1, 50))
        end = first + draw(st.integers(0, 50))
        made.append(delta(first, end, last))
        last = end
    inside = draw(st.integers(0, len(made) - 1))
    chosen = made[inside]
    assert chosen.first_sequence is not None
    assert chosen.sequence is not None
    return made, inside, draw(st.integers(chosen.first_sequence, chosen.sequence))


@given(chains(), st.data())
def test_a_chain_is_taken_whole_and_any_missing_delta_is_noticed(
    chain: tuple[list[BookDelta], int, int], data: st.DataObject
) -> None:
    deltas, inside, sequence = chain
    verdicts = [rule.on_delta(item) for rule in [rule_at(sequence)] for item in deltas]
    assert verdicts == [Verdict.IGNORE] * inside + [Verdict.ACCEPT] * (len(deltas) - inside)
    if inside + 1 < len(deltas) - 1:
        missing = data.draw(st.integers(inside + 1, len(deltas) - 2))
        rule = rule_at(sequence)
        left = deltas[:missing] + deltas[missing + 1 :]
        assert Verdict.GAP in [rule.on_delta(item) for item in left]


@given(chains(), st.data())
def test_repeated_deltas_change_nothing(
    chain: tuple[list[BookDelta], int, int], data: st.DataObject
) -> None:
    deltas, inside, sequence = chain
    rule = rule_at(sequence)
    for position, item in enumerate(deltas):
        verdict = rule.on_delta(item)
        assert verdict is (Verdict.IGNORE if position < inside else Verdict.ACCEPT)
        if position > inside:
            again = deltas[data.draw(st.integers(inside, position))]
            assert rule.on_delta(again) is Verdict.IGNORE


@given(chains())
def test_swapped_deltas_are_noticed(chain: tuple[list[BookDelta], int, int]) -> None:
    deltas, inside, sequence = chain
    if inside + 2 >= len(deltas):
        return
    swapped = list(deltas)
    swapped[-1], swapped[-2] = swapped[-2], swapped[-1]
    rule = rule_at(sequence)
    assert Verdict.GAP in [rule.on_delta(item) for item in swapped]
