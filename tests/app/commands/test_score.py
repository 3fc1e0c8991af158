"""headwater score as a user meets it, beside a process that writes the same database."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.services.skill_market import (
    DAY_MS,
    START_MS,
    candles_of,
    hours_of,
    liquidations_of,
    made_database,
    oracle_of,
    uniform_of,
)
from tests.storage.samples import store_together
from typer.testing import CliRunner, Result

from headwater.app.cli import app
from headwater.app.commands import score
from headwater.core.clock import ManualClock
from headwater.core.errors import ConfigError, StorageError
from headwater.storage.base import Database
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.upgrade import upgrade

DAYS = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("score")


@pytest.fixture(scope="module")
def stored(folder: Path) -> Database:
    """Sixteen days of the market made by hand, which every test here only reads."""
    made = made_database(folder)
    hours = hours_of(DAYS)
    with made.claim():
        store_together(made, [one for hour in hours for one in candles_of(hour)])
        store_together(made, [one for hour in hours for one in liquidations_of(hour)])
        store_together(made, [oracle_of(hour) for hour in hours])
        store_together(made, [uniform_of(hour) for hour in hours])
    return made


@pytest.fixture
def database(folder: Path, stored: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The command has the stored days before it; its clock stands at their end."""
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(folder))
    now_ns = (START_MS + DAYS * DAY_MS + 120_000) * 1_000_000
    monkeypatch.setattr(score, "SystemClock", lambda: ManualClock(now_ns))
    return stored


def _score(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["score", *map(str, arguments)])


def test_the_table_while_another_process_holds_the_database(database: Database) -> None:
    with database.claim():
        done = _score("--symbol", "btc-usdt")
    assert done.exit_code == 0, done.output
    assert re.search(r"oracle 1 bybit 1h 0\.10%: IG \+\d\.\d\d bit/USD \[.*\] · 12 d · n=284\n",
                     done.stdout)  # fmt: skip
    assert re.search(r"b0 1 bybit 1h 0\.25%: IG", done.stdout)
    assert "sound" in done.stdout
    assert "DISTRUST" not in done.stdout
    assert "liquidations: bybit" in done.stdout


def test_json_is_what_the_api_gives(database: Database) -> None:
    del database
    done = _score("--symbol", "BTCUSDT", "--model", "oracle", "--horizon", "1h", "--json")
    assert done.exit_code == 0
    body = json.loads(done.stdout)
    assert [row["model"] for row in body["data"]] == ["b0", "b0", "oracle", "oracle"]
    assert body["meta"]["exchanges"] == ["bybit"]
    assert body["data"][2]["verdict"] == "skill"


class _Outline(HTMLParser):
    """Counts elements and notes whatever would be loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.count: dict[str, int] = {}
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_stands_alone_and_draws_each_row(database: Database, tmp_path: Path) -> None:
    """Four rows, two drawings each: ten pairs of bars; a bar for each of 12 days and one of 0."""
    del database
    file = tmp_path / "score.html"
    assert _score("--symbol", "BTCUSDT", "--html", file).exit_code == 0
    outline = _Outline()
    outline.feed(file.read_text())
    assert outline.links == []
    assert "script" not in outline.count
    assert (outline.count["h2"], outline.count["svg"]) == (4, 8)
    assert outline.count["rect"] == 4 * (20 + 12 + 1)


def test_exit_codes(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """1: nothing to score, or no database; 2: the call is wrong."""
    del database
    nothing = _score("--symbol", "ETHUSDT")
    assert nothing.exit_code == 1
    assert "no forecast of ETHUSDT is stored yet" in nothing.stdout
    assert _score("--symbol", "BTCUSDT", "--days", "366").exit_code == 2
    assert _score("--symbol", "BTCUSDT", "--horizon", "2h").exit_code == 2
    assert _score().exit_code == 2
    for wrong in (("--symbol", "//"), ("--symbol", "BTCUSDT", "--html", tmp_path / "no" / "file")):
        assert isinstance(_score(*wrong).exception, ConfigError)
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path / "nowhere"))
    assert isinstance(_score("--symbol", "BTCUSDT").exception, StorageError)


def test_an_empty_database_is_said_to_be_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path))
    made = SqliteDatabase(tmp_path / "headwater.sqlite3")
    with made.claim():
        upgrade(made)
    done = _score("--symbol", "BTCUSDT", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["data"] == []
