"""What does a record cost from the socket on, and is one lost, when a venue floods?

`python -m benchmarks.bench_socket_flood [--write]`. A server (`flood_server`, on a core of its own
where there are two) sends ready-made aggTrade frames over loopback as fast as the client takes
them; each subject reads one flood per round, in turn. Entries: ours `transport.ws` → parser →
feeds → bus → reader task (and JSON); cryptofeed's `WSAsyncConn` and `ConnectionHandler` → awaited
callback; ccxt.pro `while True: await watch_trades`. All on uvloop, no TLS, no compression. The
figure is the client's process CPU time per record *delivered*; what was sent and not delivered is
lost, and whether the client knows is said.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.peers.environments import ROOT, environment
from benchmarks.report import machine, median, table, write_section

CLIENT_TIMEOUT_S: Final = 180.0
"""Longest time one client may take before it is left out."""

_PIN: Final = (
    "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])}); "
    "os.execv(sys.argv[2], sys.argv[2:])"
)


@dataclass(frozen=True)
class Contestant:
    """A client in an environment.

    Attributes:
        title: as the table names it.
        subject: name that `peers.flood_client` knows.
        environment: of the peers' environments, None for our own.
        beside: title of our row on the same interpreter; None for our own rows.
        bare: whether it subscribes on a raw stream, without the combined stream's wrapper.
    """

    title: str
    subject: str
    environment: str | None
    beside: str | None
    bare: bool = False


_OURS_311: Final = "ours, socket → record (3.11)"
_OURS_313: Final = "ours, socket → record (3.13)"
CONTESTANTS: Final = (
    Contestant(_OURS_311, "headwater", None, None),
    Contestant("ours, socket → JSON ready (3.11)", "headwater_json", None, None),
    Contestant("cryptofeed 2.4.1 (3.11)", "cryptofeed", "cryptofeed-2", _OURS_311),
    Contestant("ccxt.pro, defaults (3.11)", "ccxt", "ccxt", _OURS_311, bare=True),
    Contestant("ccxt.pro, roomy cache (3.11)", "ccxt_roomy", "ccxt", _OURS_311, bare=True),
    Contestant(_OURS_313, "headwater", "headwater-py313", None),
    Contestant("cryptofeed 3.0.1 (3.13)", "cryptofeed", "cryptofeed-3", _OURS_313),
)


@dataclass(frozen=True)
class Run:
    """One flood as one client lived it.

    Attributes:
        us: CPU time per record delivered, µs.
        per_s: records delivered per second of wall time.
        lost: share of the records sent that were not delivered.
        lost_known: share that the client itself counts as lost.
        reached_end: whether the last record sent is among the delivered.
    """

    us: float
    per_s: float
    lost: float
    lost_known: float
    reached_end: bool


@contextmanager
def flood_server(records: int, *, bare: bool) -> Iterator[str]:
    """A running server; gives its `ws:` address."""
    command = [sys.executable, "-m", "benchmarks.flood_server", "--records", str(records)]
    if bare:
        command.append("--bare")
    with subprocess.Popen(
        _pinned(command, 0), cwd=ROOT, stdout=subprocess.PIPE, text=True, env=_environ()
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            if not port:
                raise RuntimeError("the flood server did not start")
            yield f"ws://127.0.0.1:{port}"
        finally:
            process.terminate()


def _pinned(command: list[str], core: int) -> list[str]:
    """The command bound to a core, where the machine has two and the means to do so."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        return command
    return [sys.executable, "-c", _PIN, str(cores[core % len(cores)]), *command]


def _environ() -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    return {**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "0"}


