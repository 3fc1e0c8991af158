"""How far a download is, on standard error: on a terminal as it goes, elsewhere at its end."""

import asyncio
import sys
from types import TracebackType
from typing import Final, Self

import typer

from headwater.services.backfill import BackfillProgress

BAR_CHARS: Final = 24
"""Width of a bar."""

DRAWN_EVERY_S: Final = 0.5
"""Time between two pictures of a bar."""


class RowProgress:
    """Counts the rows of a series that goes to a file.

    Args:
        what: the series, in words.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._rows = 0
        self._shows = sys.stderr.isatty()

    def more(self, rows: int) -> None:
        """Counts further rows."""
        self._rows += rows
        if self._shows:
            typer.echo(f"\r{self.what}: {self._rows:,} rows", err=True, nl=False)

    def end(self) -> None:
        """Says how many there were."""
        start = "\r" if self._shows else ""
        typer.echo(f"{start}{self.what}: {self._rows:,} rows", err=True)


class PartProgress:
    """Draws a bar of the parts of a back-fill while its block runs.

    Args:
        what: the series, in words.
        progress: how far it is; changes as it goes.
    """

    def __init__(self, what: str, progress: BackfillProgress) -> None:
        self._what = what
        self._progress = progress
        self._shows = sys.stderr.isatty()
        self._drawing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begins to draw."""
        if self._shows:
            self._drawing = asyncio.create_task(self._draw(), name=f"progress {self._what}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Draws what it came to."""
        if self._drawing is not None:
            self._drawing.cancel()
            await asyncio.gather(self._drawing, return_exceptions=True)
        start = "\r" if self._shows else ""
        typer.echo(f"{start}{self._what}: {bar_of(self._progress)}", err=True)

    async def _draw(self) -> None:
        while True:
            typer.echo(f"\r{self._what}: {bar_of(self._progress)}", err=True, nl=False)
            await asyncio.sleep(DRAWN_EVERY_S)


def bar_of(progress: BackfillProgress) -> str:
    """A bar with numbers: `[######------------------] 5/20 parts, 3,600 rows`."""
    total = progress.parts_total
    filled = BAR_CHARS * progress.parts_done // total if total else BAR_CHARS
    bar = "#" * filled + "-" * (BAR_CHARS - filled)
    return f"[{bar}] {progress.parts_done}/{total} parts, {progress.rows_stored:,} rows"
