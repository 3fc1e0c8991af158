"""Progress is a bar with numbers; elsewhere than on a terminal one line at the end."""

import io
import sys

import pytest

from headwater.app.fetch_progress import PartProgress, RowProgress, bar_of
from headwater.services.backfill import BackfillProgress


class Terminal(io.StringIO):
    """Standard error of somebody who looks."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_a_bar_fills_with_the_parts() -> None:
    """5 of 20 parts are 6 of 24 characters."""
    some = BackfillProgress(exchange="okx", parts_total=20, parts_done=5, rows_stored=3_600)
    assert bar_of(some) == "[######------------------] 5/20 parts, 3,600 rows"
    assert bar_of(BackfillProgress(exchange="okx")) == f"[{'#' * 24}] 0/0 parts, 0 rows"


async def test_a_series_into_storage_says_what_it_came_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = BackfillProgress(exchange="okx", parts_total=2)
    async with PartProgress("okx BTCUSDT candles", progress):
        progress.parts_done = 1
    said = capsys.readouterr().err
    assert said == "okx BTCUSDT candles: [############------------] 1/2 parts, 0 rows\n"


async def test_on_a_terminal_the_bar_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    progress = BackfillProgress(exchange="okx", parts_total=1, parts_done=1)
    async with PartProgress("x", progress):
        pass
    assert terminal.getvalue() == f"\rx: {bar_of(progress)}\n"
    rows = RowProgress("y")
    rows.more(1_500)
    rows.more(1)
    rows.end()
    assert terminal.getvalue().endswith("\ry: 1,500 rows\ry: 1,501 rows\ry: 1,501 rows\n")


def test_elsewhere_rows_are_told_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    rows = RowProgress("y")
    rows.more(7)
    assert capsys.readouterr().err == ""
    rows.end()
    assert capsys.readouterr().err == "y: 7 rows\n"
