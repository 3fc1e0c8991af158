"""The gap ledger: opened once, settled once, bounded, counted."""

import pytest
from tests.feeds.made import EXCHANGE, START_MS, Heard

from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, GapCause, GapState
from headwater.feeds.gaps import GapLedger


def _ledger(limit: int = 100) -> tuple[GapLedger, Heard]:
    heard = Heard()
    return GapLedger(EXCHANGE, heard.bus, ManualClock(), limit), heard


def _open(ledger: GapLedger, symbol: str = "A", channel: Channel = Channel.TRADES) -> int:
    return ledger.open(
        channel,
        symbol,
        symbol,
        GapCause.DISCONNECT,
        start_ms=START_MS,
        first_sequence=1,
        last_sequence=3,
        detail="lost",
    )


def test_ids_rise_from_one_and_every_change_is_published() -> None:
    ledger, heard = _ledger()
    first, second = _open(ledger), _open(ledger)
    assert (first, second) == (1, 2)
    ledger.note(first, "held back")
    ledger.settle(first, GapState.REPAIRED, until_ms=START_MS + 5, recovered=3)
    assert [(gap.gap_id, gap.state) for gap in heard.gaps()] == [
        (1, GapState.OPEN),
        (2, GapState.OPEN),
        (1, GapState.OPEN),
        (1, GapState.REPAIRED),
    ]
    settled = ledger.get(first)
    assert settled is not None
    assert (settled.recovered, settled.until_ms, settled.detail) == (3, START_MS + 5, "held back")
    assert ledger.open_count == 1


def test_numbers_go_on_from_an_earlier_process() -> None:
    ledger = GapLedger(EXCHANGE, Heard().bus, ManualClock(), last_id=41)
    assert (_open(ledger), _open(ledger)) == (42, 43)


def test_a_settled_hole_never_changes_again() -> None:
    ledger, heard = _ledger()
    gap_id = _open(ledger)
    ledger.settle(gap_id, GapState.UNRECOVERABLE, detail="gone", first_sequence=2)
    ledger.settle(gap_id, GapState.REPAIRED)
    ledger.note(gap_id, "other words")
    ledger.note(99, "unknown")
    assert len(heard.gaps()) == 2
    assert heard.gaps()[-1].first_sequence == 2
    assert ledger.open_count == 0
    with pytest.raises(AssertionError):
        ledger.settle(gap_id, GapState.OPEN)


def test_lists_are_newest_first_and_can_be_narrowed() -> None:
    ledger, _ = _ledger()
    _open(ledger, "A")
    _open(ledger, "B", Channel.BOOK)
    _open(ledger, "A", Channel.BOOK)
    assert [gap.gap_id for gap in ledger.newest_first()] == [3, 2, 1]
    assert [gap.gap_id for gap in ledger.newest_first(symbol="A")] == [3, 1]
    assert [gap.gap_id for gap in ledger.newest_first(channel=Channel.BOOK)] == [3, 2]
    assert ledger.counts[Channel.BOOK, GapCause.DISCONNECT] == 2


def test_beyond_the_bound_the_oldest_settled_hole_goes_first() -> None:
    ledger, _ = _ledger(limit=2)
    _open(ledger)
    second = _open(ledger)
    ledger.settle(second, GapState.REPAIRED)
    _open(ledger)
    assert [gap.gap_id for gap in ledger.newest_first()] == [3, 1]
    _open(ledger)
    assert [gap.gap_id for gap in ledger.newest_first()] == [4, 3]
    assert ledger.open_count == 2
    assert sum(ledger.counts.values()) == 4


def test_holes_are_counted_from_a_time_on() -> None:
    ledger, _ = _ledger()
    _open(ledger)
    ledger.settle(_open(ledger), GapState.REPAIRED)
    assert (ledger.since(START_MS), ledger.since(START_MS + 1)) == (2, 0)
