"""A strategy that waits for a file and then does real work; no two workers do one job at a time.

Named to a desk as a file of its operator, it shows from outside which jobs run, how often each
was begun, and whether two processes ever did the same one together.
"""

import fcntl
import os
import threading
from pathlib import Path
from typing import Any

from headwater.strategies.parameters import Text
from headwater.strategies.signals import Signals
from headwater.strategies.sma_cross import SmaCross

_begun: dict[str, int | None] = {}
"""Locks that this process holds, by the gate's path; a process does one job in its life."""


class GatedCross(SmaCross):
    name = "gated_cross"
    description = "The cross of two averages, once a file is there."
    declared = (*SmaCross.declared, Text("gate", "", "Path of the file.", most=500))

    def generate_signals(self, data: Any) -> Signals:
        gate = self.params["gate"]
        if gate not in _begun:
            _begun[gate] = _begin(gate)
        never = threading.Event()
        while not Path(gate).exists():
            never.wait(0.005)
        return super().generate_signals(data)


def _begin(gate: str) -> int | None:
    """Notes that a worker began, and holds the job until this process ends.

    A search runs in several processes; they are of one group, and the first of them holds it.

    Raises:
        BlockingIOError: another worker does it.
    """
    lock = os.open(f"{gate}.lock", os.O_CREAT | os.O_RDWR)
    before = begun(Path(gate))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        if begun(Path(gate))[-1:] == [os.getpgrp()]:
            return None
        raise
    if before[-1:] != [os.getpgrp()]:
        with Path(f"{gate}.begun").open("a") as file:
            file.write(f"{os.getpgrp()}\n")
    return lock


def begun(gate: Path) -> list[int]:
    """Which workers began the job of a gate, in their order."""
    path = Path(f"{gate}.begun")
    return [int(line) for line in path.read_text().split()] if path.exists() else []


FILE = f"{__file__}:GatedCross"
