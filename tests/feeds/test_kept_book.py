"""A book is the venue's or it is empty."""

import random

from hypothesis import given
from hypothesis import strategies as st
from tests.feeds.made import ChainRule, delta, snapshot

from headwater.core.order_book import OrderBook
from headwater.core.records import BookDelta, BookSnapshot, Level
from headwater.feeds.kept_book import KeptBook
from headwater.venues.messages import Verdict


def _kept(buffer_max: int = 100) -> KeptBook:
    return KeptBook("AAAUSDT", "AAAUSDT", ChainRule(), buffer_max)


def test_nothing_is_shown_before_a_snapshot() -> None:
    kept = _kept()
    kept.buffer(delta(11, 10, bids=[(9.5, 1.0)]))
    assert not kept.live
    assert kept.book.best_bid is None


def test_buffered_deltas_continue_the_snapshot() -> None:
    kept = _kept()
    kept.buffer(delta(10, 9, bids=[(1.0, 1.0)]))
    kept.buffer(delta(11, 10, bids=[(9.5, 2.0)]))
    assert kept.take_snapshot(snapshot(10))
    assert kept.book.best_bid == (9.5, 2.0)
    assert kept.book.sequence == 11


def test_a_snapshot_older_than_the_buffer_does_not_make_it_live() -> None:
    kept = _kept()
    kept.buffer(delta(21, 20))
    assert not kept.take_snapshot(snapshot(10))
    assert kept.book.depth == (0, 0)
    assert kept.take_snapshot(snapshot(20))


def test_a_gap_empties_the_book_in_the_same_call() -> None:
    kept = _kept()
    kept.take_snapshot(snapshot(10))
    generation = kept.generation
    assert kept.apply(delta(13, 12)) is Verdict.GAP
    assert not kept.live
    assert kept.book.depth == (0, 0)
    assert not kept.fits(generation)
    assert kept.take_snapshot(snapshot(12))
    assert kept.book.sequence == 13


def test_a_crossed_book_is_a_gap() -> None:
    kept = _kept()
    kept.take_snapshot(snapshot(10))
    assert kept.apply(delta(11, 10, bids=[(12.0, 1.0)])) is Verdict.GAP
    assert kept.book.depth == (0, 0)
    kept.buffer(delta(12, 11, bids=[(12.0, 1.0)]))
    assert not kept.take_snapshot(snapshot(11)), "crossed by what was buffered"


def test_an_old_delta_is_ignored() -> None:
    kept = _kept()
    kept.take_snapshot(snapshot(10))
    assert kept.apply(delta(9, 8, bids=[(5.0, 5.0)])) is Verdict.IGNORE
    assert kept.live


def test_the_buffer_is_bounded_and_its_loss_is_noticed() -> None:
    kept = _kept(buffer_max=2)
    for sequence in (11, 12, 13):
        kept.buffer(delta(sequence, sequence - 1))
    assert not kept.take_snapshot(snapshot(10))
    assert kept.take_snapshot(snapshot(11))


def _world(seed: int, size: int) -> tuple[list[BookDelta], list[OrderBook]]:
    """Deltas of a random book that is never crossed, and the true book after each."""
    rng = random.Random(seed)
    book = OrderBook()
    deltas: list[BookDelta] = []
    states: list[OrderBook] = []
    for sequence in range(1, size + 1):
        bids: list[Level] = [(rng.randint(1, 50) / 10, float(rng.randint(0, 3)))]
        asks: list[Level] = [(rng.randint(51, 99) / 10, float(rng.randint(0, 3)))]
        deltas.append(delta(sequence, sequence - 1, bids, asks))
        book.apply(bids, asks, sequence)
        copy = OrderBook()
        copy.replace(book.bids(), book.asks(), sequence)
        states.append(copy)
    return deltas, states


@given(seed=st.integers(0, 10**6), fates=st.lists(st.sampled_from("ddskpaaaaaaa"), max_size=60))
def test_whatever_happens_a_live_book_is_the_true_one(seed: int, fates: list[str]) -> None:
    """Deltas dropped, doubled, swapped; snapshots fresh and stale: live means equal."""
    deltas, states = _world(seed, 61)
    kept = _kept()
    position = 0
    for fate in fates:
        batch: list[BookDelta] = []
        if fate == "s":
            kept.take_snapshot(_image(states[position], deltas[position].sequence or 0))
        elif fate == "p" and position > 3:
            kept.take_snapshot(_image(states[position - 3], deltas[position - 3].sequence or 0))
        elif position + 2 < len(deltas):
            here, after = deltas[position + 1], deltas[position + 2]
            batch = {"d": [], "k": [after, here]}.get(fate, [here])
            position += 2 if fate == "k" else 1
            if fate == "a" and seed % 5 == 0:
                batch = [here, here]
        for one in batch:
            if kept.live:
                kept.apply(one)
            else:
                kept.buffer(one)
        if kept.live:
            sequence = kept.book.sequence
            assert sequence is not None
            true = states[sequence - 1]
            assert (kept.book.bids(), kept.book.asks()) == (true.bids(), true.asks())
        else:
            assert kept.book.depth == (0, 0)


def _image(book: OrderBook, sequence: int) -> BookSnapshot:
    return snapshot(sequence, book.bids(), book.asks())
