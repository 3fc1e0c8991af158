"""`headwater strategies` as a user meets it."""

import json
from pathlib import Path

import pytest
from tests.app.called import CommandLine

MINE = """
from headwater.strategies.base import BaseStrategy
from headwater.strategies.parameters import Choice, Switch

class Mine(BaseStrategy):
    name = "mine"
    description = "Does [nothing]."
    declared = (Switch("loud", False, "Whether."), Choice("way", "up", "Which.", options=("up",)))

    def generate_signals(self, data):
        return []
"""


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


def test_all_are_listed(call: CommandLine) -> None:
    done = call("strategies")
    assert done.code == 0
    for name in ("sma_cross", "mean_reversion", "funding_carry", "signals", "events"):
        assert name in done.out


def test_json_has_every_parameter(call: CommandLine) -> None:
    found = {one["name"]: one for one in json.loads(call("strategies", "--json").out)}
    lookback = found["mean_reversion"]["parameters"]["lookback_period"]
    assert (lookback["type"], lookback["default"]) == ("integer", 20)
    assert json.loads(call("strategies", "sma_cross", "--json").out)["name"] == "sma_cross"


def test_one_is_told_in_full(call: CommandLine) -> None:
    done = call("strategies", "sma_cross")
    for text in ("fast", "1 to 5000", "long, both", "off"):
        assert text in done.out


def test_one_of_a_file(call: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    done = call("strategies", f"{file}:Mine")
    assert done.code == 0, done.err
    assert "Does [nothing]." in done.out


def test_an_unknown_one_is_named_with_those_there_are(call: CommandLine) -> None:
    done = call("strategies", "nonsense")
    assert done.code == 2
    assert "nonsense" in done.err
    assert "sma_cross" in done.err
