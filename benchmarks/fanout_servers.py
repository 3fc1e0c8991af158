"""The servers that `bench_fanout` compares, each run in its own process.

`python -m benchmarks.fanout_servers hub|plain|plain-deflate` prints its port, then answers one
line per command on standard input: `wait N` (clients connected), `run EVENTS BURST`, `rate EVENTS
PERIOD_US`, `stalled N` (so many clients will not read), `cpu` (seconds used so far), `rss` (KiB
resident). It ends with its standard input. `fanout_floor.c` speaks most of it.

Every event is the same 250 bytes of JSON with a fresh time stamp. Pings are off everywhere, so
that every frame is an event.
"""

import asyncio
import gc
import resource
import socket
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path

import msgspec
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from headwater.api.stream_contract import (
    StreamAccepted,
    StreamLimits,
    StreamRefused,
    StreamRequest,
)
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_protocol import streaming_protocol
from headwater.bus.topics import SlowPolicy

PAYLOAD_BYTES = 250
STAMP_OFFSET = len('{"timestamp_ns":')
STAMP_DIGITS = 19
_PAD = "x" * (PAYLOAD_BYTES - STAMP_OFFSET - STAMP_DIGITS - len(',"pad":""}'))
_NEVER_S = 1e9


class Event(msgspec.Struct, frozen=True):
    """What is sent; 19 digits of time make its size constant."""

    timestamp_ns: int
    pad: str = _PAD


def make_event(timestamp_ns: int) -> Event:
    """An event whose JSON has exactly `PAYLOAD_BYTES` bytes."""
    return Event(timestamp_ns + 10 ** (STAMP_DIGITS - 1))


class Subject(ABC):
    """One way to fan out."""

    app: FastAPI
    clients: int
    stalled: int = 0

    @abstractmethod
    def config(self) -> uvicorn.Config:
        """How uvicorn is to serve it."""

    @abstractmethod
    async def publish(self, timestamps_ns: list[int]) -> None:
        """Sends one event per time stamp to every client, as one burst."""


class PlainSubject(Subject):
    """FastAPI's `send_json` to one client after the other."""

    def __init__(self, *, deflate: bool) -> None:
        self.app = FastAPI()
        self._deflate = deflate
        self._sockets: set[WebSocket] = set()
        self.app.add_api_websocket_route("/ws/events", self._serve)

    async def _serve(self, client: WebSocket) -> None:
        await client.accept()
        self._sockets.add(client)
        try:
            while True:
                await client.receive_text()
        except WebSocketDisconnect:
            self._sockets.discard(client)

    @property
    def clients(self) -> int:  # type: ignore[override]
        """Clients connected now."""
        return len(self._sockets)

    def config(self) -> uvicorn.Config:
        """The server's own WebSocket class."""
        return uvicorn.Config(
            self.app,
            log_level="warning",
            lifespan="off",
            ws_per_message_deflate=self._deflate,
            ws_ping_interval=None,
        )

    async def publish(self, timestamps_ns: list[int]) -> None:
        """The plain loop."""
        for timestamp_ns in timestamps_ns:
            event = msgspec.to_builtins(make_event(timestamp_ns))
            for client in tuple(self._sockets):
                await client.send_json(event)


class HubSubject(Subject):
    """The stream hub."""

    def __init__(self) -> None:
        self.app = FastAPI()
        limits = StreamLimits(
            max_clients=50_000,
            max_clients_per_ip=50_000,
            ping_interval_s=_NEVER_S,
            slow_close_s=_NEVER_S,
        )
        self._hub = StreamHub(self._resolve, limits)
        self._topic = self._hub.topic("events", SlowPolicy.DROP_OLDEST)

    async def _resolve(self, _request: StreamRequest) -> StreamAccepted | StreamRefused:
        return StreamAccepted(topics=("events",))

    @property
    def clients(self) -> int:  # type: ignore[override]
        """Clients joined now."""
        return self._topic.subscribers

    def config(self) -> uvicorn.Config:
        """The same server with the hub's door."""
        return uvicorn.Config(
            self.app,
            log_level="warning",
            lifespan="off",
            ws=streaming_protocol(self._hub),
        )

    async def publish(self, timestamps_ns: list[int]) -> None:
        """Publishes, lets the loop turn, and waits for clients that fell behind but do read."""
        for timestamp_ns in timestamps_ns:
            self._topic.publish(msgspec.json.encode(make_event(timestamp_ns)))
        await asyncio.sleep(0)
        [audience] = self._topic.audiences
        while len(audience.slow) > self.stalled:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.001)


def _subject(kind: str) -> Subject:
    if kind == "hub":
        return HubSubject()
    return PlainSubject(deflate=kind == "plain-deflate")


def _rss_kib() -> int:
    gc.collect()
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("no VmRSS in /proc/self/status")


async def _command(subject: Subject, words: list[str]) -> str:
    """Does one command; what to answer."""
    if words[0] == "wait":
        while subject.clients < int(words[1]):  # noqa: ASYNC110 - not what is measured
            await asyncio.sleep(0.01)
        return str(subject.clients)
    if words[0] == "run":
        events, burst = int(words[1]), int(words[2])
        for _ in range(0, events, burst):
            await subject.publish([time.monotonic_ns()] * burst)
        return "done"
    if words[0] == "rate":
        events, period_ns = int(words[1]), int(words[2]) * 1000
        start_ns = time.monotonic_ns()
        for number in range(events):
            due_ns = start_ns + number * period_ns
            if (wait_ns := due_ns - time.monotonic_ns()) > 0:
                await asyncio.sleep(wait_ns / 1e9)
            await subject.publish([due_ns])
        return "done"
    if words[0] == "stalled":
        subject.stalled = int(words[1])
        return "done"
    if words[0] == "cpu":
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return f"{usage.ru_utime + usage.ru_stime:.6f}"
    return str(_rss_kib())


async def _main(kind: str) -> None:
    subject = _subject(kind)
    server = uvicorn.Server(subject.config())
    # As `headwater run` does. A listener of uvicorn's own costs a name look-up, for which libuv
    # starts threads, and system calls of a process with threads cost more.
    listener = socket.create_server(("127.0.0.1", 0), backlog=8192)
    serving = asyncio.create_task(server.serve([listener]), name="server")
    print(listener.getsockname()[1], flush=True)
    commands = asyncio.StreamReader()
    reading = asyncio.StreamReaderProtocol(commands)
    await asyncio.get_running_loop().connect_read_pipe(lambda: reading, sys.stdin)
    while words := (await commands.readline()).decode().split():
        print(await _command(subject, words), flush=True)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    import uvloop

    uvloop.run(_main(sys.argv[1]))
