"""Journals that cannot be read or removed: told in the log, and nothing stops."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.backtest.job_samples import make_jobs, open_store, request, running, until

from headwater.backtest.job_journals import JOURNALS_MAX, forget_journal, journals_in
from headwater.core.enums import BacktestState


def loop(place: Path) -> Path:
    """A link to itself: looking at it fails whoever looks, root too."""
    place.symlink_to(place)
    return place


def test_names_are_in_order_and_bounded(tmp_path: Path) -> None:
    folder = tmp_path / "backtests"
    assert journals_in(folder) == ()
    for number in range(JOURNALS_MAX + 5):
        (folder / f"{number:04}").mkdir(parents=True)
    assert journals_in(folder) == [f"{number:04}" for number in range(JOURNALS_MAX)]


def test_a_folder_that_cannot_be_read_is_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", loop(tmp_path / "loop")):
        with capture_logs() as logs:
            assert journals_in(folder) == ()
        (line,) = logs
        assert (line["event"], line["log_level"]) == ("backtest_journals_not_read", "warning")
        assert line["file"] == str(folder)
        assert line["reason"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_of_somebody_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    with capture_logs() as logs:
        assert journals_in(tmp_path / "closed" / "backtests") == ()
    assert logs[0]["reason"] == "Permission denied"


def test_a_journal_goes_with_all_that_is_in_it(tmp_path: Path) -> None:
    journal = tmp_path / "job"
    (journal / "folds").mkdir(parents=True)
    (journal / "folds" / "1").write_text("{}")
    with capture_logs() as logs:
        forget_journal(journal)
        assert not journal.exists()
        forget_journal(journal)
    assert logs == []


def test_a_journal_that_stays_is_told_with_its_name(tmp_path: Path) -> None:
    kept = tmp_path / "file"
    kept.touch()
    with capture_logs() as logs:
        forget_journal(kept)
    (line,) = logs
    assert (line["event"], line["file"]) == ("backtest_journal_kept", str(kept))
    assert line["log_level"] == "warning"
    assert line["reason"]
    assert kept.exists()


async def test_a_desk_works_where_journals_cannot_be_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    loop(tmp_path / "backtests")
    async with open_store(path) as store:
        with capture_logs() as logs:
            async with running(make_jobs(store, path)) as jobs:
                job = await jobs.submit(request())
                ended = await until(jobs, job.backtest_id)
    assert ended.state is BacktestState.FAILED, "there are no candles"
    assert "headwater fetch candles" in ended.error
    files = [line["file"] for line in logs if line["event"].startswith("backtest_journal")]
    assert set(files) == {
        str(tmp_path / "backtests"),
        str(tmp_path / "backtests" / job.backtest_id),
    }
