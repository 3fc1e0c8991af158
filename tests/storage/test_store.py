"""The store as the event loop uses it: open, put, ask, close; one process at a time on SQLite."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.storage.samples import fetch, forecast, trade

from headwater.core.clock import SystemClock
from headwater.core.enums import StoredTable
from headwater.core.errors import StorageError, StorageUnavailable
from headwater.storage import forecasts, trades
from headwater.storage import store as store_module
from headwater.storage.base import Database, Span
from headwater.storage.sessions import Snapshot
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import QUESTIONS_MAX, Store
from headwater.storage.writer import WriterSettings

ALL = trades.between("binance", "BTCUSDT", Span(limit=10_000))


async def test_what_was_put_is_there_after_a_flush_and_after_a_restart(blank: Database) -> None:
    async with Store(blank, SystemClock()) as store:
        for number in range(100):
            store.put(trade(number))
        await store.flush()
        assert len(await store.fetch(ALL)) == 100
        assert await store.put_durable([forecast()]) == 1
        for number in range(100, 150):
            store.put(trade(number))
        assert store.health.tables[StoredTable.FORECASTS].written == 1
    async with Store(blank, SystemClock()) as store:
        assert len(await store.fetch(ALL)) == 150
        query = forecasts.between("ladder", "1", "all", "BTCUSDT", Span())
        assert await store.fetch(query) == [forecast()]


async def test_who_reads_next_need_not_care_whether_writing_works(blank: Database) -> None:
    """A closed store cannot write: `flush` says so, `written` leaves it to health."""
    async with Store(blank, SystemClock(), WriterSettings(flush_s=3_600)) as store:
        store.put(trade(1))
        await store.written()
        assert len(await store.fetch(ALL)) == 1
    with pytest.raises(StorageUnavailable):
        await store.flush()
    await store.written()


async def test_questions_beyond_the_bound_are_refused_and_the_others_answered(
    blank: Database,
) -> None:
    async with Store(blank, SystemClock()) as store:
        asked = [asyncio.create_task(store.fetch(ALL)) for _ in range(QUESTIONS_MAX + 5)]
        found = await asyncio.gather(*asked, return_exceptions=True)
    refused = [one for one in found if isinstance(one, StorageUnavailable)]
    assert (len(refused), len(found) - len(refused)) == (5, QUESTIONS_MAX)


async def test_a_second_one_on_the_same_file_is_refused_by_name(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "one.sqlite3")
    async with Store(database, SystemClock()):
        program = (
            "import asyncio, sys; from pathlib import Path\n"
            "from headwater.core.clock import SystemClock\n"
            "from headwater.storage.sqlite import SqliteDatabase\n"
            "from headwater.storage.store import Store\n"
            "async def main():\n"
            "    async with Store(SqliteDatabase(Path(sys.argv[1])), SystemClock()): pass\n"
            "asyncio.run(main())\n"
        )
        second = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", program, str(database.path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert "writes to it, and only one may" in second.stderr
        with pytest.raises(StorageError, match="only one may"):
            async with Store(database, SystemClock()):
                pass
    async with Store(database, SystemClock()) as again:
        assert await again.fetch(ALL) == []


async def test_a_failed_opening_leaves_nothing_open(tmp_path: Path) -> None:
    path = tmp_path / "broken.sqlite3"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError, match="not a database"):
        async with Store(SqliteDatabase(path), SystemClock()):
            pass
    path.unlink()
    async with Store(SqliteDatabase(path), SystemClock()) as store:
        assert store.health.healthy


async def test_closing_writes_the_last_batch(blank: Database) -> None:
    async with Store(blank, SystemClock(), WriterSettings(flush_s=3_600)) as store:
        for number in range(7):
            store.put(trade(number))
    assert len(fetch(blank, ALL)) == 7


async def test_long_questions_wait_for_each_other_and_leave_a_reader_for_the_short_ones(
    blank: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is answered, one waits, a third is refused; a short one is answered beside them."""
    monkeypatch.setattr(store_module, "STUDIES_WAITING_MAX", 1)
    begun, may_end = threading.Event(), threading.Event()

    def long(_: Snapshot) -> int:
        begun.set()
        may_end.wait()
        return 7

    async with Store(blank, SystemClock()) as store:
        first = asyncio.create_task(store.study(long))
        await asyncio.to_thread(begun.wait)
        begun.clear()
        second = asyncio.create_task(store.study(long))
        await asyncio.sleep(0)
        with pytest.raises(StorageUnavailable, match="1 long questions wait"):
            await store.study(long)
        assert await store.fetch(ALL) == []
        assert not begun.is_set(), "the second one has not begun"
        may_end.set()
        assert await first == await second == 7


async def test_a_long_question_gives_up_waiting_and_one_without_an_asker_keeps_its_turn(
    blank: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "STUDY_WAIT_S", 0.05)
    begun, may_end = threading.Event(), threading.Event()

    def long(_: Snapshot) -> None:
        begun.set()
        may_end.wait()

    async with Store(blank, SystemClock()) as store:
        gone = asyncio.create_task(store.study(long))
        await asyncio.to_thread(begun.wait)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        with pytest.raises(StorageUnavailable, match=r"waited for 0\.05 s"):
            await store.study(long)
        monkeypatch.setattr(store_module, "STUDY_WAIT_S", 20.0)
        after = asyncio.create_task(store.study(lambda _: 5))
        may_end.set()
        assert await after == 5