def run_client(contestant: Contestant, url: str, records: int) -> Run | str:
    """One client's run, or why there is none."""
    interpreter = sys.executable
    if contestant.environment is not None:
        wanted = environment(contestant.environment)
        if not wanted.is_ready:
            return "no environment: run `make bench-peers`"
        interpreter = str(wanted.interpreter)
    command = [interpreter, "-m", "benchmarks.peers.flood_client"]
    command += ["--subject", contestant.subject, "--url", url]
    try:
        done = subprocess.run(
            _pinned(command, 1),
            cwd=ROOT,
            env=_environ(),
            capture_output=True,
            text=True,
            timeout=CLIENT_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no end in {CLIENT_TIMEOUT_S:.0f} s"
    if done.returncode != 0:
        return " ".join(done.stderr.strip().splitlines()[-1:]) or "failed in silence"
    return _as_run(json.loads(done.stdout.splitlines()[-1]), records)


def _as_run(answer: dict[str, Any], records: int) -> Run | str:
    delivered = answer["delivered"]
    if not delivered:
        return "nothing delivered"
    return Run(
        us=answer["cpu_s"] / delivered * 1e6,
        per_s=delivered / answer["wall_s"],
        lost=1 - delivered / records,
        lost_known=answer["lost_counted"] / records,
        reached_end=answer["last_id"] == str(2_400_000_000 + records),
    )


def describe(runs: dict[str, list[Run]], skipped: dict[str, str], records: int, rounds: int) -> str:
    """The results as markdown."""
    rows: list[list[str]] = []
    for contestant in CONTESTANTS:
        mine = runs.get(contestant.title)
        if contestant.title in skipped:
            reason = skipped[contestant.title]
            rows.append([contestant.title, "–", "–", "–", f"left out: {reason}"])
            continue
        if not mine:
            continue
        ours = runs.get(contestant.beside or "")
        ratio = "" if not ours else f" (**{_ratio(mine, ours):.1f} ×**)"
        lost = median([run.lost for run in mine])
        known = median([run.lost_known for run in mine])
        saw_end = all(run.reached_end for run in mine)
        rows.append(
            [
                contestant.title,
                f"{median([run.us for run in mine]):.2f}{ratio}",
                f"{median([run.per_s for run in mine]) / 1000:.0f} k",
                f"{lost:.1%}",
                _loss_in_words(lost, known, saw_end=saw_end),
            ]
        )
    header = ["", "CPU µs a record", "records/s, wall", "lost", "the client says"]
    return "\n".join(
        [
            "### Socket to record, flood of one symbol",
            "",
            "In brackets: how many times more than ours on the same interpreter.",
            "",
            table(header, rows),
            "",
            f"{records} aggTrade frames a round, {rounds} rounds in turn; medians.",
            f"Machine: {machine()}.",
        ]
    )


def _ratio(peer: list[Run], ours: list[Run]) -> float:
    return median([theirs.us / mine.us for theirs, mine in zip(peer, ours, strict=False)])


def _loss_in_words(lost: float, known: float, *, saw_end: bool) -> str:
    if not saw_end:
        return "the end of the flood is missing"
    if lost <= 0:
        return "all delivered"
    return "every loss counted" if abs(lost - known) < 1e-9 else "nothing of it"


def main() -> None:
    """Measures, prints, and writes when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", metavar="SUBJECT", help="subjects, by client name")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    options = parser.parse_args()
    runs: dict[str, list[Run]] = defaultdict(list)
    skipped: dict[str, str] = {}
    with (
        flood_server(options.records, bare=False) as wrapped,
        flood_server(options.records, bare=True) as bare,
    ):
        for number in range(options.rounds):
            for contestant in CONTESTANTS:
                if options.only is not None and contestant.subject not in options.only:
                    continue
                if contestant.title in skipped:
                    continue
                url = bare if contestant.bare else wrapped
                result = run_client(contestant, url, options.records)
                if isinstance(result, str):
                    skipped[contestant.title] = result
                else:
                    runs[contestant.title].append(result)
            print(f"round {number + 1}/{options.rounds}", file=sys.stderr)
    text = describe(runs, skipped, options.records, options.rounds)
    print(text)
    if options.write:
        write_section("socket-flood", text)


if __name__ == "__main__":
    main()
