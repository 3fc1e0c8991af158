"""What does one process need for four venues × 50 symbols of trades, books and tickers?

`python -m benchmarks.bench_four_venues [--write]`. `headwater simulate` lists 50 symbols on each of
the four simulated venues and speaks the venues' own protocols over loopback; the platform runs in
another process, pinned to another core (`four_venues_platform.py`). Told are its CPU time over 60
seconds and the queue age of each record: from the bytes' arrival (`received_ns`) to a bus reader.

Rates are the simulator's at speed 1: each venue pushes as often as its documents say (books of
Binance, Bybit and OKX every 100 ms when something changed, Hyperliquid's images every half second
or so; tickers of Bybit and OKX every 100 ms), and trades come as often as the listing of a symbol
is active. The table tells how many records came.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.bench_socket_flood import _environ, _pinned
from benchmarks.peers.environments import ROOT
from benchmarks.report import machine, table, write_section
from headwater.simulator.more_listings import LISTING_BY_SYMBOL

VENUES: Final = ("binance", "bybit", "hyperliquid", "okx")
CPU_GOAL: Final = 0.60
"""Share of one core that the platform may use."""

AGE_GOAL_MS: Final = 20.0
"""Queue age that 99 % of the records stay within."""

CONFLATED: Final = "book_snapshot at the interval"
"""Kind of the ages that are no queue's; see `four_venues_platform.CONFLATED`."""

EXPLANATION: Final = (
    "Queue age is from the arrival of the bytes to a reader of the bus. Goals are judged on\n"
    "records that are passed on as they come. Kept books of Binance, Bybit and OKX are published\n"
    "every 100 ms when something changed and are as old as the newest change in them, by\n"
    "intention: they have a row of their own and no part in the judgement."
)

_HZ: Final = os.sysconf("SC_CLK_TCK")


class Found(msgspec.Struct):
    """What the platform's process printed; see `four_venues_platform.Findings`."""

    seconds: float
    cpu_s: float
    records: dict[str, int]
    ages_us: dict[str, list[int]]
    dropped: int
    gaps: dict[str, int]
    symbols: dict[str, int]
    resident_bytes: int


