"""`headwater backtest`: the contract of its JSON on a golden file, files, and wrong calls."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.app.called import CommandLine

GOLDEN = """timestamp,open,high,low,close,volume
2024-01-01T00:00:00Z,10,15,5,10,1
2024-01-01T01:00:00Z,10,15,5,9,1
2024-01-01T02:00:00Z,9,15,5,12,1
2024-01-01T03:00:00Z,12,15,5,13,1
2024-01-01T04:00:00Z,13,15,5,8,1
2024-01-01T05:00:00Z,8,15,5,8,1
"""
CROSS = ("--strategy", "sma_cross", "--param", "fast=1", "--param", "slow=2")
QUANTITY = 10_000 / (12 * 1.001)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    file = tmp_path / "golden.csv"
    file.write_text(GOLDEN)
    return file


def test_the_contract_on_a_golden_file(call: CommandLine, golden: Path) -> None:
    """Mean of one close against that of two: 9.5, 10.5, 12.5, 10.5, 8 from bar 1 on.

    At bar 2 12 > 10.5 after 9 ≤ 9.5: bought at the open of bar 3, 12. At bar 4 8 < 10.5 after
    13 ≥ 12.5: sold at the open of bar 5, 8. Fee 10 bps: quantity 10,000 / (12 × 1.001), cash at the
    end quantity × 8 × 0.999. The peak is the close of bar 3, quantity × 13.
    """
    done = call("backtest", *CROSS, "--data", golden, "--fee-bps", 10, "--json", "--equity")
    assert done.code == 0, done.err
    assert done.err == ""
    found = json.loads(done.out)
    end = QUANTITY * 8 * 0.999
    assert found["final_equity"] == pytest.approx(end, rel=1e-12)
    assert found["total_return"] == pytest.approx(end / 10_000 - 1, rel=1e-12)
    assert found["max_drawdown"] == pytest.approx(8 * 0.999 / 13 - 1, rel=1e-12)
    (trade,) = found["trades"]
    assert trade["side"] == "long"
    assert (trade["entry_bar"], trade["exit_bar"]) == (3, 5)
    assert (trade["entry_price"], trade["exit_price"]) == (12.0, 8.0)
    assert trade["pnl"] == pytest.approx(end - 10_000, rel=1e-12)
    assert found["equity"] == pytest.approx(
        [10_000, 10_000, 10_000, QUANTITY * 13, QUANTITY * 8, end], rel=1e-12
    )
    assert set(found["sharpe"]) == {"bar_365", "daily_arith_365", "daily_arith_252"}
    assert found["sharpe"]["bar_365"] < 0
    assert found["win_rate"] == 0.0
    assert found["profit_factor"] == 0.0
    assert found["insolvent"] is False
    assert found["pending"] == []
    assert "10 bps" in found["assumptions"]["fee"]
    assert {"sortino", "calmar", "omega"} <= set(found)


def test_a_decision_on_the_last_bar_is_pending_and_the_trade_stays_open(
    call: CommandLine, golden: Path
) -> None:
    golden.write_text("".join(GOLDEN.splitlines(keepends=True)[:6]))
    done = call("backtest", *CROSS, "--data", golden, "--fee-bps", 10, "--json")
    found = json.loads(done.out)
    assert [one["bar"] for one in found["pending"]] == [4]
    assert found["trades"][0]["exit_bar"] is None
    assert found["trades"][0]["pnl"] is None
    assert found["equity"] is None


def test_fills_at_the_close(call: CommandLine, golden: Path) -> None:
    done = call("backtest", *CROSS, "--data", golden, "--fee-bps", 0, "--fill", "close", "--json")
    (trade,) = json.loads(done.out)["trades"]
    assert (trade["entry_bar"], trade["entry_price"]) == (2, 12.0)
    assert (trade["exit_bar"], trade["exit_price"]) == (4, 8.0)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "5 bps, binance's public taker fee"),
        (("--exchange", "bybit"), "5.5 bps, bybit's public taker fee"),
    ],
)
def test_a_fee_that_is_not_stated_is_the_venues_and_is_told(
    call: CommandLine, golden: Path, options: tuple[str, ...], told: str
) -> None:
    done = call("backtest", *CROSS, "--data", golden, *options, "--json")
    assert done.code == 0
    assert told in done.err
    assert told.split(maxsplit=1)[0] in json.loads(done.out)["assumptions"]["fee"]


def test_files_are_written_and_named(call: CommandLine, golden: Path, tmp_path: Path) -> None:
    html, trades, equity = (tmp_path / name for name in ("r.html", "t.csv", "e.csv"))
    done = call(
        *("backtest", *CROSS, "--data", golden, "--fee-bps", 10, "--symbol", "BTCUSDT"),
        *("--html", html, "--trades-csv", trades, "--equity-csv", equity),
    )
    assert done.code == 0, done.err
    for path in (html, trades, equity):
        assert str(path) in done.err
    assert "sma_cross on BTCUSDT" in html.read_text()
    (row,) = csv.DictReader(trades.read_text().splitlines())
    assert (row["entry_bar"], row["exit_time"]) == ("3", "2024-01-01T05:00:00Z")
    rows = list(csv.DictReader(equity.read_text().splitlines()))
    assert float(rows[3]["equity"]) == pytest.approx(QUANTITY * 13)
    assert float(rows[5]["drawdown"]) == pytest.approx(8 * 0.999 / 13 - 1)


def test_the_table_tells_figures_and_assumptions(call: CommandLine, golden: Path) -> None:
    done = call("backtest", *CROSS, "--data", golden, "--fee-bps", 10)
    assert done.code == 0
    for text in ("total return", "-33.47 %", "fee: 10 bps", "look-ahead:", "█", "parameters: fast"):
        assert text in done.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--strategy", "nonsense"), ("--strategy", "nonsense", "sma_cross")),
        (("--param", "fast=x"), ("--param fast", "'x'", "whole number")),
        (("--param", "fast=30", "--param", "slow=20"), ("--param fast", "30", "slow")),
        (("--param", "speed=1"), ("--param", "speed", "fast, slow")),
        (("--param", "fast"), ("--param", "fast", "name=value")),
        (("--param", "fast=1", "--param", "fast=2"), ("--param", "twice")),
        (("--fee-bps", "2000"), ("--fee-bps", "2000", "from -100 to 1000")),
        (("--fee-bps", "nan"), ("--fee-bps", "nan")),
        (("--slippage-bps", "-1"), ("--slippage-bps", "-1.0", "from 0 to 1000")),
        (("--capital", "0"), ("--capital", "0")),
        (("--leverage", "0.5"), ("--leverage", "0.5")),
        (("--fill", "later"), ("--fill", "later", "next-open")),
        (("--exchange", "mtgox"), ("--exchange", "mtgox", "binance")),
        (("--start", "yesterday"), ("--start", "yesterday")),
        (("--data", "nowhere.csv"), ("--data", "nowhere.csv", "there")),
        (("--html", "no/such/folder/r.html"), ("--html", "no/such/folder")),
        (("--equity",), ("--equity", "without --json", "--equity-csv FILE")),
        (("--strategy", "funding_carry"), ("--data", "one contract", "--exchange binance,bybit")),
        (("--data", "."), ("--data", "folder")),
    ],
)
def test_a_wrong_call_names_option_value_and_what_is_allowed(
    call: CommandLine,
    golden: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    said: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"--strategy": "sma_cross", "--data": str(golden)}
    if "funding_carry" in options:
        options = (*options, "--param", "leg_size=0.1")
    fixed = [part for name, value in given.items() if name not in options for part in (name, value)]
    if "--param" not in options:
        fixed += ["--param", "fast=1", "--param", "slow=2"]
    done = call("backtest", *fixed, *options)
    assert done.code == 2, done.out + done.err
    for text in said:
        assert text in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("volume\n", "size\n"), ("--data", "volume")),
        (("04:00:00Z,13,15", "04:00:00Z,13,inf"), ("high", "inf", "2024-01-01T04:00:00Z")),
        (("T04:00", "T02:00"), ("timestamp", "2024-01-01T02:00:00Z")),
        (("05:00:00Z,8", "05:00:00Z,-8"), ("open", "-8")),
        ((GOLDEN, ""), ("--data", "empty")),
        ((GOLDEN[40:], ""), ("--data",)),
    ],
)
def test_wrong_data_are_named_with_their_place(
    call: CommandLine, golden: Path, change: tuple[str, str], said: tuple[str, ...]
) -> None:
    golden.write_text(GOLDEN.replace(*change))
    done = call("backtest", *CROSS, "--data", golden, "--fee-bps", 10, "--json")
    assert done.code == 2, done.out + done.err
    for text in said:
        assert text in done.err
    assert done.out == ""


def test_no_data_and_no_series_is_told(call: CommandLine) -> None:
    done = call("backtest", *CROSS, "--symbol", "BTCUSDT")
    assert done.code == 2
    assert "--exchange, --interval" in done.err


STRATEGY = """
from headwater.strategies.base import BaseStrategy
from headwater.strategies.signals import Signals

