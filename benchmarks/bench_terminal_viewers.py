"""What do 1,000 viewers of 10 order books × 3 roundings at 10 Hz cost one process?

`python -m benchmarks.bench_terminal_viewers [--write]`. The server (`terminal_viewers_server.py`)
is pinned to one core, the viewers (`terminal_viewers_reader.py`) to another. Beside it, in the same
run, the same work done for each viewer: one aggregation and one `json.dumps` each, for so many
viewers as one core can carry; the figure to compare is the processor time per viewer.

A message has 20 levels a side of a book of 1,000. Ages are wall time: other people's work on the
machine shows in them.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from benchmarks.bench_socket_flood import _environ, _pinned
from benchmarks.peers.environments import ROOT
from benchmarks.report import machine, median, table, write_section
from benchmarks.terminal_viewers_reader import Watched
from benchmarks.terminal_viewers_server import HZ, LEVELS, LIMIT, ROUNDINGS, SYMBOLS

CPU_GOAL: Final = 0.50
"""Share of one core that the server may use."""

AGE_GOAL_MS: Final = 150.0
"""Age on arrival that 99 % of the messages stay within."""

SETTLE_S: Final = 2.0
"""Time between the last handshake and the measurement."""


class Run(msgspec.Struct):
    """One turn of one server.

    Attributes:
        viewers: how many.
        cpu: share of a core that the server used.
        watched: what the viewers saw.
    """

    viewers: int
    cpu: float
    watched: Watched

    @property
    def cpu_ms_per_viewer_s(self) -> float:
        """Processor milliseconds for a second of one viewer."""
        return self.cpu / self.viewers * 1_000


class Worker:
    """A process that answers each line with one line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def line(self) -> str:
        """The next line that it prints.

        Raises:
            RuntimeError: it has ended.
        """
        assert self._process.stdout is not None
        found = self._process.stdout.readline()
        if not found:
            raise RuntimeError("a process of the benchmark ended early")
        return found.strip()

    def ask(self, text: str) -> str:
        """Its answer to a line."""
        self.tell(text)
        return self.line()

    def tell(self, text: str) -> None:
        """Sends it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n")
        self._process.stdin.flush()


@contextmanager
def worker(module: str, *arguments: str, core: int) -> Iterator[Worker]:
    """Runs a module on a core until the block ends."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    with subprocess.Popen(
        _pinned(command, core),
        cwd=ROOT,
        env=_environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Worker(process)
        finally:
            process.terminate()


def measure(kind: str, viewers: int, seconds: float) -> Run:
    """One turn: the server, its viewers, and so many seconds."""
    with (
        worker("terminal_viewers_server", kind, core=1) as server,
        worker("terminal_viewers_reader", server.line(), str(viewers), core=0) as readers,
    ):
        assert readers.line() == "ready"
        readers.ask(str(SETTLE_S))
        before = float(server.ask("cpu"))
        watched = msgspec.json.decode(readers.ask(str(seconds)), type=Watched)
        used = float(server.ask("cpu")) - before
    return Run(viewers=viewers, cpu=used / watched.seconds, watched=watched)


def row(label: str, runs: list[Run]) -> list[str]:
    """Medians of the turns of one server."""
    seen = [run.watched for run in runs]
    rate = median([one.messages / one.seconds for one in seen])
    least = min(one.least / one.seconds for one in seen)
    ages = [median([one.ages_ms[pick] for one in seen]) for pick in range(3)]
    return [
        label,
        f"{runs[0].viewers:,}",
        f"{median([run.cpu for run in runs]):.1%}",
        f"{median([run.cpu_ms_per_viewer_s for run in runs]):.2f}",
        f"{rate:,.0f}",
        f"{least:.1f}",
        f"{median([one.payload_bytes / one.messages for one in seen]) / 1_000:.1f}",
        *(f"{age:.0f}" for age in ages),
    ]


def describe(ours: list[Run], naive: list[Run], seconds: float) -> str:
    """The results as markdown."""
    cpu = median([run.cpu for run in ours])
    p99 = median([run.watched.ages_ms[1] for run in ours])
    ratios = [
        theirs.cpu_ms_per_viewer_s / mine.cpu_ms_per_viewer_s
        for mine, theirs in zip(ours, naive, strict=True)
    ]
    head = ["server", "viewers", "CPU of a core", "CPU ms per viewer and s", "messages/s"]
    head += ["least per viewer and s", "KB each", "age p50 ms", "p99 ms", "largest ms"]
    views = f"{len(SYMBOLS)} symbols × {len(ROUNDINGS)} roundings at {HZ} Hz"
    return "\n".join(
        [
            f"### {ours[0].viewers:,} viewers of order books: {views}",
            "",
            f"Books of {LEVELS:,} levels a side, {LIMIT} shown. Age: from the newest change in a",
            "message to the viewer that has read it.",
            "",
            table(
                head,
                [
                    row("headwater: one rendering per view", ours),
                    row("one aggregation and `json.dumps` per viewer", naive),
                ],
            ),
            "",
            f"CPU ≤ {CPU_GOAL:.0%} of a core: {'kept' if cpu <= CPU_GOAL else 'missed'}.",
            f"p99 ≤ {AGE_GOAL_MS:.0f} ms: {'kept' if p99 <= AGE_GOAL_MS else 'missed'}.",
            f"A viewer costs {median(ratios):.0f} × less than done for each alone.",
            f"Medians of {len(ours)} turns of {seconds:.0f} s. Machine: {machine()}.",
        ]
    )


def main() -> None:
    """Measures, prints, and writes when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=1_000)
    parser.add_argument("--naive-viewers", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    options = parser.parse_args()
    ours, naive = [], []
    for _ in range(options.rounds):
        ours.append(measure("ours", options.viewers, options.seconds))
        naive.append(measure("naive", options.naive_viewers, options.seconds))
    text = describe(ours, naive, options.seconds)
    print(text)
    if options.write:
        write_section("terminal_viewers", text)


if __name__ == "__main__":
    main()
