"""The command line as a user meets it: help, versions, exit codes, JSON."""

import json
import subprocess
import sys

import pytest
from tests.app.called import CommandLine
from typer.testing import CliRunner

from headwater import __version__
from headwater.app.cli import app

COMMANDS = ["run", "demo", "simulate", "wire parse", "record", "replay", "fetch", "venues"]
COMMANDS += [f"db {name}" for name in ("upgrade", "check", "backup", "restore")]


@pytest.mark.parametrize("command", [*COMMANDS, "settings", "doctor"])
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_version() -> None:
    assert __version__ in CliRunner().invoke(app, ["--version"]).output


def test_venues_as_json() -> None:
    rows = json.loads(CliRunner().invoke(app, ["venues", "--json"]).output)
    binance = next(row for row in rows if row["venue"] == "binance")
    assert binance["channels"]["trades"] is True
    assert "1m" in binance["intervals"]


def test_tables_print_for_people() -> None:
    assert "binance" in CliRunner().invoke(app, ["venues"]).output
    assert "supported_symbols" in CliRunner().invoke(app, ["settings"]).output


def test_settings_as_json_never_print_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_METRICS_TOKEN", "a-secret-token")
    output = CliRunner().invoke(app, ["settings", "--json"]).output
    assert json.loads(output)["port"] == 8000
    assert "a-secret-token" not in output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nonsense"], 2, "nonsense"),
        (["run", "--port", "99999", "--for", "0.1"], 2, "port"),
        (["run", "--venues", "mtgox", "--for", "0.1"], 2, "mtgox"),
        (["wire", "parse", "--venue", "mtgox"], 2, "mtgox"),
    ],
)
def test_a_wrong_call_is_named_with_exit_code_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    done = CommandLine(monkeypatch, capsys)(*arguments)
    assert done.code == code, done.err
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_process_ends_with_the_code_and_the_words() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headwater.app", "venues", "--nonsense"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert "nonsense" in done.stderr
    assert "Traceback" not in done.stderr
