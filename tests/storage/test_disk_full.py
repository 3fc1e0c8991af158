"""The disk is full: what is stored can be read, and writing resumes alone when there is room."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.storage.samples import T0, forecast, trade

from headwater.core.clock import SystemClock
from headwater.core.errors import StorageError, StorageUnavailable
from headwater.storage import trades
from headwater.storage.base import Span
from headwater.storage.checking import check
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store
from headwater.storage.writer import WriterSettings

ROOT = Path(__file__).resolve().parents[2]
QUERY = trades.between("binance", "BTCUSDT", Span(limit=100_000))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB, half of it taken by one file."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    try:
        (folder / "filler").write_bytes(bytes(4_000_000))
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _works(store: Store) -> bool:
    return store.health.healthy


async def test_a_full_file_system(small_disk: Path) -> None:
    database = SqliteDatabase(small_disk / "db.sqlite3")
    settings = WriterSettings(flush_s=3_600, batch_rows=500, retry_first_s=0.01)
    async with Store(database, SystemClock(), settings) as store:
        put = 0
        while _works(store):
            for _ in range(500):
                put += 1
                store.put(trade(put, at_ms=T0 + put))
            try:
                await store.flush()
            except StorageUnavailable as error:
                assert "full" in str(error)
        assert put < 100_000
        with pytest.raises(StorageUnavailable):
            await store.put_durable(
                [forecast(T0 + n, long_mass=(1.0,) * 1_000) for n in range(1_500)]
            )
        found = await store.fetch(QUERY)
        assert 0 < len(found) < put
        assert "full" in store.health.last_error
        (small_disk / "filler").unlink()
        async with asyncio.timeout(20):
            while not _works(store):
                await asyncio.sleep(0.01)
        await store.flush()
        assert [one.trade_id for one in await store.fetch(QUERY)] == list(range(1, put + 1))
        assert await store.put_durable([forecast()]) == 1
        report = await asyncio.to_thread(check, database)
        assert report.sound, report.problems


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """The same without a file system of its own: the system refuses to make files larger."""
    url = f"sqlite:///{tmp_path}/db.sqlite3"
    done = subprocess.run(
        [sys.executable, "-m", "tests.storage.programs", "limit", url],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    before, after = map(int, done.stdout.split())
    assert 0 < before < after


async def test_a_database_that_vanishes_is_said(tmp_path: Path) -> None:
    """No database at all where one was: an error, not an empty answer."""
    database = SqliteDatabase(tmp_path / "db.sqlite3")
    with pytest.raises(StorageError):
        check(database)
