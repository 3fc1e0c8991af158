"""A tape of trades and a market maker over it, for replays trade by trade. Numpy only."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MODES: Final = ("requote", "stay", "hear")
"""What the market maker does: see `TapeCase.mode`."""

TICK: Final = 0.1
"""Price step of the tape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeCase:
    """What is replayed.

    Attributes:
        tape: path of the `.npz` file.
        mode: `requote`: both limits are replaced every second around the last price; `stay`: a
            limit stays until it is filled and is looked at every second; `hear`: as `requote`, and
            the strategy is called for every trade.
        half_spread_ticks: distance of each limit to the last price.
        quantity: of each limit, in base units.
        repeats: timed runs.
    """

    tape: str
    mode: str = "requote"
    half_spread_ticks: int = 20
    quantity: float = 0.01
    repeats: int = 3


@dataclass(frozen=True, slots=True)
class Tape:
    """Trades in order of time, columns of one length; `buys` where the taker bought."""

    timestamp_ms: NDArray[np.int64]
    price: NDArray[np.float64]
    quantity: NDArray[np.float64]
    buys: NDArray[np.bool_]

    def save(self, path: Path) -> None:
        """Writes the file that `load_tape` reads."""
        np.savez(path, **{each.name: getattr(self, each.name) for each in fields(self)})

    def head(self, count: int) -> "Tape":
        """The first `count` trades."""
        return Tape(*(getattr(self, each.name)[:count] for each in fields(self)))


def load_tape(path: str) -> Tape:
    """Reads a tape into memory."""
    with np.load(path) as stored:
        columns: dict[str, Any] = {each.name: stored[each.name] for each in fields(Tape)}
    return Tape(**columns)
