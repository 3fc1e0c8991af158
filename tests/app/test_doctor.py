"""The doctor, sent to a simulated exchange and to nowhere."""

import asyncio
import socket
from pathlib import Path

import pytest

from headwater.api.dashboard_files import DashboardFiles
from headwater.app.doctor import Finding, examine
from headwater.app.settings import load
from headwater.app.simulated import SimulatedExchanges, SimulatorOptions
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.upgrade import upgrade
from headwater.venues.discovery import venues


def _by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.what: finding for finding in findings}


async def test_a_reachable_venue_is_well() -> None:
    exchanges = SimulatedExchanges(SimulatorOptions(symbols=("BTCUSDT",)))
    addresses = await exchanges.start()
    try:
        settings = load(options={"venue_addresses": addresses, "port": 0}, environ={})
        found = _by_name(await asyncio.to_thread(examine, settings))
    finally:
        await exchanges.stop()
    # On a busy machine the simulated exchange's clock may lag behind, which the doctor then says.
    bad = [finding for name, finding in found.items() if not finding.ok and "clock" not in name]
    assert bad == []
    for venue_id, where in addresses.items():
        name = venues()[venue_id].facts.display_name
        sockets = {f"{name} WebSocket {endpoint}" for endpoint in where.streams}
        assert {f"{name} REST", *sockets} <= set(found)


def test_an_unreachable_venue_and_a_taken_port_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HEADWATER_PORT", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        dead = {
            "rest": f"http://127.0.0.1:{port}",
            "streams": {"public": "ws://127.0.0.1:1/public", "market": "ws://127.0.0.1:1/market"},
        }
        settings = load(
            options={
                "venue_addresses": {"binance": dead},
                "venues": "binance",
                "port": port,
                "request_timeout_s": 0.2,
            },
            environ={},
        )
        found = _by_name(examine(settings))
    assert not found[f"address 127.0.0.1:{port}"].ok
    bad = [finding for finding in found.values() if not finding.ok]
    assert len(bad) == 4
    assert all(finding.advice for finding in bad)
    whole = not DashboardFiles().missing()
    assert (found["dashboard"].found == "whole") is whole


def _database(**options: object) -> Finding:
    given = {"venue_addresses": {"binance": _NOWHERE}, "venues": "binance", "port": 0} | options
    return _by_name(examine(load(options=given, environ={})))["database"]


_NOWHERE = {
    "rest": "http://127.0.0.1:1",
    "streams": {"public": "ws://127.0.0.1:1/public", "market": "ws://127.0.0.1:1/market"},
}


def test_the_database_is_looked_at_and_not_made(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    found = _database(data_dir=folder)
    assert (found.ok, "first run" in found.found) == (True, True)
    assert not folder.exists()
    database = SqliteDatabase(folder / "headwater.sqlite3")
    with database.claim():
        upgrade(database)
        assert _database(data_dir=folder).ok
    database.path.write_bytes(b"no database" * 1_000)
    found = _database(data_dir=folder)
    assert not found.ok
    assert "not a database" in found.found
    assert not _database(database_url="mysql://here").ok
