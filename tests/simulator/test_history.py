"""The made-up past: complete, exact, and without a step at the seams."""

import random
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import msgspec
import pytest

from headwater.simulator.candles import MINUTE_MS, CandleRow
from headwater.simulator.history import (
    PAST_PRINTS,
    Move,
    as_prints,
    moves_back,
    older_rows,
    past_minutes,
    past_prints,
    settle_crowd,
    walk_back,
)
from headwater.simulator.listings import LISTINGS, Listing
from headwater.simulator.positions import PositionBook

START_MS = 1_760_000_012_350
END_MS = START_MS - START_MS % MINUTE_MS
DAY_MS = 86_400_000


def _moves(listing: Listing, length_ms: int = MINUTE_MS) -> Iterator[Move]:
    return moves_back(random.Random(f"moves {length_ms}"), listing, length_ms)


def _check_row(row: CandleRow) -> None:
    assert 0 < row.low <= min(row.open, row.close) <= max(row.open, row.close) <= row.high
    assert 0 < row.fills <= row.lots
    assert 0 <= row.buy_lots <= row.lots
    assert row.low * row.lots <= row.cost <= row.high * row.lots


@pytest.mark.parametrize("listing", LISTINGS[::5], ids=lambda listing: listing.symbol)
def test_rows_are_sound_and_join(listing: Listing) -> None:
    """Each row opens where the one before closed, over all lengths, and opens on its grid."""
    minutes = past_minutes(random.Random(1), _moves(listing), listing, START_MS, END_MS, 5_000)
    assert len(minutes) >= 7_500
    oldest = next(iter(minutes))
    moves_of = partial(_moves, listing)
    parts = older_rows(random.Random(2), moves_of, listing, oldest.opened_at_ms, oldest.open)
    close: int | None = None
    end: int | None = None
    for rows in (*parts, minutes):
        for row in rows:
            _check_row(row)
            assert close is None or row.open == close
            assert end is None or row.opened_at_ms == end
            assert row.opened_at_ms % rows.length_ms == 0
            close, end = row.close, row.opened_at_ms + rows.length_ms
    assert (close, end) == (5_000, END_MS)


def test_nothing_is_older_than_the_listing() -> None:
    """A contract listed last month has no candles of last year."""
    listed_ms = END_MS - 40 * DAY_MS
    moves_of = partial(_moves, LISTINGS[0])
    parts = older_rows(random.Random(2), moves_of, LISTINGS[0], END_MS - END_MS % DAY_MS, 5_000)
    young = older_rows(
        random.Random(2),
        moves_of,
        msgspec.structs.replace(LISTINGS[0], listed_at_ms=listed_ms),
        END_MS - END_MS % DAY_MS,
        5_000,
    )
    assert next(iter(parts[0])).opened_at_ms < listed_ms
    assert next(iter(young[0])).opened_at_ms >= listed_ms


def test_prints_begin_at_a_minute_and_end_before_live() -> None:
    """Enough of them, ascending, their fills numbered without a hole."""
    rows = past_prints(random.Random(3), _moves(LISTINGS[9]), LISTINGS[9], START_MS, 8_200, 1.0)
    assert len(rows) >= PAST_PRINTS
    stamps = [row[0] for row in rows]
    assert stamps == sorted(stamps)
    assert stamps[-1] <= START_MS
    made = as_prints(rows, 50)
    assert made[0].first_fill_id == 50
    for before, after in pairwise(made):
        assert after.first_fill_id == before.last_fill_id + 1


def test_no_rows_for_no_time() -> None:
    """An empty span gives no row."""
    assert (
        len(
            walk_back(
                random.Random(1), _moves(LISTINGS[0]), LISTINGS[0], MINUTE_MS, END_MS, END_MS, 100
            )
        )
        == 0
    )


def test_the_crowd_has_survived_the_past() -> None:
    """No position whose liquidation price the recent minutes or the mark have touched."""
    listing = LISTINGS[1]
    moves = _moves(listing)
    minutes = list(past_minutes(random.Random(1), moves, listing, START_MS, END_MS, 350_000))
    book = PositionBook(listing)
    settle_crowd(random.Random(4), listing, book, minutes, 350_000.0, 1_500.0)
    assert len(book) > listing.positions / 2
    assert book.crossed(350_000.0) == []
