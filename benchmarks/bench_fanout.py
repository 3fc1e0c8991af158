"""How much of what the kernel allows does the stream hub fan out, and beside what others?

One publisher, 250-byte JSON events, N clients on loopback in a process of their own. Compared:
the hub inside uvicorn, a plain FastAPI `send_json` loop without compression, the same with
uvicorn's defaults (permessage-deflate, offered by the clients as browsers do), and a C loop of
`send` calls. The figure that holds on a busy machine is deliveries per CPU second of the *server*
process; rounds are interleaved and the ratios are medians over rounds.

    python benchmarks/bench_fanout.py                     # all, about 3 minutes
    python benchmarks/bench_fanout.py --clients 1000 --rounds 5 --skip latency memory

Prints markdown tables. Needs `cc` for the C loop; without it that row is left out.
"""

import argparse
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
BURST = 100
SEGMENT_DELIVERIES = 50_000
"""After so many the clients have to catch up and the next server has its turn. When clients lag,
the kernel only queues what is sent and delivers on their account; and the cost of a `send` on a
shared machine jumps by a factor of two within seconds, so turns must be short to be comparable."""
BURST_FACTOR = 10
"""How many more deliveries a round of bursts has, for servers that join events."""
LABELS = {
    "hub": "stream hub",
    "plain": "FastAPI `send_json` loop, compression off",
    "plain-deflate": "FastAPI `send_json` loop, uvicorn's defaults",
    "floor": "C loop of `send`",
}
TURNS = 3
"""Turns that each server has in a round."""


