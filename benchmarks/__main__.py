"""Runs every benchmark, one after the other: `python -m benchmarks [--write]`.

Each is a process of its own, so that none warms another up. They take about half an hour on two
cores; each has options of its own for a shorter look (`python -m benchmarks.bench_fanout --help`).
"""

import argparse
import subprocess
import sys
from typing import Final

BENCHMARKS: Final = (
    "bench_normalise",
    "bench_socket_flood",
    "bench_fanout",
    "bench_terminal_book",
    "bench_rest_cache",
    "bench_terminal_viewers",
    "bench_memory",
    "bench_four_venues",
    "bench_storage",
    "bench_tape",
    "bench_liquidation_map",
    "bench_stored_maps",
    "bench_heatmap_raster",
    "bench_page",
    "bench_backtest",
    "bench_sweep",
    "bench_trade_replay",
)


def main() -> int:
    """Runs them all; 1 when any failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    chosen = parser.parse_args()
    failed = []
    for number, name in enumerate(chosen.only, 1):
        print(f"[{number}/{len(chosen.only)}] {name}", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *(["--write"] * chosen.write)]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
