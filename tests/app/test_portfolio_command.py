"""`headwater backtest` over several contracts, as a user meets it."""

import csv
import json
from pathlib import Path

import pytest
from tests.app.called import CommandLine
from tests.backtest.stored_hours import START, halves, hours, payments
from tests.storage.ready_tables import with_tables
from tests.storage.samples import store

from headwater.storage.sqlite import SqliteDatabase

HOUR = 3_600_000


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


@pytest.fixture
def carry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Six flat hours at 100 on two venues; bybit pays 0.19 % more at 1 h and 3 h, not at 4 h."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{START + at * HOUR},100,100,100,100,1" for at in range(6)]
    for venue, rate in (("binance", 0.0001), ("bybit", 0.002)):
        bars = "\n".join(["timestamp,open,high,low,close,volume", *rows])
        Path(f"{venue}.csv").write_text(bars + "\n")
        paid = [f"{START + hour * HOUR},{rate * (hour < 4)}" for hour in (1, 3, 4)]
        Path(f"{venue}-paid.csv").write_text("\n".join(["timestamp,rate", *paid]) + "\n")
    given = ["backtest", "--strategy", "funding_carry", "--param", "entry_spread=0.0005"]
    for venue in ("binance", "bybit"):
        given += ["--data", f"{venue}:BTCUSDT={venue}.csv"]
        given += ["--funding", f"{venue}:BTCUSDT={venue}-paid.csv"]
    return tuple(given)


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqliteDatabase:
    """The database that the commands read, with its tables and nothing in them."""
    monkeypatch.setenv("HEADWATER_DATA_DIR", str(tmp_path))
    return with_tables(tmp_path / "headwater.sqlite3")


def test_funding_carry_earns_the_difference_less_four_fees(
    call: CommandLine, carry: tuple[str, ...]
) -> None:
    """45 a leg from 1 h to 4 h; 4 fills × 4,500 × 5 bps = 9; at 3 h 9 are received, 0.45 paid.

    Payments are 1 or 2 hours apart, 1.5 in the middle: rates per 8 hours are 8 / 1.5 times theirs.
    """
    done = call(*carry, "--fee-bps", 5, "--json", "--equity")
    assert done.code == 0, done.err
    assert done.err == ""
    found = json.loads(done.out)
    assert found["final_equity"] == pytest.approx(10_000 - 9 - 0.45 + 9)
    assert [(one["exchange"], one["side"], one["quantity"]) for one in found["trades"]] == [
        ("binance", "long", 45.0),
        ("bybit", "short", 45.0),
    ]
    assert [one["exit_ms"] for one in found["trades"]] == [START + 4 * HOUR] * 2
    assert [one["funding"] for one in found["contracts"]] == pytest.approx([-0.45, 9.0])
    assert sum(one["pnl"] for one in found["contracts"]) == pytest.approx(-0.45)
    assert found["equity_ms"] == [START + at * HOUR for at in range(1, 7)]
    assert found["equity"][-1] == found["final_equity"]
    assert found["assumptions"]["bybit:BTCUSDT funding"].startswith("3 payments at their times")
    assert "0.0005 taker" in found["assumptions"]["binance:BTCUSDT"]
    assert found["drive"] == "events"


def test_fees_that_are_not_stated_are_each_venues_own(
    call: CommandLine, carry: tuple[str, ...]
) -> None:
    done = call(*carry, "--json")
    assert "5.5 bps taker, bybit's" in done.err
    found = json.loads(done.out)
    # Two fills of 4,500 at 5 bps on Binance, two at 5.5 bps on Bybit.
    assert [one["fees"] for one in found["contracts"]] == pytest.approx([4.5, 4.95])


def test_words_and_files(call: CommandLine, carry: tuple[str, ...]) -> None:
    done = call(
        *carry, "--html", "r.html", "--trades-csv", "t.csv", "--equity-csv", "e.csv", "--fee-bps", 5
    )
    assert done.code == 0, done.err
    for text in ("funding_carry on 2 contracts", "binance:BTCUSDT", "-0.45", "fills 1:"):
        assert text in done.out
    assert "report: r.html\ntrades: t.csv\nequity: e.csv\n" in done.err
    page = Path("r.html").read_text()
    assert "Exposure by contract" in page
    assert "binance:BTCUSDT, bybit:BTCUSDT" in page
    rows = list(csv.DictReader(Path("t.csv").read_text().splitlines()))
    assert [row["exchange"] for row in rows] == ["binance", "bybit"]
    equity = list(csv.DictReader(Path("e.csv").read_text().splitlines()))
    assert float(equity[2]["bybit:BTCUSDT"]) == -45.0


def test_stored_candles_of_several_venues_come_with_their_funding(
    call: CommandLine, stored: SqliteDatabase
) -> None:
    with stored.claim():
        store(stored, [*hours(), *payments()])
    given = ("backtest", "--strategy", "funding_carry", "--interval", "1h", "--symbol", "BTCUSDT")
    done = call(*given, "--exchange", "binance,bybit", "--json")
    assert done.code == 2
    assert "bybit:BTCUSDT" in done.err
    assert "headwater fetch candles --venue bybit" in done.err
    done = call(*given[:-2], "--symbol", "binance:BTCUSDT", "--exchange", "binance")
    assert "takes 2 or more" in done.err


def test_stored_candles_of_a_smaller_interval_meet_the_orders(
    call: CommandLine, stored: SqliteDatabase
) -> None:
    """Bought at 12; the hour reaches 15 and 5, its first half 15 alone: the target of 14.4."""
    with stored.claim():
        for venue in ("binance", "bybit"):
            store(stored, [*hours(exchange=venue), *halves(exchange=venue)])
    given = ["backtest", "--strategy", "sma_cross", "--interval", "1h", "--symbol", "BTCUSDT"]
    given += ["--exchange", "binance,bybit", "--fee-bps", "0", "--funding", "none", "--json"]
    for parameter in ("fast=1", "slow=2", "direction=long", "stop_loss=0.5", "take_profit=0.2"):
        given += ["--param", parameter]
    alone = json.loads(call(*given).out)
    assert [one["exit_price"] for one in alone["trades"]] == pytest.approx([6.0, 6.0])
    known = json.loads(call(*given, "--detail", "30m").out)
    assert [one["exit_price"] for one in known["trades"]] == pytest.approx([14.4, 14.4])
    told = known["assumptions"]["bybit:BTCUSDT bars"]
    assert told == "orders meet 30m bars (there for 1 of 6 bars) where all of a bar's are there"
    wrong = call(*given, "--detail", "no.csv")
    assert (wrong.code, "an interval of stored candles" in wrong.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--detail", "x.csv"), ("--detail", "none with files of several")),
        (("--tiers", "shipped"), ("--tiers", "a file")),
        (("--data", "okx:BTCUSDT=no.csv"), ("(okx:BTCUSDT)", "no.csv")),
        (("--leverage", "0"), ("--leverage",)),
        (("--data", "mtgox:BTCUSDT=binance.csv"), ("--fee-bps, not stated", "mtgox")),
    ],
)
def test_wrong_calls_name_the_option(
    call: CommandLine, carry: tuple[str, ...], options: tuple[str, ...], said: tuple[str, ...]
) -> None:
    done = call(*carry, *options)
    assert done.code == 2, done.out
    for text in said:
        assert text in done.err
