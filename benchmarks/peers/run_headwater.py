"""Runs cases in our own engine, in the environment with the peers' Python.

`python -m benchmarks.peers.run_headwater JOBS.json ANSWERS.json`, as every peer, so that ours is
timed by the same clock around the same work in the same rotation. `engine` is `sparse` (only
`generate_signals`, the default) or `per-bar` (callbacks, all features on).
"""

import importlib.util
from typing import Any

from benchmarks.peers.case import Bars, Case, Outcome, Refused, drive, timed


def run(case: Case, bars: Bars) -> Outcome:
    """One back-test.

    Raises:
        Refused: this checkout has no engine.
    """
    del case, bars
    if importlib.util.find_spec("headwater.backtest") is None:
        raise Refused("this checkout has no back-test engine")
    raise Refused("the engine is there, its call is not written in run_headwater yet")


def sweep(case: Case, bars: Bars) -> dict[str, Any]:
    """All pairs of the case: `wall_s`, `returns` and what `spent_of` tells.

    Raises:
        Refused: this checkout has no engine.
    """
    return {"final_equity": run(case, bars).final_equity}


def answer(case: Case, bars: Bars) -> dict[str, Any]:
    """One case, single or sweep."""
    return sweep(case, bars) if case.sweep else timed(case, bars, run)


if __name__ == "__main__":
    from headwater import __version__

    drive(f"headwater {__version__}", answer)
