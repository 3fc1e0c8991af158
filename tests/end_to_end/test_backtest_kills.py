"""`kill -9` of a worker and of the API during twenty jobs: none is lost, doubled or without an end.

The program that users run serves over HTTP, with a database in a file and one venue that does not
answer. What its jobs find is compared with what the same requests give without a disturbance.
"""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
import pytest
from tests.backtest.gated_strategies import FILE, begun
from tests.backtest.job_samples import BARS, open_store, put_candles

from headwater.backtest.job_message import uncompressed
from headwater.backtest.job_request import decode_request
from headwater.backtest.job_run import run_job
from headwater.backtest.stored_bars import ExtraColumn, StoredBars
from headwater.backtest.stored_inputs import StoredInputs, stored_inputs
from headwater.storage.backtests import StoredBacktest, between
from headwater.storage.base import Span
from headwater.storage.sessions import ReadSession
from headwater.storage.sqlite import SqliteDatabase

JOBS = 20
WORKERS = 3
WITHIN_S = 60.0
PATH = "/api/v1/backtests"
MARK = "BACKTEST_KILLS"
"""Variable of the environment by which every process of a test is known, whoever started it."""

pytestmark = pytest.mark.timeout(240)


class Server:
    """The running program.

    Args:
        folder: with its settings and data.
        mark: in the environment of all its processes.
    """

    def __init__(self, folder: Path, mark: str) -> None:
        self.mark = mark
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._drain: asyncio.Task[bytes] | None = None
        self._base = ""

    async def start(self) -> None:
        """Returns when the API listens."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "headwater.app", "run", "--port", "0"),
            *("--config", str(self._folder / "settings.toml")),
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, MARK: self.mark, "HEADWATER_DATA_DIR": str(self._folder)},
        )
        assert self._process.stderr is not None
        said, found = "", None
        async with asyncio.timeout(WITHIN_S):
            while found is None:
                line = (await self._process.stderr.readline()).decode()
                said += line
                assert line, f"it ended: {said}"
                found = re.search(r"Headwater runs on (http://\S+)", line)
        self._base = found.group(1)
        # Whoever never reads what a program says stops it when the pipe is full.
        self._drain = asyncio.create_task(self._process.stderr.read(), name="drain")

    async def end(self, how: signal.Signals) -> str:
        """Sends a signal and waits for the end; gives what the program said."""
        assert self._process is not None
        assert self._drain is not None
        if self._process.returncode is None:
            self._process.send_signal(how)
        await asyncio.wait_for(self._process.wait(), WITHIN_S)
        # A worker that lived on would hold the pipe open.
        return (await asyncio.wait_for(self._drain, WITHIN_S)).decode()

    async def call(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        """One request; its answer as JSON."""
        async with (
            aiohttp.ClientSession(self._base) as session,
            session.request(method, path, json=body) as reply,
        ):
            assert reply.status == status, f"{path}: {reply.status} {await reply.text()}"
            return await reply.json()

    async def statuses(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """How far each job is."""
        return [await self.call("GET", f"{PATH}/status/{one}") for one in ids]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    (tmp_path / "settings.toml").write_text(
        f"""
