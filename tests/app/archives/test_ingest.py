"""What comes of a file: what was read is kept, what was refused is told with its place."""

from pathlib import Path

from tests.app.archives.archive_files import SAMPLES, gzipped, zipped
from tests.storage.samples import funding

from headwater.app.archives.base import FileWish
from headwater.app.archives.binance_vision import ARCHIVE
from headwater.app.archives.ingest import REASONS_MAX, REFUSED_MAX, FileReport, ingest_file
from headwater.app.archives.ingest import kept_time_ms as time_of
from headwater.app.archives.targets import TapeTarget

T0 = 1_704_067_200_000
HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"


def read(path: Path, root: Path) -> FileReport:
    return ingest_file(ARCHIVE.plan(path, FileWish()), TapeTarget(root), lambda _: None)


def row(number: int, price: str = "100") -> str:
    return f"{number},{price},1,1,1,{T0 + number},true\n"


def test_a_sound_file_once_and_again(tmp_path: Path) -> None:
    path = SAMPLES / "BTCUSDT-aggTrades-2024-01-01.csv"
    first = read(path, tmp_path)
    assert first == FileReport(
        file=path.name,
        kind="aggTrades",
        rows=2,
        records=2,
        new=2,
        refused=0,
        reasons=(),
        problem="",
        first_ms=T0 + 123,
        last_ms=T0 + 456,
    )
    assert first.sound
    assert (read(path, tmp_path).records, read(path, tmp_path).new) == (2, 0)


def test_doubled_rows_are_one(tmp_path: Path) -> None:
    found = read(SAMPLES / "BTCUSD_PERP-liquidationSnapshot-2024-01-01.csv", tmp_path)
    assert (found.rows, found.records, found.new) == (4, 4, 2)


def test_refused_rows_are_counted_and_named(tmp_path: Path) -> None:
    text = HEADER + row(1) + row(2, "-5") + "3,4\n" + row(4)
    found = read(zipped(tmp_path, "BTCUSDT-aggTrades-2024-01-01", text), tmp_path / "tape")
    assert (found.rows, found.new, found.refused, found.sound) == (4, 2, 2, False)
    place = "BTCUSDT-aggTrades-2024-01-01.zip/BTCUSDT-aggTrades-2024-01-01.csv"
    assert found.reasons == (
        f"{place}:3: column price: -5 is not above 0",
        f"{place}:4: column all: the row has 2 columns, the file others",
    )


def test_a_file_of_something_else_is_given_up(tmp_path: Path) -> None:
    text = HEADER + row(1) + row(2, "x") * (REFUSED_MAX + 5) + row(3)
    found = read(gzipped(tmp_path, "BTCUSDT-aggTrades-2024-01-01", text), tmp_path / "tape")
    assert (found.refused, found.new) == (REFUSED_MAX + 1, 1)
    assert "given up" in found.problem
    assert len(found.reasons) == REASONS_MAX


def test_a_broken_off_file_is_continued_by_reading_it_whole(tmp_path: Path) -> None:
    """The rows before the break are kept; the whole file later adds the others."""
    text = HEADER + "".join(row(number) for number in range(1, 30_001))
    path = gzipped(tmp_path, "BTCUSDT-aggTrades-2024-01-01", text)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    broken = read(path, tmp_path / "tape")
    assert broken.problem
    assert 0 < broken.new < 30_000
    path.write_bytes(whole)
    rest = read(path, tmp_path / "tape")
    assert (rest.problem, broken.new + rest.new) == ("", 30_000)


def test_other_columns_end_a_file(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-aggTrades-2024-01-01.csv"
    path.write_text("agg_trade_id,cost\n1,2\n")
    found = read(path, tmp_path / "tape")
    assert (found.rows, found.sound) == (0, False)
    assert found.problem.startswith(f"{path.name}:1: column cost: unknown")


def test_settlements_are_kept_by_their_own_time() -> None:
    assert time_of(funding(5, funding_time_ms=9)) == 9
