"""How many answers of 500 candles does a CPU second buy, beside FastAPI's `response_model`?

`python -m benchmarks.bench_rest_cache [--write]`. Ours is the whole application as it is served
(request ids, metrics, log, bounds, origin check) over a venue in memory; beside it stands a plain
FastAPI route on uvicorn whose 500 pydantic models are ready and only have to be validated and
serialised, its access log off. Both send the same fields. The figure that holds on a busy machine
is requests per CPU second of the *server* process; the two take short turns, and ratios are
medians over rounds.
"""

import argparse
import asyncio
import logging
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from tests.api.fake_source import FakeSource, make_candle

from benchmarks.report import machine, median, table, write_section
from headwater.api.app import create_app
from headwater.api.deps import ApiDeps
from headwater.api.limits import CacheSettings
from headwater.api.schemas.views import ohlc_view
from headwater.api.server import build_server
from headwater.api.settings import ApiSettings
from headwater.api.stream_contract import StreamLimits
from headwater.api.stream_routes import open_streams
from headwater.bus.memory import MemoryBus
from headwater.core.clock import SystemClock
from headwater.core.intervals import Interval

ROOT: Final = Path(__file__).resolve().parents[1]
CANDLES: Final = 500
CONNECTIONS: Final = 16
PATH: Final = f"/binance/ohlc/BTCUSDT/1m?limit={CANDLES}"
TTL_S: Final = 3600.0
"""The answer stays fresh for the whole run: what is measured is giving it, not making it."""
TURN_CPU_S: Final = 0.25
"""A turn lasts until the server has used about so much processor time."""
LABELS: Final = {
    "ours": "headwater, from the cache",
    "gzip": "headwater, from the cache, gzip",
    "304": "headwater, `304 Not Modified`",
    "plain": "FastAPI, `response_model` of 500 pydantic models",
}


class PlainCandle(BaseModel):
    """The fields of our candle view, as one would write them for `response_model`."""

    exchange: str
    symbol: str
    native_symbol: str
    timestamp: str
    interval: Interval
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float | None
    trades_count: int | None
    is_closed: bool
    taker_buy_volume: float | None


def candles() -> list[PlainCandle]:
    views = [ohlc_view(make_candle(opened_at_ms=60_000 * n)) for n in range(CANDLES)]
    return [PlainCandle(**{name: getattr(v, name) for name in v.__struct_fields__}) for v in views]


def plain_server() -> uvicorn.Server:
    app, ready = FastAPI(), candles()

    @app.get("/{exchange}/ohlc/{symbol}/{interval}", response_model=list[PlainCandle])
    async def read_candles(
        exchange: str, symbol: str, interval: Interval, limit: int = CANDLES
    ) -> list[PlainCandle]:
        del exchange, symbol, interval
        return ready[:limit]

    return uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning", ws="none"))


def our_server() -> uvicorn.Server:
    logging.basicConfig(level=logging.INFO, stream=Path(os.devnull).open("w"))  # noqa: SIM115
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    settings = ApiSettings(cache=CacheSettings(candles_s=TTL_S))
    sources, bus, clock, numbers = {"binance": FakeSource()}, MemoryBus(), SystemClock(), count()
    publisher = open_streams(
        sources=sources,
        bus=bus,
        clock=clock,
        settings=settings,
        limits=StreamLimits(),
        new_id=lambda: f"{next(numbers):016x}",
    )
    deps = ApiDeps(
        sources=sources,
        publisher=publisher,
        bus=bus,
        clock=clock,
        new_id=lambda: f"{next(numbers):016x}",
        settings=settings,
    )
    return build_server(create_app(deps), publisher.hub, settings)


def serve(kind: str) -> None:
    """Prints its port, then the CPU seconds used so far for each line of standard input."""
    server = plain_server() if kind == "plain" else our_server()
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    async def answer() -> None:
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, sys.stdin.readline):
            used = resource.getrusage(resource.RUSAGE_SELF)
            print(used.ru_utime + used.ru_stime, flush=True)
        server.should_exit = True

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve([listener]), name="server")
            tasks.create_task(answer(), name="answers")

    print(listener.getsockname()[1], flush=True)
    factory: Callable[[], asyncio.AbstractEventLoop] | None = server.config.get_loop_factory()
    main: Coroutine[Any, Any, None] = run()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


class Subject:
    """A server in its own process, with open connections to it."""

    def __init__(self, kind: str, headers: str, stack: ExitStack) -> None:
        self.kind = kind
        self._process = stack.enter_context(_process(kind))
        port = int(self._line())
        self._request = f"GET {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}\r\n".encode()
        self._sockets = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            for _ in range(CONNECTIONS)
        ]
        self.body_bytes = 0
        self._batch = 1
        self.turn()
        if kind == "304":
            self._request = self._request[:-2] + b"if-none-match: *\r\n\r\n"

    def turn(self) -> float:
        """Requests per CPU second over a turn."""
        before, done = self._cpu(), 0
        while True:
            for _ in range(self._batch):
                for connection in self._sockets:
                    connection.sendall(self._request)
                for connection in self._sockets:
                    self.body_bytes = _read_answer(connection)
            done += self._batch * CONNECTIONS
            used = self._cpu() - before
            if used >= TURN_CPU_S:
                self._batch = max(1, round(done / CONNECTIONS * TURN_CPU_S / used / 2))
                return done / used

    def _cpu(self) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write("cpu\n")
        self._process.stdin.flush()
        return float(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def _read_answer(connection: socket.socket) -> int:
    """Reads one answer; the length of its body."""
    data = connection.recv(1 << 20)
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 20)
    head, _, body = data.partition(b"\r\n\r\n")
    _, found, rest = head.lower().partition(b"\r\ncontent-length: ")
    length = int(rest.split(b"\r\n", 1)[0]) if found else 0
    left = length - len(body)
    while left:
        left -= len(connection.recv(1 << 20))
    return length


@contextmanager
def _process(kind: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "benchmarks.bench_rest_cache", "--serve", kind]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=20)


def measure(rounds: int) -> dict[str, list[float]]:
    """Requests per CPU second of each subject, by round."""
    with ExitStack() as stack:
        headers = {"gzip": "accept-encoding: gzip\r\n"}
        subjects = [Subject(kind, headers.get(kind, ""), stack) for kind in LABELS]
        found: dict[str, list[float]] = {subject.kind: [] for subject in subjects}
        for subject in subjects:
            subject.turn()  # warm
            print(f"{subject.kind}: {subject.body_bytes} bytes", file=sys.stderr)
        for _ in range(rounds):
            for subject in subjects:
                found[subject.kind].append(subject.turn())
    return found


def report(found: dict[str, list[float]]) -> str:
    rows: list[Sequence[str]] = []
    for kind, values in found.items():
        ratios = [one / plain for one, plain in zip(values, found["plain"], strict=True)]
        rows.append((LABELS[kind], f"{median(values):,.0f}", f"{median(ratios):.1f} ×"))
    versions = ", ".join(f"{n} {version(n)}" for n in ("fastapi", "pydantic", "uvicorn", "msgspec"))
    return "\n".join(
        [
            f"## A cached answer of {CANDLES} candles",
            "",
            f"{CONNECTIONS} connections, no TLS, {len(found['plain'])} rounds of short turns.",
            "",
            table(("", "requests per CPU second", "beside FastAPI"), rows),
            "",
            f"Python {sys.version.split()[0]}, {versions}; {machine()}.",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    parser.add_argument("--serve", choices=list(LABELS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    text = report(measure(arguments.rounds))
    print(text)
    if arguments.write:
        write_section("rest_cache", text)


if __name__ == "__main__":
    main()
