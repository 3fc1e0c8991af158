"""The sample files beside this one, and files made of texts."""

import gzip
import zipfile
from pathlib import Path

from headwater.app.archives.base import Archive, FileWish
from headwater.app.archives.csv_rows import read_rows
from headwater.core.records import Record

SAMPLES = Path(__file__).parent / "samples"


def zipped(folder: Path, name: str, *texts: str) -> Path:
    """A zip with a CSV per text."""
    path = folder / f"{name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, text in enumerate(texts):
            archive.writestr(f"{name}{number or ''}.csv", text)
    return path


def gzipped(folder: Path, name: str, text: str) -> Path:
    """A gzipped CSV."""
    path = folder / f"{name}.csv.gz"
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def records_in(archive: Archive, path: Path, wish: FileWish | None = None) -> list[Record]:
    """All records of a file; raises what refuses a row."""
    plan = archive.plan(path, wish or FileWish())
    found: list[Record] = []
    for row in read_rows(path, plan.sheet):
        assert row.cells is not None
        found += plan.reader(row.cells)
    return found


def without_header(path: Path) -> str:
    """The rows of a sample alone."""
    return path.read_text().partition("\n")[2]