backtest_workers = {WORKERS}
strategy_files = ["{FILE}"]
venues = ["hyperliquid"]
forecast_symbols = []
dashboard = false
[venue_addresses.hyperliquid]
rest = "http://127.0.0.1:9"
streams = {{ws = "ws://127.0.0.1:9"}}
"""
    )
    async with open_store(tmp_path / "headwater.sqlite3") as store:
        await put_candles(store)
    made = Server(tmp_path, uuid4().hex)
    await made.start()
    try:
        yield made
    finally:
        await made.end(signal.SIGKILL)


def alive(mark: str) -> set[int]:
    """Every process with a mark in its environment that still runs."""
    found = set()
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.add(int(folder.name))
        except OSError:
            continue
    return found


async def until(fits: Callable[[], bool]) -> None:
    """Waits for what can be seen from outside."""
    async with asyncio.timeout(WITHIN_S):
        while not fits():
            await asyncio.sleep(0.01)


def crossing(gate: Path, **parameters: int) -> dict[str, Any]:
    """A run that waits for its gate."""
    run = {"strategy": "gated_cross", "parameters": {"gate": str(gate), "slow": 20, **parameters}}
    return {"path": PATH, **run}


def searching(path: str, **changes: Any) -> dict[str, Any]:
    """A search over three combinations."""
    ranges = [{"name": "fast", "start_value": 3, "end_value": 9, "step": 3}]
    search = {"strategy_name": "sma_cross", "parameter_ranges": ranges}
    return {"path": f"{PATH}/{path}", **search, **changes}


def wishes(gates: Sequence[Path]) -> list[dict[str, Any]]:
    """Twenty jobs of every kind; two of them cannot be done."""
    gated = [crossing(gate, fast=3 + number) for number, gate in enumerate(gates[1:])]
    gate = {"gate": str(gates[0]), "slow": 30}
    days = {"in_sample_period_days": 1, "out_of_sample_period_days": 1}
    return [
        gated[0],
        searching("optimize", strategy_name="gated_cross", parameters=gate),
        *gated[1:],
        *({"path": PATH, "strategy": "sma_cross", "parameters": {"fast": n}} for n in range(5, 9)),
        searching("optimize"),
        searching("optimize", method="bayesian", samples=2),
        searching("optimize", parameters={"slow": 3}),
        searching("walkforward", end_date="1970-01-03", **days),
    ]


async def submit(server: Server, wish: dict[str, Any]) -> str:
    """Asks for a job; gives its id."""
    span = {"symbol": "BTCUSDT", "timeframe": "1m", "start_date": "1970-01-01"}
    body = span | {"end_date": BARS * 60} | {k: v for k, v in wish.items() if k != "path"}
    accepted: dict[str, Any] = await server.call("POST", wish["path"], body, 202)
    return str(accepted["id"])


def rows(path: Path) -> list[StoredBacktest]:
    """All jobs that are stored."""
    with ReadSession(SqliteDatabase(path)) as session:
        return list(session.fetch(between(Span(limit=200))))


def undisturbed(path: Path, job: StoredBacktest) -> Any:
    """What a job finds when nothing is killed."""

    def load(request: Any) -> Any:
        bars = StoredBars(
            exchange=request.exchange,
            symbol=request.symbol,
            interval=request.timeframe,
            start_ms=request.start_ms,
            end_ms=request.end_ms,
            extras=tuple(ExtraColumn),
        )
        with ReadSession(SqliteDatabase(path)) as session:
            return stored_inputs(session, StoredInputs(bars=bars))

    request = decode_request(job.request)
    strategy = FILE if request.strategy == "gated_cross" else request.strategy
    return msgspec.json.decode(uncompressed(run_job(request, strategy, load, _unheard).result))


def _unheard(done: int, total: int) -> None:
    """Progress that nobody asked for."""


async def check_ends(server: Server, path: Path, ids: Sequence[str]) -> None:
    """Every job once, and each with all it found, or with its reason."""
    listed = await server.call("GET", f"{PATH}?limit=200")
    assert sorted(one["id"] for one in listed["backtests"]) == sorted(ids)
    stored = {job.backtest_id: job for job in rows(path)}
    assert sorted(stored) == sorted(ids)
    *done, bad_ranges, bad_days = await server.statuses(ids)
    assert {(one["status"], one["progress"], one["error"]) for one in done} == {("done", 1.0, "")}
    for one, reason in ((bad_ranges, "it refused all"), (bad_days, "400 bars")):
        assert (one["status"], reason in one["error"]) == ("failed", True)
        await server.call("GET", f"{PATH}/results/{one['id']}", status=409)
    for one in done:
        found = await server.call("GET", f"{PATH}/results/{one['id']}")
        assert found["result"] == undisturbed(path, stored[one["id"]])
        figures = await server.call("GET", f"{PATH}/performance/{one['id']}")
        assert figures["metrics"] == found["result"]["metrics"]


async def test_each_of_twenty_jobs_comes_to_one_end(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "headwater.sqlite3"
    gates = [tmp_path / f"gate{number}" for number in range(12)]
    asked = wishes(gates)
    ids = [await submit(server, wish) for wish in asked]
    assert len(set(ids)) == len(ids) == JOBS
    search, first, second, third = gates[:4]

    # A worker is killed: its job is taken up again at once, and says why.
    await until(lambda: all(begun(gate) for gate in (search, first, second)))
    os.kill(begun(first)[0], signal.SIGKILL)
    await until(lambda: len(begun(first)) == 2)
    (again,) = await server.statuses(ids[:1])
    assert (again["status"], again["attempts"]) == ("running", 2)
    assert "SIGKILL" in again["error"]

    # One job ends well; then the worker of the search and the API are killed in one moment.
    second.touch()
    await until(lambda: bool(begun(third)))
    assert [one["status"] for one in await server.statuses(ids[:4])] == [
        *("running", "running", "done", "running")
    ]
    os.kill(begun(search)[0], signal.SIGKILL)
    await server.end(signal.SIGKILL)
    await until(lambda: not alive(server.mark))
    found = {job.backtest_id: job for job in rows(path)}
    assert sorted(found) == sorted(ids)
    states = [found[one].state.value for one in ids]
    # Of the search the desk may have seen the end before it was killed itself.
    assert states[1] in ("running", "queued")
    assert states[:1] + states[2:] == ["running", "done", "running", *["queued"] * 16]

    # The same command on the same data finishes them.
    await server.start()
    for gate in gates:
        gate.touch()
    async with asyncio.timeout(WITHIN_S):
        while not all(job.has_ended for job in rows(path)):
            await asyncio.sleep(0.05)
    times = [one["attempts"] for one in await server.statuses(ids)]
    assert times == [3, 2, 1, 2, *[1] * 16]
    # As often as a job was taken up, a worker began it: none was begun beside its count.
    assert [len(begun(gate)) for gate in (first, search, *gates[2:])] == times[:12]
    await check_ends(server, path, ids)

    said = await server.end(signal.SIGTERM)
    assert "Traceback" not in said
    await until(lambda: not alive(server.mark))
    assert list((tmp_path / "backtests").iterdir()) == []
