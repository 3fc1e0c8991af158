"""`headwater wire parse` as a process: standard input, standard output, exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headwater.app.commands.wire import app

TRADE = b'{"e":"aggTrade","E":1,"s":"BTCUSDT","a":1,"p":"2","q":"3","f":1,"l":1,"T":5,"m":true}\n'
RUN = "from headwater.app.commands.wire import app; app()"


def run(*options: str, given: bytes = TRADE) -> tuple[int, list[dict[str, object]], str]:
    result = CliRunner().invoke(app, ["parse", "--venue", "binance", *options], input=given)
    return (
        result.exit_code,
        [json.loads(line) for line in result.stdout.splitlines()],
        result.output,
    )


def test_records_are_printed_a_line_each() -> None:
    status, lines, _ = run(given=TRADE * 2)
    assert status == 0
    assert [(line["kind"], line["line"]) for line in lines] == [("trade", 1), ("trade", 2)]


def test_an_error_concerns_its_line_and_the_exit_status() -> None:
    status, lines, _ = run(given=TRADE + b"broken\n" + TRADE)
    assert status == 1
    assert [line["kind"] for line in lines] == ["trade", "error", "trade"]


def test_nothing_in_is_nothing_out() -> None:
    assert run(given=b"")[:2] == (0, [])


def test_check_adds_a_last_line() -> None:
    status, lines, _ = run("--check", "--native")
    assert status == 0
    assert lines[0]["native"] == json.loads(TRADE)
    assert lines[-1]["kind"] == "summary"
    assert lines[-1]["counts"] == {"trade": 1}


def test_a_channel_may_be_named() -> None:
    book = b'{"lastUpdateId":1,"bids":[],"asks":[]}'
    status, lines, _ = run("--channel", "rest_depth:ETHUSDT", given=book)
    assert status == 0
    assert (lines[0]["kind"], lines[0]["symbol"]) == ("book_snapshot", "ETHUSDT")


def test_an_unknown_venue_is_a_wrong_option() -> None:
    result = CliRunner().invoke(app, ["parse", "--venue", "nowhere"], input=b"")
    assert result.exit_code == 2
    assert "binance" in result.output


def test_help_says_what_it_reads() -> None:
    result = CliRunner().invoke(app, ["parse", "--help"])
    assert result.exit_code == 0
    assert "--check" in result.output


def test_a_reader_that_leaves_early_is_no_fault(tmp_path: Path) -> None:
    """`… | head -1`: the pipe is closed while there is much to write."""
    recording = tmp_path / "tape"
    recording.write_bytes(TRADE * 5_000)
    reading, writing = os.pipe()
    os.close(reading)
    with recording.open("rb") as source:
        result = subprocess.run(
            [sys.executable, "-c", RUN, "parse", "--venue", "binance"],
            stdin=source,
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    os.close(writing)
    assert (result.stderr, result.returncode) == (b"", 0)


def test_a_line_that_never_ends_is_refused_in_bounded_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("headwater.app.commands.wire.LINE_BYTES_MAX", 1000)
    monkeypatch.setattr("headwater.feeds.tape_format.LINE_BYTES_MAX", 1000)
    status, lines, _ = run(given=b'["' + b"x" * 50_000 + b'"]\n' + TRADE)
    assert status == 1
    assert [line["kind"] for line in lines] == ["error", "trade"]


def test_the_recording_of_a_day_is_clean(wire_dir: Path) -> None:
    path = wire_dir / "hftbacktest/binance/usdm_btcusdt_20240808_first20000.txt"
    status, lines, _ = run("--check", given=path.read_bytes())
    assert status == 0
    assert len(lines) == 20_001
    summary = lines[-1]
    assert summary["sequence_breaks"] == 0
    assert summary["crossed"] == 0
    assert summary["counts"] == {
        "book_delta": 1598,
        "book_snapshot": 1,
        "ticker": 15377,
        "trade": 3024,
    }
