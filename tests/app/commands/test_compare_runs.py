"""`headwater compare-runs` as a user meets it."""

import json
from pathlib import Path

import msgspec
import pytest
from tests.app.called import CommandLine
from tests.backtest.report_runs import run

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.summary import summary


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    found = (tmp_path / "plain.json", tmp_path / "costly.json")
    for file, fee_rate in zip(found, (0.0005, 0.001), strict=True):
        one = summary(run(assumptions=Assumptions(fee_rate=fee_rate)), with_equity=True)
        file.write_bytes(msgspec.json.encode(one))
    return found


def test_differences_come_before_figures(call: CommandLine, files: tuple[Path, Path]) -> None:
    done = call("compare-runs", *files)
    assert done.code == 0, done.err
    assert done.out.index("NOT ALIKE") < done.out.index("total return")
    assert "plain" in done.out
    assert "10 bps" in done.out


def test_json_and_page(call: CommandLine, files: tuple[Path, Path], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = call("compare-runs", *files, "--json", "--html", page)
    found = json.loads(done.out)
    assert found["runs"] == ["plain", "costly"]
    assert found["is_alike"] is False
    assert [one["what"] for one in found["differences"]] == ["fee"]
    assert str(page) in done.err
    assert "NOT ALIKE" in page.read_text()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("plain.json",), "from 2 to 20"),
        (("plain.json", "plain.json"), "twice"),
        (("plain.json", "gone.json"), "gone.json"),
    ],
)
def test_wrong_calls_are_named(
    call: CommandLine, files: tuple[Path, Path], names: tuple[str, ...], said: str
) -> None:
    done = call("compare-runs", *(files[0].with_name(name) for name in names))
    assert done.code == 2
    assert said in done.err
