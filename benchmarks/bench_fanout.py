"""How much of what the kernel allows does the stream hub fan out, and beside what others?

`python -m benchmarks.bench_fanout [--write]`. One publisher, 250-byte JSON events, N clients on
loopback in a process of their own. Compared: the hub inside uvicorn, a plain FastAPI `send_json`
loop without compression, the same with uvicorn's defaults (permessage-deflate, offered by the
clients as browsers do), and a C loop of `send` calls, left out where there is no `cc`. The figure
that holds on a busy machine is deliveries per CPU second of the *server* process. Servers take
short turns; a round is some turns of each, and ratios are medians over rounds.
"""

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.fanout_reader import REQUEST
from benchmarks.report import machine, median, table, write_section

ROOT: Final = Path(__file__).resolve().parents[1]
TURN_DELIVERIES: Final = 50_000
"""After so many the clients have to catch up and the next server has its turn. When clients lag,
the kernel only queues what is sent and delivers on their account; and the cost of a `send` on a
shared machine jumps by a factor of two within seconds, so turns must be short to be comparable."""
BURST_FACTOR: Final = 10
"""How many more deliveries a turn of bursts has, for servers that join events."""
TURNS: Final = 3
"""Turns that each server has in a round."""
EVENTS_PER_S: Final = 100
"""Rate at which latency is measured."""
LABELS: Final = {
    "hub": "stream hub",
    "plain": "FastAPI `send_json` loop, compression off",
    "plain-deflate": "FastAPI `send_json` loop, uvicorn's defaults",
    "floor": "C loop of `send`",
}
PARTS: Final = ("single", "burst", "latency", "memory")


