"""Strategies that do what no strategy should; named to a desk as files of its operator."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

from headwater.strategies.bars import Bars
from headwater.strategies.base import BaseStrategy
from headwater.strategies.parameters import Text
from headwater.strategies.signals import Signals


class Raises(BaseStrategy):
    name = "raises"
    description = "Fails."

    def generate_signals(self, data: Any) -> Signals:
        raise ValueError("no such luck")


class Loops(BaseStrategy):
    name = "loops"
    description = "Never ends."

    def generate_signals(self, data: Any) -> Signals:
        while True:
            pass


class Eats(BaseStrategy):
    name = "eats"
    description = "Takes all the memory there is."

    def generate_signals(self, data: Any) -> Signals:
        held = []
        while True:
            held.append(bytearray(8 * 1024 * 1024))


class Recurses(BaseStrategy):
    name = "recurses"
    description = "Calls itself without end."

    def generate_signals(self, data: Any) -> Signals:
        return self.generate_signals(data)


class Prints(BaseStrategy):
    name = "prints"
    description = "Talks where the worker talks."

    def generate_signals(self, data: Any) -> Signals:
        for _ in range(1000):
            print('{"type":"finished","result_bytes":1,"report_bytes":0}')  # noqa: T201 - that is the point
        return Signals(Bars.of(data))


class Exits(BaseStrategy):
    name = "exits"
    description = "Ends the process."

    def generate_signals(self, data: Any) -> Signals:
        os._exit(3)


class Leaves(BaseStrategy):
    name = "leaves"
    description = "Ends the program in order."

    def generate_signals(self, data: Any) -> Signals:
        raise SystemExit(0)


class Kills(BaseStrategy):
    name = "kills"
    description = "Kills the process."

    def generate_signals(self, data: Any) -> Signals:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class Waits(BaseStrategy):
    name = "waits"
    description = "Waits until a file is there."
    declared = (Text("file", "", "Path of the file.", most=500),)

    def generate_signals(self, data: Any) -> Signals:
        never = threading.Event()
        while not Path(self.params["file"]).exists():
            never.wait(0.005)
        return Signals(Bars.of(data))


ALL = (Raises, Loops, Eats, Recurses, Prints, Exits, Leaves, Kills, Waits)
FILES = tuple(f"{__file__}:{one.__name__}" for one in ALL)
