"""What do tapes, exports and archives cost? Size and seconds of each format.

`python -m benchmarks.bench_tape [--messages 200000] [--trades 300000] [--rounds 3] [--write]`. Raw
messages (80 % trades, 18 % depth, 2 % liquidations, generated, at 1,000 a second) are written by
the recorder of each format and read back whole; trades are read from an archive's file into each
target and exported from the database in each format. Wall time of one process, disk included.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.messages import AGG_TRADE, DEPTH, FORCE_ORDER, make_corpus
from benchmarks.report import machine, median, table, write_section
from headwater.app.archives.base import FileWish
from headwater.app.archives.binance_vision import ARCHIVE
from headwater.app.archives.ingest import ingest_file
from headwater.app.archives.targets import TapeTarget, Target, database_target
from headwater.core.clock import SystemClock
from headwater.core.enums import StoredTable
from headwater.feeds.parquet_recorder import ParquetRecorder
from headwater.feeds.recorder import TapeRecorder
from headwater.feeds.tape_files import open_tape
from headwater.storage.exporting import (
    PAGE_ROWS,
    ExportFormat,
    ExportQuery,
    key_of,
    page_of,
    write_pages,
)
from headwater.storage.sessions import ReadSession
from headwater.storage.sqlite import SqliteDatabase

T0_MS: Final = 1_704_067_200_000
STREAMS: Final = {"market": "wss://venue.test/market"}
FLUSH_MESSAGES: Final = 500
"""The recorder of lines writes each half second: so many messages at 1,000 a second."""


def make_frames(count: int) -> list[bytes]:
    """Messages in the mixture of a busy symbol, none twice."""
    found: list[bytes] = []
    for kind, share in ((AGG_TRADE, 80), (DEPTH, 18), (FORCE_ORDER, 2)):
        found += make_corpus(kind, count * share // 100).frames
    # Trades, depth and liquidations come in turns, as they do on a socket.
    return [found[at * 7919 % len(found)] for at in range(len(found))]


def record(
    kind: type[TapeRecorder] | type[ParquetRecorder], folder: Path, frames: list[bytes]
) -> None:
    """Writes a tape."""
    asyncio.run(_record(kind, folder, frames))


async def _record(
    kind: type[TapeRecorder] | type[ParquetRecorder], folder: Path, frames: list[bytes]
) -> None:
    """Writes a tape; lines in the portions they would have live."""
    recorder = kind(folder, "toy", STREAMS, SystemClock())
    running = asyncio.create_task(recorder.run())
    await asyncio.sleep(0)
    for at, frame in enumerate(frames):
        recorder.on_frame(STREAMS["market"], frame, T0_MS * 1_000_000 + at * 1_000_000)
        if isinstance(recorder, TapeRecorder) and at % FLUSH_MESSAGES == 0:
            await recorder._flush()
    running.cancel()
    await asyncio.wait([running])
    assert recorder.stats.written == len(frames)


def timed(work: Callable[..., None], *arguments: Any) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure_tapes(frames: list[bytes], rounds: int) -> list[list[str]]:
    """Size and seconds of the raw tape in each format."""
    rows = []
    raw = sum(map(len, frames))
    for name, kind in (("lines, gzip", TapeRecorder), ("Parquet, zstd", ParquetRecorder)):
        writing, reading, size = [], [], 0
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as made:
                folder = Path(made)
                writing.append(timed(record, kind, folder, frames))
                size = size_of(folder)
                reading.append(timed(check, folder, frames))
        rows.append(
            [
                name,
                f"{size / 1e6:.1f} MB, {size / raw:.0%}",
                f"{len(frames) / median(writing):,.0f}",
                f"{len(frames) / median(reading):,.0f}",
            ]
        )
    return rows


def check(folder: Path, frames: list[bytes]) -> None:
    """Reads a tape whole; it must hold what was written."""
    found = sum(1 for _ in open_tape(folder, "toy"))
    assert found == len(frames)


def make_archive(folder: Path, count: int) -> Path:
    """A file of aggregate trades, ten milliseconds apart."""
    path = folder / "BTCUSDT-aggTrades-2024-01-01.csv"
    with path.open("w") as file:
        for at in range(count):
            price = 42_000 + at % 997 / 10
            file.write(f"{at},{price},0.{at % 89 + 1:03d},{at},{at},{T0_MS + at * 10},true\n")
    return path


def measure_files(count: int, rounds: int) -> list[list[str]]:
    """Rows a second into each target and out in each format."""
    rates: dict[str, list[float]] = {}

    def note(what: str, seconds: float) -> None:
        rates.setdefault(what, []).append(count / seconds)

    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            archive = make_archive(folder, count)
            database = SqliteDatabase(folder / "made.sqlite3")
            with database_target(database, 1e12) as target:
                note("archive into SQLite", timed(read_in, archive, target, count))
            tape = TapeTarget(folder / "tape")
            note("archive into Parquet", timed(read_in, archive, tape, count))
            note("the same again: nothing new", timed(read_in, archive, tape, 0))
            for how in ExportFormat:
                work = folder / how.value
                work.mkdir()
                seconds = timed(write_out, database, how, work, count)
                note(f"SQLite out as {how.value}", seconds)
    return [[what, f"{median(some):,.0f}"] for what, some in rates.items()]


def read_in(path: Path, target: Target, new: int) -> None:
    """Reads the archive into a target."""
    report = ingest_file(ARCHIVE.plan(path, FileWish()), target, lambda _: None)
    assert report.sound
    assert report.new == new


def write_out(database: SqliteDatabase, how: ExportFormat, folder: Path, count: int) -> None:
    """Exports all trades."""
    query = ExportQuery(table=StoredTable.TRADES)
    with ReadSession(database) as session, (folder / "out").open("wb") as file:

        def pages() -> Iterator[Sequence[Any]]:
            after = None
            while page := session.fetch(page_of(query, after)):
                yield page
                if len(page) < PAGE_ROWS:
                    return
                after = key_of(query.table, page[-1])

        written = write_pages(pages(), query.table, how, file, folder, lambda _: None)
    assert written == count


def main() -> int:
    """Measures, prints, writes when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--trades", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    options = parser.parse_args()
    frames = make_frames(options.messages)
    tapes = measure_tapes(frames, options.rounds)
    files = measure_files(options.trades, options.rounds)
    text = "\n".join(
        [
            f"### Tapes of {len(frames):,} messages, {options.trades:,} trades in and out",
            "",
            table(["raw tape", "size, of the bytes sent", "written/s", "read/s"], tapes),
            "",
            table(["trades", "rows/s"], files),
            "",
            f"Medians of {options.rounds}; wall time of one process, disk included.",
            f"Machine: {machine()}.",
        ]
    )
    print(text)
    if options.write:
        write_section("tape", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
