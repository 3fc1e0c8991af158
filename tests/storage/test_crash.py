"""A writing process is killed without warning: no acknowledged durable row is missing."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.storage.samples import fetch

from headwater.storage import forecasts
from headwater.storage.base import Database, Span
from headwater.storage.checking import check
from headwater.storage.postgres import PostgresDatabase
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.upgrade import upgrade

ROOT = Path(__file__).resolve().parents[2]
KILLS = 5
ACKNOWLEDGED = 30


def _url(database: Database) -> str:
    if isinstance(database, SqliteDatabase):
        return f"sqlite:///{database.path}"
    assert isinstance(database, PostgresDatabase)
    # The label leaves out what follows the `?`, and there stands where the test's server is.
    address = database.writing_engine().url.set(drivername="postgresql")
    return address.render_as_string(hide_password=False)


@pytest.mark.timeout(120)
def test_kill_loses_no_acknowledged_row(blank: Database) -> None:
    acknowledged: set[int] = set()
    for turn in range(KILLS):
        program = [sys.executable, "-m", "tests.storage.programs", "kill"]
        with subprocess.Popen(
            [*program, _url(blank), str(turn)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            for _ in range(ACKNOWLEDGED):
                acknowledged.add(int(process.stdout.readline()))
            process.send_signal(signal.SIGKILL)
            # What it said before it died was acknowledged too; half a line was not.
            said = process.stdout.read()
            acknowledged |= {int(line) for line in said.splitlines(True) if line.endswith("\n")}
        assert process.returncode == -signal.SIGKILL
        with blank.claim():
            upgrade(blank)
            for model in ("ladder", "other"):
                query = forecasts.between(model, "1", "all", "BTCUSDT", Span(limit=100_000))
                stored = {one.issued_ms for one in fetch(blank, query)}
                assert acknowledged <= stored
            report = check(blank)
            assert report.sound, report.problems
    assert len(acknowledged) >= KILLS * ACKNOWLEDGED
