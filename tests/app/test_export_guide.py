"""The guide to exports and archives says what happens: its commands and its Python run."""

import re
import shlex
import shutil
from pathlib import Path

import aiohttp
import polars as pl
import pytest
import typer.main
from tests.api.fake_source import NOW_MS
from tests.api.served import Platform
from tests.app.archives.archive_files import SAMPLES
from tests.storage.samples import candle, store
from typer.testing import CliRunner

from headwater.app.cli import app
from headwater.core.clock import ManualClock
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store
from headwater.storage.upgrade import upgrade

GUIDE = Path(__file__).parents[2] / "docs/guides/export-and-archives.md"
RUN = ("export", "ingest", "compact")


def blocks(language: str) -> str:
    return "".join(re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL))


def commands(*names: str) -> list[list[str]]:
    found = [shlex.split(line) for line in blocks("sh").splitlines() if line]
    return [words[1:] for words in found if words[0] == "headwater" and words[1] in names]


def test_the_commands_of_the_guide_do_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Archives first, as somebody would who begins with an empty database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path / "data"))
    database = SqliteDatabase(tmp_path / "data" / "headwater.sqlite3")
    with database.claim():
        upgrade(database)
        store(database, [candle()])
    for sample in SAMPLES.iterdir():
        shutil.copy(sample, tmp_path)
    (tmp_path / "dumps").mkdir()
    shutil.copy(SAMPLES / "BTCUSDT-aggTrades-2024-01-01.csv", tmp_path / "dumps")
    chosen = sorted(commands(*RUN), key=lambda words: words[0] != "ingest")
    assert len(chosen) == 9
    for words in chosen:
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (words, done.output, done.exception)
    assert len((tmp_path / "candles.csv").read_text().splitlines()) == 2
    assert pl.read_parquet(tmp_path / "trades.parquet").height == 2
    names: dict[str, pl.DataFrame] = {}
    exec(blocks("python"), names)
    # 42,283.5 × 0.01 sold, 42,283.6 × 3 bought, as in the sample of Tardis.
    assert names["volume"].to_dict(as_series=False) == {
        "side": ["buy", "sell"],
        "value": [42283.6 * 3.0, 42283.5 * 0.01],
    }


@pytest.mark.parametrize("words", commands("run", "record", "replay", "fetch"))
def test_the_other_commands_are_spelt_right(words: list[str]) -> None:
    group = typer.main.get_command(app)
    command = group.commands[words[0]]  # type: ignore[attr-defined]
    command.make_context(words[0], words[1:])


async def test_the_addresses_of_the_guide_answer(tmp_path: Path) -> None:
    addresses = re.findall(r'curl "http://127.0.0.1:8000(.*?)"', blocks("sh"))
    assert len(addresses) == 2
    clock = ManualClock(NOW_MS * 1_000_000)
    async with (
        Store(SqliteDatabase(tmp_path / "made.sqlite3"), clock) as stored,
        Platform(clock=clock, store=stored, venues=("binance", "okx")).served() as platform,
        aiohttp.ClientSession(f"http://127.0.0.1:{platform.port}") as session,
    ):
        for address in addresses:
            async with session.get(address) as reply:
                assert reply.status == 200, await reply.text()
                assert await reply.read()
