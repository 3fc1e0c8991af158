"""Garbage collection while a long run writes down what happens.

A run over events makes hundreds of thousands of small records that live to its end, and no cycles.
Python's collector looks at all young objects every 700 (3.11) to 2,000 of them: a fifth of the time
of a run that replaces its quotes each second. During a run it looks every 500,000.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["YOUNG_MAX", "collecting_rarely"]

YOUNG_MAX: Final = 500_000
"""Young objects at which the collector looks during a run; what a strategy drops in cycles waits
for it, a hundred megabytes or two at most."""


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """The collector looks less often until the block ends; a larger setting of others stays.

    The setting is the process's: two runs at once in threads leave it as the first one found it.
    """
    former = gc.get_threshold()
    if former[0] > 0:
        gc.set_threshold(max(former[0], YOUNG_MAX), *former[1:])
    try:
        yield
    finally:
        _age()
        gc.set_threshold(*former)


def _age() -> None:
    """Counts everything young as old, without a look at it: most of it has come to stay.

    Else the smaller setting would have all of it looked at at once. Whoever has frozen objects
    (before a fork) would find them thawed: then that look is taken.
    """
    if not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()
