"""OKX's chain of a book, and the checksum of old recordings."""

from typing import Any

from headwater.core.records import BookDelta, BookSnapshot
from headwater.venues.messages import Verdict
from headwater.venues.okx.book import OkxBookRule, checksum_of

HEAD: dict[str, Any] = {
    "exchange": "okx", "symbol": "BTCUSDT", "native_symbol": "BTC-USDT-SWAP", "timestamp_ms": 1,
    "received_ns": 1, "bids": (), "asks": (),
}  # fmt: skip


def rule(number: int) -> OkxBookRule:
    """A rule that has an image."""
    made = OkxBookRule()
    made.on_snapshot(BookSnapshot(**HEAD, sequence=number))
    return made


def change(before: int | None, number: int | None) -> BookDelta:
    """An update of the chain."""
    return BookDelta(**HEAD, sequence=number, first_sequence=number, previous_sequence=before)


def test_the_venues_own_example_of_a_chain() -> None:
    """Image at 10, an update, one without a change, a reset by maintenance, and on."""
    made = rule(10)
    chain = [(10, 15), (15, 15), (15, 3), (3, 5)]
    assert [made.on_delta(change(*one)) for one in chain] == [Verdict.ACCEPT] * 4


def test_a_missing_link_is_a_gap_until_the_next_image() -> None:
    made = rule(10)
    assert made.on_delta(change(12, 15)) is Verdict.GAP
    assert made.on_delta(change(15, 16)) is Verdict.GAP
    made.on_snapshot(BookSnapshot(**HEAD, sequence=20))
    assert made.on_delta(change(20, 21)) is Verdict.ACCEPT


def test_repetitions_and_messages_without_numbers() -> None:
    made = rule(10)
    assert made.on_delta(change(10, 12)) is Verdict.ACCEPT
    assert made.on_delta(change(8, 11)) is Verdict.IGNORE
    assert made.on_delta(change(None, None)) is Verdict.GAP
    assert OkxBookRule().on_delta(change(1, 2)) is Verdict.GAP


def test_checksum_by_hand() -> None:
    """CRC32 of `3366.1:7:3366.8:9:3366:6:3368:8`, the documents' own example of the order."""
    bids, asks = [("3366.1", "7"), ("3366", "6")], [("3366.8", "9"), ("3368", "8")]
    assert checksum_of(bids, asks) == -1881014294
    assert checksum_of([], []) == 0
