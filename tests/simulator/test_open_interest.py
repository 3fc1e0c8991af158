"""Open interest: follows positions, sampled on time, with a past that fits."""

import random

import pytest

from headwater.simulator import open_interest as module
from headwater.simulator.open_interest import PAST_SAMPLES, SAMPLE_MS, OpenInterestBook

START_MS = 1_760_000_000_000


def _book(leveraged: list[int]) -> OpenInterestBook:
    return OpenInterestBook(
        random.Random(1), random.Random(2), 10_000, lambda: leveraged[0], START_MS
    )


def test_it_follows_leveraged_positions() -> None:
    """What they open shows at once."""
    leveraged = [50]
    book = _book(leveraged)
    assert book.lots == 10_050
    leveraged[0] = 80
    assert book.lots == 10_080


def test_figures_stand_at_whole_periods_and_join_the_past() -> None:
    """Every period has one row, ascending without a hole, the past ends near the present."""
    book = _book([0])
    now = START_MS
    for _ in range(3_000):
        now += 1_000
        book.second()
        book.sample(now)
    rows = book.history(SAMPLE_MS, 100_000, None, None)
    times = [row.timestamp_ms for row in rows]
    assert times == list(range(times[0], times[-1] + 1, SAMPLE_MS))
    assert times[-1] == now - now % SAMPLE_MS
    assert len(rows) >= PAST_SAMPLES
    assert all(0.5 < row.lots / 10_000 < 2 for row in rows)
    hours = book.history(3_600_000, 48, None, None)
    assert len(hours) == 48
    assert all(row.timestamp_ms % 3_600_000 == 0 for row in hours)
    assert set(hours) <= set(rows)


def test_windows() -> None:
    """From a start forward, up to an end backward, nothing for no limit."""
    book = _book([0])
    rows = book.history(SAMPLE_MS, 100_000, None, None)
    assert book.history(SAMPLE_MS, 3, rows[10].timestamp_ms, None) == rows[10:13]
    assert book.history(SAMPLE_MS, 3, None, rows[10].timestamp_ms) == rows[8:11]
    assert book.history(SAMPLE_MS, 0, None, None) == []


def test_samples_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten."""
    monkeypatch.setattr(module, "MAX_SAMPLES", 50)
    monkeypatch.setattr(module, "_TRIM_SLACK", 5)
    book = _book([0])
    for index in range(200):
        book.sample(START_MS + index * SAMPLE_MS)
    assert len(book._stamps) <= 56