class Peer:
    """A server with its clients, both waiting for commands."""

    def __init__(self, kind: str, command: Sequence[str], clients: int, stack: ExitStack) -> None:
        self.kind = kind
        self.clients = clients
        self._server = stack.enter_context(_process(command))
        port = self._ask_server()
        self.rss_empty_kib = 0 if kind == "floor" else int(self._ask_server("rss"))
        self._tell(self._server, f"wait {clients}")
        deflate = ["deflate"] if kind == "plain-deflate" else []
        reader = [sys.executable, str(HERE / "fanout_reader.py"), port, str(clients), *deflate]
        self._reader = stack.enter_context(_process(reader))
        _expect(_line(self._reader), "ready")
        _expect(self._ask_server(), str(clients))

    def turn(self, burst: int) -> tuple[int, float]:
        """One turn in bursts of `burst` events; deliveries and the server's CPU seconds."""
        joins = burst > 1 and not self.kind.startswith("plain")
        wanted = SEGMENT_DELIVERIES * (BURST_FACTOR if joins else 1)
        events = max(1, wanted // self.clients // burst) * burst
        before = float(self._ask_server("cpu"))
        self._tell(self._reader, f"count {events * self.clients}")
        _expect(self._ask_server(f"run {events} {burst}"), "done")
        _expect(_line(self._reader), "done")
        return events * self.clients, float(self._ask_server("cpu")) - before

    def latency(self, events: int, period_us: int) -> list[float]:
        """p50, p99 and the largest latency from due time to the client, milliseconds."""
        self._tell(self._reader, f"latency {events * self.clients}")
        _expect(self._ask_server(f"rate {events} {period_us}"), "done")
        ages: list[float] = json.loads(_line(self._reader))
        return ages

    def kib_per_client(self) -> float:
        """Resident memory that the idle clients added to the server, per client."""
        return (int(self._ask_server("rss")) - self.rss_empty_kib) / self.clients

    def _ask_server(self, command: str | None = None) -> str:
        if command is not None:
            self._tell(self._server, command)
        return _line(self._server)

    @staticmethod
    def _tell(process: "subprocess.Popen[str]", command: str) -> None:
        assert process.stdin is not None
        process.stdin.write(command + "\n")
        process.stdin.flush()


@contextmanager
def _process(command: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    """A child that is told to quit at the end, and killed when it does not."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        raise RuntimeError(f"{process.args!r} ended early")
    return line


def _expect(got: str, wanted: str) -> None:
    if got != wanted:
        raise RuntimeError(f"expected {wanted!r}, got {got!r}")


def _commands(folder: Path) -> dict[str, list[str]]:
    """How to start each server; the C loop only when it can be compiled."""
    servers = str(HERE / "fanout_servers.py")
    commands = {kind: [sys.executable, servers, kind] for kind in LABELS if kind != "floor"}
    compiler = shutil.which("cc")
    if compiler is None:
        print("no `cc`: the C loop is left out\n")
    else:
        binary = str(folder / "fanout_floor")
        subprocess.run(
            [compiler, "-O2", "-o", binary, str(HERE / "fanout_floor.c")], check=True, timeout=60
        )
        commands["floor"] = [binary]
    return commands


def _throughput_table(peers: Sequence[Peer], rounds: int, burst: int) -> None:
    """Prints one row per server."""
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
    what = "one event at a time" if burst == 1 else f"bursts of {burst} events"
    print(f"### {peers[0].clients:,} clients, {what}\n")
    print("| server | deliveries / CPU s | spread | of the C loop | hub is × this |")
    print("|---|---|---|---|---|")
    for kind, values in results.items():
        ratios = {
            other: statistics.median(a / b for a, b in zip(values, results[other], strict=True))
            for other in results
        }
        floor = f"{ratios['floor']:.0%}" if "floor" in ratios else "–"
        times = 1 / ratios["hub"] if "hub" in ratios else float("nan")
        spread = f"{min(values) / 1e3:,.0f}–{max(values) / 1e3:,.0f} k"
        middle = f"{statistics.median(values) / 1e3:,.0f} k"
        print(f"| {LABELS[kind]} | {middle} | {spread} | {floor} | {times:.2f} |")
    print(flush=True)


def _latency_table(peers: Sequence[Peer], seconds: float, events_per_s: int) -> None:
    """Prints p50, p99 and the largest latency at a fixed rate."""
    clients = peers[0].clients
    print(f"### {events_per_s} events/s × {clients:,} clients for {seconds:g} s, milliseconds\n")
    print("| server | p50 | p99 | largest |")
    print("|---|---|---|---|")
    for peer in peers:
        ages = peer.latency(int(events_per_s * seconds), 1_000_000 // events_per_s)
        print(f"| {LABELS[peer.kind]} | " + " | ".join(f"{age:,.1f}" for age in ages) + " |")
    print(flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--servers", nargs="+", choices=list(LABELS), default=list(LABELS))
    parser.add_argument("--latency-clients", type=int, default=1000)
    parser.add_argument("--latency-s", type=float, default=4.0)
    parts = ["single", "burst", "latency", "memory"]
    parser.add_argument("--skip", nargs="*", choices=parts, default=[])
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    packages = ("fastapi", "uvicorn", "uvloop", "websockets", "msgspec")
    names = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"Python {platform.python_version()}, {names}, {platform.machine()}\n")
    with tempfile.TemporaryDirectory() as folder:
        commands = _commands(Path(folder))
        kinds = [kind for kind in LABELS if kind in commands and kind in arguments.servers]
        for clients in arguments.clients:
            with ExitStack() as stack:
                peers = [Peer(kind, commands[kind], clients, stack) for kind in kinds]
                if "memory" not in arguments.skip:
                    print(f"### {clients:,} idle clients, resident KiB per client\n")
                    for peer in peers:
                        if peer.kind != "floor":
                            print(f"- {LABELS[peer.kind]}: {peer.kib_per_client():.2f}")
                    print(flush=True)
                if "single" not in arguments.skip:
                    _throughput_table(peers, arguments.rounds, 1)
                if "burst" not in arguments.skip:
                    lean = [peer for peer in peers if peer.kind != "plain-deflate"]
                    _throughput_table(lean, arguments.rounds, BURST)
                if "latency" not in arguments.skip and clients == arguments.latency_clients:
                    lean = [peer for peer in peers if peer.kind != "plain-deflate"]
                    _latency_table(lean, arguments.latency_s, 100)


if __name__ == "__main__":
    main()
