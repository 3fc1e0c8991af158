"""`headwater sweep` as a user meets it."""

import json
from pathlib import Path

import pytest
from tests.app.called import CommandLine
from tests.backtest.report_runs import walk

BASE = ("--strategy", "sma_cross", "--range", "fast=3:9:3", "--range", "slow=10,20")
COSTS = ("--fee-bps", "5")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    bars, file = walk(600), tmp_path / "walk.csv"
    columns = (bars.timestamp_ms, bars.open, bars.high, bars.low, bars.close, bars.volume)
    rows = [",".join(map(str, row)) for row in zip(*(one.tolist() for one in columns), strict=True)]
    file.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows]) + "\n")
    return file


def test_all_combinations_best_first_and_how_far_to_trust_it(call: CommandLine, data: Path) -> None:
    done = call("sweep", *BASE, *COSTS, "--data", data, "--json", "--param", "direction=both")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["combinations"] == 6
    sharpes = [row["sharpe"] for row in found["rows"]]
    assert sharpes == sorted(sharpes, reverse=True)
    assert found["best_parameters"]["direction"] == "both"
    assert found["overfit"]["verdict"] in {"unlikely", "possible", "likely", "unknown"}
    # The best of the rows is what a run with these parameters finds.
    best = found["best_parameters"]
    params = [part for name in ("fast", "slow") for part in ("--param", f"{name}={best[name]}")]
    again = call(
        *("backtest", "--strategy", "sma_cross", *params, "--param", "direction=both", *COSTS),
        *("--data", data, "--json"),
    )
    assert json.loads(again.out)["final_equity"] == pytest.approx(
        found["rows"][0]["final_equity"], rel=1e-9
    )


def test_funding_and_smaller_bars_reach_every_combination(
    call: CommandLine, data: Path, tmp_path: Path
) -> None:
    """What the best row earned is what a run with the same options earns, and not without them."""
    bars = walk(600)
    paid = tmp_path / "paid.csv"
    rows = [f"{at},0.001" for at in bars.timestamp_ms[::8].tolist()]
    paid.write_text("\n".join(["timestamp,rate", *rows]))
    smaller = tmp_path / "halves.csv"
    halves = [
        f"{at + half * 1_800_000},{open_},{high},{low},{open_},1"
        for at, open_, high, low in zip(
            *(one.tolist() for one in (bars.timestamp_ms, bars.open, bars.high, bars.low)),
            strict=True,
        )
        for half in (0, 1)
    ]
    smaller.write_text("\n".join(["timestamp,open,high,low,close,volume", *halves]))
    options = ("--funding", paid, "--detail", smaller, "--quantity-step", "0.5", *COSTS)
    given = ("--data", data, "--json", "--param", "stop_loss=0.01", "--param", "take_profit=0.01")
    found = json.loads(call("sweep", *BASE, *options, *given).out)
    assert found["assumptions"]["funding"].startswith("75 payments")
    assert "30m bars (there for 600 of 600 bars)" in found["assumptions"]["intrabar"]
    assert "multiples of 0.5" in found["assumptions"]["rounding"]
    best = found["best_parameters"]
    params = [part for name in ("fast", "slow") for part in ("--param", f"{name}={best[name]}")]
    again = call("backtest", "--strategy", "sma_cross", *params, *options, *given)
    assert json.loads(again.out)["final_equity"] == found["rows"][0]["final_equity"]
    plain = call("backtest", "--strategy", "sma_cross", *params, *COSTS, *given)
    assert json.loads(plain.out)["final_equity"] != found["rows"][0]["final_equity"]


def test_the_table_and_the_page(call: CommandLine, data: Path, tmp_path: Path) -> None:
    page = tmp_path / "sweep.html"
    done = call("sweep", *BASE, *COSTS, "--data", data, "--top", 2, "--html", page)
    assert done.code == 0, done.err
    assert "best 2 of 6 by sharpe" in done.out
    assert "Over-fitted" in done.out
    assert "fast down, slow across" in page.read_text()


def test_a_search_by_chance_and_going_on(call: CommandLine, data: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    options = ("--search", "random", "--trials", 4, "--seed", 3, "--resume", journal, "--json")
    first = json.loads(call("sweep", *BASE, *COSTS, "--data", data, *options).out)
    again = json.loads(call("sweep", *BASE, *COSTS, "--data", data, *options).out)
    assert (first["combinations"], first["reused"]) == (4, 0)
    assert again["reused"] == 4
    assert again["rows"] == first["rows"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--range", "fast=x:y"), ("--range", "fast=x:y", "start:stop")),
        (("--range", "speed=1:2"), ("--range", "speed", "fast, slow")),
        (("--range", "fast=3:9", "--search", "all"), ("--search", "all", "grid, random")),
        (("--range", "fast=3:9", "--objective", "luck"), ("--objective", "luck", "sharpe")),
        (("--range", "fast=3:9", "--top", "0"), ("--top", "0")),
        ((), ("range",)),
        (("--range", "fast=3:9", "--scheduler", "foo"), ("--scheduler", "foo", "tcp://host:port")),
        (("--range", "fast=3:9", "--resume", "no/such/x"), ("--resume", "nothing to resume")),
        (("--range", "fast=3:9", "--data", "x:A=b.csv"), ("--data", "for each of several")),
    ],
)
def test_wrong_calls_name_the_option(
    call: CommandLine, data: Path, options: tuple[str, ...], said: tuple[str, ...]
) -> None:
    done = call("sweep", "--strategy", "sma_cross", *COSTS, "--data", data, *options)
    assert done.code == 2, done.out
    for text in said:
        assert text in done.err


@pytest.mark.parametrize("command", ["sweep", "walk-forward"])
@pytest.mark.parametrize("where", [("--data", "not-there.csv"), ("--exchange", "binance,bybit")])
def test_what_no_search_runs_is_told_before_any_data_are_looked_for(
    call: CommandLine, command: str, where: tuple[str, str]
) -> None:
    days = ("--in-sample-days", "2", "--out-of-sample-days", "1")
    done = call(
        *(command, "--strategy", "funding_carry", "--range", "leg_size=0.1:0.3:0.1"),
        *(*(days if command == "walk-forward" else ()), "--symbol", "BTCUSDT", *where),
    )
    assert done.code == 2
    assert done.err.startswith("headwater: --strategy: 'funding_carry'")
    assert "takes 2 contracts" in done.err
    assert "headwater backtest" in done.err