@contextmanager
def simulator(symbols: list[str], speed: float) -> Iterator[tuple[int, dict[str, object]]]:
    """The simulated venues in a process of their own: its id, and the venues' addresses."""
    command = [sys.executable, "-m", "headwater.app", "simulate", "--stop-with-stdin"]
    command += ["--venues", ",".join(VENUES), "--symbols", ",".join(symbols)]
    command += ["--speed", str(speed)]
    with subprocess.Popen(
        _pinned(command, 0),
        cwd=ROOT,
        env=_environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the simulated venues did not start")
        yield process.pid, json.loads(line)["venues"]
        process.stdin.close()


def run_platform(where: Path, symbols: list[str], channels: str, seconds: float) -> Found:
    """One run of the platform.

    Raises:
        RuntimeError: it ended without a result.
    """
    command = [sys.executable, "-m", "benchmarks.four_venues_platform"]
    command += ["--addresses", str(where), "--venues", ",".join(VENUES)]
    command += ["--symbols", ",".join(symbols), "--channels", channels, "--seconds", str(seconds)]
    done = subprocess.run(
        _pinned(command, 1), cwd=ROOT, env=_environ(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or not done.stdout:
        raise RuntimeError(" ".join(done.stderr.strip().splitlines()[-3:]) or "ended in silence")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Found)


def cpu_s(pid: int) -> float:
    """Processor seconds of a process so far, 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _HZ


def percentiles(ages_us: list[int]) -> tuple[float, float, float]:
    """p50, p99 and largest, ms; `ages_us` is not empty."""
    ages = sorted(ages_us)
    p50, p99 = (ages[int(len(ages) * part)] for part in (0.50, 0.99))
    return p50 / 1_000, p99 / 1_000, ages[-1] / 1_000


def rates(found: Found) -> str:
    """Records a second by kind and venue, as a table."""
    by_kind: dict[str, dict[str, int]] = defaultdict(dict)
    for name, count in found.records.items():
        exchange, _, kind = name.partition(" ")
        by_kind[kind][exchange] = count
    rows = [
        [kind, *(f"{by_kind[kind].get(venue, 0) / found.seconds:.1f}" for venue in VENUES)]
        for kind in sorted(by_kind)
    ]
    return table(["records a second", *VENUES], rows)


def ages(found: Found) -> str:
    """Queue ages by kind, as a table."""
    rows = [
        [kind, *(f"{value:.2f}" for value in percentiles(found.ages_us[kind]))]
        for kind in sorted(found.ages_us)
    ]
    return table(["queue age, ms", "p50", "p99", "largest"], rows)


def describe(found: Found, symbols: int, channels: str, speed: float, others: float) -> str:
    """The results as markdown.

    Args:
        found: what the platform printed.
        symbols: how many on each venue.
        channels: which.
        speed: simulated seconds a second.
        others: share of a core that the simulated venues used.
    """
    total = sum(found.records.values())
    passed_on = [age for kind, those in found.ages_us.items() if kind != CONFLATED for age in those]
    p50, p99, largest = percentiles(passed_on)
    share = found.cpu_s / found.seconds
    kept = share <= CPU_GOAL and p99 <= AGE_GOAL_MS
    rows = [
        ["CPU, share of one core", f"{share:.1%}", f"≤ {CPU_GOAL:.0%}"],
        ["queue age p50, ms", f"{p50:.2f}", "–"],
        ["queue age p99, ms", f"{p99:.2f}", f"≤ {AGE_GOAL_MS:.0f}"],
        ["queue age, largest, ms", f"{largest:.1f}", "–"],
        ["records/s", f"{total / found.seconds:,.0f}", "–"],
        ["CPU µs a record", f"{found.cpu_s / total * 1e6:.0f}", "–"],
        ["resident, MiB", f"{found.resident_bytes / 2**20:.0f}", "–"],
    ]
    listed = ", ".join(f"{venue} {found.symbols.get(venue, 0)}" for venue in VENUES)
    gaps = ", ".join(f"{count} × {name}" for name, count in sorted(found.gaps.items()))
    return "\n".join(
        [
            f"#### Speed {speed:g}: {channels.replace(',', ', ')} of {symbols} symbols a venue",
            "",
            table(["", "measured", "goal"], rows),
            "",
            rates(found),
            "",
            ages(found),
            "",
            f"Goal {'kept' if kept else 'missed'}; {found.seconds:.0f} s after settling.",
            f"Symbols heard of: {listed}. {found.dropped} records dropped.",
            f"In the gap ledgers since the start: {gaps or 'nothing'}.",
            f"The simulated venues used {others:.0%} of the other core.",
            f"Machine: {machine()}.",
        ]
    )


def run(symbols: list[str], channels: str, seconds: float, speed: float) -> str:
    """One run at one speed, described."""
    with tempfile.TemporaryDirectory() as folder, simulator(symbols, speed) as (pid, venues):
        where = Path(folder, "addresses.json")
        addresses = {
            name: {key: told[key] for key in ("rest", "streams")}
            for name, told in msgspec.convert(venues, dict[str, dict[str, object]]).items()
        }
        where.write_text(json.dumps(addresses))
        before, began = cpu_s(pid), os.times().elapsed
        found = run_platform(where, symbols, channels, seconds)
        others = (cpu_s(pid) - before) / (os.times().elapsed - began)
    return describe(found, len(symbols), channels, speed, others)


def main() -> None:
    """Measures, prints, and writes when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--symbols", type=int, default=50, help="listed on each venue")
    parser.add_argument("--channels", default="trades,book,tickers")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--speeds", type=float, nargs="+", default=[1.0, 3.0])
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    options = parser.parse_args()
    symbols = list(LISTING_BY_SYMBOL)[: options.symbols]
    told = [f"### Four venues × {len(symbols)} symbols in one process", EXPLANATION]
    for speed in options.speeds:
        told.append(run(symbols, options.channels, options.seconds, speed))
        print(told[-1])
    if options.write:
        write_section("four_venues", "\n\n".join(told))


if __name__ == "__main__":
    main()
