"""Bybit's count of a book."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headwater.core.records import BookDelta, BookSnapshot
from headwater.venues.bybit.book import REPEATED_MAX, BybitBookRule
from headwater.venues.messages import Verdict

HEAD: dict[str, Any] = {
    "exchange": "bybit", "symbol": "BTCUSDT", "native_symbol": "BTCUSDT", "timestamp_ms": 1,
    "received_ns": 1, "bids": (), "asks": (),
}  # fmt: skip


def image(number: int) -> BookSnapshot:
    """A snapshot with a number."""
    return BookSnapshot(**HEAD, sequence=number)


def change(number: int | None) -> BookDelta:
    """A delta with a number."""
    before = None if number is None else number - 1
    return BookDelta(
        **HEAD,
        sequence=number,
        first_sequence=number,
        previous_sequence=before,
    )


def rule(number: int) -> BybitBookRule:
    """A rule that has an image."""
    made = BybitBookRule()
    made.on_snapshot(image(number))
    return made


@given(st.integers(1, 2**60), st.integers(1, 50))
def test_an_unbroken_count_is_accepted(first: int, length: int) -> None:
    made = rule(first)
    verdicts = [made.on_delta(change(first + step)) for step in range(1, length + 1)]
    assert set(verdicts) == {Verdict.ACCEPT}


@given(st.integers(REPEATED_MAX + 1, 2**60), st.integers(2, 10**6))
def test_a_jump_is_a_gap_and_everything_after_it_until_an_image(first: int, jump: int) -> None:
    made = rule(first)
    assert made.on_delta(change(first + jump)) is Verdict.GAP
    assert made.on_delta(change(first + jump + 1)) is Verdict.GAP
    made.on_snapshot(image(5))
    assert made.on_delta(change(6)) is Verdict.ACCEPT


def test_repetitions_change_nothing_and_a_new_count_is_a_gap() -> None:
    made = rule(5_000)
    assert made.on_delta(change(5_000)) is Verdict.IGNORE
    assert made.on_delta(change(4_500)) is Verdict.IGNORE
    assert made.on_delta(change(2)) is Verdict.GAP


def test_without_an_image_or_a_number_nothing_is_accepted() -> None:
    assert BybitBookRule().on_delta(change(1)) is Verdict.GAP
    assert rule(1).on_delta(change(None)) is Verdict.GAP