class Peer:
    """A server with its clients, both waiting for commands.

    Args:
        kind: which server.
        command: how to start it.
        clients: how many connect.
        stack: ends both.
    """

    def __init__(self, kind: str, command: Sequence[str], clients: int, stack: ExitStack) -> None:
        self.kind = kind
        self.clients = clients
        self._server = stack.enter_context(_process(command))
        self._port = int(_line(self._server))
        self._rss_empty_kib = 0 if kind == "floor" else int(self._ask("rss"))
        _tell(self._server, f"wait {clients}")
        deflate = ["deflate"] if kind == "plain-deflate" else []
        reader = [sys.executable, "-m", "benchmarks.fanout_reader", str(self._port), str(clients)]
        self._reader = stack.enter_context(_process([*reader, *deflate]))
        _expect(_line(self._reader), "ready")
        _expect(_line(self._server), str(clients))
        self.kib_per_client = 0.0
        if kind != "floor":
            self.kib_per_client = (int(self._ask("rss")) - self._rss_empty_kib) / clients

    def turn(self, burst: int) -> tuple[int, float]:
        """One turn in bursts of `burst` events; deliveries and the server's CPU seconds."""
        joins = burst > 1 and not self.kind.startswith("plain")
        wanted = TURN_DELIVERIES * (BURST_FACTOR if joins else 1)
        events = max(1, wanted // self.clients // burst) * burst
        before = float(self._ask("cpu"))
        _tell(self._reader, f"count {events * self.clients}")
        _expect(self._ask(f"run {events} {burst}"), "done")
        _expect(_line(self._reader), "done")
        return events * self.clients, float(self._ask("cpu")) - before

    def latency(self, seconds: float) -> list[float]:
        """p50, p99 and the largest time from due to read, milliseconds."""
        events = int(EVENTS_PER_S * seconds)
        _tell(self._reader, f"latency {events * self.clients}")
        _expect(self._ask(f"rate {events} {1_000_000 // EVENTS_PER_S}"), "done")
        ages: list[float] = json.loads(_line(self._reader))
        return ages

    @contextmanager
    def stalled_client(self) -> Iterator[None]:
        """One more client, which reads nothing and whose buffers are full."""
        with socket.socket() as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.connect(("127.0.0.1", self._port))
            stalled.sendall(REQUEST.format(port=self._port, extension="").encode())
            _expect(self._ask(f"wait {self.clients + 1}"), str(self.clients + 1))
            _expect(self._ask("stalled 1"), "done")
            events = 10_000
            _tell(self._reader, f"count {events * self.clients}")
            _expect(self._ask(f"run {events} 100"), "done")
            _expect(_line(self._reader), "done")
            yield

    def _ask(self, command: str) -> str:
        _tell(self._server, command)
        return _line(self._server)


@contextmanager
def _process(command: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    """A child that ends with its standard input, or is killed when it does not."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _tell(process: "subprocess.Popen[str]", command: str) -> None:
    assert process.stdin is not None
    process.stdin.write(command + "\n")
    process.stdin.flush()


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        raise RuntimeError(f"{process.args!r} ended early")
    return line


def _expect(got: str, wanted: str) -> None:
    if got != wanted:
        raise RuntimeError(f"expected {wanted!r}, got {got!r}")


def commands(folder: Path) -> dict[str, list[str]]:
    """How to start each server; the C loop only where it can be compiled, into `folder`."""
    servers = [sys.executable, "-m", "benchmarks.fanout_servers"]
    found = {kind: [*servers, kind] for kind in LABELS if kind != "floor"}
    compiler = shutil.which("cc")
    if compiler is not None:
        binary = str(folder / "fanout_floor")
        source = str(ROOT / "benchmarks" / "fanout_floor.c")
        subprocess.run([compiler, "-O2", "-o", binary, source], check=True, timeout=60)
        found["floor"] = [binary]
    return found


def throughput(peers: Sequence[Peer], rounds: int, burst: int) -> str:
    """A table of deliveries per CPU second, with what they are of the C loop's."""
    results: dict[str, list[float]] = {peer.kind: [] for peer in peers}
    for _ in range(rounds):
        sums = {peer.kind: (0, 0.0) for peer in peers}
        for _ in range(TURNS):
            for peer in peers:
                deliveries, cpu_s = peer.turn(burst)
                done, used = sums[peer.kind]
                sums[peer.kind] = (done + deliveries, used + cpu_s)
        for kind, (done, used) in sums.items():
            results[kind].append(done / used)
    rows = []
    for kind, values in results.items():
        rows.append(
            [
                LABELS[kind],
                f"{median(values) / 1e3:,.0f} k",
                f"{min(values) / 1e3:,.0f}–{max(values) / 1e3:,.0f} k",
                _ratio(values, results.get("floor"), "{:.0%}"),
                _ratio(results.get("hub"), values, "{:.2f} ×"),
            ]
        )
    what = "one event at a time" if burst == 1 else f"bursts of {burst} events"
    head = ["server", "deliveries / CPU s", "rounds between", "of the C loop", "the hub is"]
    return f"#### {peers[0].clients:,} clients, {what}\n\n{table(head, rows)}\n"


def _ratio(above: list[float] | None, below: list[float] | None, form: str) -> str:
    """The median over rounds of above / below, `–` when either was not measured."""
    if above is None or below is None:
        return "–"
    return form.format(median([a / b for a, b in zip(above, below, strict=True)]))


def latency(peers: Sequence[Peer], seconds: float) -> str:
    """A table of latencies at a fixed rate; for the hub also beside a client that is stuck."""
    rows = []
    for peer in peers:
        rows.append([LABELS[peer.kind], *(f"{age:,.1f}" for age in peer.latency(seconds))])
        if peer.kind == "hub":
            with peer.stalled_client():
                ages = peer.latency(seconds)
            label = "the same while one more client does not read"
            rows.append([label, *(f"{age:,.1f}" for age in ages)])
    what = f"{EVENTS_PER_S} events/s × {peers[0].clients:,} clients for {seconds:g} s"
    head = ["server", "p50 ms", "p99 ms", "largest ms"]
    return f"#### {what}, from due to read\n\n{table(head, rows)}\n"


def memory(peers: Sequence[Peer]) -> str:
    """A table of resident memory per idle client."""
    rows = [[LABELS[p.kind], f"{p.kib_per_client:.2f}"] for p in peers if p.kind != "floor"]
    head = ["server", "KiB per client"]
    return f"#### {peers[0].clients:,} idle clients, resident memory\n\n{table(head, rows)}\n"


def measure(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    """The tables that `options` ask for, one by one."""
    found = commands(folder)
    kinds = [kind for kind in LABELS if kind in found and kind in options.servers]
    if "floor" not in found:
        yield "The C loop is left out: there is no `cc`.\n"
    for clients in options.clients:
        with ExitStack() as stack:
            peers = [Peer(kind, found[kind], clients, stack) for kind in kinds]
            lean = [peer for peer in peers if peer.kind != "plain-deflate"]
            if "memory" not in options.skip:
                yield memory(peers)
            if "single" not in options.skip:
                yield throughput(peers, options.rounds, 1)
            if "burst" not in options.skip:
                yield throughput(lean, options.rounds, options.burst)
            if "latency" not in options.skip and clients == options.latency_clients:
                yield latency(lean, options.latency_s)


def main() -> None:
    """Measures, prints, and writes when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--burst", type=int, default=10, help="events in a burst")
    parser.add_argument("--servers", nargs="+", choices=list(LABELS), default=list(LABELS))
    parser.add_argument("--latency-clients", type=int, default=1000)
    parser.add_argument("--latency-s", type=float, default=4.0)
    parser.add_argument("--skip", nargs="*", choices=PARTS, default=[])
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    options = parser.parse_args()
    text = ["### Fan-out over WebSockets, 250-byte events\n"]
    with tempfile.TemporaryDirectory() as folder:
        for part in measure(options, Path(folder)):
            print(part, flush=True)
            text.append(part)
    packages = ("fastapi", "uvicorn", "uvloop", "websockets", "msgspec")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    python = ".".join(map(str, sys.version_info[:3]))
    text.append(
        f"Medians of {options.rounds} rounds. Python {python}, {versions}. Machine: {machine()}."
    )
    print(text[-1])
    if options.write:
        write_section("fanout", "\n".join(text))


if __name__ == "__main__":
    main()
