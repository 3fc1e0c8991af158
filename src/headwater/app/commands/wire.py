"""`headwater wire`: looks at raw messages of a venue through the platform's own parsers.

The rule of what is printed is in `feeds/wire_report.py`; here are only the options, standard input
and output, and the exit status.
"""

import os
import sys
from collections.abc import Iterator
from typing import Annotated, BinaryIO, Final

import typer

from headwater.core.clock import SystemClock
from headwater.core.errors import RequestError
from headwater.core.instruments import InstrumentTable
from headwater.feeds.tape_format import LINE_BYTES_MAX
from headwater.feeds.wire_report import WireReport, encode_report_line
from headwater.venues.discovery import venue as find_venue

_FLUSH_BYTES: Final = 64 * 1024
"""Output kept before it is written: a line at a time costs a system call each."""

app = typer.Typer(no_args_is_help=True, help="Read raw messages of a venue.")


@app.callback()
def _group() -> None:
    """Read raw messages of a venue."""


@app.command()
def parse(
    venue: Annotated[str, typer.Option(help="Venue id, for example binance.")],
    channel: Annotated[
        str | None,
        typer.Option(
            help="What to read REST replies as when neither URL nor content tells: an endpoint's "
            "path or name, with the symbol where the reply has none (rest_klines:BTCUSDT)."
        ),
    ] = None,
    native: Annotated[bool, typer.Option("--native", help="Add the venue's own payload.")] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Add a last line with counts, sequence breaks and books."),
    ] = False,
) -> None:
    """Print normalised records of a recording on standard input, one JSON object a line.

    Reads one message a line, recordings of several layouts and JSON files. Every output line has
    `kind` and `line`; a line that cannot be read gives `error` with the reason and does not stop
    the run. Exit status 1 when there was one, 2 when an option is wrong.
    """
    try:
        found = find_venue(venue)
        reader = found.tape_reader(InstrumentTable(found.facts.venue_id, ()))
    except RequestError as error:
        raise typer.BadParameter(str(error), param_hint="--venue") from error
    report = WireReport(found, reader, SystemClock(), channel=channel, native=native)
    try:
        _print_report(report, sys.stdin.buffer, sys.stdout.buffer, check=check)
    except BrokenPipeError:
        # The reader of our output has seen enough; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if report.errors:
        raise typer.Exit(1)


def _print_report(report: WireReport, source: BinaryIO, target: BinaryIO, *, check: bool) -> None:
    """Writes the report lines of `source` to `target`, at interactive speed and in large pieces."""
    waiting: list[bytes] = []
    size = 0
    for line in report.read(_lines_of(source)):
        text = encode_report_line(line)
        waiting.append(text)
        size += len(text)
        if size >= _FLUSH_BYTES:
            target.write(b"".join(waiting))
            waiting, size = [], 0
    if check:
        waiting.append(encode_report_line(report.summary()))
    target.write(b"".join(waiting))
    target.flush()


def _lines_of(source: BinaryIO) -> Iterator[bytes]:
    """Lines of bounded length; the rest of one that is too long is passed over."""
    while line := source.readline(LINE_BYTES_MAX + 2):
        yield line
        while len(line) > LINE_BYTES_MAX and not line.endswith(b"\n"):
            line = source.readline(LINE_BYTES_MAX + 2)
