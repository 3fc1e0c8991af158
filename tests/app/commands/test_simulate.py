"""The command that runs only the simulated exchanges, as another program meets it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tests.app.called import CommandLine

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60.0


def _start(*arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "headwater.app", "simulate", "--symbols", "BTCUSDT", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )


@pytest.mark.parametrize("end", ["standard input", "interrupt"])
def test_it_prints_one_line_serves_and_stops(end: str) -> None:
    with _start("--stop-with-stdin", "--seed", "5", "--speed", "2") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stderr is not None
        said = json.loads(process.stdout.readline())
        assert (said["simulated"], said["seed"], said["speed"]) == (True, 5, 2.0)
        binance = said["venues"]["binance"]
        assert set(binance["streams"]) == {"public", "market"}
        with urllib.request.urlopen(f"{binance['admin']}/info") as reply:
            assert json.load(reply)["symbols"] == ["BTCUSDT"]
        if end == "interrupt":
            process.send_signal(signal.SIGINT)
        else:
            process.stdin.close()
        assert process.wait(PATIENCE_S) == 0
        assert process.stdout.read() == b""
        assert process.stderr.read() == b""


def test_wrong_calls_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call = CommandLine(monkeypatch, capsys)
    plan = tmp_path / "plan.toml"
    plan.write_text("[frames]\ndrop = 7\n")
    for arguments, code, words in (
        (("--symbols", "NOPEUSDT"), 1, "symbol"),
        (("--venues", "nowhere"), 1, "binance"),
        (("--faults", str(plan)), 2, "drop"),
        (("--port", "70000"), 2, "port"),
    ):
        done = call("simulate", "--symbols", "BTCUSDT", *arguments)
        assert done.code == code, (arguments, done)
        assert words in done.err, (arguments, done)
