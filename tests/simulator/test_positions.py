"""The crowd's positions: sums, forced closes, bounds."""

import math
import random

import pytest

from headwater.simulator import positions as module
from headwater.simulator.more_listings import LISTING_BY_SYMBOL
from headwater.simulator.positions import MAX_FORCED_PER_STEP, PositionBook

BTC = LISTING_BY_SYMBOL["BTCUSDT"]


def test_positions_are_crossed_nearest_first_and_once() -> None:
    """Longs below, shorts above the mark; the most leveraged goes first; none twice."""
    book = PositionBook(BTC)
    for leverage in (10, 100, 50):
        book.open(True, 5, 680_000.0, leverage)
        book.open(False, 5, 680_000.0, leverage)
    assert book.crossed(680_000.0) == []
    fallen = book.crossed(672_000.0)
    assert [(p.is_long, p.leverage) for p in fallen] == [(True, 100)]
    assert [p.leverage for p in book.crossed(600_000.0)] == [50, 10]
    assert [(p.is_long, p.leverage) for p in book.crossed(690_000.0)] == [(False, 100)]
    assert book.crossed(600_000.0) == []


def test_an_open_position_is_found_by_its_number() -> None:
    book = PositionBook(BTC)
    first, second = (book.open(True, 5, 680_000.0, 10) for _ in range(2))
    assert first is not None
    assert second is not None
    assert list(book.numbered(None)) == [first, second]
    assert list(book.numbered(second.position_id)) == [second]
    book.reduce(first, 5)
    assert list(book.numbered(first.position_id)) == []


def test_the_nearest_is_open_and_signed() -> None:
    """The nearer side wins; closed positions do not count; None without any."""
    book = PositionBook(BTC)
    assert book.nearest(680_000.0) is None
    long = book.open(True, 5, 680_000.0, 100)
    assert long is not None
    book.open(False, 5, 680_000.0, 50)
    way = book.nearest(680_000.0)
    assert way == pytest.approx(math.log(long.liquidation / 680_000.0))
    book.reduce(long, 5)
    way = book.nearest(680_000.0)
    assert way is not None
    assert way > 0.01


def test_a_crash_is_spread_over_steps() -> None:
    """At most `MAX_FORCED_PER_STEP` a call; the rest waits."""
    book = PositionBook(BTC)
    for _ in range(MAX_FORCED_PER_STEP + 1):
        book.open(True, 1, 680_000.0, 100)
    assert len(book.crossed(1.0)) == MAX_FORCED_PER_STEP
    assert len(book.crossed(1.0)) == 1


def test_sums_follow_openings_and_reductions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long and short lots are those of the open positions; closed ones leave the heaps too."""
    monkeypatch.setattr(module, "_HEAP_SLACK", 5)
    rng = random.Random(1)
    book = PositionBook(BTC)
    for _ in range(300):
        book.open(rng.random() < 0.5, rng.randint(1, 9), 680_000.0, rng.choice((5, 50)))
        position = book.draw(rng)
        if position is not None and rng.random() < 0.8:
            book.reduce(position, rng.randint(1, 12))
    assert book.long_lots == sum(p.lots for p in book._positions if p.is_long)
    assert book.short_lots == sum(p.lots for p in book._positions if not p.is_long)
    assert len(book._longs) + len(book._shorts) <= 2 * len(book) + 6
    assert [p.slot for p in book._positions] == list(range(len(book)))
    left = len(book)
    while position := book.draw(rng):
        book.reduce(position, position.lots)
        left -= 1
    assert (left, book.long_lots, book.short_lots) == (0, 0, 0)


def test_leverage_respects_the_tier() -> None:
    """A big position is never opened with the smallest tier's leverage."""
    book, rng = PositionBook(BTC), random.Random(2)
    drawn = {book.draw_leverage(rng, 100e6) for _ in range(200)}
    assert max(drawn) <= 25
    assert {book.draw_leverage(rng, 1_000.0) for _ in range(2_000)} >= {3, 125}


def test_no_more_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening beyond the bound is refused."""
    monkeypatch.setattr(module, "MAX_POSITIONS", 2)
    book = PositionBook(BTC)
    assert [book.open(True, 1, 100.0, 5) is None for _ in range(3)] == [False, False, True]
