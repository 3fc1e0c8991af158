"""The journal: written, read again, torn, on a full disk."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path

import msgspec
import pytest
from tests.backtest.event_markets import contract

from headwater.analytics.margin import build_tiers
from headwater.backtest.paper_journal import (
    HeardTrade,
    JournalEnd,
    JournalError,
    JournalHeader,
    JournalLine,
    JournalTier,
    JournalWriter,
    read_journal,
)
from headwater.core.errors import RequestError
from headwater.strategies.bars import Bar
from headwater.trading.paper_assumptions import FillAssumptions

HEADER = JournalHeader(
    strategy="sma_cross",
    parameters={"fast": "2"},
    interval_ms=60_000,
    contracts=(contract("x", fee="0.0005"),),
    cash="10000",
    currency="USDT",
    fills=FillAssumptions(),
    past=((Bar(timestamp_ms=0, open=1.0, high=1.0, low=1.0, close=1.0, volume=0.0),),),
)
TRADE = HeardTrade(at_ms=1, lane=0, price=100.1, quantity=0.3, is_buy=False)
END = JournalEnd(at_ms=1, reason="stopped", equity="10000.5", heard=1)


def _written(path: Path, *lines: JournalLine) -> Path:
    writer = JournalWriter(path)
    for line in lines:
        writer.add(line)
    writer.close()
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = _written(tmp_path / "j", HEADER, TRADE, END)
    assert list(read_journal(path)) == [HEADER, TRADE, END]


def test_margin_tiers_are_read_with_their_ends(tmp_path: Path) -> None:
    # 0.4 % up to 50,000, then 0.5 %: 50,000 × (0.005 − 0.004) = 50 are taken off.
    tiers = build_tiers([(0.0, 0.004, 100.0), (50_000.0, 0.005, 50.0)])
    header = msgspec.structs.replace(HEADER, tiers=(tuple(map(JournalTier.of, tiers)),))
    (read,) = read_journal(_written(tmp_path / "j", header))
    assert isinstance(read, JournalHeader)
    (traded,) = read.traded()
    assert traded.tiers == tiers
    assert [tier.notional_cap for tier in traded.tiers] == [50_000.0, inf]
    assert traded.tiers[1].maintenance_deduction == pytest.approx(50.0)
    assert HEADER.traded() == HEADER.contracts


def test_the_last_tier_keeps_the_venues_largest_position(tmp_path: Path) -> None:
    tiers = build_tiers([(0.0, 0.004, 100.0), (50_000.0, 0.005, 50.0)], 200_000.0)
    header = msgspec.structs.replace(HEADER, tiers=(tuple(map(JournalTier.of, tiers)),))
    (read,) = read_journal(_written(tmp_path / "j", header))
    assert isinstance(read, JournalHeader)
    (traded,) = read.traded()
    assert traded.tiers == tiers
    # A journal from before the ends were written: each ends where the next begins.
    (rows,) = header.tiers
    old = [msgspec.structs.replace(row, notional_cap=None) for row in rows]
    (traded,) = msgspec.structs.replace(header, tiers=(tuple(old),)).traded()
    assert [tier.notional_cap for tier in traded.tiers] == [50_000.0, inf]


def test_tiers_of_another_number_of_contracts_are_refused(tmp_path: Path) -> None:
    path = _written(tmp_path / "j", msgspec.structs.replace(HEADER, tiers=((), ())))
    with pytest.raises(RequestError, match=r"journal\.tiers"):
        list(read_journal(path))


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    path = _written(tmp_path / "j", HEADER, TRADE, TRADE)
    path.write_bytes(path.read_bytes()[:-9])
    assert list(read_journal(path)) == [HEADER, TRADE]


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = _written(tmp_path / "j", HEADER)
    with pytest.raises(RequestError, match="does not exist yet"):
        JournalWriter(path)
    with pytest.raises(JournalError, match="directory"):
        JournalWriter(tmp_path / "none" / "j")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "journal"),
        (b'{"kind":"trade"}\n', "line 1"),
        (b"\x00\xff\n", "line 1"),
        (b'{"kind":"nothing"}\n', "line 1"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "j"
    path.write_bytes(text)
    if not text:
        assert list(read_journal(path)) == []
        return
    with pytest.raises(RequestError, match=message):
        list(read_journal(path))
    with pytest.raises(RequestError, match="journal"):
        list(read_journal(tmp_path / "none"))


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = _written(tmp_path / "j", HEADER, TRADE)
    path.write_bytes(path.read_bytes() + b"{\n" + path.read_bytes())
    with pytest.raises(RequestError, match="line 3"):
        list(read_journal(path))


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to let a file grow beyond that, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_a_clear_error_and_leaves_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "j"
    writer = JournalWriter(path)
    writer.add(HEADER)
    writer.flush(sync=True)
    with _files_of_at_most(path.stat().st_size + 100):
        for _ in range(100):
            writer.add(TRADE)
        with pytest.raises(JournalError, match=str(path)):
            writer.flush()
        with pytest.raises(JournalError, match=str(path)):
            writer.close()
    assert next(read_journal(path)) == HEADER
