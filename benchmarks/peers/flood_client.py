"""Reads one flood with one subject in this process and prints one JSON line.

`python -m benchmarks.peers.flood_client --subject cryptofeed --url ws://127.0.0.1:1234`. The time
is the process' CPU time (user and system, all threads) from before the connection is opened until
it is closed: opening costs a few ms, spread over all records.
"""

import argparse
import importlib
import json
import platform
import time
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Flooded:
    """What a client made of a flood.

    Attributes:
        delivered: records that reached the user's code.
        lost_counted: records that did not, by the client's own count.
        last_id: id of the last record delivered.
    """

    delivered: int
    lost_counted: int
    last_id: str


_SUBJECTS = {
    "headwater": ("flood_headwater", "run"),
    "headwater_json": ("flood_headwater", "run_json"),
    "cryptofeed": ("flood_cryptofeed", "run"),
    "ccxt": ("flood_ccxt", "run"),
    "ccxt_roomy": ("flood_ccxt", "run_roomy"),
}


def main() -> None:
    """Reads the command line, runs, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subject", choices=sorted(_SUBJECTS), required=True)
    parser.add_argument("--url", required=True)
    options = parser.parse_args()
    module, function = _SUBJECTS[options.subject]
    run = getattr(importlib.import_module(f"benchmarks.peers.{module}"), function)
    wall, cpu = time.perf_counter(), time.process_time()
    flooded = run(options.url)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    about = {"python": platform.python_version(), "cpu_s": cpu, "wall_s": wall}
    print(json.dumps({**asdict(flooded), **about}))


if __name__ == "__main__":
    main()
