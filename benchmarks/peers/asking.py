"""Asks a peer: writes the jobs, runs its driver in its environment, reads the answers."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.peers.environments import ROOT, environment

OWN: Final = ""
"""In place of an environment: the interpreter that asks, the one that we are developed with."""

DRIVERS: Final[Mapping[str, tuple[str, str]]] = {
    "headwater": ("headwater-py312", "run_headwater"),
    "headwater-tape": (OWN, "run_headwater_tape"),
    "headwater-tape-py312": ("headwater-py312", "run_headwater_tape"),
    "backtesting": ("backtesting", "run_backtesting"),
    "vectorbt": ("vectorbt", "run_vectorbt"),
    "nautilus": ("nautilus-2", "run_nautilus"),
    "jesse": ("jesse", "run_jesse"),
    "freqtrade": ("freqtrade", "run_freqtrade"),
    "hftbacktest": ("hftbacktest", "run_hftbacktest"),
}
"""By peer: its environment, and the module of `benchmarks.peers` that drives it."""

TIMEOUT_S: Final = 1_800.0
"""Longest time one process may take."""


class Failed(Exception):
    """A driver ended badly; the text is the end of what it said."""


def is_ready(peer: str) -> bool:
    """Whether the peer's environment is made; `make bench-peers` makes it."""
    name = DRIVERS[peer][0]
    return name == OWN or environment(name).is_ready


def ask(
    peer: str, jobs: Sequence[Mapping[str, Any]], surroundings: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The answers of one process to all jobs, in their order.

    Args:
        peer: a name of `DRIVERS`.
        jobs: what it is asked.
        surroundings: further environment variables of the process.

    Raises:
        Failed: the process ended badly or took too long.
    """
    name, module = DRIVERS[peer]
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        asked, answered = Path(folder) / "jobs.json", Path(folder) / "answers.json"
        asked.write_text(json.dumps(list(jobs)))
        command = [
            sys.executable if name == OWN else str(environment(name).interpreter),
            *("-m", f"benchmarks.peers.{module}", str(asked), str(answered)),
        ]
        paths = os.pathsep.join((str(ROOT), str(ROOT / "src")))
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env={
                    **os.environ,
                    "PYTHONPATH": paths,
                    "TQDM_DISABLE": "1",
                    **(surroundings or {}),
                },
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{peer}: not done after {TIMEOUT_S:g} s") from error
        if done.returncode or not answered.exists():
            raise Failed(f"{peer}: {(done.stderr or done.stdout)[-2_000:]}")
        answers: list[dict[str, Any]] = json.loads(answered.read_text())
        return answers
