from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.backtest.drives import walk
from tests.backtest.swept import Crossing, Failing

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.funding import FundingColumns
from headwater.backtest.sweep_crews import ChunkFigures
from headwater.backtest.sweep_journal import JournalHeader, SweepJournal, bars_hash, header_of
from headwater.backtest.sweep_tally import BLOCKS, Figure
from headwater.backtest.sweep_task import SweepTask
from headwater.core.errors import RequestError, StorageError


def header(**more: Any) -> JournalHeader:
    parts: dict[str, Any] = {
        "strategy": Crossing,
        "bars": walk(1, 50),
        "assumptions": Assumptions(),
    }
    return header_of(SweepTask(**(parts | more)), {"ranges": {"fast": [2, 3]}})


def figures(count: int) -> ChunkFigures:
    chance = np.random.default_rng(1)
    return ChunkFigures(
        places=np.arange(count),
        rows=chance.normal(size=(count, Figure.COUNT)),
        blocks=chance.normal(size=(count, BLOCKS, 2)),
    )


def test_what_was_written_is_read_to_the_last_bit(tmp_path: Path) -> None:
    path, found = tmp_path / "deep" / "sweep.jsonl", figures(3)
    with SweepJournal(path, header()) as journal:
        assert journal.done == {}
        journal.append([5, 9, 2], found)
    with SweepJournal(path, header()) as again:
        assert list(again.done) == [5, 9, 2]
        for place, number in enumerate([5, 9, 2]):
            row, blocks = again.done[number]
            assert row.tolist() == found.rows[place].tolist()
            assert blocks.tolist() == found.blocks[place].tolist()


@pytest.mark.parametrize("cut", [1, 20, 700])
def test_a_line_that_was_cut_off_is_dropped_and_written_over(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "sweep.jsonl"
    with SweepJournal(path, header()) as journal:
        journal.append([1, 2], figures(2))
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    with SweepJournal(path, header()) as journal:
        assert list(journal.done) == [1]
        # The second one again, and then a third.
        second = figures(2)
        journal.append([2], ChunkFigures(second.places[1:], second.rows[1:], second.blocks[1:]))
    assert path.read_bytes() == whole


def test_a_header_that_was_cut_off_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    with SweepJournal(path, header()):
        pass
    whole = path.read_bytes()
    path.write_bytes(whole[:30])
    with SweepJournal(path, header()):
        pass
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("more", "differs"),
    [
        ({"bars": walk(2, 50)}, "bars"),
        ({"assumptions": Assumptions(fee_rate=0.001)}, "assumptions"),
        ({"strategy": Failing}, "strategy, source"),
        ({"trade_from": 3}, "trade_from"),
        ({"funding": FundingColumns.of([0], [0.1])}, "funding"),
        ({"detail": walk(3, 50)}, "detail"),
    ],
)
def test_another_sweep_is_refused_with_what_differs(
    tmp_path: Path, more: dict[str, Any], differs: str
) -> None:
    path = tmp_path / "sweep.jsonl"
    with SweepJournal(path, header()):
        pass
    with pytest.raises(RequestError, match=f"with other {differs}$"):
        SweepJournal(path, header(**more))


@pytest.mark.parametrize("text", ["import os\n", "a strategy's source without an end of line"])
def test_a_file_that_is_no_journal_is_not_written_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(RequestError, match="neither"):
        SweepJournal(path, header())
    assert path.read_text() == text


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="journal"):
        SweepJournal(tmp_path, header())


def test_extra_columns_count() -> None:
    bars = walk(3, 20)
    with_more = type(bars)(
        bars.timestamp_ms,
        {name: bars.column(name) for name in ("open", "high", "low", "close", "volume")},
        extras={"heat": np.ones(20)},
    )
    assert bars_hash(bars) != bars_hash(with_more)
    assert bars_hash(bars) == bars_hash(walk(3, 20))