class Mine(BaseStrategy):
    name = "mine"

    def generate_signals(self, data):
        {body}
"""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            'raise ValueError("no idea")',
            ("headwater: the strategy mine failed: ValueError: no idea (mine.py, line 9)\n",),
        ),
        ("raise SystemExit(0)", ("the strategy mine failed: SystemExit: 0",)),
        (
            "return Signals(data, enter_long=data.close > data.close.mean())",
            ("look-ahead", "mine", "bar"),
        ),
    ],
)
def test_a_strategy_that_fails_ends_with_status_1(
    call: CommandLine, tmp_path: Path, body: str, said: tuple[str, ...]
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(STRATEGY.format(body=body))
    rows = [f"{1_700_000_000 + 60 * at},10,30,5,{10 + at % 17},1" for at in range(100)]
    data = tmp_path / "data.csv"
    data.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    done = call("backtest", "--strategy", f"{file}:Mine", "--data", data, "--fee-bps", 1)
    assert done.code == 1, done.out
    for text in said:
        assert text in done.err
    assert "Traceback" not in done.err


def test_a_process_says_the_same_without_what_it_does_not_need(golden: Path) -> None:
    program = (
        "import sys\nfrom headwater.app.cli import main\n"
        f"sys.argv = ['headwater', 'backtest', *{CROSS!r}, '--data', {str(golden)!r}, '--json',\n"
        "            '--fee-bps', '10']\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code\n"
        "heavy = 'polars sqlalchemy fastapi aiohttp numba rich.table'.split()\n"
        "sys.stderr.write(' '.join(name for name in heavy if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert json.loads(done.stdout)["trades"][0]["exit_bar"] == 5


def test_funding_of_a_file_is_paid_at_its_times(
    call: CommandLine, golden: Path, tmp_path: Path
) -> None:
    """Held from the open of bar 3, 12, to that of bar 5, 8; what is due at bar 3 comes before it.

    0.1 % of 13 are paid at 04:00 and 0.05 % of 8 received at 05:00; 06:00 is behind the data.
    """
    paid = tmp_path / "paid.csv"
    rows = [("03", 0.5), ("04", 0.001), ("05", -0.0005), ("06", 0.5)]
    text = [f"2024-01-01T{hour}:00:00Z,{rate}" for hour, rate in rows]
    paid.write_text("\n".join(["timestamp,rate", *text]))
    given = ("backtest", *CROSS, "--data", golden, "--fee-bps", 0, "--json")
    found = json.loads(call(*given, "--funding", paid).out)
    end = 10_000 / 12 * (8 - 0.013 + 0.004)
    assert found["final_equity"] == pytest.approx(end, rel=1e-12)
    assert found["assumptions"]["funding"].startswith("3 payments at their times, of paid.csv")
    assert json.loads(call(*given).out)["assumptions"]["funding"].startswith("none")
    refused = call(*given, "--funding", "stored")
    assert (refused.code, "--funding" in refused.err) == (2, True)


def test_smaller_bars_tell_that_the_target_came_first(
    call: CommandLine, golden: Path, tmp_path: Path
) -> None:
    """Bar 3 reaches both 6 and 14.4 of an entry at 12; its first half reaches 15 and not 6."""
    halves = tmp_path / "halves.csv"
    halves.write_text(
        "timestamp,open,high,low,close,volume\n"
        "2024-01-01T03:00:00Z,12,15,11,14,1\n2024-01-01T03:30:00Z,14,14,5,13,1\n"
    )
    levels = ("--param", "stop_loss=0.5", "--param", "take_profit=0.2")
    given = ("backtest", *CROSS, *levels, "--data", golden, "--fee-bps", 0, "--json")
    plain, told = (json.loads(call(*given, *more).out) for more in ((), ("--detail", str(halves))))
    assert plain["trades"][0]["exit_price"] == pytest.approx(6.0)
    assert told["trades"][0]["exit_price"] == pytest.approx(14.4)
    assert told["final_equity"] == pytest.approx(10_000 / 12 * 14.4)
    assert "30m bars (there for 1 of 6 bars)" in told["assumptions"]["intrabar"]


def test_the_contract_rounds_and_refuses(call: CommandLine, golden: Path) -> None:
    """10,000 / 12 = 833.3 is cut to 800, which cost 9,600 and lose 4 each."""
    given = ("backtest", *CROSS, "--data", golden, "--fee-bps", 0, "--json")
    found = json.loads(call(*given, "--quantity-step", 100).out)
    assert found["final_equity"] == pytest.approx(10_000 - 800 * 4)
    found = json.loads(call(*given, "--quantity-step", 100, "--min-notional", 9_601).out)
    assert (found["final_equity"], found["trades"]) == (10_000, [])
    refused = call(*given, "--quantity-step", -1)
    assert (refused.code, "--quantity-step" in refused.err) == (2, True)


def test_tiers_liquidate_and_their_lack_is_said(
    call: CommandLine, golden: Path, tmp_path: Path
) -> None:
    """10 × 10,000 / 12 at 12: liquidated where 10,000 + q (P − 12) = 1 % of q P, in bar 3."""
    tiers = tmp_path / "tiers.json"
    tiers.write_text('[{"notional_floor": 0, "maintenance_rate": 0.01, "leverage_max": 20}]')
    given = ("backtest", *CROSS, "--data", golden, "--fee-bps", 0, "--leverage", 10, "--json")
    found = json.loads(call(*given, "--tiers", tiers).out)
    price = 90_000 / (100_000 / 12 * 0.99)
    assert found["trades"][0]["exit_price"] == pytest.approx(price, rel=1e-12)
    assert found["trades"][0]["exit_bar"] == 3
    assert found["final_equity"] == pytest.approx(100_000 / 12 * price - 90_000)
    assert found["assumptions"]["liquidation"].startswith("by the venue's 1 margin tiers")
    lacking = json.loads(call(*given).out)["assumptions"]["liquidation"]
    assert lacking.startswith("NONE, at 10 × leverage")
