"""`headwater walk-forward` as a user meets it."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from tests.app.called import CommandLine
from tests.backtest.report_runs import walk

BASE = ("--strategy", "sma_cross", "--range", "fast=3:9:3", "--param", "slow=12", "--fee-bps", "5")
DAYS = ("--in-sample-days", "10", "--out-of-sample-days", "5")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Thirty days of hours."""
    bars, file = walk(720), tmp_path / "walk.csv"
    columns = (bars.timestamp_ms, bars.open, bars.high, bars.low, bars.close, bars.volume)
    rows = [",".join(map(str, row)) for row in zip(*(one.tolist() for one in columns), strict=True)]
    file.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows]) + "\n")
    return file


def test_folds_follow_each_other(call: CommandLine, data: Path) -> None:
    done = call("walk-forward", *BASE, *DAYS, "--data", data, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["assumptions"]["fee"].startswith("5 bps")
    folds = found["folds"]
    # Ten days to learn, then 20 days in steps of five.
    assert len(folds) == 4
    for before, after in pairwise(folds):
        assert after["out_of_sample"]["from_ms"] == before["out_of_sample"]["to_ms"]
    for fold in folds:
        assert fold["in_sample"]["to_ms"] <= fold["out_of_sample"]["from_ms"]


def test_an_embargo_lies_between(call: CommandLine, data: Path) -> None:
    done = call(
        "walk-forward", *BASE, *DAYS, "--data", data, "--embargo-days", 1, "--folds", 2, "--json"
    )
    folds = json.loads(done.out)["folds"]
    assert len(folds) == 2
    for fold in folds:
        assert fold["out_of_sample"]["from_ms"] - fold["in_sample"]["to_ms"] == 86_400_000


def test_the_table_and_the_page(call: CommandLine, data: Path, tmp_path: Path) -> None:
    page = tmp_path / "walk.html"
    done = call("walk-forward", *BASE, *DAYS, "--data", data, "--html", page)
    assert done.code == 0, done.err
    assert "fast=" in done.out
    assert "4 folds" in done.out
    assert "Equity out of sample" in page.read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--in-sample-days", "0", "--out-of-sample-days", "5"), "--in-sample-days"),
        (("--in-sample-days", "10", "--out-of-sample-days", "0"), "--out-of-sample-days"),
        ((*DAYS, "--embargo-days", "-1"), "--embargo-days"),
        ((*DAYS, "--folds", "99"), "--folds"),
        (("--in-sample-days", "400", "--out-of-sample-days", "5"), "--data"),
    ],
)
def test_wrong_calls_name_the_option(
    call: CommandLine, data: Path, options: tuple[str, ...], said: str
) -> None:
    done = call("walk-forward", *BASE, *options, "--data", data)
    assert done.code == 2, done.out
    assert said in done.err


def test_funding_is_paid_in_every_fold(call: CommandLine, data: Path, tmp_path: Path) -> None:
    paid = tmp_path / "paid.csv"
    rows = [f"{at},0.001" for at in walk(720).timestamp_ms[::8].tolist()]
    paid.write_text("\n".join(["timestamp,rate", *rows]))
    given = ("walk-forward", *BASE, *DAYS, "--data", data, "--json", "--search", "grid")
    plain, costly = (json.loads(call(*given, *more).out) for more in ((), ("--funding", str(paid))))
    assert len(plain["folds"]) == len(costly["folds"])
    assert costly["folds"][0]["out_of_sample"] != plain["folds"][0]["out_of_sample"]
    refused = call(*given, "--detail", data)
    assert (refused.code, "--detail" in refused.err) == (2, True)
