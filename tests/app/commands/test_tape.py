"""record and replay: what was recorded of a simulated exchange plays again through the API."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.app.called import CommandLine
from tests.storage.samples import trade
from tests.storage.tape_records import raw
from typer.testing import CliRunner

from headwater.app.cli import app
from headwater.app.simulated import SimulatedExchanges, SimulatorOptions
from headwater.core.errors import ConfigError
from headwater.storage.parquet_parts import partitioned, write_part


async def _headwater(
    *arguments: str, env: dict[str, str] | None = None
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "headwater.app",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=env,
    )


async def _get(url: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        assert reply.status == 200, await reply.text()
        return await reply.json()


async def _serving(process: asyncio.subprocess.Process, until: str) -> tuple[str, str]:
    """Reads what a command says until `until`; returns the API's address and all that was said."""
    assert process.stderr is not None
    said = ""
    async with asyncio.timeout(60):
        while until not in said:
            line = await process.stderr.readline()
            assert line, said
            said += line.decode()
    found = re.search(r"on (http://\S+?)\.\n", said)
    return (found.group(1) if found else ""), said


async def _record(folder: Path, tape_format: str, environment: dict[str, str]) -> None:
    """Records five seconds of every venue."""
    recording = await _headwater(
        *("record", "--out", str(folder), "--symbols", "BTCUSDT", "--for", "5"),
        *("--format", tape_format),
        env=environment,
    )
    _, said = await asyncio.wait_for(recording.communicate(), 60)
    assert recording.returncode == 0, said.decode()
    assert b"0 dropped" in said
    suffix = {"ndjson": ".gz", "parquet": ".parquet"}[tape_format]
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {suffix}


async def _play(folder: Path, addresses: Collection[str]) -> None:
    """Plays a tape and looks at what the API has of it."""
    replaying = await _headwater("replay", str(folder), "--speed", "0", "--port", "0")
    try:
        base, _ = await _serving(replaying, "The tape has ended")
        trades = await _get(f"{base}/binance/trades/BTCUSDT?limit=1000")
        numbers = [int(trade["trade_id"]) for trade in trades]
        assert len(numbers) > 10
        assert numbers == list(range(numbers[0], numbers[0] - len(numbers), -1))
        book = await _get(f"{base}/binance/orderbook/BTCUSDT?limit=5")
        assert book["bids"][0][0] < book["asks"][0][0]
        front = await _get(f"{base}/")
        assert front["simulated"] is True
        assert sorted(front["exchanges"]) == sorted(addresses)
        for venue in addresses:
            assert await _get(f"{base}/{venue}/trades/BTCUSDT?limit=10")
    finally:
        replaying.terminate()
        await asyncio.wait_for(replaying.communicate(), 20)
    assert replaying.returncode == 0


@pytest.mark.timeout(240)
async def test_a_recorded_tape_plays_again(tmp_path: Path) -> None:
    """In both formats, recorded one after the other of the same exchanges."""
    folders = {"ndjson": tmp_path / "ndjson", "parquet": tmp_path / "parquet"}
    exchanges = SimulatedExchanges(SimulatorOptions(seed=5, symbols=("BTCUSDT",)))
    addresses = await exchanges.start()
    try:
        chosen = {name: where.model_dump() for name, where in addresses.items()}
        environment = {**os.environ, "HEADWATER_VENUE_ADDRESSES": json.dumps(chosen)}
        for tape_format, folder in folders.items():
            await _record(folder, tape_format, environment)
    finally:
        await exchanges.stop()
    for folder in folders.values():
        await _play(folder, addresses)


async def test_a_recording_from_the_exchange_reaches_the_api(
    wire_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The final book served is the one built here from the same changes by a plain dictionary.

    Wallets that the environment names for live runs do not matter to a tape.
    """
    monkeypatch.setenv("HEADWATER_HYPERLIQUID_WALLETS", f"0x{7:040x}")
    file = wire_dir / "hftbacktest/binance/usdm_btcusdt_20240808_first20000.txt"
    bids, asks = _plain_book(file)
    replaying = await _headwater("replay", str(file), "--speed", "0", "--port", "0")
    try:
        base, said = await _serving(replaying, "The tape has ended")
        assert "20,000 messages" in said
        book = await _get(f"{base}/binance/orderbook/BTCUSDT?limit=1000")
        assert [tuple(level) for level in book["bids"]] == sorted(bids.items(), reverse=True)[:1000]
        assert [tuple(level) for level in book["asks"]] == sorted(asks.items())[:1000]
        newest = (await _get(f"{base}/binance/trades/BTCUSDT?limit=1"))[0]
        assert newest["trade_id"] == _last_trade_id(file)
    finally:
        replaying.terminate()
        await asyncio.wait_for(replaying.communicate(), 20)


def test_a_tape_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = CommandLine(monkeypatch, capsys)("replay", "no-such-tape")
    assert done.code == 2
    assert "no-such-tape" in done.err


def _payloads(file: Path) -> list[dict[str, Any]]:
    rows = (json.loads(line.split(" ", 1)[1]) for line in file.read_text().splitlines())
    return [row.get("data", row) for row in rows]


def _plain_book(file: Path) -> tuple[dict[float, float], dict[float, float]]:
    rows = _payloads(file)
    snapshot = next(row for row in rows if "lastUpdateId" in row)
    sides: list[dict[float, float]] = [
        {float(price): float(quantity) for price, quantity in snapshot[side]}
        for side in ("bids", "asks")
    ]
    for row in rows:
        if row.get("e") != "depthUpdate" or row["u"] < snapshot["lastUpdateId"]:
            continue
        for side, changes in zip(sides, (row["b"], row["a"]), strict=True):
            for price, quantity in changes:
                side[float(price)] = float(quantity)
                if not float(quantity):
                    del side[float(price)]
    return sides[0], sides[1]


def _last_trade_id(file: Path) -> str:
    return str([row["t"] for row in _payloads(file) if row.get("e") == "trade"][-1])


def test_days_that_are_over_are_merged(tmp_path: Path) -> None:
    for number in range(3):
        for partition, some in partitioned([raw(number)]).items():
            write_part(tmp_path, partition, some)
    done = CliRunner().invoke(app, ["compact", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "3 files are 1 now, 0 rows were there twice." in done.output
    wrong = CliRunner().invoke(app, ["compact", str(tmp_path / "venue=okx")]).exception
    assert isinstance(wrong, ConfigError)


def test_a_tape_without_messages_says_so(tmp_path: Path) -> None:
    for partition, some in partitioned([trade(1)]).items():
        write_part(tmp_path, partition, some)
    wrong = CliRunner().invoke(app, ["replay", str(tmp_path)]).exception
    assert isinstance(wrong, ConfigError)
