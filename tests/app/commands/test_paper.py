"""`headwater paper` on a simulated exchange over real sockets, and `headwater parity` after it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.app.called import CommandLine

ROOT = Path(__file__).parents[3]
QUOTER = '''
"""Quotes, takes and closes by a count of the trades."""
from decimal import Decimal

from headwater.strategies.base import BaseStrategy


class Quoter(BaseStrategy):
    name = "test_quoter"

    def on_start(self, context):
        self.count = 0

    def on_trade(self, context):
        self.count += 1
        if self.count % 10:
            return
        context.cancel_all()
        market = context.contract()
        ticks = market.scale.market_ticks(context.event.price, up=False)
        lots = max(market.min_lots, market.scale.lots_of(1000 / Decimal(str(context.event.price))))
        held = context.position()
        if self.count % 50 == 0 and held:
            context.place("sell" if held > 0 else "buy", abs(held), reduce_only=True)
        elif self.count % 30 == 0:
            context.buy(market.scale.quantity(lots))
        context.quote(True, ticks - 2, lots)
        context.quote(False, ticks + 2, lots)


class Failing(BaseStrategy):
    name = "test_failing"

    def on_trade(self, context):
        raise ZeroDivisionError("on purpose")
'''


def _headwater(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "headwater.app", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )


@pytest.fixture
def strategies(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(QUOTER)
    return path


def _parity(journal: Path) -> tuple[int, dict[str, Any]]:
    done = _headwater("parity", str(journal), "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, found


def test_a_live_run_and_its_back_test_do_the_same(tmp_path: Path, strategies: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    done = _headwater(
        *("paper", "--strategy", f"{strategies}:Quoter", "--journal", str(journal)),
        *("--simulated", "--speed", "60", "--seed", "5", "--for", "3"),
    )
    assert done.returncode == 0, done.stderr
    assert "market events heard" in done.stderr
    code, found = _parity(journal)
    assert (code, found["differing"], found["is_ended"]) == (0, 0, True)
    assert found["heard"] > 100
    assert found["live_fills"] > 3
    assert found["live_fills"] == found["replayed_fills"]
    assert found["live_equity"] == found["replayed_equity"]
    # One figure of one trade changed, and it is found out.
    lines = journal.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if '"kind":"order"' in line)
    first = json.loads(lines[at])
    first["event"]["at_ms"] += 1
    (tmp_path / "altered").write_text("\n".join([*lines[:at], json.dumps(first), *lines[at + 1 :]]))
    code, found = _parity(tmp_path / "altered")
    assert (code, found["differing"]) == (1, 1)


def test_a_strategy_that_raises_ends_the_run_and_the_journal(
    tmp_path: Path, strategies: Path
) -> None:
    journal = tmp_path / "journal.jsonl"
    done = _headwater(
        *("paper", "--strategy", f"{strategies}:Failing", "--journal", str(journal)),
        *("--simulated", "--speed", "60", "--for", "20"),
    )
    assert done.returncode == 1
    assert "the strategy test_failing failed" in done.stderr
    end = json.loads(journal.read_text().splitlines()[-1])
    assert end["kind"] == "end"
    assert "ZeroDivisionError: on purpose" in end["reason"]


def test_wrong_calls_are_refused_by_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call = CommandLine(monkeypatch, capsys)
    there = tmp_path / "there"
    there.touch()
    common = ("paper", "--strategy", "sma_cross")
    for arguments, message in (
        ((*common, "--journal", str(there)), "--journal"),
        ((*common, "--journal", str(tmp_path / "j"), "--exchange", "nowhere"), "--exchange"),
        ((*common, "--journal", str(tmp_path / "j"), "--param", "fast=x"), "--param fast"),
        (("parity", str(there)), "journal"),
    ):
        done = call(*arguments)
        assert done.code == 2
        assert message in done.err
        assert "Traceback" not in done.err
